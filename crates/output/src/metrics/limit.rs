//! A listener that has few connections at a time, and none that keeps others out. An
//! endpoint that is open to a network must not use up the files that the load needs, and
//! must answer a scrape whatever else is connected: one that came and asks nothing, asks
//! half a question, or does not read its answer, is closed after a while, and at once
//! where its place is needed.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections at a time: a scraper has one.
pub const CONNECTIONS: usize = 32;

/// How long a connection may be without an answer of ours: from when it was opened, or
/// from its last answer. Longer than scrapers wait between two questions, and than any of
/// them takes for one.
const IDLE: Duration = Duration::from_secs(75);
/// How long a question may take from its first byte to its last, and an answer to be read.
const SLOW: Duration = Duration::from_secs(10);

/// The listener.
pub struct Limited {
    listener: TcpListener,
    open: Arc<Mutex<Vec<Place>>>,
    next: u64,
}

/// A connection as the listener knows it.
struct Place {
    number: u64,
    /// Since when it has waited for an answer.
    since: Instant,
    /// Ends it.
    end: CancellationToken,
}

/// A connection, and its place among those that may be open.
pub struct Connection {
    stream: TcpStream,
    number: u64,
    open: Arc<Mutex<Vec<Place>>>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// When it is closed if nothing more happens.
    deadline: Pin<Box<Sleep>>,
    /// Did a part of a question come, of which there is no answer yet?
    asking: bool,
}

impl Limited {
    /// Of a listener that has any number.
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, open: Arc::default(), next: 0 }
    }

    /// A place for a connection that has just come: that of the one which has waited for
    /// the longest, if none is free.
    fn place(&mut self, stream: TcpStream) -> Connection {
        let end = CancellationToken::new();
        self.next += 1;
        let now = Instant::now();
        let mut open = lock(&self.open);
        if open.len() >= CONNECTIONS
            && let Some(longest) = (0..open.len()).min_by_key(|at| open[*at].since)
        {
            open.swap_remove(longest).end.cancel();
        }
        open.push(Place { number: self.next, since: now, end: end.clone() });
        drop(open);
        Connection {
            stream,
            number: self.next,
            open: Arc::clone(&self.open),
            ended: Box::pin(end.cancelled_owned()),
            deadline: Box::pin(sleep_until(now + IDLE)),
            asking: false,
        }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (self.place(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    /// Is its time over? Wakes the task when it is.
    fn over(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.ended.as_mut().poll(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "its place was needed"));
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// A part of an answer went out.
    fn answered(&mut self) {
        let now = Instant::now();
        self.asking = false;
        self.deadline.as_mut().reset(now + IDLE);
        if let Some(place) = lock(&self.open).iter_mut().find(|place| place.number == self.number) {
            place.since = now;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.open).retain(|place| place.number != self.number);
    }
}

/// Nothing panics while it is held.
fn lock(open: &Mutex<Vec<Place>>) -> MutexGuard<'_, Vec<Place>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.over(context)?;
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before && !self.asking {
            self.asking = true;
            self.deadline.as_mut().reset(Instant::now() + SLOW);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.over(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        match &written {
            Poll::Ready(Ok(_)) => self.answered(),
            // It is not read: what was asked for last counts.
            Poll::Pending if !self.asking => {
                self.asking = true;
                self.deadline.as_mut().reset(Instant::now() + SLOW);
                self.over(context)?;
            }
            Poll::Pending | Poll::Ready(Err(_)) => {}
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Connection, IDLE, Limited, Listener, SLOW};

    async fn pair() -> (Connection, TcpStream) {
        let mut limited = Limited::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let client = TcpStream::connect(limited.local_addr().unwrap()).await.unwrap();
        (limited.accept().await.0, client)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_nothing_is_closed() {
        let (mut connection, _client) = pair().await;
        let begin = tokio::time::Instant::now();
        let error = connection.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(begin.elapsed() >= IDLE && begin.elapsed() < IDLE + SLOW);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_byte_by_byte_is_closed() {
        let (mut connection, mut client) = pair().await;
        let begin = tokio::time::Instant::now();
        let error = loop {
            client.write_all(b"G").await.unwrap();
            let mut byte = [0];
            match connection.read(&mut byte).await {
                Ok(_) => tokio::time::sleep(SLOW / 4).await,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < 2 * SLOW, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_read_its_answer_is_closed() {
        let (mut connection, _client) = pair().await;
        let error = connection.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
}
