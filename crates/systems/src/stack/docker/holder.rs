//! Who has a port that a container wants.

use std::collections::BTreeSet;
use std::fs;

use super::engine::{Engine, SOON};
use crate::stack::port;

/// Compose's complaint about a port: which one? Engines say it in two ways, for a
/// port of another container and for one of another process.
pub(super) fn taken_port(said: &str) -> Option<u16> {
    let line = said
        .lines()
        .find(|line| line.contains("address already in use") || line.contains("port is already allocated"))?;
    line.split_whitespace().rev().find_map(|word| {
        let (host, port) = word.trim_end_matches([':', ',', '.']).rsplit_once(':')?;
        (!host.is_empty()).then(|| port.parse().ok()).flatten()
    })
}

/// `, by ...` for a message; empty where nobody can tell.
pub(super) fn by(engine: &Engine, taken: u16) -> String {
    let filter = format!("publish={taken}");
    let names = engine.run(&["ps", "--filter", &filter, "--format", "{{.Names}}"], SOON).unwrap_or_default();
    if let Some(name) = names.lines().next() {
        return format!(", by the container {name}");
    }
    process(taken).map_or_else(String::new, |(name, pid)| format!(", by {name} (pid {pid})"))
}

/// The variable of the compose file that names a service's port.
pub(super) fn variable(service: &str) -> String {
    format!("{}_PORT", service.to_ascii_uppercase().replace('-', "_"))
}

/// The process that listens there, if we may see its descriptors.
fn process(taken: u16) -> Option<(String, u32)> {
    let pids: BTreeSet<u32> =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let pid = pids.into_iter().find(|pid| port::belongs_to(taken, &[*pid]) == Some(true))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((name.trim().to_owned(), pid))
}

#[cfg(test)]
mod tests {
    use super::{process, taken_port, variable};

    #[test]
    fn the_port_is_found_in_what_engines_say() {
        let process = "ERROR: for etcd-1  Cannot start service etcd-1: driver failed programming external connectivity on \
                       endpoint x_etcd-1_1 (751b): Error starting userland proxy: listen tcp4 127.0.0.1:31235: bind: address already in use";
        let container = "Error response from daemon: driver failed programming external connectivity on endpoint \
                         x-etcd-1-1 (859): Bind for 127.0.0.1:2379 failed: port is already allocated";
        let newer = "failed to bind host port 127.0.0.1:6379/tcp: address already in use";
        assert_eq!(taken_port(process), Some(31_235));
        assert_eq!(taken_port(container), Some(2_379));
        assert_eq!(taken_port(&newer.replace("/tcp", "")), Some(6_379));
        assert_eq!(taken_port("ERROR: No such image: redis:7"), None);
        assert_eq!(variable("redlock-1"), "REDLOCK_1_PORT");
    }

    #[test]
    fn a_process_that_listens_is_named() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (_, pid) = process(held.local_addr().unwrap().port()).unwrap();
        assert_eq!(pid, std::process::id());
    }
}
