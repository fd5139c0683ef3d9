//! The state machine itself: which attempt an event belongs to, and what it does to it.

use std::collections::BTreeMap;

use super::{Attempt, Change, End, Hold, Misfit, Stage, Transition, misfit};
use crate::record::event::{Event, Mode, RenewalOutcome, What};

/// The state machine: the attempts of all clients of a trial.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// Per client: its last attempt, or the first one of its transaction.
    of_client: Vec<Attempt>,
    /// The open further attempts of transactions, by client and number. Most trials have none.
    further: BTreeMap<(u32, u32), Attempt>,
    /// Stands where there is no attempt.
    none: Attempt,
    /// Begin of the pause of the load that goes on.
    paused_since: Option<u64>,
    /// What the last [`Transition`] that had some refers to: most have none, and are cheap to pass on.
    unfinished: Vec<Attempt>,
    /// The further attempt that the last event ended.
    ended: Attempt,
    misfit: Option<Misfit>,
}

/// Which attempt an event is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    OfClient(usize),
    Further((u32, u32)),
    Ended,
}

impl Attempts {
    /// No attempt yet, and room for those of so many clients.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self { of_client: vec![Attempt::default(); clients as usize], ..Self::default() }
    }

    /// The attempts that are open, in order of client and number.
    pub fn open(&self) -> impl Iterator<Item = &Attempt> {
        let first = self.of_client.iter().filter(|attempt| attempt.stage != Stage::Over);
        let mut all: Vec<&Attempt> = first.chain(self.further.values()).collect();
        all.sort_by_key(|attempt| (attempt.client, attempt.number));
        all.into_iter()
    }

    /// The attempts that hold a key: granted, and not about to release it.
    pub fn inside(&self, key: u32) -> impl Iterator<Item = &Attempt> {
        let all = self.of_client.iter().chain(self.further.values());
        all.filter(move |attempt| attempt.key == key && attempt.stage == Stage::Holding)
    }

    /// The attempt of a client that waits for its key, if one does.
    #[must_use]
    pub fn waiting(&self, client: u32) -> Option<&Attempt> {
        let first = self.of_client.get(client as usize).into_iter();
        let further = self.further.range((client, 0)..=(client, u32::MAX)).map(|(_, attempt)| attempt);
        first.chain(further).find(|attempt| attempt.stage == Stage::Waiting)
    }

    /// When a client asked for the lock of its open attempt, or for the first one of its transaction.
    #[must_use]
    pub fn began(&self, client: u32) -> Option<u64> {
        self.of_client.get(client as usize).filter(|attempt| attempt.stage != Stage::Over).map(|attempt| attempt.invoke)
    }

    /// The next event of the trial.
    pub fn observe<'a>(&'a mut self, event: &'a Event) -> Transition<'a> {
        if event.what.is_of_nobody() {
            self.misfit = self.pause(event);
            let misfit = self.misfit.as_ref();
            let (change, attempts) = (Change::Tool, &*self);
            return Transition { event, change, attempt: &self.none, attempts, unfinished: &[], misfit };
        }
        let at = event.client as usize;
        if at >= self.of_client.len() {
            self.of_client.resize(at + 1, Attempt::default());
        }
        self.unfinished.clear();
        let (place, change, fits) = match event.what {
            What::InvokeAs { first, mode, .. } if first > 0 => self.begin_further(event, first, mode),
            _ if !self.further.is_empty() => self.of_transaction(event),
            _ => self.of_client(event),
        };
        let attempt = match place {
            Place::OfClient(at) => self.of_client.get(at),
            Place::Further(name) => self.further.get(&name),
            Place::Ended => Some(&self.ended),
        };
        let attempt = attempt.unwrap_or(&self.none);
        let misfit = if fits { None } else { self.misfit.as_ref() };
        Transition { event, change, attempt, attempts: self, unfinished: &self.unfinished, misfit }
    }

    /// An event of the only attempt that its client has open, or of the next.
    fn of_client(&mut self, event: &Event) -> (Place, Change, bool) {
        let at = event.client as usize;
        let begins = event.what.begins();
        let attempt = &mut self.of_client[at];
        let fits = misfit::fits(attempt, event);
        if !fits {
            self.misfit = Some(misfit::of(attempt, event));
        }
        // What fits is of the last attempt, unless it begins the next.
        let goes_on = if fits { !begins } else { attempt.goes_on(event) };
        if !goes_on {
            if attempt.stage != Stage::Over {
                self.unfinished.push(*attempt);
            }
            let Event { t, client, key, .. } = *event;
            let number = if event.attempt == 0 { attempt.number.wrapping_add(1) } else { event.attempt };
            *attempt = Attempt { client, number, key, due: t, invoke: t, last: t, begun: begins, ..Attempt::default() };
        }
        (Place::OfClient(at), attempt.change(event), fits)
    }

    /// A client that holds the locks of its transaction so far asks for another one.
    fn begin_further(&mut self, event: &Event, first: u32, mode: Mode) -> (Place, Change, bool) {
        let Event { t, client, key, .. } = *event;
        let name = (client, event.attempt);
        let of_it = self.of_client[client as usize];
        let mut further = self.further.range((client, 0)..=(client, u32::MAX)).map(|(_, attempt)| attempt);
        let holds = |attempt: &Attempt| attempt.stage == Stage::Holding && attempt.key != key;
        let fits = holds(&of_it) && of_it.number == first && further.all(holds);
        if !fits {
            self.misfit = Some(misfit::of(&of_it, event));
        }
        let begun = Attempt { client, number: event.attempt, key, first, mode, ..Attempt::default() };
        let mut begun = Attempt { due: t, invoke: t, begun: true, ..begun };
        let change = begun.change(event);
        self.unfinished.extend(self.further.insert(name, begun));
        (Place::Further(name), change, fits)
    }

    /// An event while some client has several attempts open.
    fn of_transaction(&mut self, event: &Event) -> (Place, Change, bool) {
        let name = (event.client, event.attempt);
        let Some(attempt) = self.further.get_mut(&name) else {
            let begins = event.what.begins();
            let left: Vec<_> = match begins {
                true => {
                    self.further.range((event.client, 0)..=(event.client, u32::MAX)).map(|(name, _)| *name).collect()
                }
                false => Vec::new(),
            };
            let (place, change, fits) = self.of_client(event);
            // Of those that its client has left without an end no event will come.
            if let Some(name) = left.first() {
                self.misfit = self.further.get(name).map(|attempt| misfit::of(attempt, event));
            }
            self.unfinished.extend(left.iter().filter_map(|name| self.further.remove(name)));
            return (place, change, fits && left.is_empty());
        };
        let fits = misfit::fits(attempt, event);
        if !fits {
            self.misfit = Some(misfit::of(attempt, event));
        }
        let change = attempt.change(event);
        if attempt.stage != Stage::Over {
            return (Place::Further(name), change, fits);
        }
        self.ended = *attempt;
        self.further.remove(&name);
        (Place::Ended, change, fits)
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
            What::Invoke { .. } | What::InvokeAs { .. } => false,
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
            What::InvokeAs { due, mode, .. } => {
                (self.due, self.mode, self.stage) = (due, mode, Stage::Waiting);
                Change::Begun
            }
            What::Acquired { token, validity, requests, waited, wakeups } => {
                (self.stage, self.acquire_requests, self.wakeups) = (Stage::Holding, requests, wakeups);
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
                    asked_ns: 0,
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
            What::ReleaseInvoke { seen, asked, .. } => {
                self.stage = Stage::Releasing;
                if let Some(hold) = &mut self.hold {
                    (hold.left, hold.asked_ns) = (Some(event.t), asked);
                }
                Change::Left(seen)
            }
            What::Denied { denial, surely_ended, requests, wakeups } => {
                (self.stage, self.acquire_requests, self.wakeups) = (Stage::Over, requests, wakeups);
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
