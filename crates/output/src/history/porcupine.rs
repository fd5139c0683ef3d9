//! JSON lines, one an operation with its whole interval, as Porcupine wants them
//! (<https://github.com/anishathalye/porcupine>; it has no file format of its own).
//! `docs/porcupine/main.go` reads them. All keys of a result are in one file:
//! Porcupine partitions by key itself.
//!
//! Outcomes are the raw ones, so that the adapter can take either side's word: `ok`,
//! `refused`, `timed_out`, `withdrawn`, `unavailable`, `not_owner`, and for whatever
//! may still take effect `unknown`, `died`, `lost`, `open`. Those return at the end of
//! the history, and so does a release that was not served (the lease ends some time);
//! `answered` then says when its client went on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::operation::Operation;
use super::{Rendered, stem};
use lockbench_core::record::history::Header;
use lockbench_core::record::{Denial, Event, ReleaseKind, What};

/// One file.
pub fn convert(header: &Header, events: &[Event]) -> Vec<Rendered> {
    let end = events.last().map_or(header.start, |event| event.t);
    let mut writer = Writer { start: header.start, end, out: String::new(), open: BTreeMap::new() };
    events.iter().filter(|event| event.client != Event::NOBODY).for_each(|event| writer.event(event));
    for (client, open) in std::mem::take(&mut writer.open) {
        if let Some(operation) = open.operation {
            writer.line(client, &open, operation, end, "open", "");
        }
    }
    vec![Rendered::new(format!("{}.porcupine.jsonl", stem(header)), writer.out)]
}

/// What a client has under way.
#[derive(Clone, Copy)]
struct Open {
    key: u32,
    call: u64,
    /// `None`: it holds the key and calls nobody.
    operation: Option<Operation>,
}

struct Writer {
    start: u64,
    end: u64,
    out: String,
    open: BTreeMap<u32, Open>,
}

impl Writer {
    fn event(&mut self, event: &Event) {
        let (client, key, call) = (event.client, event.key, event.t);
        match event.what {
            What::Invoke { .. } => {
                self.abandon(event, "lost");
                self.open.insert(client, Open { key, call, operation: Some(Operation::Acquire) });
            }
            What::Acquired { token, .. } => {
                self.complete(event, "ok", token);
                self.open.insert(client, Open { key, call, operation: None });
            }
            What::Denied { denial, .. } => {
                let outcome = match denial {
                    Denial::Refused => "refused",
                    Denial::TimedOut => "timed_out",
                    Denial::Withdrawn => "withdrawn",
                    Denial::Unavailable => "unavailable",
                    Denial::Unknown => "unknown",
                };
                self.complete(event, outcome, None);
            }
            What::ReleaseInvoke { .. } => {
                if self.open.get(&client).is_some_and(|open| open.operation.is_some()) {
                    self.abandon(event, "lost");
                }
                self.open.insert(client, Open { key, call, operation: Some(Operation::Release) });
            }
            What::Released { release, .. } => {
                let outcome = match release {
                    ReleaseKind::Confirmed => "ok",
                    ReleaseKind::NotOwner => "not_owner",
                    ReleaseKind::Unavailable => "unavailable",
                    ReleaseKind::Unknown => "unknown",
                };
                self.complete(event, outcome, None);
            }
            What::Died { .. } => self.abandon(event, "died"),
            What::Renewed { .. } | What::Lost { .. } => {}
            What::SelfStall { .. } | What::PauseBegins | What::Paused { .. } | What::Marker { .. } => {}
        }
    }

    fn complete(&mut self, event: &Event, outcome: &str, token: Option<u64>) {
        if let Some((open, operation)) = self.open.remove(&event.client).and_then(|open| Some((open, open.operation?)))
        {
            let lingers = outcome == "unknown" || (operation == Operation::Release && outcome == "unavailable");
            let end = if lingers { self.end } else { event.t };
            let extra = match token {
                Some(token) => format!(",\"token\":{token}"),
                None if lingers => format!(",\"answered\":{}", event.t.saturating_sub(self.start)),
                None => String::new(),
            };
            self.line(event.client, &open, operation, end, outcome, &extra);
        }
    }

    /// A call that nobody will hear of; from a holder, the release that its lease makes.
    fn abandon(&mut self, event: &Event, outcome: &str) {
        if let Some(open) = self.open.remove(&event.client) {
            let call = if open.operation.is_some() { open.call } else { event.t };
            let operation = open.operation.unwrap_or(Operation::Release);
            self.line(event.client, &Open { call, ..open }, operation, self.end, outcome, "");
        }
    }

    fn line(&mut self, client: u32, open: &Open, operation: Operation, end: u64, outcome: &str, extra: &str) {
        let (call, end) = (open.call.saturating_sub(self.start), end.saturating_sub(self.start));
        let (key, kind) = (open.key, operation.name());
        let _ = writeln!(
            self.out,
            "{{\"key\":{key},\"client\":{client},\"kind\":\"{kind}\",\"call\":{call},\"return\":{end},\
             \"outcome\":\"{outcome}\"{extra}}}"
        );
    }
}
