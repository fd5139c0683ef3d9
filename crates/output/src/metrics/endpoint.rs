//! The endpoint: a small HTTP server on a thread of its own, which ends with the value.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;

use super::accept::Format;
use super::board::Board;
use super::encode::encode;
use super::limit::Limited;

/// How long an answer that is under way may take when the endpoint ends.
const GRACE: Duration = Duration::from_millis(500);

/// What `/` says.
const ABOUT: &str = concat!(
    "<!doctype html><title>lockbench</title><h1>lockbench ",
    env!("CARGO_PKG_VERSION"),
    "</h1><p>It measures lock systems; the figures for Prometheus are at <a href=\"/metrics\">/metrics</a>.\n"
);

/// A server under way.
pub struct Endpoint {
    address: SocketAddr,
    end: CancellationToken,
    cost: Arc<Cost>,
    thread: Option<JoinHandle<()>>,
}

/// What serving took.
#[derive(Default)]
struct Cost {
    scrapes: AtomicU64,
    /// Processor nanoseconds of the thread.
    cpu_ns: AtomicU64,
}

#[derive(Clone)]
struct Served {
    board: Board,
    cost: Arc<Cost>,
}

impl Endpoint {
    /// Serves the board to whoever connects to `listener`.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start(listener: TcpListener, board: Board) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let (end, cost) = (CancellationToken::new(), Arc::<Cost>::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _guard = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (served, ended) = (Served { board, cost: Arc::clone(&cost) }, end.clone());
        let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, served, ended));
            // Whoever does not read an answer shall not keep us.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, end, cost, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scrapes that were answered, and processor nanoseconds of its thread.
    #[must_use]
    pub fn cost(&self) -> (u64, u64) {
        (self.cost.scrapes.load(Ordering::Relaxed), self.cost.cpu_ns.load(Ordering::Relaxed))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic has told its story already, and must not cost the run.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: tokio::net::TcpListener, served: Served, end: CancellationToken) {
    let routes = Router::new()
        .route("/", get(async || Html(ABOUT)))
        .route("/metrics", get(scrape))
        .route("/-/healthy", get(async || "lockbench is running.\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here; the figures are at /metrics.\n"))
        .with_state(served);
    let ended = end.clone();
    let serving =
        axum::serve(Limited::new(listener), routes).with_graceful_shutdown(async move { ended.cancelled().await });
    let patience = async {
        end.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = serving => {}
        () = patience => {}
    }
}

async fn scrape(State(served): State<Served>, headers: HeaderMap) -> Response {
    // One list, however many lines it came in (RFC 9110, section 5.3).
    let lines: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(Some(&lines.join(",")));
    let answer = match encode(served.board.read(), format) {
        Ok(bytes) => {
            let headers = [(CONTENT_TYPE, format.content_type()), (CACHE_CONTROL, "no-store")];
            (headers, bytes).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    };
    let cpu = clock_gettime(ClockId::ThreadCPUTime);
    served.cost.cpu_ns.store(cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64, Ordering::Relaxed);
    served.cost.scrapes.fetch_add(1, Ordering::Relaxed);
    answer
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::{Board, Endpoint};
    use crate::metrics::limit::CONNECTIONS;

    fn endpoint() -> Endpoint {
        Endpoint::start(TcpListener::bind("127.0.0.1:0").unwrap(), Board::default()).unwrap()
    }

    fn asked(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").unwrap();
        stream
    }

    fn answer(mut stream: &TcpStream, within: Duration) -> Option<String> {
        stream.set_read_timeout(Some(within)).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).ok().map(|_| text)
    }

    #[test]
    fn a_scrape_is_answered_whatever_else_is_connected() {
        let endpoint = endpoint();
        let address = endpoint.address();
        let idle: Vec<TcpStream> = (0..3 * CONNECTIONS)
            .map(|n| {
                let mut stream = TcpStream::connect(address).unwrap();
                // Every other one asks half a question.
                stream.write_all(if n % 2 == 0 { b"GET /metrics HTTP/1.1\r\nX-A: b\r\n" } else { b"" }).unwrap();
                stream
            })
            .collect();
        assert!(answer(&asked(address), Duration::from_secs(30)).unwrap().starts_with("HTTP/1.0 200 OK"));
        // The first of them had to go.
        assert!(answer(&idle[0], Duration::from_secs(30)).is_none_or(|text| text.is_empty()));
        drop(idle);
    }

    #[test]
    fn it_ends_though_somebody_never_asks_and_the_port_is_free_again() {
        let endpoint = endpoint();
        let address = endpoint.address();
        let idle = TcpStream::connect(address).unwrap();
        assert!(answer(&asked(address), Duration::from_secs(30)).is_some());
        let begin = Instant::now();
        drop(endpoint);
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        TcpListener::bind(address).unwrap();
        drop(idle);
    }
}
