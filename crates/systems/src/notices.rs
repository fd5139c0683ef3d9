//! Who of this process waits for word of which lock: the waiting clients of recipes whose server publishes each release to
//! whoever listens. One subscription for all clients of the process; a message about a lock wakes the client that has waited
//! for it longest, as Redisson does for the threads of a process (its `RedissonLockEntry` has a semaphore of which a message
//! gives one permit), so that a release is no stampede of all. Whoever comes while others of the process wait stands behind
//! them, and asks when its turn comes: the order within a process is that of arrival, among processes there is none.
//!
//! Messages can be lost: whoever waits has a timer of its own, and all are woken when the subscription was made again.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::{mpsc, oneshot};

/// A wish to hear of a lock, answered once its messages come.
pub(super) struct Wish {
    /// What the messages are sent under.
    pub channel: Arc<str>,
    heard: oneshot::Sender<()>,
}

/// All who wait.
pub(super) struct Notices {
    state: Mutex<State>,
    wishes: mpsc::UnboundedSender<Wish>,
}

#[derive(Default)]
struct State {
    channels: HashMap<Arc<str>, Channel>,
    next: u64,
}

/// Those who wait for one lock.
#[derive(Default)]
struct Channel {
    /// Do its messages come?
    heard: bool,
    /// By the order in which they came.
    waiting: BTreeMap<u64, Waiter>,
}

#[derive(Default)]
struct Waiter {
    told: bool,
    waker: Option<Waker>,
}

impl Waiter {
    fn tell(&mut self) {
        self.told = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Notices {
    /// Nobody waits yet. Whoever subscribes on the server has the other end.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Wish>) {
        let (wishes, wished) = mpsc::unbounded_channel();
        (Arc::new(Self { state: Mutex::default(), wishes }), wished)
    }

    /// Those of a process, made when the first client needs them.
    ///
    /// # Errors
    /// They could not be made.
    pub fn shared<E>(of: &OnceLock<Arc<Self>>, make: impl FnOnce() -> Result<Arc<Self>, E>) -> Result<Arc<Self>, E> {
        if let Some(made) = of.get() {
            return Ok(Arc::clone(made));
        }
        let made = make()?;
        // Another client may have been faster: what was made for nothing ends by itself.
        Ok(Arc::clone(of.get_or_init(|| made)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place among those who wait for this lock, if its messages come: to be taken before the lock is asked for, so that
    /// no release between the two is missed.
    pub fn join(self: &Arc<Self>, channel: &str) -> Option<Place> {
        let mut state = self.state();
        let number = state.next;
        let (name, _) = state.channels.get_key_value(channel)?;
        let name = Arc::clone(name);
        let line = state.channels.get_mut(channel).filter(|line| line.heard)?;
        line.waiting.insert(number, Waiter::default());
        state.next += 1;
        Some(Place { notices: Arc::clone(self), channel: name, number })
    }

    /// Completes once messages of this lock come; never, if nobody subscribes.
    pub async fn listen(&self, channel: &str) {
        let (heard, hears) = oneshot::channel();
        // Without anybody at the other end nothing will be heard.
        let wished = self.wishes.send(Wish { channel: channel.into(), heard });
        if wished.is_err() || hears.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// From now on the messages of this lock come.
    pub fn hears(&self, wish: Wish) {
        self.state().channels.entry(wish.channel).or_default().heard = true;
        // Whoever wished it may have given up.
        let _ = wish.heard.send(());
    }

    /// A message came: wakes the one that has waited longest and was not woken yet.
    pub fn tell(&self, channel: &str) {
        let mut state = self.state();
        let line = state.channels.get_mut(channel);
        let first = line.and_then(|line| line.waiting.values_mut().find(|waiter| !waiter.told));
        first.map(Waiter::tell).unwrap_or_default();
    }

    /// Messages may have been lost: wakes all.
    pub fn tell_all(&self) {
        let mut state = self.state();
        state.channels.values_mut().flat_map(|line| line.waiting.values_mut()).for_each(Waiter::tell);
    }
}

/// The place of one client among those who wait for a lock.
pub(super) struct Place {
    notices: Arc<Notices>,
    channel: Arc<str>,
    number: u64,
}

impl Place {
    /// Completes when it is woken; its place in the order stays what it was.
    pub async fn told(&self) {
        poll_fn(|context| {
            let mut state = self.notices.state();
            let line = state.channels.get_mut(&self.channel);
            let Some(waiter) = line.and_then(|line| line.waiting.get_mut(&self.number)) else { return Poll::Pending };
            if std::mem::take(&mut waiter.told) {
                return Poll::Ready(());
            }
            waiter.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Returns whether nobody of this process has waited longer.
    pub fn is_first(&self) -> bool {
        let state = self.notices.state();
        let first = state.channels.get(&self.channel).and_then(|line| line.waiting.first_key_value());
        first.is_none_or(|(number, _)| *number == self.number)
    }

    /// Leaves with the lock: whatever word came was of a release before it, and its own release is the next one's word.
    pub fn leave(self) {
        self.take();
    }

    fn take(&self) -> Option<Waiter> {
        self.notices.state().channels.get_mut(&self.channel)?.waiting.remove(&self.number)
    }
}

/// Whoever leaves without the lock wakes the next: that one may be the first now, or the word was for it.
impl Drop for Place {
    fn drop(&mut self) {
        if self.take().is_some() {
            self.notices.tell(&self.channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::{Notices, Place};

    fn heard() -> Arc<Notices> {
        let (notices, mut wished) = Notices::new();
        let mut listening = Box::pin(notices.listen("k"));
        assert_eq!(listening.as_mut().now_or_never(), None);
        notices.hears(wished.try_recv().unwrap());
        assert_eq!(listening.as_mut().now_or_never(), Some(()));
        drop(listening);
        notices
    }

    fn is_told(place: &Place) -> bool {
        place.told().now_or_never().is_some()
    }

    #[test]
    fn nobody_waits_for_what_is_not_heard() {
        let (notices, _wished) = Notices::new();
        assert!(notices.join("k").is_none());
        let notices = heard();
        assert!(notices.join("k").is_some() && notices.join("other").is_none());
    }

    #[test]
    fn a_message_wakes_the_one_that_has_waited_longest_once() {
        let notices = heard();
        let (first, second) = (notices.join("k").unwrap(), notices.join("k").unwrap());
        notices.tell("other");
        notices.tell("k");
        assert_eq!((is_told(&second), is_told(&first), is_told(&first)), (false, true, false));
        // It did not get the lock, and is still the first.
        notices.tell("k");
        notices.tell("k");
        assert_eq!((is_told(&first), is_told(&second)), (true, true));
        notices.tell_all();
        assert_eq!((is_told(&first), is_told(&second)), (true, true));
    }

    #[test]
    fn who_leaves_without_the_lock_wakes_the_next_which_may_be_the_first_now() {
        let notices = heard();
        let [first, second, third] = [0; 3].map(|_| notices.join("k").unwrap());
        assert_eq!((first.is_first(), second.is_first()), (true, false));
        drop(first);
        assert!(second.is_first() && is_told(&second));
        notices.tell("k");
        second.leave();
        assert!(third.is_first() && !is_told(&third), "it has the lock");
    }
}
