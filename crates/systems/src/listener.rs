//! The one subscription of a process, on a thread of its own: what it hears wakes clients through [`Notices`]. A connection
//! that breaks is made again, with all that was subscribed to; whoever waits is woken then, as words may have been lost.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;

use super::notices::{Notices, Wish};

/// Pause before a connection is made again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where words come from.
pub(super) trait Source: Send + 'static {
    /// A connection.
    type Line: Line;
    /// Connects; `None`: not now.
    fn connect(&self) -> impl Future<Output = Option<Self::Line>>;
}

/// A connection that hears.
pub(super) trait Line {
    /// From now on words of this channel come; `false`: the connection is of no use any more.
    fn subscribe(&mut self, channel: &str) -> impl Future<Output = bool>;
    /// The channel of the next word; `None`: there will be none. May be dropped before it completes, and nothing is lost.
    fn message(&mut self) -> impl Future<Output = Option<String>>;
}

/// Subscribes for all clients of this process, from a thread that ends when nobody is left who could wish for anything.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn spawn(name: &str, source: impl Source) -> io::Result<Arc<Notices>> {
    let (notices, wished) = Notices::new();
    // Those who wait hold the other end of the wishes, which must not live through this thread.
    let listener = Listener { source, notices: Arc::downgrade(&notices), channels: Vec::new(), wished };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(listener.run()))?;
    Ok(notices)
}

struct Listener<S> {
    source: S,
    notices: Weak<Notices>,
    /// What was subscribed to.
    channels: Vec<Arc<str>>,
    wished: UnboundedReceiver<Wish>,
}

/// Nobody is left.
struct Alone;

impl<S: Source> Listener<S> {
    async fn run(mut self) {
        // A connection is made when somebody waits.
        let Some(first) = self.wished.recv().await else { return };
        let mut wish = Some(first);
        loop {
            match self.serve(&mut wish).await {
                Err(Alone) => return,
                Ok(()) => tokio::time::sleep(PAUSE).await,
            }
            if self.notices.strong_count() == 0 {
                return;
            }
        }
    }

    /// One connection, from its subscriptions to its end. A wish that is not served stays where it was.
    async fn serve(&mut self, wish: &mut Option<Wish>) -> Result<(), Alone> {
        let Some(mut line) = self.source.connect().await else { return Ok(()) };
        for channel in &self.channels {
            if !line.subscribe(channel).await {
                return Ok(());
            }
        }
        self.notices()?.tell_all();
        loop {
            if let Some(wished) = wish.take() {
                if !line.subscribe(&wished.channel).await {
                    *wish = Some(wished);
                    return Ok(());
                }
                self.channels.push(Arc::clone(&wished.channel));
                self.notices()?.hears(wished);
            }
            tokio::select! {
                wished = self.wished.recv() => *wish = Some(wished.ok_or(Alone)?),
                message = line.message() => match message {
                    Some(channel) => self.notices()?.tell(&channel),
                    None => return Ok(()),
                },
            }
        }
    }

    fn notices(&self) -> Result<Arc<Notices>, Alone> {
        self.notices.upgrade().ok_or(Alone)
    }
}
