//! The order in which one attempt's events can come. Where they come otherwise,
//! events were lost, or somebody has changed the history.

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

/// The stages of all clients of a trial.
#[derive(Clone, Debug)]
pub struct Sequence(Vec<Stage>);

impl Sequence {
    /// All idle.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self(vec![Stage::Idle; clients as usize])
    }

    /// Client number and stage of each.
    pub fn stages(&self) -> impl Iterator<Item = (u32, Stage)> {
        (0..).zip(self.0.iter().copied())
    }

    /// The next event of the trial. The client stands where the event puts it, also
    /// where that is impossible.
    ///
    /// # Errors
    /// Says why it cannot come here.
    pub fn observe(&mut self, event: &Event) -> Result<(), String> {
        let Some(stage) = self.0.get_mut(event.client as usize) else { return Ok(()) };
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
            What::SelfStall { .. } => return Ok(()),
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
}

#[cfg(test)]
mod tests {
    use super::Sequence;
    use crate::record::event::{Denial, Event, ReleaseKind, Seen, What};

    const INVOKE: What = What::Invoke { due: 0 };
    const ACQUIRED: What = What::Acquired { token: None, validity: 9, requests: 1 };
    const TIMED_OUT: What = What::Denied { denial: Denial::TimedOut, surely_ended: 0, requests: 1 };
    const RELEASE: What = What::ReleaseInvoke {
        enter: 0,
        exit: 0,
        seen: Seen { occupancy: 1, lost_update: false, stale_write: false, refused_write: false },
    };
    const RELEASED: What = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
    const DIED: What = What::Died { surely_ended: 0 };

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
