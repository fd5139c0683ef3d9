//! The state machine itself: which attempt an event belongs to, and what it does to it.

use super::{Attempt, Change, End, Hold, Misfit, Stage, Transition, misfit};
use crate::record::event::{Event, RenewalOutcome, What};

/// The state machine: the attempts of all clients of a trial.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// Per client: its last attempt.
    of_client: Vec<Attempt>,
    /// Stands where there is no attempt.
    none: Attempt,
    /// Begin of the pause of the load that goes on.
    paused_since: Option<u64>,
    /// What the last [`Transition`] that had some refers to: most have none, and are cheap to pass on.
    unfinished: Attempt,
    misfit: Option<Misfit>,
}

impl Attempts {
    /// No attempt yet, and room for those of so many clients.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self { of_client: vec![Attempt::default(); clients as usize], ..Self::default() }
    }

    /// The attempts that are open, in order of client.
    pub fn open(&self) -> impl Iterator<Item = &Attempt> {
        self.of_client.iter().filter(|attempt| attempt.stage != Stage::Over)
    }

    /// The next event of the trial.
    pub fn observe<'a>(&'a mut self, event: &'a Event) -> Transition<'a> {
        if event.what.is_of_nobody() {
            self.misfit = self.pause(event);
            let misfit = self.misfit.as_ref();
            return Transition { event, change: Change::Tool, attempt: &self.none, unfinished: None, misfit };
        }
        let at = event.client as usize;
        if at >= self.of_client.len() {
            self.of_client.resize(at + 1, Attempt::default());
        }
        let attempt = &mut self.of_client[at];
        let fits = misfit::fits(attempt, event);
        let misfit = if fits { None } else { Some(&*self.misfit.insert(misfit::of(attempt, event))) };
        let mut unfinished = None;
        // What fits is of the last attempt, unless it begins the next.
        let goes_on = if fits { !matches!(event.what, What::Invoke { .. }) } else { attempt.goes_on(event) };
        if !goes_on {
            if attempt.stage != Stage::Over {
                self.unfinished = *attempt;
                unfinished = Some(&self.unfinished);
            }
            let begun = matches!(event.what, What::Invoke { .. });
            let Event { t, client, key, .. } = *event;
            let number = if event.attempt == 0 { attempt.number.wrapping_add(1) } else { event.attempt };
            *attempt = Attempt { client, number, key, due: t, invoke: t, last: t, begun, ..Attempt::default() };
        }
        let change = attempt.change(event);
        Transition { event, change, attempt, unfinished, misfit }
    }

    /// An event of no client.
    fn pause(&mut self, event: &Event) -> Option<Misfit> {
        match event.what {
            What::PauseBegins => self.paused_since.replace(event.t).map(|since| Misfit::PauseInPause { since }),
            What::Paused { from } if self.paused_since.take() != Some(from) => Some(Misfit::PauseWithoutBegin { from }),
            _ => None,
        }
    }
}

impl Attempt {
    /// Returns whether an event of its client can be of this attempt, also where one in
    /// between is missing.
    fn goes_on(&self, event: &Event) -> bool {
        let of_it = match event.what {
            What::Invoke { .. } => false,
            What::Acquired { .. } | What::Denied { .. } => self.stage == Stage::Waiting,
            What::ReleaseInvoke { .. } => self.stage != Stage::Releasing,
            _ => true,
        };
        of_it && self.stage != Stage::Over && self.key == event.key && self.is_named_by(event)
    }

    /// Returns whether an event of its client bears its number, or none.
    pub(super) fn is_named_by(&self, event: &Event) -> bool {
        event.attempt == 0 || event.attempt == self.number
    }

    /// An event of this attempt, which may be made up from it.
    fn change(&mut self, event: &Event) -> Change {
        if !matches!(event.what, What::Denied { .. } | What::Released { .. } | What::Killed { .. }) {
            self.last = event.t;
        }
        match event.what {
            What::Invoke { due } => {
                (self.due, self.stage) = (due, Stage::Waiting);
                Change::Begun
            }
            What::Acquired { token, validity, requests, waited } => {
                (self.stage, self.acquire_requests) = (Stage::Holding, requests);
                self.hold = Some(Hold {
                    start: event.t,
                    token,
                    waited,
                    validity,
                    promise: validity,
                    renewal_invoke: None,
                    lost: None,
                    left: None,
                    stopped_ns: 0,
                });
                Change::Granted
            }
            What::Renewed { invoke, outcome, validity } => {
                self.stage = Stage::Holding;
                if let Some(hold) = self.hold.as_mut().filter(|_| outcome == RenewalOutcome::Confirmed) {
                    hold.renewed(event.t, invoke, validity);
                }
                Change::Renewed { invoke, outcome }
            }
            What::Stopped { from, .. } => {
                self.stage = Stage::Holding;
                if let Some(hold) = &mut self.hold {
                    hold.stopped_ns += event.t.saturating_sub(from);
                }
                Change::Stopped
            }
            What::Lost { at } => {
                self.stage = Stage::Holding;
                if let Some(hold) = &mut self.hold {
                    hold.lost = Some(hold.lost.map_or(at, |lost| lost.min(at)));
                }
                Change::Lost
            }
            What::ReleaseInvoke { seen, .. } => {
                self.stage = Stage::Releasing;
                if let Some(hold) = &mut self.hold {
                    hold.left = Some(event.t);
                }
                Change::Left(seen)
            }
            What::Denied { denial, surely_ended, requests } => {
                (self.stage, self.acquire_requests) = (Stage::Over, requests);
                Change::Ended(End::Denied { denial, surely_ended })
            }
            What::Released { release, surely_ended, requests } => {
                (self.stage, self.release_requests) = (Stage::Over, requests);
                Change::Ended(End::Released { release, surely_ended })
            }
            What::Died { surely_ended, challenged } => {
                self.stage = Stage::Over;
                Change::Ended(End::Died { surely_ended, challenged })
            }
            What::Killed { at, surely_ended } => {
                (self.stage, self.last) = (Stage::Over, self.last.max(at));
                Change::Ended(End::Died { surely_ended, challenged: None })
            }
            What::SelfStall { .. }
            | What::PauseBegins
            | What::Paused { .. }
            | What::Marker { .. }
            | What::FaultInjected(_)
            | What::FaultHealed { .. }
            | What::Seen(_)
            | What::LateWrite { .. }
            | What::Dropped { .. }
            | What::Identity { .. } => Change::Tool,
        }
    }
}

impl Hold {
    /// A renewal that was asked for at `invoke` was confirmed at `t`.
    fn renewed(&mut self, t: u64, invoke: u64, validity: u64) {
        // One that comes after the promise's end cannot bring back the careful client.
        if t <= self.promise {
            self.promise = self.promise.max(validity);
        }
        (self.validity, self.renewal_invoke) = (validity, Some(invoke));
    }
}
