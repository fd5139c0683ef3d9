//! Recipes on models of their servers, in virtual time: the recipe is the one that real servers see, the network is a seed.
//! Messages are slow or lost, connections break, holders overstay their leases, clients give up; and what the recipes say of
//! it is checked by rules that no recipe knows: holds of one key do not overlap, tokens grow, "no effect" means none, and
//! what is unknown is over when it was said to be.

mod network;

use std::cell::RefCell;
use std::rc::Rc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{Acquire, Deadline, Grant, Key, NEVER, Opening, Patience, Release, Renewal, Retry, Session};
use lockbench_core::stop::Stop;

pub(crate) use network::{Lost, Network, Road};

pub(crate) const MS: u64 = 1_000_000;
/// Of every lease.
pub(crate) const TTL_NS: u64 = 500 * MS;
/// For every answer.
pub(crate) const LIMIT_NS: u64 = 120 * MS;
/// Clients.
const CLIENTS: u32 = 4;
/// Attempts of each.
const ROUNDS: u32 = 25;

/// A recipe with the model of its servers.
pub(crate) trait Model: 'static {
    /// Opens the session of one client over a road of its own.
    fn open(&self, opening: Opening, network: &Network) -> impl Future<Output = Box<dyn Session>>;
    /// Returns whether the servers still have something of this client for this key, that others would wait for.
    fn has_of(&self, client: u32, key: &Key, now: u64) -> bool;
    /// Time after which what was sent has surely arrived, and ended by itself if nobody keeps it.
    fn quiet_ns(&self) -> u64 {
        3 * LIMIT_NS + TTL_NS
    }
}

/// A time in which one client believed to hold a key.
#[derive(Clone, Copy, Debug)]
struct Hold {
    client: u32,
    key: u32,
    from: u64,
    to: u64,
    token: Option<u64>,
}

impl Hold {
    fn told(self) -> String {
        let Self { client, key, from, to, token } = self;
        format!("client {client} has k{key} from {} to {} ms with token {token:?}", from / MS, to / MS)
    }
}

/// Runs the recipe of a model under the seed.
///
/// # Errors
/// The first rule that was broken, in one sentence.
pub(crate) fn play<M: Model>(seed: u64, model: impl FnOnce(Timer) -> M) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let timer = Timer::new(Clock::virtual_time());
        let network = Network::new(seed, timer.clone());
        let model = Rc::new(model(timer.clone()));
        let holds = Rc::new(RefCell::new(Vec::new()));
        let clients = (0..CLIENTS).map(|client| {
            let (model, network, holds) = (Rc::clone(&model), network.clone(), Rc::clone(&holds));
            let timer = timer.clone();
            tokio::task::spawn_local(async move {
                let rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(31).wrapping_add(client.into()));
                Player { client, model: &*model, timer, rng, holds }.plays(&network).await
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.map_err(|error| error.to_string())??;
        }
        let holds = holds.borrow();
        judge(&holds)?;
        Ok(holds.len())
    })
}

/// Holds of one key do not overlap, and their tokens grow.
fn judge(holds: &[Hold]) -> Result<(), String> {
    let mut holds: Vec<Hold> = holds.to_vec();
    holds.sort_by_key(|hold| (hold.key, hold.from));
    for pair in holds.windows(2).filter(|pair| pair[0].key == pair[1].key) {
        let [first, second] = [pair[0], pair[1]];
        if second.from < first.to {
            return Err(format!("two holders: {}, and {}", first.told(), second.told()));
        }
        if first.token.is_some() && second.token <= first.token {
            return Err(format!("tokens do not grow: {}, then {}", first.told(), second.told()));
        }
    }
    Ok(())
}

struct Player<'a, M> {
    client: u32,
    model: &'a M,
    timer: Timer,
    rng: Pcg64Mcg,
    holds: Rc<RefCell<Vec<Hold>>>,
}

impl<M: Model> Player<'_, M> {
    fn within(&mut self, from: u64, to: u64) -> u64 {
        self.rng.random_range(from..to)
    }

    async fn plays(mut self, network: &Network) -> Result<(), String> {
        let opening = Opening {
            client: self.client,
            ttl_ns: TTL_NS,
            timer: self.timer.clone(),
            retry: Retry::Jitter { base_ns: 4 * MS, max_ns: 30 * MS },
            seed: self.client.into(),
            request_timeout_ns: LIMIT_NS,
        };
        let mut session = self.model.open(opening, network).await;
        for round in 0..ROUNDS {
            let index = u32::from(self.within(0, 4) == 0);
            let key = Key { index, name: format!("k{index}").into() };
            let patience = match self.within(0, 4) {
                0 => Patience::Try,
                1 => self.until(10, 200),
                _ => self.until(500, 5_000),
            };
            let outcome = session.acquire(&key, &patience).await;
            let told = format!("client {} in round {round}: {outcome:?}", self.client);
            match outcome {
                Acquire::Acquired(grant) => self.hold(&mut *session, &key, grant).await?,
                Acquire::Unknown { surely_ended_ns, .. } => self.over_by(surely_ended_ns, &key, &told).await?,
                Acquire::Refused | Acquire::TimedOut | Acquire::Unavailable(_) | Acquire::Deadlock => {
                    if self.within(0, 4) == 0 {
                        self.timer.sleep(3 * LIMIT_NS).await;
                        self.has_nothing(&key, &told)?;
                    }
                }
            }
            let pause = self.within(0, 20 * MS);
            self.timer.sleep(pause).await;
        }
        session.close().await;
        Ok(())
    }

    fn until(&mut self, from_ms: u64, to_ms: u64) -> Patience {
        let at = self.timer.now() + self.within(from_ms, to_ms) * MS;
        Patience::Until(Deadline::new(at, self.timer.clone(), Stop::new()))
    }

    async fn hold(&mut self, session: &mut dyn Session, key: &Key, mut grant: Grant) -> Result<(), String> {
        let from = self.timer.now();
        // Most holds are short; some are longer than the lease, of those who renew and of those who do not.
        let (long, renews) = (self.within(0, 6) == 0, self.within(0, 2) == 0);
        let until = from + if long { self.within(TTL_NS / 2, 3 * TTL_NS) } else { self.within(0, 40 * MS) };
        while self.timer.now() < until {
            let left = until - self.timer.now();
            // Now and then it stands still for longer than its lease, and goes on as if nothing had been.
            let pause = if self.within(0, 8) == 0 { TTL_NS * 3 / 2 } else { left.min(TTL_NS / 3) };
            self.timer.sleep(pause).await;
            if renews && session.renew(&mut grant).await != Renewal::Confirmed {
                break;
            }
        }
        let to = self.timer.now().min(grant.validity_ns()).min(session.lost_at().unwrap_or(u64::MAX));
        self.holds.borrow_mut().push(Hold { client: self.client, key: key.index, from, to, token: grant.token() });
        let released = session.release(grant).await;
        let told = format!("client {}: {released:?}", self.client);
        match released {
            Release::Confirmed | Release::NotOwner => self.has_nothing(key, &told),
            Release::Unavailable { surely_ended_ns, .. } | Release::Unknown { surely_ended_ns, .. } => {
                self.over_by(surely_ended_ns, key, &told).await
            }
        }
    }

    async fn over_by(&self, surely_ended_ns: u64, key: &Key, told: &str) -> Result<(), String> {
        if surely_ended_ns == NEVER {
            self.timer.sleep(self.model.quiet_ns()).await;
        } else {
            self.timer.sleep_until(surely_ended_ns).await;
        }
        self.has_nothing(key, told)
    }

    fn has_nothing(&self, key: &Key, told: &str) -> Result<(), String> {
        let has = self.model.has_of(self.client, key, self.timer.now());
        if has { Err(format!("the server has something all the same: {told}")) } else { Ok(()) }
    }
}
