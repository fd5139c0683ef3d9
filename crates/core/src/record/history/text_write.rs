//! Lines of text, version 2, written by hand: every event passes here. What is as usual is
//! left out; `super` lists the fields and what their absence means.

use serde::Serialize;

use super::line::{Cut, Header};
use crate::record::event::{
    Act, Denial, Disturbance, Event, Mode, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What,
};

/// The version of the lines that are written.
pub const VERSION: u32 = 2;

/// Appends the line that starts a result.
pub fn write_header(header: &Header, out: &mut Vec<u8>) {
    #[derive(Serialize)]
    struct ResultLine<'a> {
        result: Versioned<'a>,
    }
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        header: &'a Header,
    }
    append(&ResultLine { result: Versioned { version: VERSION, header } }, out);
}

/// Appends the line that ends the whole part of a result.
pub fn write_cut(cut: Cut, out: &mut Vec<u8>) {
    #[derive(Serialize)]
    struct CutLine {
        cut: Cut,
    }
    append(&CutLine { cut }, out);
}

fn append(line: &impl Serialize, out: &mut Vec<u8>) {
    if let Ok(text) = serde_json::to_string(line) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

/// Appends the line of an event.
pub fn write(event: &Event, out: &mut Vec<u8>) {
    let mut line = Fields { out, number: itoa::Buffer::new() };
    line.out.push(b'{');
    line.first("t", event.t);
    if event.client != Event::NOBODY {
        line.number("c", u64::from(event.client));
        line.unless("a", u64::from(event.attempt), 0);
        line.keys(event.key);
    } else if matches!(event.what, What::Seen(_)) {
        line.keys(event.key);
    }
    match event.what {
        What::Invoke { due } => {
            line.name("invoke");
            line.unless("due", due, event.t);
        }
        What::InvokeAs { due, first, mode } => {
            line.name("invoke");
            line.unless("due", due, event.t);
            line.unless("first", u64::from(first), 0);
            if mode != Mode::Exclusive {
                line.text("m", &mode.name());
            }
        }
        What::Acquired { token, validity, requests, waited, wakeups } => {
            line.name("acquired");
            if let Some(token) = token {
                line.number("token", token);
            }
            line.instant("validity", validity);
            line.unless("requests", u64::from(requests), 1);
            if let Some(waited) = waited {
                line.choice("waited", waited);
            }
            line.unless("wakeups", u64::from(wakeups), 0);
        }
        What::Denied { denial, surely_ended, requests, wakeups } => {
            line.name(denial.name());
            if denial == Denial::Unknown {
                line.instant("surely_ended", surely_ended);
            }
            line.unless("requests", u64::from(requests), 1);
            line.unless("wakeups", u64::from(wakeups), 0);
        }
        What::Renewed { invoke, outcome, validity } => {
            line.name(renewal_name(outcome));
            line.number("invoke", invoke);
            line.instant("validity", validity);
        }
        What::Stopped { fault, from } => {
            line.name("stopped");
            line.number("fault", u64::from(fault));
            line.number("from", from);
        }
        What::Lost { at } => {
            line.name("lost");
            line.number("at", at);
        }
        What::ReleaseInvoke { enter, exit, seen, asked } => {
            line.name("release_invoke");
            line.number("enter", enter);
            line.number("exit", exit);
            line.unless("asked", asked, 0);
            line.unless("occupancy", u64::from(seen.occupancy), 1);
            line.flag("lost_update", seen.lost_update);
            line.flag("stale_write", seen.stale_write);
            line.flag("refused_write", seen.refused_write);
            line.act(seen.act);
            if let Some(challenged) = seen.challenged {
                line.choice("challenged", challenged);
            }
        }
        What::Released { release, surely_ended, requests } => {
            line.name(release_name(release));
            if matches!(release, ReleaseKind::Unavailable | ReleaseKind::Unknown) {
                line.instant("surely_ended", surely_ended);
            }
            line.unless("requests", u64::from(requests), 1);
        }
        What::Died { surely_ended, challenged } => {
            line.name("died");
            line.instant("surely_ended", surely_ended);
            if let Some(challenged) = challenged {
                line.choice("challenged", challenged);
            }
        }
        What::Killed { at, surely_ended } => {
            line.name("killed");
            line.number("at", at);
            line.instant("surely_ended", surely_ended);
        }
        What::SelfStall { from } => {
            line.name("self_stall");
            line.number("from", from);
        }
        What::PauseBegins => line.name("pause_begins"),
        What::Paused { from } => {
            line.name("paused");
            line.number("from", from);
        }
        What::Marker { number, at } => {
            line.name("marker");
            line.number("number", u64::from(number));
            line.number("at", at);
        }
        What::FaultInjected(of) => {
            line.name("fault_injected");
            line.disturbance(of);
        }
        What::FaultHealed { of, from, bit } => {
            line.name("fault_healed");
            line.disturbance(of);
            line.number("from", from);
            line.choice("bit", bit);
        }
        What::Seen(Seen { node, left_ms, holder, token, before }) => {
            line.name("server_state");
            line.number("node", u64::from(node));
            match holder {
                SeenHolder::Free => line.text("state", "free"),
                SeenHolder::Client(client) => line.number("holder", u64::from(client)),
                SeenHolder::Stranger => line.text("state", "stranger"),
                SeenHolder::Away => line.text("state", "away"),
            }
            line.unless("token", token, Seen::NO_TOKEN);
            line.unless("left_ms", u64::from(left_ms), u64::from(Seen::NO_LEASE));
            line.number("before", before);
        }
        What::LateWrite { of, fault, from, seen } => {
            line.name("late_write");
            line.number("holder", u64::from(of));
            line.number("fault", u64::from(fault));
            line.number("from", from);
            line.unless("occupancy", u64::from(seen.occupancy), 1);
            line.flag("lost_update", seen.lost_update);
            line.flag("stale_write", seen.stale_write);
            line.flag("refused_write", seen.refused_write);
            line.act(seen.act);
        }
        What::Dropped { due, until, count, own } => {
            line.name("dropped");
            line.number("due", due);
            line.number("until", until);
            line.number("number", u64::from(count));
            line.flag("own", own);
        }
        What::Identity { of, digest } => {
            line.name("identity");
            line.number("holder", u64::from(of));
            line.number("digest", digest);
        }
    }
    line.out.extend_from_slice(b"}\n");
}

struct Fields<'a> {
    out: &'a mut Vec<u8>,
    number: itoa::Buffer,
}

impl Fields<'_> {
    fn act(&mut self, act: Act) {
        self.flag("acted", act.done);
        self.flag("harm", act.harm);
        self.flag("harm_fenced", act.harm_fenced);
    }

    fn disturbance(&mut self, of: Disturbance) {
        self.number("fault", u64::from(of.fault));
        self.number("node", u64::from(of.node));
    }

    fn first(&mut self, field: &str, value: u64) {
        self.out.push(b'"');
        self.out.extend_from_slice(field.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out.extend_from_slice(self.number.format(value).as_bytes());
    }

    fn number(&mut self, field: &str, value: u64) {
        self.out.push(b',');
        self.first(field, value);
    }

    /// Left out if it is what its absence means.
    fn unless(&mut self, field: &str, value: u64, absent: u64) {
        if value != absent {
            self.number(field, value);
        }
    }

    /// An instant; `u64::MAX` (never) is left out.
    fn instant(&mut self, field: &str, value: u64) {
        self.unless(field, value, u64::MAX);
    }

    /// The keys of an attempt: this version takes one. Left out if it is the first.
    fn keys(&mut self, key: u32) {
        if key != 0 {
            self.out.extend_from_slice(b",\"k\":[");
            self.out.extend_from_slice(self.number.format(key).as_bytes());
            self.out.push(b']');
        }
    }

    /// Left out if it is false.
    fn flag(&mut self, field: &str, value: bool) {
        if value {
            self.choice(field, value);
        }
    }

    fn choice(&mut self, field: &str, value: bool) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(field.as_bytes());
        self.out.extend_from_slice(if value { b"\":true" } else { b"\":false" });
    }

    fn name(&mut self, name: &str) {
        self.text("e", name);
    }

    /// A word that needs no escapes.
    fn text(&mut self, field: &str, word: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(field.as_bytes());
        self.out.extend_from_slice(b"\":\"");
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }
}

fn renewal_name(outcome: RenewalOutcome) -> &'static str {
    match outcome {
        RenewalOutcome::Confirmed => "renewed",
        RenewalOutcome::Refused => "renew_refused",
        RenewalOutcome::Unanswered => "renew_unanswered",
    }
}

fn release_name(release: ReleaseKind) -> &'static str {
    match release {
        ReleaseKind::Confirmed => "released",
        ReleaseKind::NotOwner => "release_not_owner",
        ReleaseKind::Unavailable => "release_unavailable",
        ReleaseKind::Unknown => "release_unknown",
    }
}
