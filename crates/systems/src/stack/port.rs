//! Free loopback ports, and who listens on one.

use std::collections::{HashMap, HashSet};
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

/// The connections of groups of processes, by their own port and that of the other end, each with the place of its
/// group. All are read at once: /proc is slow on a busy machine.
pub(super) fn connections(groups: &[Vec<u32>]) -> HashMap<(u16, u16), usize> {
    let descriptors = |pid: &u32| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let names = |pid: &u32| -> Vec<String> {
        let links = descriptors(pid).filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        links.filter_map(|link| link.to_str().map(str::to_owned)).collect()
    };
    let of =
        |(place, pids): (usize, &Vec<u32>)| pids.iter().flat_map(names).map(|name| (name, place)).collect::<Vec<_>>();
    let owners: HashMap<String, usize> = groups.iter().enumerate().flat_map(of).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok());
    let owned = |line: &str| {
        let (ports, socket) = connection(line)?;
        Some((ports, *owners.get(&socket)?))
    };
    tables.flat_map(|table| table.lines().filter_map(owned).collect::<Vec<_>>()).collect()
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
    connection(line).filter(|(ports, _)| *ports == (from, to)).map(|(_, socket)| socket)
}

/// The ports of a line, its own and that of the other end, and its socket.
fn connection(line: &str) -> Option<((u16, u16), String)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let port = |field: usize| u16::from_str_radix(fields.get(field)?.rsplit_once(':')?.1, 16).ok();
    // A socket that its process has closed has no number any more.
    let inode = fields.get(9).filter(|inode| **inode != "0")?;
    Some(((port(1)?, port(2)?), format!("socket:[{inode}]")))
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
        let owned = super::connections(&[Vec::new(), vec![std::process::id()]]);
        assert_eq!((owned.get(&(from, to)), owned.get(&(from, 1))), (Some(&1), None));
        assert!(super::is_held(from, to) && super::connections(&[Vec::new()]).is_empty());
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
