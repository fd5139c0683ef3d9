//! One lock system: where it stands, its trial under way, and what is kept of those
//! before it.

use std::collections::{BTreeSet, VecDeque};

use super::figures::Folded;
use super::heat::{HeatColumn, HeatKey, remember};
use lockbench_core::oracle::DoubleGrant;
use lockbench_report::live::{KeyHold, Second, ServerLook, Slice, Snapshot, SystemFacts, TrialEnd};
use lockbench_report::{HoldEnd, SafetyVerdict, TrialResult, story};

/// Beats kept: half an hour at five per second.
const BEATS: usize = 9_000;
/// Holds kept for the lanes.
const HOLDS: usize = 2_000;
/// Violations kept of all trials of a system.
const CAUGHT: usize = 500;
/// Holds kept around each of them: more than a picture can show side by side.
const AROUND: usize = 256;

/// Where a system stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Its first trial has not begun.
    #[default]
    Waiting,
    /// A trial is under way.
    Running,
    /// A trial is over; another one may follow.
    Ended,
    /// A trial failed.
    Failed,
    /// It does not take part.
    Skipped,
}

impl Standing {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ended => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A slice of a trial: the same ones however often the run is looked at, and however fast
/// it is played again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// Its end, nanoseconds since the start of the warm-up.
    pub at_ns: u64,
    /// Its length.
    pub length_ns: u64,
    /// Grants in it, any phase.
    pub grants: u64,
    /// Clients that waited at its end.
    pub waiting: u32,
    /// Clients inside at its end.
    pub inside: u32,
}

impl Beat {
    /// Grants per second.
    #[must_use]
    pub fn grants_per_s(&self) -> f64 {
        if self.length_ns == 0 { 0.0 } else { self.grants as f64 * 1e9 / self.length_ns as f64 }
    }
}

/// A double grant that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Caught {
    /// Trial number.
    pub trial: u32,
    /// Start of its warm-up, clock nanoseconds.
    pub origin_ns: u64,
    /// The two holds.
    pub double: DoubleGrant,
    /// What happened, in plain words.
    pub story: String,
    /// The key's holds around it, the nearest ones, in order of start, as far as known.
    pub around: Vec<KeyHold>,
}

/// How many holds of a trial are known.
#[derive(Clone, Copy, Debug, Default)]
struct KnownHolds {
    /// Holds that ended, as far as they came in updates.
    ended: u64,
    /// Holds that are known to be missing.
    missing: u64,
    /// Holds at the end of the list between which none is missing.
    run: usize,
}

/// A system.
#[derive(Clone, Debug, Default)]
pub struct SystemState {
    /// Registry name.
    pub name: String,
    /// What it is, once it answered.
    pub facts: Option<SystemFacts>,
    /// Why it failed or does not take part.
    pub problem: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// Number of the trial under way, or of the last one; 0 before the first.
    pub trial: u32,
    /// How that trial stands; its lists are moved to the fields below.
    pub snapshot: Option<Snapshot>,
    /// Its entry in the report, once it is over.
    pub result: Option<TrialResult>,
    /// What was folded of it, once it is over.
    pub folded: Option<Folded>,
    /// Double grants of the trials before it.
    pub earlier_double_grants: u64,
    /// Token regressions of the trials before it.
    pub earlier_token_regressions: u64,
    /// Trials before it of which it is not known whether they were safe.
    pub earlier_unknown: u32,
    /// The slices that are over, oldest first.
    pub beats: VecDeque<Beat>,
    /// Its seconds, in order, the one under way included.
    pub seconds: Vec<Second>,
    /// Heat of its keys over the whole trial, oldest first.
    pub heat: VecDeque<HeatColumn>,
    /// Holds that ended, in order of their end, as far as they are known.
    pub holds: VecDeque<KeyHold>,
    /// Holds that are open, and those that are being given back.
    pub open: Vec<KeyHold>,
    /// From this instant on, in clock nanoseconds, no hold of the trial is missing in
    /// `holds` and `open`; `None`: they cover no stretch of time without gaps.
    pub whole_from_ns: Option<u64>,
    known: KnownHolds,
    /// What keys had counted at the end of the last slice, and the number of keys that were left out.
    counted: Option<(Vec<(u32, u64)>, u32)>,
    /// Violations of all trials, the first ones.
    pub caught: Vec<Caught>,
    /// The last two looks at its servers, the newer one last.
    pub looks: VecDeque<ServerLook>,
}

impl SystemState {
    /// One of which nothing is known yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Double grants of all its trials so far.
    #[must_use]
    pub fn double_grants(&self) -> u64 {
        let now = match (&self.result, &self.snapshot) {
            (Some(result), _) => result.safety.double_grants_certain,
            (None, Some(snapshot)) => snapshot.judged.double_grants,
            (None, None) => 0,
        };
        self.earlier_double_grants + now
    }

    /// Token regressions of all its trials so far.
    #[must_use]
    pub fn token_regressions(&self) -> u64 {
        let now = match (&self.result, &self.snapshot) {
            (Some(result), _) => result.safety.token_regressions.unwrap_or(0),
            (None, Some(snapshot)) => snapshot.judged.token_regressions,
            (None, None) => 0,
        };
        self.earlier_token_regressions + now
    }

    pub(super) fn begin(&mut self, trial: u32) {
        let (before, regressions) = (self.double_grants(), self.token_regressions());
        let unknown = self.result.as_ref().is_some_and(without_verdict);
        let old = std::mem::take(self);
        *self = Self {
            name: old.name,
            facts: old.facts,
            standing: Standing::Running,
            trial,
            earlier_double_grants: before,
            earlier_token_regressions: regressions,
            earlier_unknown: old.earlier_unknown + u32::from(unknown),
            caught: old.caught,
            looks: old.looks,
            ..Self::default()
        };
    }

    /// What the report has of the trials before its last one.
    pub(super) fn judged_before(&mut self, results: &[TrialResult]) {
        let before = || results.iter().filter(|result| result.backend == self.name && result.trial < self.trial);
        let double_grants = before().map(|result| result.safety.double_grants_certain).sum();
        let regressions = before().filter_map(|result| result.safety.token_regressions).sum();
        let unknown = before().filter(|result| without_verdict(result)).count() as u32;
        (self.earlier_double_grants, self.earlier_token_regressions) = (double_grants, regressions);
        self.earlier_unknown = unknown;
    }

    pub(super) fn live(&mut self, mut snapshot: Snapshot) {
        if self.trial != snapshot.trial {
            self.begin(snapshot.trial);
        }
        self.standing = Standing::Running;
        std::mem::take(&mut snapshot.slices).into_iter().for_each(|slice| self.beat(slice));
        self.seconds(&std::mem::take(&mut snapshot.seconds));
        self.take_holds(std::mem::take(&mut snapshot.holds), &snapshot);
        for double in std::mem::take(&mut snapshot.double_grants) {
            self.catch(double, snapshot.origin_ns);
        }
        self.snapshot = Some(snapshot);
    }

    fn beat(&mut self, slice: Slice) {
        let Slice { at_ns, length_ns, grants, waiting, inside, contended, more_keys } = slice;
        if length_ns == 0 || self.beats.back().is_some_and(|last| last.at_ns >= at_ns) {
            return;
        }
        // What a key counted before it was among the busiest ones did not happen now.
        let (before, missed) = match &self.counted {
            Some((keys, more)) => (keys.as_slice(), *more > 0),
            None => (&[][..], false),
        };
        let count = |key: u32| {
            let found = before.iter().find(|(other, _)| *other == key);
            found.map(|(_, count)| *count).or((!missed).then_some(0))
        };
        let keys = contended.iter().filter_map(|(key, so_far)| {
            Some(HeatKey { key: *key, contended: so_far.saturating_sub(count(*key)?), known_ns: length_ns })
        });
        let keys = keys.collect();
        remember(&mut self.heat, HeatColumn { at_ns, length_ns, beats: 1, keys });
        self.counted = Some((contended, more_keys));
        self.beats.push_back(Beat { at_ns, length_ns, grants, waiting, inside });
        while self.beats.len() > BEATS {
            self.beats.pop_front();
        }
    }

    fn seconds(&mut self, new: &[Second]) {
        for second in new {
            while self.seconds.last().is_some_and(|last| last.second >= second.second) {
                self.seconds.pop();
            }
            self.seconds.push(*second);
        }
    }

    fn take_holds(&mut self, holds: Vec<KeyHold>, snapshot: &Snapshot) {
        // One that is being given back comes again when the answer is there.
        let (open, ended): (Vec<KeyHold>, Vec<KeyHold>) =
            holds.into_iter().partition(|hold| hold.open || hold.hold.ended == HoldEnd::Open);
        let same = |a: &KeyHold, b: &KeyHold| (a.hold.client, a.hold.start_ns) == (b.hold.client, b.hold.start_ns);
        for hold in self.open.iter().filter(|hold| !hold.open) {
            if !ended.iter().chain(&open).any(|other| same(other, hold)) {
                // Its client died: there is no answer.
                self.holds.push_back(*hold);
                (self.known.ended, self.known.run) = (self.known.ended + 1, self.known.run + 1);
            }
        }
        let new = ended.len();
        self.holds.extend(ended);
        self.open = open;
        self.known.ended += new as u64;
        let missing = snapshot.judged.grants.saturating_sub(self.known.ended + self.open.len() as u64);
        let gap = missing > self.known.missing;
        (self.known.missing, self.known.run) = (missing, if gap { new } else { self.known.run + new });
        let more = self.holds.len().saturating_sub(HOLDS);
        self.holds.drain(..more);
        self.known.run = self.known.run.min(self.holds.len());
        let all = missing == 0 && self.known.run as u64 == self.known.ended;
        self.whole_from_ns = if all { Some(snapshot.origin_ns) } else { self.whole_from() };
    }

    /// The first instant from which on no hold is missing. A hold that is missing had its
    /// answer before the first known one had; and a client that invokes again had its answer too.
    fn whole_from(&self) -> Option<u64> {
        let mut seen = BTreeSet::new();
        let known = self.holds.iter().skip(self.holds.len() - self.known.run).chain(&self.open);
        known.filter(|hold| !seen.insert(hold.hold.client)).map(|hold| hold.hold.invoke_ns).min()
    }

    fn catch(&mut self, double: DoubleGrant, origin_ns: u64) {
        if self.caught.len() >= CAUGHT {
            return;
        }
        let (first, last) = (double.earlier.start_ns, double.earlier.end_ns.max(double.later.end_ns));
        let margin = (last - first) / 4;
        let near = |hold: &&KeyHold| {
            let (from, to) = (first.saturating_sub(margin), last + margin);
            hold.key == double.key && hold.hold.start_ns < to && hold.hold.end_ns >= from
        };
        let mut around: Vec<KeyHold> = self.holds.iter().chain(&self.open).filter(near).copied().collect();
        if around.len() > AROUND {
            around.sort_by_key(|hold| hold.hold.start_ns.abs_diff(double.later.start_ns));
            around.truncate(AROUND);
        }
        around.sort_by_key(|hold| (hold.hold.start_ns, hold.hold.client));
        self.caught.push(Caught { trial: self.trial, origin_ns, double, story: story(&double, origin_ns), around });
    }

    pub(super) fn ended(&mut self, end: &TrialEnd) {
        if end.result.trial < self.trial {
            // At the end of a run that is followed the report brings every trial once more.
            return;
        }
        if self.trial != end.result.trial {
            self.begin(end.result.trial);
        }
        self.standing = if end.result.error.is_some() { Standing::Failed } else { Standing::Ended };
        self.problem.clone_from(&end.result.error);
        if let Some(measured) = &end.measured {
            self.seconds = measured.windows.iter().map(Second::from).collect();
            for (second, doubles) in self.seconds.iter_mut().zip(&measured.double_grants) {
                second.double_grants = *doubles;
            }
        }
        self.folded = end.measured.as_ref().map(Folded::from);
        // What was found when the last holds were closed.
        let known = self.caught.iter().filter(|caught| caught.trial == self.trial).count();
        let origin = end.measured.as_ref().map_or(0, |measured| measured.start_ns);
        for violation in end.result.safety.violations.iter().skip(known) {
            self.catch(violation.double_grant, origin);
        }
        self.result = Some(end.result.clone());
    }

    pub(super) fn look_at(&mut self, look: ServerLook) {
        self.looks.push_back(look);
        if self.looks.len() > 2 {
            self.looks.pop_front();
        }
    }
}

/// Returns whether a trial has no verdict, so that its system cannot be called safe.
fn without_verdict(result: &TrialResult) -> bool {
    result.error.is_some() || result.safety.verdict == SafetyVerdict::Unknown
}
