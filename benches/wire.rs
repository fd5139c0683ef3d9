//! What the proxy before a server adds to a round trip: one client on loopback that asks 64 bytes and is
//! answered 64 bytes, in turns without and with the proxy of `[[faults]]` of the wire, nothing in force.
//! Read its figures of an idle machine only.
//!
//! `cargo bench --bench wire -- [ROUNDS] [ROUND_TRIPS]`  (40 rounds of 2 000)

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use lockbench_core::clock::Clock;
use lockbench_core::lock::Endpoint;
use lockbench_engine::Wires;

const BYTES: usize = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let numbers: Result<Vec<usize>, _> = arguments.iter().map(|argument| argument.parse()).collect();
    let Ok(numbers) = numbers else {
        eprintln!("usage: wire [ROUNDS] [ROUND_TRIPS], whole numbers");
        return ExitCode::from(2);
    };
    let (rounds, trips) = (numbers.first().copied().unwrap_or(40), numbers.get(1).copied().unwrap_or(2_000));
    match compared(rounds.max(1), trips.max(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compared(rounds: usize, trips: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let node = Endpoint::new(format!("tcp://{}", listener.local_addr()?));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || echo(stream));
        }
    });
    let wires = Wires::start(std::slice::from_ref(&node), Clock::monotonic(), 1)?;
    let proxy = wires.endpoints().remove(0);
    let mut ways = [("direct", connect(&node)?, Vec::new()), ("proxy", connect(&proxy)?, Vec::new())];
    for round in 0..=rounds {
        for (_, stream, all) in &mut ways {
            let mut some = measured(stream, trips)?;
            // The first round warms up.
            if round > 0 {
                all.append(&mut some);
            }
        }
    }
    println!("{:<8} {:>9} {:>9} {:>9}   us per round trip, {} each", "way", "p50", "p90", "p99", rounds * trips);
    let mut medians = Vec::new();
    for (name, _, all) in &mut ways {
        all.sort_unstable();
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize] as f64 / 1e3;
        println!("{name:<8} {:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.9), at(0.99));
        medians.push(at(0.5));
    }
    println!("added at the median: {:.2} us", medians[1] - medians[0]);
    Ok(())
}

fn connect(to: &Endpoint) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to.host_port())?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn measured(stream: &mut TcpStream, trips: usize) -> io::Result<Vec<u64>> {
    let mut bytes = [7; BYTES];
    (0..trips)
        .map(|_| {
            let asked = Instant::now();
            stream.write_all(&bytes)?;
            stream.read_exact(&mut bytes)?;
            Ok(asked.elapsed().as_nanos() as u64)
        })
        .collect()
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = [0; BYTES];
    loop {
        stream.read_exact(&mut bytes)?;
        stream.write_all(&bytes)?;
    }
}
