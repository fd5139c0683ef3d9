//! The metrics endpoint of a session: opened before anything runs, closed after
//! everything.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::Failure;
use super::args::MetricsArgs;
use lockbench_core::units::human_duration;
use lockbench_output::metrics::{Board, Endpoint};

/// Interval at which a wait checks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// An endpoint under way, and for how long it outlives the run.
pub struct Scraped {
    endpoint: Endpoint,
    linger: Duration,
}

impl Scraped {
    /// Opens the endpoint that was asked for, if one was.
    ///
    /// # Errors
    /// Usage, if there is no such address; as for a server that cannot be started, if it
    /// cannot be had.
    pub fn open(args: &MetricsArgs, board: &Board) -> Result<Option<Self>, Failure> {
        let Some(text) = args.metrics.as_deref() else { return Ok(None) };
        let endpoint = Endpoint::start(listener(text)?, board.clone()).map_err(Failure::internal)?;
        let linger = Duration::from_nanos(args.metrics_linger.unwrap_or(0));
        Ok(Some(Self { endpoint, linger }))
    }

    /// Returns the line that says where it is, and whether other machines can read it.
    pub fn address_line(&self) -> String {
        let address = self.endpoint.address();
        let open = if address.ip().is_loopback() {
            ""
        } else {
            ", open to the network: any program that reaches it can read it"
        };
        format!("metrics at {}{open}", url(address))
    }

    /// Returns the scrapes that were answered, and the processor nanoseconds of its thread.
    pub fn cost(&self) -> (u64, u64) {
        self.endpoint.cost()
    }

    /// Waits for a last scrape, as long as was asked for or until `ended`.
    /// `say` gets a line about it, if there is a wait.
    pub fn linger(&self, ended: impl Fn() -> bool, say: impl Fn(&str)) {
        if self.linger.is_zero() || ended() {
            return;
        }
        let (place, length) = (url(self.endpoint.address()), human_duration(self.linger.as_nanos() as u64));
        say(&format!("lockbench: the run is over; its metrics stay at {place} for {length} (Ctrl-C ends that)"));
        let begin = Instant::now();
        while begin.elapsed() < self.linger && !ended() {
            std::thread::sleep(LOOK.min(self.linger.saturating_sub(begin.elapsed())));
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/metrics")
}

fn listener(text: &str) -> Result<TcpListener, Failure> {
    let addresses = text.to_socket_addrs().map_err(|error| {
        Failure::usage(format!("--metrics {text}: {error}; write ADDRESS:PORT, as in 127.0.0.1:9464 or [::1]:9464"))
    })?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    TcpListener::bind(addresses.as_slice()).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => {
                "another program listens there already; take another port, or 0 for any that is free"
            }
            ErrorKind::PermissionDenied => "take a port from 1024 on",
            ErrorKind::AddrNotAvailable => {
                let problem =
                    format!("--metrics {text}: {error}; take an address of this machine, as in 127.0.0.1:9464");
                return Failure::usage(problem);
            }
            _ => "take another address",
        };
        Failure::unavailable(format!("--metrics {text}: {error}: {hint}"))
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{Scraped, listener};
    use crate::cli::args::MetricsArgs;
    use lockbench_output::metrics::Board;
    use lockbench_report::Exit;

    fn refused(text: &str) -> (Exit, String) {
        let failure = listener(text).unwrap_err();
        (failure.exit, failure.message)
    }

    #[test]
    fn a_wrong_address_is_a_mistake_and_a_taken_one_is_not() {
        for wrong in ["9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "http://127.0.0.1:9464", "192.0.2.1:9464"] {
            let (exit, message) = refused(wrong);
            assert_eq!(exit, Exit::Usage, "{wrong}: {message}");
            assert!(message.contains(wrong) && message.contains("127.0.0.1:9464"), "{message}");
        }
        let taken = listener("127.0.0.1:0").unwrap();
        let (exit, message) = refused(&taken.local_addr().unwrap().to_string());
        assert_eq!(exit, Exit::Backend, "{message}");
        assert!(message.contains("take another port"), "{message}");
    }

    #[test]
    fn an_endpoint_beyond_this_machine_is_said_to_be_open() {
        for (text, open) in [("127.0.0.1:0", false), ("[::1]:0", false), ("0.0.0.0:0", true)] {
            let args = MetricsArgs { metrics: Some(text.to_owned()), metrics_linger: None };
            let told = Scraped::open(&args, &Board::default()).unwrap().unwrap().address_line();
            assert_eq!(told.contains("open to the network"), open, "{told}");
        }
    }

    #[test]
    fn a_linger_ends_when_its_end_is_asked_for() {
        let args = MetricsArgs { metrics: Some("127.0.0.1:0".to_owned()), metrics_linger: Some(u64::MAX) };
        let scraped = Scraped::open(&args, &Board::default()).unwrap().unwrap();
        let (looks, told) = (Cell::new(0), Cell::new(0));
        let ended = || looks.replace(looks.get() + 1) >= 2;
        scraped.linger(ended, |_| told.set(told.get() + 1));
        assert_eq!((looks.get(), told.get()), (3, 1));
        // It was asked for already when the run was over: no line is printed.
        scraped.linger(|| true, |_| told.set(told.get() + 1));
        assert_eq!(told.get(), 1);
    }
}
