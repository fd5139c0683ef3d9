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
    /// Who had left it behind, as its holder or possible holder, without a confirmed release; `None`: nobody.
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
    /// How often a key was left behind.
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
    /// When a server first said that this client is not the holder.
    free: Option<u64>,
    /// By node, who holds it by its last word.
    said: Vec<SeenHolder>,
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
        if let Some(unfinished) = transition.unfinished {
            self.over(unfinished, event.t);
        }
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
                let left_behind = match end {
                    End::Died { .. } | End::Denied { denial: Denial::Unknown, .. } => true,
                    End::Released { release, .. } => matches!(release, ReleaseKind::Unavailable | ReleaseKind::Unknown),
                    End::Denied { .. } => false,
                };
                if left_behind {
                    self.left_behind(attempt.key, attempt.client, event.t);
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
            What::Seen(Seen { node, holder, .. }) => {
                let said = &mut self.keys[key as usize].said;
                if said.len() <= usize::from(node) {
                    said.resize(usize::from(node) + 1, SeenHolder::Away);
                }
                said[usize::from(node)] = holder;
                self.look(key, t);
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
        (state.since, state.last, state.left_by, state.free) = (None, t, None, None);
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

    /// Notes when fewer servers than a majority may have for the holder who left the key behind.
    fn look(&mut self, key: u32, t: u64) {
        let KeyState { left_by, free, said, .. } = &mut self.keys[key as usize];
        let Some(client) = *left_by else { return };
        let may = said.iter().filter(|holder| [SeenHolder::Away, SeenHolder::Client(client)].contains(holder));
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
