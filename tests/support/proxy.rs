//! A TCP proxy in front of a real server, for tests that lose answers or cut a
//! client off.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does with what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Both directions.
    All,
    /// Requests only: answers vanish.
    Requests,
    /// Nothing; connections stay open.
    Nothing,
}

/// A running proxy.
pub struct Proxy {
    pub address: String,
    pass: Arc<watch::Sender<Pass>>,
    breaks: Arc<watch::Sender<u64>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// In front of `server` (`host:port`).
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (pass, breaks) = (Arc::new(watch::Sender::new(Pass::All)), Arc::new(watch::Sender::new(0)));
        let (server, passing, breaking) = (server.to_owned(), Arc::clone(&pass), Arc::clone(&breaks));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = upstream.into_split();
                let mut broken = breaking.subscribe();
                let requests = forward(from_client, to_server, passing.subscribe(), |pass| pass != Pass::Nothing);
                let answers = forward(from_server, to_client, passing.subscribe(), |pass| pass == Pass::All);
                tokio::spawn(async move {
                    // Broken first: an answer that is still on its way must not slip
                    // through when passing is allowed again right after the break.
                    tokio::select! {
                        biased;
                        _ = broken.changed() => {}
                        () = requests => {}
                        () = answers => {}
                    }
                });
            }
        });
        Self { address, pass, breaks, accepting }
    }

    /// From now on.
    pub fn pass(&self, pass: Pass) {
        self.pass.send_replace(pass);
    }

    /// Breaks every connection; new ones are taken.
    pub fn break_all(&self) {
        self.breaks.send_modify(|count| *count += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    pass: watch::Receiver<Pass>,
    passes: impl Fn(Pass) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let passing = passes(*pass.borrow());
                if passing && to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
