//! Which stretch of time the lanes show: the surroundings of the selected violation, or
//! the latest moments of one key, as far back as no hold is missing.

use super::super::View;
use super::feed;
use crate::state::{Caught, SystemState};
use crate::user_view::WINDOWS;
use lockbench_core::oracle::{DoubleGrant, HoldFacts};
use lockbench_report::live::KeyHold;
use lockbench_report::{HoldEnd, SceneHold};

/// Columns that a hold has on average in the latest moments, at the middle window.
const COLUMNS: usize = 8;
/// Number of the window that shows that many.
const MIDDLE: usize = 2;
/// Share of the busiest key's attempts from which on another one is as busy: so the
/// choice does not jump between keys that are alike.
const AS_BUSY: f64 = 0.9;

/// What the lanes show.
pub struct Stretch {
    /// Key index.
    pub key: u32,
    /// Its holds, in order of start; several of a client never overlap.
    pub holds: Vec<SceneHold>,
    /// First instant, clock nanoseconds.
    pub from_ns: u64,
    /// Last instant.
    pub to_ns: u64,
    /// Start of the warm-up.
    pub origin_ns: u64,
    /// The violation, if it is of one.
    pub double: Option<DoubleGrant>,
    /// What is shown, for the heading.
    pub title: String,
    /// Whether it begins where the record does, though more was asked for.
    pub cut: bool,
}

/// The stretch, or why there is none.
pub fn stretch(view: &View<'_>, columns: u16) -> Result<Stretch, String> {
    let system = view.system().ok_or("No system has been measured yet.")?;
    match feed::selected(view).filter(|_| !latest_asked(view)) {
        Some(at) => Ok(around(view, system, at)),
        None => latest(view, system, usize::from(columns)),
    }
}

/// Returns whether the user wants the latest moments though there is a violation.
fn latest_asked(view: &View<'_>) -> bool {
    view.look.selection[view.look.screen][0].sort == 1
}

/// The surroundings of a violation: its two holds and a quarter of their length on each
/// side.
fn around(view: &View<'_>, system: &SystemState, at: usize) -> Stretch {
    let caught: &Caught = &system.caught[at];
    let (earlier, later) = (caught.double.earlier, caught.double.later);
    let (first, last) = (earlier.start_ns.min(later.start_ns), earlier.end_ns.max(later.end_ns));
    let length = last - first;
    let lease = earlier.validity_ns.filter(|end| *end > first && *end < last + length);
    let last = last.max(lease.unwrap_or(last));
    let margin = (length / 4).max(1_000);
    let (from_ns, to_ns) = (first.saturating_sub(margin), last + margin);
    let touches = |hold: &&KeyHold| hold.hold.start_ns < to_ns && hold.hold.end_ns >= from_ns;
    let mut holds: Vec<SceneHold> = caught.around.iter().filter(touches).map(|hold| hold.hold).collect();
    for facts in [earlier, later] {
        if !holds.iter().any(|hold| (hold.client, hold.start_ns) == (facts.client, facts.start_ns)) {
            holds.push(bare(facts));
        }
    }
    holds.sort_by_key(|hold| (hold.start_ns, hold.client));
    let number = view.state.violation_number(system, at).map_or_else(String::new, |number| format!(" {number}"));
    let title = format!(
        "Who was inside: double grant{number} of {}, trial {}, key {}",
        system.name, caught.trial, caught.double.key
    );
    Stretch {
        key: caught.double.key,
        holds,
        from_ns,
        to_ns,
        origin_ns: caught.origin_ns,
        double: Some(caught.double),
        title,
        cut: caught.around.is_empty(),
    }
}

/// A hold that only the violation knows.
fn bare(facts: HoldFacts) -> SceneHold {
    SceneHold {
        client: facts.client,
        token: facts.token,
        invoke_ns: facts.start_ns,
        start_ns: facts.start_ns,
        end_ns: facts.end_ns,
        validity_ns: facts.validity_ns,
        ended: HoldEnd::Open,
    }
}

/// The keys that are known, the busiest first.
pub fn keys(system: &SystemState) -> Vec<u32> {
    let Some(snapshot) = &system.snapshot else { return Vec::new() };
    let most = snapshot.keys.iter().map(|key| key.attempts).max().unwrap_or(0);
    let mut keys: Vec<_> =
        snapshot.keys.iter().map(|key| (key.attempts as f64 >= AS_BUSY * most as f64, key)).collect();
    keys.sort_by_key(|(busy, key)| (!busy, if *busy { 0 } else { u64::MAX - key.attempts }, key.key));
    keys.into_iter().map(|(_, key)| key.key).collect()
}

fn latest(view: &View<'_>, system: &SystemState, columns: usize) -> Result<Stretch, String> {
    let snapshot = system.snapshot.as_ref().ok_or_else(|| format!("{}: no hold has been seen yet.", system.name))?;
    let keys = keys(system);
    let chosen = view.look.selection[view.look.screen][0].row.min(keys.len().saturating_sub(1));
    let key = *keys.get(chosen).ok_or_else(|| format!("{}: no key has been asked for yet.", system.name))?;
    let whole =
        system.whole_from_ns.ok_or("Holds come faster than they can be reported: no stretch without gaps is known.")?;
    let to_ns = (snapshot.origin_ns + snapshot.elapsed_ns).max(whole);
    let known =
        system.holds.iter().rev().chain(&system.open).filter(|hold| hold.key == key && hold.hold.end_ns >= whole);
    let mut holds: Vec<SceneHold> = known.map(|hold| hold.hold).collect();
    holds.sort_by_key(|hold| (hold.start_ns, hold.client));
    // So few that bars can be distinguished; all, where the user asked for the longest axis.
    let (window, all) = (view.look.window, view.look.window == WINDOWS.len() - 1);
    let most = (columns << window.min(8)) / (COLUMNS << MIDDLE);
    let from_ns = match holds.len().checked_sub(most.max(2)) {
        Some(first) if !all && first > 0 => holds[first].invoke_ns.max(whole),
        _ => whole,
    };
    holds.retain(|hold| hold.end_ns >= from_ns);
    let busiest = if chosen == 0 { " (the busiest)" } else { "" };
    let title = format!(
        "Who was inside: {}, trial {}, key {key}{busiest}, the last {}",
        system.name,
        system.trial,
        view.duration(to_ns - from_ns)
    );
    let cut = from_ns == whole && whole > snapshot.origin_ns;
    Ok(Stretch { key, holds, from_ns, to_ns, origin_ns: snapshot.origin_ns, double: None, title, cut })
}

impl Stretch {
    /// Time in which two clients were inside at once, as parts of the hold of each:
    /// number of the hold, start, end.
    pub fn overlaps(&self) -> Vec<(usize, u64, u64)> {
        let mut found = Vec::new();
        for (i, hold) in self.holds.iter().enumerate() {
            let during = self.holds[i + 1..].iter().enumerate().take_while(|(_, other)| other.start_ns < hold.end_ns);
            for (j, other) in during.filter(|(_, other)| other.client != hold.client) {
                let (start, end) = (other.start_ns, hold.end_ns.min(other.end_ns));
                if start < end {
                    found.push((i, start, end));
                    found.push((i + 1 + j, start, end));
                }
            }
        }
        found
    }

    /// Clients with a hold in it: those that get one of `most` lanes, in order of number,
    /// and how many others there are. The two of a violation come first, then those that
    /// held the key nearest to it, or nearest to now.
    pub fn clients(&self, most: usize) -> (Vec<u32>, usize) {
        let middle = self.double.map_or(self.to_ns, |double| double.later.start_ns);
        let mut nearest = std::collections::BTreeMap::new();
        for hold in &self.holds {
            let far = if self.double.is_some() { hold.start_ns.abs_diff(middle) } else { middle.abs_diff(hold.end_ns) };
            let far = (!self.own(hold.client), far);
            let known = nearest.entry(hold.client).or_insert(far);
            *known = far.min(*known);
        }
        let mut clients: Vec<(u32, (bool, u64))> = nearest.into_iter().collect();
        clients.sort_by_key(|(client, far)| (*far, *client));
        let left = clients.len().saturating_sub(most);
        clients.truncate(most);
        let mut clients: Vec<u32> = clients.into_iter().map(|(client, _)| client).collect();
        clients.sort_unstable();
        (clients, left)
    }

    /// Returns whether it is one of the two clients of the violation.
    pub fn own(&self, client: u32) -> bool {
        self.double.is_some_and(|double| [double.earlier.client, double.later.client].contains(&client))
    }

    /// Returns whether it is one of the two holds of the violation.
    pub fn own_hold(&self, hold: &SceneHold) -> bool {
        let is = |facts: HoldFacts| (facts.client, facts.start_ns) == (hold.client, hold.start_ns);
        self.double.is_some_and(|double| is(double.earlier) || is(double.later))
    }
}
