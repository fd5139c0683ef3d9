//! A network that a seed decides: how long each message takes, whether it arrives, and whether its answer does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::sync::oneshot;

use super::{LIMIT_NS, MS};
use lockbench_core::clock::Timer;

/// The network of a run.
#[derive(Clone)]
pub(crate) struct Network {
    rng: Rc<RefCell<Pcg64Mcg>>,
    timer: Timer,
    /// No message is under way for longer.
    longest_ns: u64,
}

/// What becomes of a request.
enum Fate {
    /// It is answered, soon in most cases.
    Answered { there_ns: u64, back_ns: u64 },
    /// The connection breaks after this time; the request arrives before or after that, or never.
    Broken { after_ns: u64, there_ns: Option<u64> },
}

impl Network {
    pub fn new(seed: u64, timer: Timer) -> Self {
        Self { rng: Rc::new(RefCell::new(Pcg64Mcg::seed_from_u64(seed))), timer, longest_ns: 2 * LIMIT_NS - MS }
    }

    /// The same network, faster: for who gives a request up before the limit for answers.
    pub fn within_the_limit(&self) -> Self {
        Self { longest_ns: LIMIT_NS, ..self.clone() }
    }

    /// A draw from this seed.
    pub fn within(&self, from: u64, to: u64) -> u64 {
        self.rng.borrow_mut().random_range(from..to)
    }

    fn delay(&self) -> u64 {
        // What is late by more than the limit is late for whoever asked; nothing is under way for longer than twice that.
        if self.within(0, 25) == 0 { self.within(10 * MS, self.longest_ns) } else { self.within(0, 4 * MS) }
    }

    fn fate(&self) -> Fate {
        if self.within(0, 40) > 0 {
            return Fate::Answered { there_ns: self.delay(), back_ns: self.delay() };
        }
        let after_ns = self.within(0, LIMIT_NS);
        let latest = (after_ns + LIMIT_NS - MS).min(self.longest_ns);
        let there_ns = (self.within(0, 3) > 0).then(|| self.within(0, latest));
        Fate::Broken { after_ns, there_ns }
    }
}

/// The connection of one client to one server: what goes over it arrives in order, until it breaks.
pub(crate) struct Road {
    network: Network,
    /// When the request before has arrived.
    free_at: Rc<Cell<u64>>,
    broken: bool,
    sent: u64,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// None came within the limit; the connection lives.
    Late,
    /// The connection broke.
    Broken,
}

impl Road {
    pub fn new(network: &Network) -> Self {
        Self { network: network.clone(), free_at: Rc::default(), broken: false, sent: 0 }
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Closes the connection, whatever is still under way on it.
    pub fn give_up(&mut self) {
        self.broken = true;
    }

    /// Carries a request to the server, where `effect` is what it does, and its answer back.
    pub async fn carry<T: 'static>(&mut self, effect: impl FnOnce(u64) -> T + 'static) -> Result<T, Lost> {
        let carried = self.send(effect, Some(LIMIT_NS)).await;
        self.broken = matches!(carried, Err(Lost::Broken));
        carried
    }

    /// The same, on its way at once, and awaited for no longer than that. Whoever hears that the connection broke gives it
    /// up.
    pub fn send<T: 'static>(
        &mut self,
        effect: impl FnOnce(u64) -> T + 'static,
        limit_ns: Option<u64>,
    ) -> impl Future<Output = Result<T, Lost>> + 'static {
        if std::mem::take(&mut self.broken) {
            // A new connection: nothing waits for what went over the one before.
            self.free_at = Rc::default();
        }
        self.sent += 1;
        let (fate, timer) = (self.network.fate(), self.network.timer.clone());
        let (answer, answered) = oneshot::channel();
        let (there_ns, back_ns, breaks_ns) = match fate {
            Fate::Answered { there_ns, back_ns } => (Some(there_ns), Some(back_ns), None),
            Fate::Broken { after_ns, there_ns } => (there_ns, None, Some(after_ns)),
        };
        if let Some(there_ns) = there_ns {
            let arrives = (timer.now() + there_ns).max(self.free_at.get());
            self.free_at.set(arrives);
            tokio::task::spawn_local(async move {
                timer.sleep_until(arrives).await;
                let value = effect(timer.now());
                match back_ns {
                    Some(back_ns) => {
                        timer.sleep(back_ns).await;
                        let _ = answer.send(value);
                    }
                    // Nobody hears of it, and the end of the connection is another's business.
                    None => std::mem::forget(answer),
                }
            });
        } else {
            std::mem::forget(answer);
        }
        let limit = breaks_ns.or(limit_ns).map_or(Duration::MAX, Duration::from_nanos);
        async move {
            match tokio::time::timeout(limit, answered).await {
                Ok(Ok(value)) => Ok(value),
                _ if breaks_ns.is_some() => Err(Lost::Broken),
                _ => Err(Lost::Late),
            }
        }
    }

    /// Sends what nobody awaits the answer of, behind all that went before on this connection; nothing, if that broke.
    pub fn follow_with<T: 'static>(&mut self, effect: impl FnOnce(u64) -> T + 'static) {
        if self.broken {
            return;
        }
        self.sent += 1;
        let timer = self.network.timer.clone();
        let arrives = timer.now().max(self.free_at.get());
        self.free_at.set(arrives);
        tokio::task::spawn_local(async move {
            timer.sleep_until(arrives).await;
            effect(timer.now());
        });
    }
}
