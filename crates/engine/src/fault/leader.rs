//! Who leads: asked of the servers when a fault is to hit the leader or a follower, and watched while
//! it is in force, because a fault of a leader is one thing where the others elect another and another
//! thing where they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lockbench_core::clock::Clock;
use lockbench_core::record::LeaderAfter;
use lockbench_core::units::SECOND;
use lockbench_systems::levers::Leads;
use lockbench_systems::stack::{Node, Server};

/// Between two questions: an answer takes a member a millisecond.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an election that is under way is waited for.
const ELECTED_WITHIN_NS: u64 = 5 * SECOND;

/// The place of the node that leads, as the servers say it now.
pub(super) fn leader(servers: &Server, clock: Clock) -> Result<u16, String> {
    let limit = clock.now() + ELECTED_WITHIN_NS;
    loop {
        match leaders(servers, &[]).as_slice() {
            [one] => return Ok(*one),
            _ if clock.now() < limit => thread::sleep(PAUSE),
            [] => return Err("no node says that it leads".to_owned()),
            several => return Err(format!("{} nodes say that they lead", several.len())),
        }
    }
}

/// The nodes that say that they lead, of those which are not left out. All are asked at once.
fn leaders(servers: &Server, left_out: &[u16]) -> Vec<u16> {
    let asked: Vec<(u16, &dyn Node)> = (0..).zip(servers.nodes()).filter(|(at, _)| !left_out.contains(at)).collect();
    let leads = match servers.kind().servers().levers.leads {
        Leads::Only => return asked.iter().map(|(at, _)| *at).collect(),
        Leads::None(_) => return Vec::new(),
        Leads::Asked(leads) => leads,
    };
    thread::scope(|scope| {
        let answers: Vec<_> =
            asked.iter().map(|(at, node)| (*at, scope.spawn(move || leads(node.endpoint()) == Ok(true)))).collect();
        answers.into_iter().filter_map(|(at, answer)| answer.join().unwrap_or(false).then_some(at)).collect()
    })
}

/// Looks for another leader while a fault of the leader is in force.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<LeaderAfter>>>,
    servers: Arc<Server>,
    was: u16,
}

impl Watch {
    /// Begins: node `was` leads, and is disturbed from `from` on.
    pub(super) fn start(servers: &Arc<Server>, was: u16, from: u64, clock: Clock) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (ended, asked) = (Arc::clone(&over), Arc::clone(servers));
        let look = move || {
            while !ended.load(Ordering::Relaxed) {
                if let [one, ..] = leaders(&asked, &[was]).as_slice() {
                    return Some(changed(&asked, *one, clock.now() - from));
                }
                thread::sleep(PAUSE);
            }
            None
        };
        let thread = thread::Builder::new().name("leader".to_owned()).spawn(look).ok();
        Self { over, thread, servers: Arc::clone(servers), was }
    }

    /// Ends, when the fault is healed, and says who leads.
    pub(super) fn finish(mut self, from: u64, clock: Clock) -> LeaderAfter {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.thread.take().and_then(|thread| thread.join().ok().flatten());
        seen.unwrap_or_else(|| match leader(&self.servers, clock) {
            Ok(now) if now == self.was => LeaderAfter::Same,
            Ok(now) => changed(&self.servers, now, clock.now() - from),
            Err(_) => LeaderAfter::Nobody,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed.
            let _ = thread.join();
        }
    }
}

fn changed(servers: &Server, now: u16, after_ns: u64) -> LeaderAfter {
    let name = servers.nodes().nth(usize::from(now)).map_or_else(String::new, |node| node.name().to_owned());
    LeaderAfter::Changed { name, after_ns }
}
