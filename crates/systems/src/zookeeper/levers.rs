//! What a fault asks of a ZooKeeper server: its wall clock.

use std::time::Duration;

use tokio::runtime::Builder;
use zookeeper_client::Client;

use super::four_letter;
use crate::levers::{Asking, TimeTold, WallClock};
use lockbench_core::lock::Endpoint;

/// Many threads of a JVM read it.
pub(super) const CLOCK: WallClock = WallClock { read: time, threaded: true };

/// Longest wait for a session, and for an answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The time at which this very server, by its wall clock, accepted a connection that is made for this. It tells it in
/// the answer to `cons` as `est`, milliseconds since 1970 (`ServerCnxn.dumpConnectionInfo` of ZooKeeper 3.8).
fn time(node: &Endpoint) -> Result<TimeTold, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let address = node.host_port();
    runtime.block_on(async {
        let asking = Asking::begin();
        let connecting = tokio::time::timeout(LIMIT, Client::connector().with_fail_eagerly().connect(address)).await;
        let client = connecting
            .map_err(|_| format!("no session within {} s", LIMIT.as_secs()))?
            .map_err(|error| error.to_string())?;
        let accepted = asking.told(0);
        let answer = four_letter::ask(address, "cons", LIMIT).await.map_err(|error| error.to_string())?;
        let answer = answer.ok_or("its operator does not allow cons")?;
        let millis = established(&answer, client.session_id().0).ok_or("cons does not list a session that is open")?;
        Ok(TimeTold { off_ns: accepted.off_ns + millis * 1_000_000, ..accepted })
    })
}

/// When the connection of a session was accepted, in an answer to `cons`.
fn established(cons: &str, session: i64) -> Option<i64> {
    let sid = format!("sid=0x{session:x}");
    let line = cons.lines().find(|line| line.split(',').any(|field| field == sid))?;
    line.split(',').find_map(|field| field.strip_prefix("est="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::established;

    #[test]
    fn a_session_is_found_among_connections() {
        let cons = " /127.0.0.1:1[0](queued=0,recved=1,sent=0)\n \
                    /127.0.0.1:2[1](queued=0,recved=1,sent=1,sid=0x1000,lop=SESS,est=1795964000123,to=30000,lcxid=0x0)\n";
        assert_eq!(established(cons, 0x1000), Some(1_795_964_000_123));
        assert_eq!(established(cons, 0x100), None);
    }
}
