//! Waiting by messages: ask, sleep until word comes that the lock was given back, ask again. Shared by every recipe whose
//! server publishes releases; what one try is, the recipe says.

use std::sync::Arc;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::notices::{Notices, Place};
use super::poll::Tried;
use lockbench_core::lock::{Acquire, Deadline, Opening, Patience, Retry};

/// One client of those who listen.
pub(super) struct Listening {
    notices: Arc<Notices>,
    /// Between two tries where no messages come.
    retry: Retry,
    jitter: Pcg64Mcg,
    /// Longest wait for a subscription, as for any answer.
    limit_ns: u64,
}

impl Listening {
    /// The client that is opened so.
    pub fn new(notices: Arc<Notices>, opening: &Opening) -> Self {
        let jitter = Pcg64Mcg::seed_from_u64(opening.seed);
        Self { notices, retry: opening.retry, jitter, limit_ns: opening.request_timeout_ns }
    }

    /// Tries until granted or out of patience. `try_once` also says how long the lease of a holder runs, in nanoseconds: no
    /// message comes of a holder that is gone. Whoever finds others of the process waiting has not asked, and sleeps for no
    /// longer than a lease. A try in flight is always awaited: a dropped one may leave a ghost holder.
    pub async fn acquire(
        &mut self,
        (channel, lease_ns): (&str, u64),
        patience: &Patience,
        mut try_once: impl AsyncFnMut() -> (Tried, u64),
    ) -> Acquire {
        if matches!(patience, Patience::Until(deadline) if deadline.passed()) {
            return Acquire::TimedOut;
        }
        let mut place = match patience {
            Patience::Try => None,
            Patience::Until(_) => self.notices.join(channel),
        };
        let (mut failed, mut delay_ns, mut waited) = (0_u32, 0, false);
        if let (Some(place), Patience::Until(deadline)) = (&place, patience)
            && !place.is_first()
        {
            waited = true;
            if !deadline.sleep_unasked_or(lease_ns, place.told()).await {
                return Acquire::TimedOut;
            }
        }
        loop {
            let left_ns = match try_once().await {
                (Tried::Granted(grant), _) => {
                    place.map(Place::leave).unwrap_or_default();
                    return Acquire::Acquired(grant.after_waiting(waited || failed > 0));
                }
                (Tried::Ended(outcome), _) => return outcome,
                (Tried::Unserved(reason), _) => return Acquire::Unavailable(reason),
                (Tried::Held, left_ns) => left_ns,
            };
            let Patience::Until(deadline) = patience else { return Acquire::Refused };
            failed = failed.saturating_add(1);
            if failed >= deadline.tries() {
                return Acquire::Refused;
            }
            let more = match &place {
                Some(place) => deadline.sleep_unasked_or(left_ns, place.told()).await,
                // A release may have come before the subscription: it asks again at once.
                None if self.subscribes(channel, deadline).await => {
                    place = self.notices.join(channel);
                    !deadline.passed()
                }
                None => {
                    delay_ns = self.retry.delay_ns(failed, delay_ns, &mut self.jitter);
                    deadline.sleep_unasked(delay_ns).await
                }
            };
            if !more {
                return Acquire::TimedOut;
            }
        }
    }

    /// Returns whether messages of the lock come; waits for that no longer than for an answer.
    async fn subscribes(&self, channel: &str, deadline: &Deadline) -> bool {
        let mut heard = false;
        let listening = async {
            self.notices.listen(channel).await;
            heard = true;
        };
        deadline.sleep_unasked_or(self.limit_ns, listening).await;
        heard
    }
}
