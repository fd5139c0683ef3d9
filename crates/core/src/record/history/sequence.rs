//! The order in which the events of one attempt, or of one pause, can come. Where
//! they come otherwise, events were lost, or somebody has changed the history.

use crate::record::event::{Event, What};

/// Where a client stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Between attempts.
    #[default]
    Idle,
    /// Asked for the key, and has no answer yet.
    Waiting(u32),
    /// Has the key.
    Holding(u32),
    /// Gives the key back, and has no answer yet.
    Releasing(u32),
}

/// The stages of all clients of a trial, and of its load.
#[derive(Clone, Debug)]
pub struct Sequence {
    stages: Vec<Stage>,
    /// Begin of the pause that goes on.
    paused_since: Option<u64>,
}

impl Sequence {
    /// All idle.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self { stages: vec![Stage::Idle; clients as usize], paused_since: None }
    }

    /// Client number and stage of each.
    pub fn stages(&self) -> impl Iterator<Item = (u32, Stage)> {
        (0..).zip(self.stages.iter().copied())
    }

    /// The next event of the trial. The client stands where the event puts it, also
    /// where that is impossible.
    ///
    /// # Errors
    /// Says why it cannot come here.
    pub fn observe(&mut self, event: &Event) -> Result<(), String> {
        let Some(stage) = self.stages.get_mut(event.client as usize) else { return self.pause(event) };
        let key = event.key;
        let (needs, next, does) = match event.what {
            What::Invoke { .. } => (Stage::Idle, Stage::Waiting(key), "asks for"),
            What::Acquired { .. } => (Stage::Waiting(key), Stage::Holding(key), "is granted"),
            What::Denied { .. } => (Stage::Waiting(key), Stage::Idle, "is denied"),
            What::Renewed { .. } => (Stage::Holding(key), Stage::Holding(key), "renews"),
            What::Lost { .. } => (Stage::Holding(key), Stage::Holding(key), "loses"),
            What::ReleaseInvoke { .. } => (Stage::Holding(key), Stage::Releasing(key), "gives back"),
            What::Released { .. } => (Stage::Releasing(key), Stage::Idle, "has given back"),
            What::Died { .. } if *stage == Stage::Idle => (Stage::Waiting(key), Stage::Idle, "dies at"),
            What::Died { .. } => (*stage, Stage::Idle, "dies at"),
            What::SelfStall { .. } | What::PauseBegins | What::Paused { .. } | What::Marker { .. } => return Ok(()),
        };
        let was = std::mem::replace(stage, next);
        if was == needs {
            return Ok(());
        }
        let stood = match was {
            Stage::Idle => "after its last attempt was over".to_owned(),
            Stage::Waiting(other) => format!("while it was waiting for key {other}"),
            Stage::Holding(other) => format!("while it was holding key {other}"),
            Stage::Releasing(other) => format!("while it was releasing key {other}"),
        };
        Err(format!("client {} {does} key {key} {stood}: a line is missing", event.client))
    }

    /// An event of no client.
    fn pause(&mut self, event: &Event) -> Result<(), String> {
        match event.what {
            What::PauseBegins => match self.paused_since.replace(event.t) {
                None => Ok(()),
                Some(since) => Err(format!("a pause begins in the pause that began at {since}: a line is missing")),
            },
            What::Paused { from } if self.paused_since.take() != Some(from) => {
                Err(format!("the end of a pause that did not begin at {from}: a line is missing"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;
    use crate::record::event::{Denial, Event, ReleaseKind, Seen, What};

    const INVOKE: What = What::Invoke { due: 0 };
    const ACQUIRED: What = What::Acquired { token: None, validity: 9, requests: 1, waited: None };
    const TIMED_OUT: What = What::Denied { denial: Denial::TimedOut, surely_ended: 0, requests: 1 };
    const RELEASE: What = What::ReleaseInvoke {
        enter: 0,
        exit: 0,
        seen: Seen { occupancy: 1, lost_update: false, stale_write: false, refused_write: false, challenged: None },
    };
    const RELEASED: What = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
    const DIED: What = What::Died { surely_ended: 0, challenged: None };

    fn first_problem(whats: &[What]) -> Option<String> {
        let mut sequence = Sequence::new(1);
        whats.iter().find_map(|what| sequence.observe(&Event { t: 0, client: 0, key: 0, what: *what }).err())
    }

    #[test]
    fn whole_attempts_of_every_kind_pass() {
        let lost = What::Lost { at: 1 };
        assert_eq!(first_problem(&[INVOKE, ACQUIRED, lost, RELEASE, RELEASED, INVOKE, TIMED_OUT]), None);
        for alive in [&[INVOKE][..], &[INVOKE, ACQUIRED], &[INVOKE, ACQUIRED, RELEASE]] {
            assert_eq!(first_problem(&[alive, &[DIED, INVOKE]].concat()), None);
        }
    }

    #[test]
    fn a_pause_begins_before_it_ends_and_ends_before_the_next() {
        let problems = |events: &[(u64, What)]| {
            let mut sequence = Sequence::new(1);
            let event = |(t, what): &(u64, What)| Event { t: *t, client: Event::NOBODY, key: 0, what: *what };
            events.iter().filter(|one| sequence.observe(&event(one)).is_err()).count()
        };
        let (begin, end) = (What::PauseBegins, |from| What::Paused { from });
        assert_eq!(problems(&[(1, begin), (4, end(1)), (4, begin), (9, end(4))]), 0);
        assert_eq!(problems(&[(4, end(1))]), 1);
        assert_eq!(problems(&[(1, begin), (4, end(2))]), 1);
        assert_eq!(problems(&[(1, begin), (4, begin), (5, end(4))]), 1);
    }

    #[test]
    fn whichever_line_of_an_attempt_is_taken_out_the_gap_is_seen() {
        let whole = [INVOKE, ACQUIRED, RELEASE, RELEASED, INVOKE, TIMED_OUT, INVOKE];
        for missing in 0..whole.len() - 1 {
            let mut rest = whole.to_vec();
            rest.remove(missing);
            assert!(first_problem(&rest).is_some(), "without number {missing}");
        }
        assert_eq!(
            first_problem(&[INVOKE, ACQUIRED, RELEASE, INVOKE]).as_deref(),
            Some("client 0 asks for key 0 while it was releasing key 0: a line is missing")
        );
        assert!(first_problem(&[DIED]).is_some());
    }
}
