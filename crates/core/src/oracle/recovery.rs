//! How a lock service comes back from what was done to it: how long no client was granted a lock around a fault, and
//! how long a key was stuck: asked for, held by nobody alive, and granted to none.

use serde::{Deserialize, Serialize};

use crate::record::attempt::{Attempt, Change, End, Transition};
use crate::record::{Denial, Disturbance, ReleaseKind, Seen, SeenHolder, Sparse, What};

/// The longest time without a grant of any key, from the last grant before a fault to the first after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Place of the fault in the plan's list, from 0.
    pub fault: u16,
    /// Place of the node, or the client.
    pub node: u16,
    /// When the fault was injected.
    pub from_ns: u64,
    /// So long.
    pub gap_ns: u64,
    /// No grant came any more: it is longer.
    pub at_least: bool,
}

/// A time in which a client asked for a key that no living client held, and none was granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The key.
    pub key: u32,
    /// Who had left it behind, as its holder or possible holder; `None`: nobody.
    pub client: Option<u32>,
    /// Since when a client asked, and none that lives held it.
    pub from_ns: u64,
    /// When a server first said that who left it behind is not the holder; `None`: none said so, or none was asked.
    pub free_ns: Option<u64>,
    /// When a client was granted it, or the last one gave up asking.
    pub to_ns: u64,
    /// No grant ended it: it is longer.
    pub at_least: bool,
}

impl Stuck {
    /// So long, in nanoseconds.
    #[must_use]
    pub fn lasts_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Of each injection, in order of time.
    pub gaps: Vec<Gap>,
    /// How often a key was left behind: by a client that died, or whose release was not answered, or was answered while
    /// the servers went on to say that somebody has it who is no client.
    pub left_behind: u64,
    /// The longest time that a key was stuck: one that was left behind, or any once a fault was injected.
    pub stuck: Option<Stuck>,
}

struct Running {
    gap: Gap,
    healed: Option<u64>,
}

/// A key that was ever asked for.
#[derive(Default)]
struct KeyState {
    /// Clients inside.
    inside: u32,
    /// Clients that ask for it.
    asking: u32,
    /// Since when it is asked for and held by nobody.
    since: Option<u64>,
    /// The last grant of it, or end of a hold.
    last: u64,
    /// When a client last gave up asking since then.
    in_vain: u64,
    /// Who left it behind.
    left_by: Option<u32>,
    /// The last release of it that was answered since its last grant, where the servers are asked who holds it.
    answered: Option<Answered>,
    /// When a server first said that this client is not the holder.
    free: Option<u64>,
    /// By node, who holds it by its last word.
    said: Vec<SeenHolder>,
    /// A server said that none of ours has it while one of ours was inside: it does not tell them apart.
    nameless: bool,
}

/// A release that a server answered: the lock is not its client's any more.
#[derive(Clone, Copy)]
struct Answered {
    client: u32,
    at: u64,
    /// The servers that were asked after it, and said still that somebody has the lock who is no client of ours: a bit
    /// each.
    still: u64,
}

impl KeyState {
    /// The wait for the key, which nobody holds, that has lasted until `t`.
    fn waited(&self, key: u32, t: u64, at_least: bool) -> Option<Stuck> {
        let from_ns = self.since?;
        Some(Stuck { key, client: self.left_by, from_ns, free_ns: self.free, to_ns: t.max(from_ns), at_least })
    }
}

impl Recovered {
    /// Keeps the longest of the times that a key was stuck.
    fn take(&mut self, stuck: Option<Stuck>) {
        let longer = |stuck: &Stuck| self.stuck.is_none_or(|longest| longest.lasts_ns() < stuck.lasts_ns());
        if let Some(stuck) = stuck.filter(longer) {
            self.stuck = Some(stuck);
        }
    }
}

/// The fold.
pub(super) struct Recovery {
    /// The last grant of any key, or the first event.
    last_grant: Option<u64>,
    last: u64,
    running: Vec<Running>,
    /// A fault was injected.
    disturbed: bool,
    /// A server was asked who holds a key.
    asked: bool,
    keys: Sparse<KeyState>,
    count: u32,
    found: Recovered,
}

impl Recovery {
    /// For so many keys.
    pub fn new(keys: u32) -> Self {
        Self {
            last_grant: None,
            last: 0,
            running: Vec::new(),
            disturbed: false,
            asked: false,
            keys: Sparse::new(keys),
            count: keys,
            found: Recovered::default(),
        }
    }

    /// The next transition.
    pub fn follow(&mut self, transition: &Transition<'_>) {
        let (event, attempt) = (transition.event, transition.attempt);
        self.last = event.t;
        self.last_grant.get_or_insert(event.t);
        transition.unfinished.iter().for_each(|unfinished| self.over(unfinished, event.t));
        match transition.change {
            Change::Begun => {
                let state = &mut self.keys[attempt.key as usize];
                state.asking += 1;
                if state.inside == 0 {
                    state.since.get_or_insert(event.t);
                }
            }
            Change::Granted => self.granted(attempt.key, event.t),
            Change::Left(_) => self.leaves(attempt.key, event.t),
            Change::Ended(end) => {
                // Of a client whose process was killed the death is noted later than it came.
                let at = if let What::Killed { at, .. } = event.what { at } else { event.t };
                self.over(attempt, at);
                let unanswered = match end {
                    End::Died { .. } | End::Denied { denial: Denial::Unknown, .. } => true,
                    End::Released { release, .. } => matches!(release, ReleaseKind::Unavailable | ReleaseKind::Unknown),
                    End::Denied { .. } => false,
                };
                if unanswered {
                    self.left_behind(attempt.key, attempt.client, event.t);
                } else if self.asked && matches!(end, End::Released { .. }) {
                    let answered = Answered { client: attempt.client, at: event.t, still: 0 };
                    self.keys[attempt.key as usize].answered = Some(answered);
                }
            }
            Change::Tool => self.tool(event.t, event.key, &event.what),
            Change::Renewed { .. } | Change::Stopped | Change::Lost => {}
        }
    }

    /// An attempt is over: it asks no more, and is not inside.
    fn over(&mut self, attempt: &Attempt, t: u64) {
        if attempt.hold.is_none() {
            let state = &mut self.keys[attempt.key as usize];
            (state.asking, state.in_vain) = (state.asking.saturating_sub(1), t);
        } else if attempt.inside() {
            self.leaves(attempt.key, t);
        }
    }

    fn tool(&mut self, t: u64, key: u32, what: &What) {
        match *what {
            What::FaultInjected(Disturbance { fault, node }) => {
                self.disturbed = true;
                let gap = Gap { fault, node, from_ns: t, gap_ns: 0, at_least: false };
                self.running.push(Running { gap, healed: None });
            }
            What::FaultHealed { of: Disturbance { fault, node }, from, .. } => {
                let of = |one: &&mut Running| (one.gap.fault, one.gap.node, one.gap.from_ns) == (fault, node, from);
                if let Some(one) = self.running.iter_mut().find(of) {
                    one.healed = Some(t);
                }
            }
            What::Seen(Seen { node, holder, before, .. }) => {
                self.asked = true;
                let said = &mut self.keys[key as usize].said;
                if said.len() <= usize::from(node) {
                    said.resize(usize::from(node) + 1, SeenHolder::Away);
                }
                let was = std::mem::replace(&mut said[usize::from(node)], holder);
                let state = &mut self.keys[key as usize];
                state.nameless |= holder == SeenHolder::Stranger && state.inside > 0;
                self.look(key, t);
                self.still_held(key, node, was, before, t);
            }
            _ => {}
        }
    }

    fn granted(&mut self, key: u32, t: u64) {
        let gap = t.saturating_sub(self.last_grant.replace(t).unwrap_or(t));
        if !self.running.is_empty() {
            self.count_gap(t, gap);
        }
        let state = &mut self.keys[key as usize];
        // Most grants of most runs have neither: no more is looked up for them.
        if self.disturbed || state.left_by.is_some() {
            let waited = state.waited(key, t, false);
            self.found.take(waited);
        }
        (state.inside, state.asking) = (state.inside + 1, state.asking.saturating_sub(1));
        (state.since, state.last, state.left_by, state.answered, state.free) = (None, t, None, None, None);
    }

    /// Time without a grant ended at `t` while faults were in force or just healed.
    fn count_gap(&mut self, t: u64, gap: u64) {
        let found = &mut self.found.gaps;
        self.running.retain_mut(|one| {
            one.gap.gap_ns = one.gap.gap_ns.max(gap);
            let over = one.healed.is_some_and(|healed| healed <= t);
            if over {
                found.push(one.gap);
            }
            !over
        });
    }

    fn leaves(&mut self, key: u32, t: u64) {
        let state = &mut self.keys[key as usize];
        state.inside = state.inside.saturating_sub(1);
        if state.inside == 0 && state.asking > 0 {
            state.since.get_or_insert(t.max(state.last));
        }
        state.last = state.last.max(t);
    }

    fn left_behind(&mut self, key: u32, client: u32, t: u64) {
        let state = &mut self.keys[key as usize];
        if state.inside > 0 || state.left_by.is_some() {
            return;
        }
        state.left_by = Some(client);
        self.found.left_behind += 1;
        self.look(key, t);
    }

    /// A release was answered, and most servers that were asked after it say still what they said before: that somebody
    /// has the lock who is no client of ours. The client left it behind, as where a pooler gives the unlock to another
    /// session than the lock. (Of a client that does not know of its grant yet the servers may say the same, for a moment.)
    fn still_held(&mut self, key: u32, node: u16, was: SeenHolder, asked: u64, t: u64) {
        let KeyState { answered, said, .. } = &mut self.keys[key as usize];
        let Some(release) = answered.as_mut() else { return };
        let bit = 1_u64.checked_shl(u32::from(node)).unwrap_or(0);
        match (was, said[usize::from(node)]) {
            (SeenHolder::Stranger, SeenHolder::Stranger) if asked >= release.at => release.still |= bit,
            (_, SeenHolder::Stranger) => {}
            _ => release.still &= !bit,
        }
        let (client, most) = (release.client, release.still.count_ones() as usize > said.len() / 2);
        if most {
            self.left_behind(key, client, t);
        }
    }

    /// Notes when fewer servers than a majority may have for the holder who left the key behind.
    fn look(&mut self, key: u32, t: u64) {
        let KeyState { left_by, free, said, answered, nameless, .. } = &mut self.keys[key as usize];
        let Some(client) = *left_by else { return };
        let may = said.iter().filter(|holder| match holder {
            SeenHolder::Away => true,
            SeenHolder::Client(other) => *other == client,
            SeenHolder::Stranger => *nameless || answered.is_some_and(|release| release.client == client),
            SeenHolder::Free => false,
        });
        if !said.is_empty() && may.count() < said.len() / 2 + 1 {
            free.get_or_insert(t);
        }
    }

    /// What was found, with what was still under way at the end of the record.
    pub fn finish(mut self) -> Recovered {
        let (end, last_grant) = (self.last, self.last_grant.unwrap_or(self.last));
        for one in std::mem::take(&mut self.running) {
            let gap_ns = one.gap.gap_ns.max(end - last_grant);
            let at_least = one.healed.is_none_or(|_| end - last_grant >= one.gap.gap_ns);
            self.found.gaps.push(Gap { gap_ns, at_least, ..one.gap });
        }
        self.found.gaps.sort_by_key(|gap| (gap.from_ns, gap.fault, gap.node));
        for key in 0..self.count {
            if let Some(state) = self.keys.get(key as usize) {
                let to = if state.asking > 0 { end } else { state.in_vain };
                if self.disturbed || state.left_by.is_some() {
                    self.found.take(state.waited(key, to, true));
                }
            }
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
