//! How many bytes went over TCP to the servers and came back, as the kernel counts them for each connection: nothing lies
//! between client and server for that. The counts of a connection are over with it; what it did since the look before is
//! then not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr};

/// What the kernel tells at once, at most.
const ANSWER_BYTES: usize = 1 << 16;

/// Bytes of one connection so far: confirmed by the other side, and received from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// The open connections to some servers, by the number of their socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic(BTreeMap<u32, Bytes>);

impl Traffic {
    /// Of the connections that these processes have to servers at these addresses (`host:port`). `None`: there is none, or
    /// the kernel does not tell.
    pub fn of(addresses: &[String], processes: &[u32]) -> Option<Self> {
        let ports: BTreeSet<u16> = addresses.iter().filter_map(|address| port(address)).collect();
        if ports.is_empty() {
            return None;
        }
        let own: BTreeSet<u32> = processes.iter().flat_map(|process| sockets(*process)).collect();
        let mut all = BTreeMap::new();
        for family in [AF_INET, AF_INET6] {
            for connection in connections(family).ok()? {
                let InetResponse { header, nlas } = connection;
                if !ports.contains(&header.socket_id.destination_port) || !own.contains(&header.inode) {
                    continue;
                }
                let info = nlas.iter().find_map(|nla| if let Nla::TcpInfo(info) = nla { Some(info) } else { None });
                let bytes = info.map(|info| Bytes { sent: info.bytes_acked, received: info.bytes_received });
                all.extend(bytes.map(|bytes| (header.inode, bytes)));
            }
        }
        (!all.is_empty()).then_some(Self(all))
    }

    /// With the connections of an earlier look that are gone now, as they were then.
    pub fn with(mut self, earlier: Option<&Self>) -> Self {
        for (socket, bytes) in earlier.iter().flat_map(|earlier| &earlier.0) {
            self.0.entry(*socket).or_insert(*bytes);
        }
        self
    }

    /// Bytes sent and received since an earlier look.
    pub fn since(&self, earlier: &Self) -> (u64, u64) {
        let one = |(socket, now): (&u32, &Bytes)| {
            let before = earlier.0.get(socket).copied().unwrap_or_default();
            (now.sent.saturating_sub(before.sent), now.received.saturating_sub(before.received))
        };
        self.0.iter().map(one).fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1))
    }
}

/// The port of an address.
fn port(address: &str) -> Option<u16> {
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

/// The numbers of the sockets that a process has open (proc(5)).
fn sockets(process: u32) -> Vec<u32> {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return Vec::new() };
    let number = |file: io::Result<std::fs::DirEntry>| {
        let link = std::fs::read_link(file.ok()?.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    files.filter_map(number).collect()
}

/// Every established connection of this network namespace (sock_diag(7)).
fn connections(family: u8) -> io::Result<Vec<InetResponse>> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO,
        states: StateFlags::ESTABLISHED,
        socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut found = Vec::new();
    let mut answer = vec![0; ANSWER_BYTES];
    loop {
        let size = socket.recv(&mut &mut answer[..], 0)?;
        let mut at = 0;
        while at < size {
            let message =
                <NetlinkMessage<SockDiagMessage>>::deserialize(&answer[at..size]).map_err(io::Error::other)?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => found.push(*response),
                NetlinkPayload::Done(_) => return Ok(found),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages begin at multiples of four bytes.
            at += (message.header.length as usize).next_multiple_of(4);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::Traffic;

    #[test]
    fn what_goes_over_a_connection_is_counted_and_no_other() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        let (mut far_other, _) = server.accept().unwrap();
        let addresses = [address.to_string()];
        let own = [std::process::id()];
        let before = Traffic::of(&addresses, &own).unwrap();
        let mut near = TcpStream::connect(address).unwrap();
        let (mut far, _) = server.accept().unwrap();
        let mut read = [0; 1_000];
        near.write_all(&[1; 700]).unwrap();
        far.read_exact(&mut read[..700]).unwrap();
        far.write_all(&[1; 90]).unwrap();
        near.read_exact(&mut read[..90]).unwrap();
        other.write_all(&[1; 5]).unwrap();
        far_other.read_exact(&mut read[..5]).unwrap();
        let after = Traffic::of(&addresses, &own).unwrap();
        // A connection that is new counts its handshake as a byte on some kernels.
        let (sent, received) = after.since(&before);
        assert!((705..=706).contains(&sent) && received == 90, "{sent} {received}");
        assert_eq!(after.since(&after), (0, 0));
        // One that is gone by now counts as it was.
        assert_eq!(Traffic::default().with(Some(&after)).since(&before), (sent, received));
        // Nobody else's: of no process, of another port, of no server.
        assert_eq!(Traffic::of(&addresses, &[]), None);
        assert_eq!(Traffic::of(&["127.0.0.1:1".to_owned()], &own), None);
        assert_eq!(Traffic::of(&[], &own), None);
    }
}
