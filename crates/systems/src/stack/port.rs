//! Free loopback ports, and who listens on one.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};

/// `count` different ports of 127.0.0.1 that were free a moment ago. Another
/// process may be faster than the server that will get one: see [`listeners`].
pub(super) fn free(count: usize) -> io::Result<Vec<u16>> {
    // All are held until all are chosen, else the kernel may hand one out twice.
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<_>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Does one of these processes listen on the port? `None` where /proc does not
/// tell: reading another user's descriptors needs `CAP_SYS_PTRACE`, which root
/// in a container lacks.
pub(super) fn belongs_to(port: u16, pids: &[u32]) -> Option<bool> {
    let listening = listeners(port);
    if listening.is_empty() {
        return None;
    }
    let mut complete = true;
    for pid in pids {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            complete = false;
            continue;
        };
        for descriptor in descriptors.flatten() {
            match fs::read_link(descriptor.path()) {
                Ok(target) if target.to_str().is_some_and(|target| listening.contains(target)) => return Some(true),
                Ok(_) => {}
                // Closed since the directory was read, as any program that
                // starts does with its libraries: not the one that listens.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => complete = false,
            }
        }
    }
    complete.then_some(false)
}

/// The sockets that listen on the port, written as /proc/PID/fd shows them.
/// Java listens on an IPv6 socket even for 127.0.0.1.
fn listeners(port: u16) -> HashSet<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().filter_map(|line| listener(line, port)).collect::<Vec<_>>())
        .collect()
}

/// Returns whether one of these processes has the end of a connection at `from` whose other end is at `to`.
pub(super) fn connects(from: u16, to: u16, pids: &[u32]) -> bool {
    let sockets = ends(from, to);
    let of = |pid: &u32| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = pids.iter().flat_map(of).filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    let mut names = links.filter_map(|link| link.to_str().map(str::to_owned));
    !sockets.is_empty() && names.any(|name| sockets.contains(&name))
}

/// Returns whether any process has the end of such a connection.
#[must_use]
pub fn is_held(from: u16, to: u16) -> bool {
    !ends(from, to).is_empty()
}

fn ends(from: u16, to: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok());
    tables.flat_map(|table| table.lines().filter_map(|line| end(line, from, to)).collect::<Vec<_>>()).collect()
}

/// The socket of a line, if it is that end of such a connection.
fn end(line: &str, from: u16, to: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let port = |field: usize| u16::from_str_radix(fields.get(field)?.rsplit_once(':')?.1, 16).ok();
    let is = port(1)? == from && port(2)? == to;
    // A socket that its process has closed has no number any more.
    fields.get(9).filter(|inode| is && **inode != "0").map(|inode| format!("socket:[{inode}]"))
}

/// proc_net_tcp: `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`.
fn listener(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (_, hex) = fields.get(1)?.rsplit_once(':')?;
    let ours = u16::from_str_radix(hex, 16).ok()? == port && *fields.get(3)? == LISTEN;
    ours.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]"))).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{belongs_to, free, listener};

    #[test]
    fn free_ports_differ() {
        let mut ports = free(20).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 20);
    }

    #[test]
    fn a_listening_line_gives_its_socket() {
        let line = "0: 0100007F:72C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 31315 1 0 100";
        assert_eq!(listener(line, 0x72C4), Some("socket:[31315]".to_owned()));
        assert_eq!(listener(line, 1), None);
    }

    #[test]
    fn the_owner_of_an_end_of_a_connection_is_known() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(held.local_addr().unwrap()).unwrap();
        let (from, to) = (client.local_addr().unwrap().port(), held.local_addr().unwrap().port());
        assert!(super::connects(from, to, &[std::process::id()]));
        assert!(!super::connects(from, to, &[]) && !super::connects(from, 1, &[std::process::id()]));
    }

    #[test]
    fn the_owner_of_a_port_is_known() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        assert_eq!(belongs_to(port, &[std::process::id()]), Some(true));
        let mut other = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert_eq!(belongs_to(port, &[other.id()]), Some(false));
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
