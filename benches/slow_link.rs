//! A TCP link of a given delay in front of a real server: every answer arrives so much
//! later. What `record_compare.sh` slows a system down with, not a test.
//!
//! `cargo bench --bench slow_link -- LISTEN_PORT SERVER_HOST:PORT MICROSECONDS`
//!
//! Runs until it is stopped.

use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [port, server, micros] = arguments.as_slice() else {
        eprintln!("usage: slow_link LISTEN_PORT SERVER_HOST:PORT MICROSECONDS  (nothing given: nothing done)");
        return ExitCode::SUCCESS;
    };
    let (Ok(port), Ok(micros)) = (port.parse::<u16>(), micros.parse()) else {
        eprintln!("slow_link: the port and the delay are numbers");
        return ExitCode::from(2);
    };
    match serve(port, server, Duration::from_micros(micros)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slow_link: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(port: u16, server: &str, delay: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (client, _) = listener.accept().await?;
            let server = server.to_owned();
            tokio::spawn(async move {
                let Ok(upstream) = TcpStream::connect(&server).await else { return };
                let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = upstream.into_split();
                tokio::select! {
                    () = pass(from_client, to_server, Duration::ZERO) => {}
                    () = pass(from_server, to_client, delay) => {}
                }
            });
        }
    })
}

/// Passes on what arrives, each piece `delay` after its arrival, in order.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut queue) = mpsc::channel::<(Instant, Vec<u8>)>(1_024);
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = queue.recv().await {
            if !delay.is_zero() {
                sleep_until(due).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}
