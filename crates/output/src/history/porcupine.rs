//! JSON lines, one per operation with its whole interval, as Porcupine wants them
//! (<https://github.com/anishathalye/porcupine>; it has no file format of its own).
//! `docs/porcupine/main.go` reads them. All keys of a result are in one file:
//! Porcupine partitions by key itself.
//!
//! Outcomes are the raw ones, so that the adapter can take either side's word: `ok`,
//! `refused`, `timed_out`, `withdrawn`, `unavailable`, `not_owner`, and for whatever
//! may still take effect `unknown`, `died`, `lost`, `open`. Those return at the end of
//! the history, and so does a release that was not served (the lease ends some time);
//! `answered` then says when its client went on.

use std::fmt::Write as _;

use super::operation::Operation;
use super::{Rendered, stem};
use lockbench_core::record::attempt::{Attempt, Change, End, Stage};
use lockbench_core::record::history::Header;
use lockbench_core::record::{Attempts, Denial, Event, ReleaseKind, Transition};

/// One file.
pub fn convert(header: &Header, events: &[Event]) -> Vec<Rendered> {
    let end = events.last().map_or(header.start, |event| event.t);
    let mut writer = Writer { start: header.start, end, out: String::new() };
    let mut attempts = Attempts::default();
    events.iter().for_each(|event| writer.follow(&attempts.observe(event)));
    attempts
        .open()
        .filter(|attempt| attempt.stage != Stage::Holding)
        .for_each(|open| writer.abandon(open, end, "open"));
    vec![Rendered::new(format!("{}.porcupine.jsonl", stem(header)), writer.out)]
}

struct Writer {
    start: u64,
    end: u64,
    out: String,
}

impl Writer {
    fn follow(&mut self, transition: &Transition<'_>) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        transition.unfinished.iter().for_each(|unfinished| self.abandon(unfinished, t, "lost"));
        match transition.change {
            Change::Granted => {
                let token = attempt.hold.and_then(|hold| hold.token);
                let extra = token.map_or_else(String::new, |token| format!(",\"token\":{token}"));
                self.acquire(attempt, t, "ok", &extra);
            }
            Change::Ended(End::Denied { denial, .. }) => {
                if denial == Denial::Unknown {
                    return self.acquire(attempt, self.end, denial.name(), &self.answered(t));
                }
                self.acquire(attempt, t, denial.name(), "");
            }
            // Where the grant is missing.
            Change::Left(_) if attempt.hold.is_none() => self.abandon(attempt, t, "lost"),
            Change::Ended(End::Released { release, .. }) => {
                let Some(left) = attempt.hold.and_then(|hold| hold.left) else { return };
                let (outcome, lingers) = match release {
                    ReleaseKind::Confirmed => ("ok", false),
                    ReleaseKind::NotOwner => ("not_owner", false),
                    ReleaseKind::Unavailable => ("unavailable", true),
                    ReleaseKind::Unknown => ("unknown", true),
                };
                let extra = if lingers { self.answered(t) } else { String::new() };
                let end = if lingers { self.end } else { t };
                self.line(attempt, Operation::Release, (left, end), outcome, &extra);
            }
            Change::Ended(End::Died { .. }) => self.abandon(attempt, t, "died"),
            Change::Begun
            | Change::Left(_)
            | Change::Renewed { .. }
            | Change::Stopped
            | Change::Lost
            | Change::Tool => {}
        }
    }

    /// When its client went on.
    fn answered(&self, t: u64) -> String {
        format!(",\"answered\":{}", t.saturating_sub(self.start))
    }

    /// An acquire, if its call is known.
    fn acquire(&mut self, attempt: &Attempt, end: u64, outcome: &str, extra: &str) {
        if attempt.begun {
            self.line(attempt, Operation::Acquire, (attempt.invoke, end), outcome, extra);
        }
    }

    /// A call without an answer; from a holder, the release that its lease makes.
    fn abandon(&mut self, attempt: &Attempt, t: u64, outcome: &str) {
        match attempt.hold {
            None => self.acquire(attempt, self.end, outcome, ""),
            Some(hold) => {
                let call = hold.left.unwrap_or(t);
                self.line(attempt, Operation::Release, (call, self.end), outcome, "");
            }
        }
    }

    fn line(&mut self, of: &Attempt, operation: Operation, (call, end): (u64, u64), outcome: &str, extra: &str) {
        let (call, end) = (call.saturating_sub(self.start), end.saturating_sub(self.start));
        let (key, client, kind) = (of.key, of.client, operation.name());
        let _ = writeln!(
            self.out,
            "{{\"key\":{key},\"client\":{client},\"kind\":\"{kind}\",\"call\":{call},\"return\":{end},\
             \"outcome\":\"{outcome}\"{extra}}}"
        );
    }
}
