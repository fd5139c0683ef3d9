//! Waiting by polling: ask, sleep as the plan's retry policy says, ask again.
//! Shared by every recipe whose server neither queues nor notifies; what one
//! try is, the recipe says.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use lockbench_core::lock::{Acquire, Grant, Patience, Release, Retry};

/// What one try came to.
pub(super) enum Tried {
    /// The lock is ours.
    Granted(Grant),
    /// Surely no effect: another holds the key. Try again if there is patience.
    Held,
    /// Surely no effect: not enough of the system answered just now. Worth trying
    /// again; if the last try ends so, that is what is reported.
    Unserved(String),
    /// Nothing that asking again would mend: reported as it is.
    Ended(Acquire),
}

/// What a try came to whose lease was over before its answer came: no grant. `given_back`: how its release ended.
pub(super) fn answered_too_late(given_back: Release) -> Tried {
    Tried::Ended(match given_back {
        Release::Confirmed | Release::NotOwner => {
            Acquire::Unavailable("granted, but answered only after the lease was over".to_owned())
        }
        Release::Unavailable { surely_ended_ns, reason } | Release::Unknown { surely_ended_ns, reason } => {
            Acquire::Unknown { surely_ended_ns, reason }
        }
    })
}

/// The retry policy of one client and its own stream of jitter.
pub(super) struct Polling {
    retry: Retry,
    jitter: Pcg64Mcg,
}

impl Polling {
    /// Polls by that policy; the seed makes its jitter repeatable.
    pub fn new(retry: Retry, seed: u64) -> Self {
        Self { retry, jitter: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// Tries until granted or out of patience. A try in flight is always awaited:
    /// a dropped one may leave a ghost holder.
    pub async fn acquire(&mut self, patience: &Patience, mut try_once: impl AsyncFnMut() -> Tried) -> Acquire {
        if matches!(patience, Patience::Until(deadline) if deadline.passed()) {
            return Acquire::TimedOut;
        }
        let (mut failed, mut delay_ns) = (0_u32, 0);
        loop {
            let unserved = match try_once().await {
                Tried::Granted(grant) => return Acquire::Acquired(grant.after_waiting(failed > 0)),
                Tried::Ended(outcome) => return outcome,
                Tried::Held => None,
                Tried::Unserved(reason) => Some(Acquire::Unavailable(reason)),
            };
            let Patience::Until(deadline) = patience else { return unserved.unwrap_or(Acquire::Refused) };
            failed = failed.saturating_add(1);
            if failed >= deadline.tries() {
                return unserved.unwrap_or(Acquire::Refused);
            }
            delay_ns = self.retry.delay_ns(failed, delay_ns, &mut self.jitter);
            if !deadline.sleep_unasked(delay_ns).await {
                return unserved.unwrap_or(Acquire::TimedOut);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Polling, Tried};
    use lockbench_core::clock::{Clock, Timer};
    use lockbench_core::lock::{Acquire, Asking, Asks, Deadline, Grant, Patience, Retry};
    use lockbench_core::stop::Stop;

    const MS: u64 = 1_000_000;

    fn polling() -> Polling {
        Polling::new(Retry::Fixed { delay_ns: 10 * MS }, 1)
    }

    fn within(timer: &Timer, ns: u64) -> Patience {
        Patience::Until(Deadline::new(timer.now() + ns, timer.clone(), Stop::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn after_so_many_tries_a_client_takes_no_for_an_answer() {
        let timer = Timer::new(Clock::virtual_time());
        let (start, mut tries) = (timer.now(), 0);
        let held = async || {
            tries += 1;
            Tried::Held
        };
        let Patience::Until(deadline) = within(&timer, 1_000 * MS) else { panic!("a deadline") };
        let patience = Patience::Until(deadline.within_tries(Some(3)));
        assert_eq!(polling().acquire(&patience, held).await, Acquire::Refused);
        assert_eq!((tries, timer.now() - start), (3, 20 * MS), "no delay after the last one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_key_is_asked_for_once_an_interval_until_the_deadline() {
        let timer = Timer::new(Clock::virtual_time());
        let (start, mut tries) = (timer.now(), 0);
        let held = async || {
            tries += 1;
            Tried::Held
        };
        assert_eq!(polling().acquire(&within(&timer, 35 * MS), held).await, Acquire::TimedOut);
        // At 0, 10, 20 and 30 ms; tokio's wheel rounds each delay up to its next tick.
        assert!((3..=4).contains(&tries), "{tries} tries");
        assert!(timer.now() >= start + 35 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_poller_asleep_between_two_polls_has_no_request_under_way() {
        let (timer, asks) = (Timer::new(Clock::virtual_time()), Arc::new(Asks::new(1)));
        let asking = Arc::new(Asking::new(Arc::clone(&asks)));
        let deadline = Deadline::new(timer.now() + 35 * MS, timer.clone(), Stop::new()).watched(Arc::clone(&asking));
        asking.begin(0);
        let under_way = || asks.now(0).asked_until(asks.now(0));
        let held = async || {
            assert!(under_way());
            // The sleep that follows is watched from beside it.
            Tried::Held
        };
        let mut polling = polling();
        let patience = Patience::Until(deadline);
        let waits = polling.acquire(&patience, held);
        let beside = async {
            timer.sleep(5 * MS).await;
            assert!(!under_way());
        };
        let (outcome, ()) = tokio::join!(waits, beside);
        assert_eq!(outcome, Acquire::TimedOut);
        assert!(!under_way());
    }

    #[tokio::test(start_paused = true)]
    async fn a_grant_after_some_tries_ends_the_wait() {
        let timer = Timer::new(Clock::virtual_time());
        let mut tries = 0;
        let third = async || {
            tries += 1;
            if tries < 3 { Tried::Held } else { Tried::Granted(Grant::new(0, None, 7)) }
        };
        let outcome = polling().acquire(&within(&timer, 1_000 * MS), third).await;
        assert_eq!(outcome, Acquire::Acquired(Grant::new(0, None, 7).after_waiting(true)));
        let first = polling().acquire(&Patience::Try, async || Tried::Granted(Grant::new(0, None, 7))).await;
        assert_eq!(first, Acquire::Acquired(Grant::new(0, None, 7).after_waiting(false)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_try_is_refused_and_a_failure_is_not_tried_again() {
        assert_eq!(polling().acquire(&Patience::Try, async || Tried::Held).await, Acquire::Refused);
        let timer = Timer::new(Clock::virtual_time());
        let down = || Acquire::Unavailable("down".to_owned());
        assert_eq!(
            polling().acquire(&within(&timer, 1_000 * MS), async || Tried::Ended(down())).await,
            Acquire::Unavailable("down".to_owned())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_last_try_found_is_reported() {
        let timer = Timer::new(Clock::virtual_time());
        let unserved = async || Tried::Unserved("2 of 5".to_owned());
        let unavailable = Acquire::Unavailable("2 of 5".to_owned());
        assert_eq!(polling().acquire(&Patience::Try, unserved).await, unavailable);
        let mut tries = 0;
        let second = async || {
            tries += 1;
            if tries == 1 { Tried::Held } else { unserved().await }
        };
        assert_eq!(polling().acquire(&within(&timer, 15 * MS), second).await, unavailable);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_sends_nothing() {
        let timer = Timer::new(Clock::virtual_time());
        let never = async || panic!("asked after the deadline");
        assert_eq!(polling().acquire(&within(&timer, 0), never).await, Acquire::TimedOut);
    }
}
