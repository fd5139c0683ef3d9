//! On real sockets of loopback: what passes, what does not, and that none is lost.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};

use super::{Nth, Rule, Wire};
use lockbench_core::clock::Clock;
use lockbench_core::lock::Endpoint;
use lockbench_core::workload::Direction;

const MS: u64 = 1_000_000;
const CUT: Rule = Rule { cut: true, ..Rule::PASS };

/// A server that answers every byte by the next one, and how each of its connections ended.
fn server() -> (Endpoint, std::sync::mpsc::Receiver<Result<(), std::io::ErrorKind>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new(format!("redis://{}", listener.local_addr().unwrap()));
    let (ends, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, ends) = (stream.unwrap(), ends.clone());
            std::thread::spawn(move || {
                let mut byte = [0];
                let end = loop {
                    match stream.read(&mut byte) {
                        Ok(0) => break Ok(()),
                        Ok(_) => stream.write_all(&[byte[0] + 1]).unwrap(),
                        Err(error) => break Err(error.kind()),
                    }
                };
                let _ = ends.send(end);
            });
        }
    });
    (endpoint, ended)
}

fn wire(node: &Endpoint) -> Wire {
    Wire::start(node, Clock::monotonic(), 1).unwrap()
}

fn client(wire: &Wire) -> TcpStream {
    let stream = TcpStream::connect(wire.endpoint().host_port()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn asks(client: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    client.write_all(&[byte])?;
    let mut answer = [0];
    client.read_exact(&mut answer)?;
    Ok(answer[0])
}

/// Returns whether no answer comes within a while.
fn is_silent(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    let silent = client.read(&mut [0]).is_err();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    silent
}

#[test]
fn everything_passes_both_ways_and_the_end_too() {
    let (node, ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    for byte in 0..100 {
        assert_eq!(asks(&mut client, byte).unwrap(), byte + 1);
    }
    drop(client);
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)).unwrap(), Ok(()));
    assert_eq!(wire.effect(), (0, 0));
}

#[test]
fn a_cut_holds_back_and_delivers_when_it_ends() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    assert_eq!(asks(&mut client, 1).unwrap(), 2);
    for direction in [Direction::Both, Direction::Requests, Direction::Replies] {
        let before = wire.effect().0;
        let cut = wire.begin(direction, CUT);
        client.write_all(&[7]).unwrap();
        assert!(is_silent(&mut client), "{direction:?}");
        assert!(wire.effect().0 > before, "{direction:?}");
        wire.end(cut);
        let mut answer = [0];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [8], "{direction:?}");
    }
}

#[test]
fn a_connection_that_is_opened_in_a_cut_works_when_it_ends() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let cut = wire.begin(Direction::Both, CUT);
    let mut client = client(&wire);
    client.write_all(&[3]).unwrap();
    assert!(is_silent(&mut client));
    wire.end(cut);
    let mut answer = [0];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [4]);
}

#[test]
fn a_delay_is_at_least_as_long_as_it_says_and_keeps_the_order() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    let rule = Rule { delay_ns: 30 * MS, jitter_ns: 20 * MS, ..Rule::default() };
    let slow = wire.begin(Direction::Replies, rule);
    let begin = Instant::now();
    client.write_all(&[1, 2, 3]).unwrap();
    let mut answers = [0; 3];
    client.read_exact(&mut answers).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(30));
    assert_eq!(answers, [2, 3, 4]);
    wire.end(slow);
    assert_eq!(asks(&mut client, 9).unwrap(), 10);
}

#[test]
fn a_narrow_wire_takes_the_time_that_its_bytes_need() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    let _narrow = wire.begin(Direction::Requests, Rule { bytes_per_s: 1_000, ..Rule::default() });
    let begin = Instant::now();
    client.write_all(&[0; 100]).unwrap();
    client.read_exact(&mut [0; 100]).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_reset_is_seen_on_both_sides_and_the_next_connection_works() {
    let (node, ended) = server();
    let wire = wire(&node);
    let mut one = client(&wire);
    assert_eq!(asks(&mut one, 1).unwrap(), 2);
    wire.reset();
    assert!(asks(&mut one, 1).is_err());
    assert!(ended.recv_timeout(Duration::from_secs(20)).unwrap().is_err());
    assert_eq!(wire.effect().1, 1);
    assert_eq!(asks(&mut client(&wire), 5).unwrap(), 6);
}

#[test]
fn an_abandoned_connection_is_over_for_the_client_alone() {
    let (node, ended) = server();
    let wire = wire(&node);
    let mut one = client(&wire);
    assert_eq!(asks(&mut one, 1).unwrap(), 2);
    wire.abandon();
    assert!(asks(&mut one, 1).is_err());
    assert!(ended.recv_timeout(Duration::from_millis(200)).is_err(), "the server knows nothing of it");
    wire.let_go();
    assert!(ended.recv_timeout(Duration::from_secs(20)).unwrap().is_err());
}

#[test]
fn a_server_that_probes_finds_out_that_an_abandoned_connection_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wire = wire(&Endpoint::new(format!("redis://{}", listener.local_addr().unwrap())));
    let mut client = client(&wire);
    let (mut server, _) = listener.accept().unwrap();
    // What has passed shows that the proxy attends to the connection.
    client.write_all(&[1]).unwrap();
    server.read_exact(&mut [0]).unwrap();
    let (second, probes) = (Duration::from_secs(1), 2);
    let keepalive = TcpKeepalive::new().with_time(second).with_interval(second).with_retries(probes);
    SockRef::from(&server).set_tcp_keepalive(&keepalive).unwrap();
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    wire.abandon();
    let begin = Instant::now();
    // Without the filter the kernel would answer for the proxy, and the read would time out.
    assert_eq!(server.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert_eq!(wire.answering(), 0);
}

#[test]
fn without_a_server_a_client_is_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = Endpoint::new(format!("redis://{}", listener.local_addr().unwrap()));
    drop(listener);
    let wire = wire(&node);
    assert!(asks(&mut client(&wire), 1).is_err());
}

#[test]
fn the_nth_reply_of_each_connection_alone_is_late() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let (mut one, mut other) = (client(&wire), client(&wire));
    assert_eq!(asks(&mut one, 1).unwrap(), 2, "before the rule nothing is counted");
    let rule = wire.begin(Direction::Replies, Rule { nth: Some(Nth::new(2, 300 * MS, 0)), ..Rule::PASS });
    for client in [&mut one, &mut other] {
        let took: Vec<Duration> = (0..4)
            .map(|byte| {
                let begin = Instant::now();
                assert_eq!(asks(client, byte).unwrap(), byte + 1);
                begin.elapsed()
            })
            .collect();
        let late: Vec<bool> = took.iter().map(|took| *took >= Duration::from_millis(300)).collect();
        // A busy machine may make the others late, too; the second surely is.
        assert!(late[1], "{took:?}");
    }
    assert_eq!(wire.effect().0, 2, "one byte of each");
    wire.end(rule);
}

#[test]
fn bytes_arrive_in_pieces_and_in_order() {
    let (node, _ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    assert_eq!(asks(&mut client, 1).unwrap(), 2);
    let _rule = wire.begin(Direction::Requests, Rule { piece: 3, gap_ns: 20 * MS, ..Rule::PASS });
    let begin = Instant::now();
    client.write_all(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(begin.elapsed() >= Duration::from_millis(60), "four pieces, three gaps");
    assert_eq!(wire.effect().0, 10);
}

#[test]
fn the_end_of_a_connection_is_passed_on_late() {
    let (node, ended) = server();
    let wire = wire(&node);
    let mut client = client(&wire);
    assert_eq!(asks(&mut client, 1).unwrap(), 2);
    let _rule = wire.begin(Direction::Both, Rule { close_ns: 300 * MS, ..Rule::PASS });
    let begin = Instant::now();
    drop(client);
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)).unwrap(), Ok(()));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert!(wire.closed_late() > 0 && wire.effect() == (0, 0));
}
