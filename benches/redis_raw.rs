//! How fast the two scripts of the `redis` recipe go with nothing around them:
//! a bare loop over raw tokio sockets that sends pre-encoded commands and reads
//! the replies. The yardstick of `redis_ratio.sh`, not a test.
//!
//! `cargo bench --bench redis_raw -- redis://127.0.0.1:6379 [SECONDS] [CLIENTS]`
//!
//! Prints cycles (acquire and release) per second.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lockbench::backend::redis::script::{ACQUIRE, ACQUIRING, RELEASE, RELEASING};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const THREADS: usize = 2;
const TTL_MS: &str = "10000";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(address) = arguments.first().and_then(|url| url.strip_prefix("redis://")) else {
        eprintln!("usage: redis_raw redis://HOST:PORT [SECONDS] [CLIENTS]  (no server given: nothing measured)");
        return ExitCode::SUCCESS;
    };
    let address = address.trim_end_matches('/').to_owned();
    let number = |place: usize, default: u64| arguments.get(place).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (seconds, clients) = (number(1, 5), number(2, 64) as usize);
    match run(&address, Duration::from_secs(seconds), clients) {
        Ok(rate) => {
            println!("{rate:.0}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("redis_raw: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Cycles per second of all clients together.
fn run(address: &str, duration: Duration, clients: usize) -> Result<f64, Failure> {
    let workers: Vec<_> = (0..THREADS)
        .map(|worker| {
            let address = address.to_owned();
            std::thread::spawn(move || work(&address, duration, (worker..clients).step_by(THREADS).collect()))
        })
        .collect();
    let mut rate = 0.0;
    for worker in workers {
        rate += worker.join().map_err(|_| "a worker panicked")??;
    }
    Ok(rate)
}

/// One thread with a current-thread runtime, as lockbench has it.
fn work(address: &str, duration: Duration, clients: Vec<usize>) -> Result<f64, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut sockets = Vec::new();
        for client in clients {
            let mut socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            for source in [ACQUIRE, RELEASE] {
                request(&mut socket, &encode(&["SCRIPT", "LOAD", source])).await?;
            }
            sockets.push((client, socket));
        }
        let begin = Instant::now();
        let tasks: Vec<_> = sockets
            .into_iter()
            .map(|(client, socket)| tokio::spawn(cycles(client, socket, begin + duration)))
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await??;
        }
        Ok(count as f64 / begin.elapsed().as_secs_f64())
    })
}

/// One client on its own key, until `end`.
async fn cycles(client: usize, mut socket: TcpStream, end: Instant) -> Result<u64, Failure> {
    // Names as long as those of a run.
    let lock = format!("{{lockbench-20260101-000000-abcd:raw-redis-0-{client}}}:lock");
    let fence = format!("{{lockbench-20260101-000000-abcd:raw-redis-0-{client}}}:fence");
    let identity = format!("lockbench-20260101-000000-abcd/{client}/0000000000000/1000000");
    let acquire = encode(&["EVALSHA", ACQUIRING.sha(), "2", &lock, &fence, &identity, TTL_MS]);
    let release = encode(&["EVALSHA", RELEASING.sha(), "1", &lock, &identity]);
    let mut count = 0;
    while Instant::now() < end {
        let token = request(&mut socket, &acquire).await?;
        if token.starts_with(b":0") {
            return Err("the key is held: is another bench running?".into());
        }
        if request(&mut socket, &release).await? != b":1\r\n" {
            return Err("the release was not confirmed".into());
        }
        count += 1;
    }
    request(&mut socket, &encode(&["DEL", &lock, &fence])).await?;
    Ok(count)
}

/// Sends one command and reads its reply, which is one line (or, for SCRIPT
/// LOAD, a short string: two lines in one segment).
async fn request(socket: &mut TcpStream, command: &[u8]) -> Result<Vec<u8>, Failure> {
    socket.write_all(command).await?;
    let mut reply = [0_u8; 256];
    let mut filled = 0;
    loop {
        let read = socket.read(&mut reply[filled..]).await?;
        if read == 0 {
            return Err("the server closed the connection".into());
        }
        filled += read;
        let lines = if reply[0] == b'$' { 2 } else { 1 };
        if reply[..filled].ends_with(b"\r\n") && reply[..filled].iter().filter(|byte| **byte == b'\n').count() == lines
        {
            break;
        }
    }
    if reply[0] == b'-' {
        return Err(String::from_utf8_lossy(&reply[..filled]).trim().to_owned().into());
    }
    Ok(reply[..filled].to_vec())
}

/// A command in the protocol's array form (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
fn encode(arguments: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend(format!("${}\r\n{argument}\r\n", argument.len()).bytes());
    }
    bytes
}
