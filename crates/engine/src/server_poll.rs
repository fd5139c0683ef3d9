//! Asks the servers of the trial under way who holds which key and how long an answer takes,
//! once per second and only while it is wanted. It has a thread, a runtime and connections of
//! its own, and no part in the load; the thread that measures never waits for it.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, LockSystem, Survey};
use lockbench_report::Resources;
use lockbench_report::live::{KeyLook, Publisher, ServerLook, Update};
use lockbench_systems::{Entry, Target};

/// Most keys that are asked about.
const KEYS: usize = 16;
/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked whether somebody wants to know.
const WAKE: Duration = Duration::from_millis(100);
/// A look that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// What servers use; reads it when called.
pub type Gauge = Box<dyn Fn() -> Resources + Send>;

/// How the system of a trial is asked.
pub enum Asked {
    /// An instance that the poll makes, because connections belong to a runtime.
    Connect(&'static Entry, Box<Target>),
    /// The trial's own instance: a system without servers lives in this process.
    Own(Arc<dyn LockSystem>),
}

impl Asked {
    /// How the system of an entry is asked, which the trial uses as `system`.
    pub fn of(entry: &'static Entry, system: &Arc<dyn LockSystem>, target: Target) -> Self {
        match entry.server {
            Some(_) => Self::Connect(entry, Box::new(target)),
            None => Self::Own(Arc::clone(system)),
        }
    }
}

/// What to ask about during a trial.
pub struct Polled {
    /// Registry name.
    pub backend: &'static str,
    /// How it is asked.
    pub asked: Asked,
    /// Its keys.
    pub keys: Arc<[Key]>,
    /// What its servers use, if we started them.
    pub gauge: Option<Gauge>,
}

/// The poll. Dropping it ends its thread, whatever it waits for.
pub struct ServerPoll {
    /// `None`: the trial is over.
    orders: Option<UnboundedSender<Option<Polled>>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerPoll {
    /// Starts the thread. `wanted`: does somebody want to know?
    ///
    /// # Errors
    /// If no thread or runtime can be had.
    pub fn start(publisher: Publisher, clock: Clock, wanted: Arc<AtomicBool>) -> io::Result<Self> {
        let (orders, queue) = unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let poller = Poller { publisher, clock, wanted };
        let watch = move || {
            LocalSet::new().block_on(&runtime, poller.keep(queue));
            // Whoever still asks for the address of a host is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("server-poll".to_owned()).spawn(watch)?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// A trial begins. Does not wait.
    pub fn begin(&self, polled: Polled) {
        self.order(Some(polled));
    }

    /// The trial is over: a look under way is given up. Does not wait.
    pub fn rest(&self) {
        self.order(None);
    }

    fn order(&self, order: Option<Polled>) {
        if let Some(orders) = &self.orders {
            // Fails only if the thread panicked, and then there is nobody to tell.
            let _ = orders.send(order);
        }
    }
}

impl Drop for ServerPoll {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the poll costs its looks, not the run.
            let _ = thread.join();
        }
    }
}

/// The poll's side of the thread.
struct Poller {
    publisher: Publisher,
    clock: Clock,
    wanted: Arc<AtomicBool>,
}

impl Poller {
    /// Carries out orders until there will be no more. Each ends what went on before it.
    async fn keep(self, mut orders: UnboundedReceiver<Option<Polled>>) {
        let mut polled = None;
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => polled = order,
                    None => return,
                },
                () = self.look_again_and_again(polled.as_ref()), if polled.is_some() => {}
            }
        }
    }

    async fn look_again_and_again(&self, polled: Option<&Polled>) {
        let Some(polled) = polled else { return };
        let mut system = None;
        loop {
            if !self.wanted.load(Ordering::Relaxed) {
                tokio::time::sleep(WAKE).await;
                continue;
            }
            let next = tokio::time::Instant::now() + PERIOD;
            let look = self.look(polled, &mut system).await;
            self.publisher.publish(Update::Servers(Box::new(look)));
            tokio::time::sleep_until(next).await;
        }
    }

    async fn look(&self, polled: &Polled, system: &mut Option<Arc<dyn LockSystem>>) -> ServerLook {
        let keys = &polled.keys[..polled.keys.len().min(KEYS)];
        let answer = match known(&polled.asked, system) {
            Ok(system) => match tokio::time::timeout(PATIENCE, system.survey(keys)).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            },
            Err(problem) => Err(problem),
        };
        let used = polled.gauge.as_ref().map(|gauge| gauge()).unwrap_or_default();
        let (survey, problem) = match answer {
            Ok(survey) => (survey, None),
            Err(problem) => (Survey::default(), Some(problem)),
        };
        let seen = keys.iter().zip(survey.holders);
        ServerLook {
            backend: polled.backend.to_owned(),
            at_ns: self.clock.now(),
            round_trip_ns: survey.round_trip_ns,
            cpu_s: used.server_cpu_s,
            rss_bytes: used.server_rss_bytes,
            keys: seen.map(|(key, holder)| KeyLook { key: key.index, name: key.name.to_string(), holder }).collect(),
            more_keys: (polled.keys.len() - keys.len()) as u32,
            problem,
        }
    }
}

/// The instance to ask, made at the first need.
pub(super) fn known<'a>(
    asked: &'a Asked,
    system: &'a mut Option<Arc<dyn LockSystem>>,
) -> Result<&'a Arc<dyn LockSystem>, String> {
    match (asked, system) {
        (Asked::Own(own), _) => Ok(own),
        (Asked::Connect(..), Some(system)) => Ok(system),
        (Asked::Connect(entry, target), system) => {
            let made = (entry.connect)(Target::clone(target)).map_err(|error| error.to_string())?;
            Ok(system.insert(made))
        }
    }
}
