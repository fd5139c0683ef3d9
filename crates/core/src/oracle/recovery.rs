//! How a lock service comes back from what was done to it: how long no client was granted a lock around a fault, and
//! how long a key was stuck that nobody alive held.

use serde::{Deserialize, Serialize};

use crate::record::attempt::{Change, End, Transition};
use crate::record::{Denial, Disturbance, ReleaseKind, Seen, SeenHolder, Sparse, What};

/// Most takeovers that are kept in full.
const KEPT: usize = 100;

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

/// A key that a client left behind as its holder, or possible holder, without a confirmed release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// The key.
    pub key: u32,
    /// The client.
    pub client: u32,
    /// When it was gone, or its release failed.
    pub from_ns: u64,
    /// When a server first said that it is not the holder; `None`: none said so, or none was asked.
    pub free_ns: Option<u64>,
    /// When the next client was granted the key, or the record ended.
    pub to_ns: u64,
    /// The record ended: it is longer.
    pub at_least: bool,
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Of each injection, in order of time.
    pub gaps: Vec<Gap>,
    /// How often a key was left behind.
    pub left_behind: u64,
    /// The first of them, in the order in which they ended.
    pub takeovers: Vec<Takeover>,
    /// The longest of all.
    pub longest: Option<Takeover>,
}

struct Running {
    gap: Gap,
    healed: Option<u64>,
}

/// The fold.
pub(super) struct Recovery {
    /// The last grant of any key, or the first event.
    last_grant: Option<u64>,
    last: u64,
    running: Vec<Running>,
    keys: Sparse<KeyState>,
    found: Recovered,
}

/// What is known of a key.
#[derive(Default)]
struct KeyState {
    /// It was left behind, and not granted since.
    stuck: Option<Takeover>,
    /// By node, who holds it by its last word.
    said: Vec<SeenHolder>,
    /// Clients inside.
    inside: u32,
}

impl KeyState {
    /// Notes when fewer servers than a majority may have for the holder who left the key behind.
    fn look(&mut self, t: u64) {
        let said = &self.said;
        let may =
            |client| said.iter().filter(move |holder| [SeenHolder::Away, SeenHolder::Client(client)].contains(holder));
        if let Some(stuck) = &mut self.stuck
            && !said.is_empty()
            && may(stuck.client).count() < said.len() / 2 + 1
        {
            stuck.free_ns.get_or_insert(t);
        }
    }
}

impl Recovery {
    /// For so many keys.
    pub fn new(keys: u32) -> Self {
        let (keys, found) = (Sparse::new(keys), Recovered::default());
        Self { last_grant: None, last: 0, running: Vec::new(), keys, found }
    }

    /// The next transition.
    pub fn follow(&mut self, transition: &Transition<'_>) {
        let (event, attempt) = (transition.event, transition.attempt);
        self.last = event.t;
        self.last_grant.get_or_insert(event.t);
        match transition.change {
            Change::Granted => self.granted(attempt.key, event.t),
            Change::Left(_) => self.leaves(attempt.key),
            Change::Ended(end) => {
                if attempt.inside() && matches!(end, End::Died { .. }) {
                    self.leaves(attempt.key);
                }
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
            Change::Begun | Change::Renewed { .. } | Change::Stopped | Change::Lost => {}
        }
    }

    fn tool(&mut self, t: u64, key: u32, what: &What) {
        match *what {
            What::FaultInjected(Disturbance { fault, node }) => {
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
                let state = &mut self.keys[key as usize];
                if state.said.len() <= usize::from(node) {
                    state.said.resize(usize::from(node) + 1, SeenHolder::Away);
                }
                state.said[usize::from(node)] = holder;
                state.look(t);
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
        state.inside += 1;
        if let Some(stuck) = state.stuck.take() {
            self.taken_over(Takeover { to_ns: t, ..stuck });
        }
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

    fn leaves(&mut self, key: u32) {
        let inside = &mut self.keys[key as usize].inside;
        *inside = inside.saturating_sub(1);
    }

    fn left_behind(&mut self, key: u32, client: u32, t: u64) {
        let state = &mut self.keys[key as usize];
        if state.inside == 0 {
            let fresh = Takeover { key, client, from_ns: t, free_ns: None, to_ns: t, at_least: false };
            state.stuck.get_or_insert(fresh);
            state.look(t);
        }
    }

    fn taken_over(&mut self, takeover: Takeover) {
        let lasts = |one: &Takeover| one.to_ns - one.from_ns;
        self.found.left_behind += 1;
        if self.found.takeovers.len() < KEPT {
            self.found.takeovers.push(takeover);
        }
        if self.found.longest.is_none_or(|longest| lasts(&longest) < lasts(&takeover)) {
            self.found.longest = Some(takeover);
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
        let stuck: Vec<Takeover> = self.keys.iter().filter_map(|state| state.stuck).collect();
        for one in stuck {
            self.taken_over(Takeover { to_ns: end.max(one.from_ns), at_least: true, ..one });
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
