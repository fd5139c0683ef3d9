//! Deadlocks: clients that wait for each other in a circle, each for a lock that the next one holds. No violation, for
//! nobody holds what another was granted; but nobody goes on, until one of them gives up.
//!
//! A circle of waits is closed by a client that holds a lock and asks for a further one: only there it is looked for, in
//! the graph that the open attempts are (a client points to the holders of the key that it waits for). A holder counts
//! until it says that it releases. The shortest circle through the asking client is told; others that it closes with the
//! same call are not counted again.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::attempt::{Attempt, Attempts, Change, End, Transition};
use crate::record::{AttemptId, Denial};

/// Deadlocks kept in full.
const KEPT: usize = 20;

/// One client of a deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waits {
    /// Client number.
    pub client: u32,
    /// The attempt that waits, by its number within the client.
    pub attempt: u32,
    /// Index of the key that it waits for, which the next client of the circle holds.
    pub key: u32,
    /// Since when.
    pub since_ns: u64,
    /// When its transaction asked for its first lock.
    pub began_ns: u64,
}

/// What ended a deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// A client reached the timeout of its acquire.
    Timeout,
    /// The policy of the workload chose one of them.
    Policy,
    /// The server found it, and refused one of them.
    Server,
    /// A lease in it ended, and a client was granted what another believed to hold.
    Lapse,
    /// The run ended, or a call failed.
    Other,
}

impl Ending {
    /// What broke it, in a word or two.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Policy => "policy",
            Self::Server => "server",
            Self::Lapse => "lapsed lease",
            Self::Other => "failure or end",
        }
    }
}

/// A deadlock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadlock {
    /// When the call came that closed the circle.
    pub found_ns: u64,
    /// The clients, each waiting for the next one, the last for the first.
    pub circle: Vec<Waits>,
    /// When it was broken; `null`: it stood at the end.
    pub ended_ns: Option<u64>,
    /// What broke it.
    pub ending: Option<Ending>,
}

impl Deadlock {
    fn has(&self, attempt: &Attempt) -> bool {
        self.circle.iter().any(|waits| (waits.client, waits.attempt) == (attempt.client, attempt.number))
    }

    /// Who waits for whom, a sentence without a subject.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        for (place, waits) in self.circle.iter().enumerate() {
            let holder = self.circle.get(place + 1).or(self.circle.first()).map_or(waits.client, |next| next.client);
            let (client, key) = (waits.client, waits.key);
            let _ = match place {
                0 => write!(text, "client {client} waits for key {key}, held by client {holder}"),
                _ => write!(text, ", which waits for key {key}, held by client {holder}"),
            };
        }
        text
    }

    /// The one whose transaction began last.
    #[must_use]
    pub fn youngest(&self) -> Option<AttemptId> {
        let youngest = self.circle.iter().max_by_key(|waits| (waits.began_ns, waits.client))?;
        Some(AttemptId { client: youngest.client, number: youngest.attempt })
    }
}

/// The deadlocks of a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deadlocks {
    /// How many, of all phases.
    pub found: u64,
    /// How many of these ended how.
    pub endings: BTreeMap<Ending, u64>,
    /// The longest that one stood, in nanoseconds.
    pub longest_ns: u64,
    /// Most clients in one.
    pub widest: u32,
    /// The first of them, in the order in which they ended.
    pub first: Vec<Deadlock>,
}

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct DeadlockFold {
    standing: Vec<Deadlock>,
    found: Deadlocks,
}

impl DeadlockFold {
    /// The next transition, with the attempts as they are after it. Returns the deadlock that it closes.
    pub fn follow(&mut self, transition: &Transition<'_>) -> Option<&Deadlock> {
        let (attempt, t) = (transition.attempt, transition.event.t);
        if !self.standing.is_empty() {
            match transition.change {
                Change::Granted => self.end(attempt, t, Ending::Lapse),
                // Who tries only once never waited.
                Change::Ended(End::Denied { denial: Denial::Refused, .. }) => self.forget(attempt),
                Change::Ended(End::Denied { denial, .. }) => self.end(attempt, t, ending(denial)),
                Change::Ended(End::Died { .. }) => self.end(attempt, t, Ending::Other),
                _ => {}
            }
        }
        if transition.change != Change::Begun || !attempt.is_further() {
            return None;
        }
        let circle = circle(transition.attempts, attempt)?;
        self.standing.push(Deadlock { found_ns: t, circle, ended_ns: None, ending: None });
        self.standing.last()
    }

    /// Deadlocks that were broken so far.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.found.found
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self, t: u64) -> Deadlocks {
        for standing in std::mem::take(&mut self.standing) {
            self.keep(standing, t);
        }
        self.found
    }

    fn forget(&mut self, attempt: &Attempt) {
        self.standing.retain(|standing| !standing.has(attempt));
    }

    /// The attempt waits no more.
    fn end(&mut self, attempt: &Attempt, t: u64, ending: Ending) {
        let ended = self.standing.extract_if(.., |standing| standing.has(attempt)).collect::<Vec<_>>();
        for deadlock in ended {
            *self.found.endings.entry(ending).or_default() += 1;
            self.keep(Deadlock { ended_ns: Some(t), ending: Some(ending), ..deadlock }, t);
        }
    }

    /// Counts one that stood until `t`.
    fn keep(&mut self, deadlock: Deadlock, t: u64) {
        self.found.found += 1;
        self.found.widest = self.found.widest.max(deadlock.circle.len() as u32);
        self.found.longest_ns = self.found.longest_ns.max(t.saturating_sub(deadlock.found_ns));
        if self.found.first.len() < KEPT {
            self.found.first.push(deadlock);
        }
    }
}

fn ending(denial: Denial) -> Ending {
    match denial {
        Denial::TimedOut => Ending::Timeout,
        Denial::Aborted => Ending::Policy,
        Denial::Deadlock => Ending::Server,
        Denial::Withdrawn | Denial::Unavailable | Denial::Unknown | Denial::Refused => Ending::Other,
    }
}

/// The shortest circle of waits through an attempt, from it on.
fn circle(attempts: &Attempts, asks: &Attempt) -> Option<Vec<Waits>> {
    // By client: the attempt that waits for a key that it holds.
    let mut from: BTreeMap<u32, &Attempt> = BTreeMap::new();
    let mut next = VecDeque::from([asks]);
    while let Some(waiting) = next.pop_front() {
        for holder in attempts.inside(waiting.key) {
            if holder.client == asks.client {
                return Some(told(attempts, asks, waiting, &from));
            }
            if from.contains_key(&holder.client) {
                continue;
            }
            from.insert(holder.client, waiting);
            next.extend(attempts.waiting(holder.client));
        }
    }
    None
}

/// The way from the attempt that asks to the last one, which waits for what its client holds.
fn told(attempts: &Attempts, asks: &Attempt, last: &Attempt, from: &BTreeMap<u32, &Attempt>) -> Vec<Waits> {
    let (mut circle, mut at) = (Vec::new(), last);
    loop {
        let began_ns = attempts.began(at.client).unwrap_or(at.invoke);
        circle.push(Waits { client: at.client, attempt: at.number, key: at.key, since_ns: at.invoke, began_ns });
        match from.get(&at.client) {
            Some(before) if at.client != asks.client => at = before,
            _ => break,
        }
    }
    circle.reverse();
    circle
}

#[cfg(test)]
mod tests;
