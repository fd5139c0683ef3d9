//! The history of one trial, folded as the trial itself was when it ran.

use crate::live::{LiveTrial, Snapshot};
use crate::{Measurements, Replayed};
use lockbench_core::oracle::{JudgedHistory, Oracle};
use lockbench_core::record::figures::{Figures, Pause, Schedule};
use lockbench_core::record::history::{Cut, Header};
use lockbench_core::record::{Event, Observer, What};

/// A trial as far as its history was read.
pub struct Fold {
    header: Header,
    trial: LiveTrial<'static>,
    schedule: Schedule,
    /// When measuring ended, if that is known: the load may have been stopped before the
    /// planned end.
    ended: Option<u64>,
    /// The pause that goes on.
    pause: Option<Pause>,
    cut: Option<Cut>,
    last: u64,
    events: u64,
    attempts: u64,
}

impl Fold {
    /// None of its events was read. Its phases are those that were planned, until an event
    /// moves them, as it was when it ran.
    pub fn new(header: Header, measured: Option<&Measurements>) -> Self {
        let schedule = Schedule::between(header.start, header.measure, header.end);
        let ended = measured
            .map(|measured| header.start.saturating_add(measured.warmup_ns).saturating_add(measured.measured_ns));
        let figures = Figures::new(schedule.clone(), header.clients, header.keys);
        let judged = JudgedHistory::new(Oracle::new(header.clients, header.keys, header.start), None);
        let trial = LiveTrial::new((&header.backend, header.trial), schedule.clone(), figures, judged, true);
        let last = header.start;
        Self { header, trial, schedule, ended, pause: None, cut: None, last, events: 0, attempts: 0 }
    }

    /// Whose it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next event. What comes after a cut has holes, and is left out.
    pub fn observe(&mut self, event: &Event) {
        if self.cut.is_some() {
            return;
        }
        match event.what {
            What::PauseBegins if self.pause.is_none() => {
                self.pause = Some(self.schedule.pause(event.t));
            }
            What::Paused { .. } => self.resume(event.t),
            _ => {}
        }
        self.reach(event.t);
        self.trial.observe(event);
        self.last = event.t;
        self.events += 1;
        self.attempts += u64::from(matches!(event.what, What::Invoke { .. } | What::InvokeAs { .. }));
    }

    fn resume(&mut self, t: u64) {
        if let Some(pause) = self.pause.take() {
            self.schedule.resume(&pause, t);
        }
    }

    /// Nobody knew before that it would be stopped here.
    fn reach(&self, t: u64) {
        if let Some(ended) = self.ended.filter(|ended| t >= *ended && self.pause.is_none()) {
            self.schedule.stop_at(ended);
        }
    }

    /// Here its whole part ends.
    pub fn cut(&mut self, cut: Cut) {
        self.last = self.last.max(cut.t);
        self.cut.get_or_insert(cut);
    }

    /// Was it cut?
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Nanoseconds from its start to its last event, or to its cut.
    pub fn reached_ns(&self) -> u64 {
        self.last.saturating_sub(self.header.start)
    }

    /// Nanoseconds from its start to an event.
    pub fn since_start(&self, event: &Event) -> u64 {
        event.t.saturating_sub(self.header.start)
    }

    /// How it stands so many nanoseconds after its start.
    pub fn snapshot(&mut self, at_ns: u64) -> Snapshot {
        self.reach(self.header.start.saturating_add(at_ns));
        let mut snapshot = self.trial.snapshot(self.header.start.saturating_add(at_ns), false, None);
        snapshot.detail_until_ns = self.cut.map(|cut| cut.t.saturating_sub(self.header.start));
        snapshot
    }

    /// Its end: what its events say of it.
    pub fn finish(mut self) -> Replayed {
        self.resume(self.last);
        let judged = self.snapshot(self.reached_ns()).judged;
        let gaps = self.trial.gaps();
        let (figures, findings, _) = self.trial.finish();
        Replayed {
            cut: self.cut,
            judged,
            findings,
            figures,
            events: self.events,
            after_the_cut: 0,
            attempts: self.attempts,
            gaps,
            first_gap: None,
            unjudged: std::collections::BTreeMap::new(),
            broken_off: false,
            schedule: self.schedule,
            header: self.header,
        }
    }
}
