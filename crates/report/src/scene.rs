//! What happened around a double grant: the holds of that key in the time before
//! and after it, for the picture that shows who believed what, when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schema::Violation;
use lockbench_core::record::attempt::{Attempt, Change, End};
use lockbench_core::record::figures::Mark;
use lockbench_core::record::{Attempts, Event, Follower, ReleaseKind, Transition};

/// How one hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldEnd {
    /// The server confirmed the release.
    Confirmed,
    /// The server said: you are not the holder.
    NotOwner,
    /// No answer, or not served.
    Unanswered,
    /// The client died, or the record ends inside of the hold.
    Open,
}

impl HoldEnd {
    /// That of a hold whose attempt ended so.
    #[must_use]
    pub fn of(end: End) -> Self {
        match end {
            End::Released { release: ReleaseKind::Confirmed, .. } => Self::Confirmed,
            End::Released { release: ReleaseKind::NotOwner, .. } => Self::NotOwner,
            End::Released { release: ReleaseKind::Unavailable | ReleaseKind::Unknown, .. } => Self::Unanswered,
            End::Died { .. } | End::Denied { .. } => Self::Open,
        }
    }
}

/// One hold near a violation. Instants in clock nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SceneHold {
    /// Client number.
    pub client: u32,
    /// Fencing token, if offered.
    pub token: Option<u64>,
    /// `acquire_invoke`: the client waits from here on; equals `start_ns` if not known.
    pub invoke_ns: u64,
    /// `acquire_ok`.
    pub start_ns: u64,
    /// `release_invoke`, or the last event that is known of it.
    pub end_ns: u64,
    /// Until when a careful client would have believed in it; `None`: no lease.
    pub validity_ns: Option<u64>,
    /// How it ended.
    pub ended: HoldEnd,
}

impl SceneHold {
    /// That of an attempt as far as it is known, open; `None`: it has no grant.
    #[must_use]
    pub fn of(attempt: &Attempt) -> Option<Self> {
        let hold = attempt.hold?;
        Some(Self {
            client: attempt.client,
            token: hold.token,
            invoke_ns: attempt.invoke,
            start_ns: hold.start,
            end_ns: hold.left.unwrap_or(hold.start),
            validity_ns: (hold.validity != u64::MAX).then_some(hold.validity),
            ended: HoldEnd::Open,
        })
    }
}

/// The surroundings of one double grant.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Registry name.
    pub backend: String,
    /// Trial number.
    pub trial: u32,
    /// Number of the violation within the run, from 1, in the order of `results` and
    /// then of `violations`: what `lockbench explain RUN N` takes.
    pub number: u32,
    /// The violation itself.
    pub violation: Violation,
    /// Start of the warm-up of its trial, clock nanoseconds.
    pub origin_ns: u64,
    /// Its key's holds in the window, in order of start. At least the two of the
    /// violation, also where no history was kept.
    pub holds: Vec<SceneHold>,
    /// Start of the window shown.
    pub from_ns: u64,
    /// End of the window shown.
    pub to_ns: u64,
    /// Pauses and markers of its trial, also those outside of the window.
    pub marks: Vec<Mark>,
    /// Seconds of its trial, since the start of the warm-up, in which an attempt went unserved,
    /// as stretches; also those outside of the window.
    pub unserved: Vec<(u64, u64)>,
}

/// Most holds in one scene: more cannot be told apart in a picture.
const MOST_HOLDS: usize = 40;

impl Scene {
    /// A scene that knows only what the violation itself tells. The window is the
    /// two holds and a quarter of their length on each side.
    #[must_use]
    pub fn bare(backend: &str, trial: u32, number: u32, origin_ns: u64, violation: &Violation) -> Self {
        let (earlier, later) = (violation.double_grant.earlier, violation.double_grant.later);
        let (first, last) = (earlier.start_ns.min(later.start_ns), earlier.end_ns.max(later.end_ns));
        let lease_end = earlier
            .validity_ns
            .filter(|validity| *validity > first && *validity < last.saturating_add(last.saturating_sub(first)));
        let last = last.max(lease_end.unwrap_or(last));
        let margin = (last.saturating_sub(first) / 4).max(1_000);
        let hold = |facts: lockbench_core::oracle::HoldFacts| SceneHold {
            client: facts.client,
            token: facts.token,
            invoke_ns: facts.start_ns,
            start_ns: facts.start_ns,
            end_ns: facts.end_ns,
            validity_ns: facts.validity_ns,
            ended: HoldEnd::Open,
        };
        let mut holds = vec![hold(earlier), hold(later)];
        holds.sort_by_key(|hold| (hold.start_ns, hold.client));
        Self {
            backend: backend.to_owned(),
            trial,
            number,
            violation: violation.clone(),
            origin_ns,
            holds,
            from_ns: first.saturating_sub(margin),
            to_ns: last.saturating_add(margin),
            marks: Vec::new(),
            unserved: Vec::new(),
        }
    }

    /// Takes in the holds that a history tells of: every hold of the key that touches
    /// the window, those of the violation first if there are too many.
    fn fill(&mut self, told: &[SceneHold]) {
        let facts = self.violation.double_grant;
        let own = |hold: &SceneHold| {
            [facts.earlier, facts.later].iter().any(|f| f.client == hold.client && f.start_ns == hold.start_ns)
        };
        let mut near: Vec<SceneHold> =
            told.iter().copied().filter(|hold| hold.start_ns < self.to_ns && hold.end_ns >= self.from_ns).collect();
        if near.iter().filter(|hold| own(hold)).count() < 2 {
            return; // the record does not reach here: what the violation tells is all there is
        }
        let middle = facts.later.start_ns;
        near.sort_by_key(|hold| (!own(hold), hold.start_ns.abs_diff(middle)));
        near.truncate(MOST_HOLDS);
        near.sort_by_key(|hold| (hold.start_ns, hold.client));
        self.holds = near;
    }
}

/// Collects the holds of one trial near its violations: a fold over its events.
pub struct SceneFold {
    scenes: Vec<Scene>,
    done: BTreeMap<u32, Vec<SceneHold>>,
    attempts: Attempts,
}

impl SceneFold {
    /// A fold for scenes of one trial, made with [`Scene::bare`].
    #[must_use]
    pub fn new(scenes: Vec<Scene>) -> Self {
        Self { scenes, done: BTreeMap::new(), attempts: Attempts::default() }
    }

    /// The next event of the trial, in order of time.
    pub fn observe(&mut self, event: &Event) {
        let mut attempts = std::mem::take(&mut self.attempts);
        self.follow(&attempts.observe(event));
        self.attempts = attempts;
    }

    /// The hold of an attempt, if it has one, has ended so; one that was not released lasts to
    /// `t` at least.
    fn end(&mut self, attempt: &Attempt, t: u64, ended: HoldEnd) {
        let Some(mut hold) = SceneHold::of(attempt) else { return };
        hold.end_ns = attempt.hold.and_then(|hold| hold.left).unwrap_or(attempt.last);
        if ended == HoldEnd::Open {
            hold.end_ns = hold.end_ns.max(t);
        }
        hold.ended = ended;
        self.keep(attempt.key, hold);
    }

    /// Holds that touch no scene are forgotten: memory is that of the scenes.
    fn keep(&mut self, key: u32, hold: SceneHold) {
        let near = |scene: &Scene| {
            scene.violation.double_grant.key == key && hold.start_ns < scene.to_ns && hold.end_ns >= scene.from_ns
        };
        if self.scenes.iter().any(near) {
            self.done.entry(key).or_default().push(hold);
        }
    }

    /// The scenes, filled.
    #[must_use]
    pub fn finish(mut self) -> Vec<Scene> {
        for attempt in std::mem::take(&mut self.attempts).open() {
            self.end(attempt, attempt.last, HoldEnd::Open);
        }
        for scene in &mut self.scenes {
            if let Some(told) = self.done.get(&scene.violation.double_grant.key) {
                scene.fill(told);
            }
        }
        self.scenes
    }
}

impl Follower for SceneFold {
    fn follow(&mut self, transition: &Transition<'_>) {
        let t = transition.event.t;
        transition.unfinished.iter().for_each(|unfinished| self.end(unfinished, t, HoldEnd::Open));
        if let Change::Ended(end) = transition.change {
            self.end(transition.attempt, t, HoldEnd::of(end));
        }
    }
}
