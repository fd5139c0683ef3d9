//! One line of the history: written by hand, because every event passes here,
//! and read with serde.

use serde::{Deserialize, Serialize};

use crate::record::event::{Denial, Event, ReleaseKind, RenewalOutcome, Seen, What};

/// Starts the events of one result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Registry name.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Number of clients.
    pub clients: u32,
    /// Number of keys.
    pub keys: u32,
    /// Start of the warm-up.
    pub start: u64,
    /// Start of measuring.
    pub measure: u64,
    /// Planned end of measuring.
    pub end: u64,
}

/// What the oracle has counted so far, over all phases of a trial. Every count only
/// grows, and depends on the events alone: a replay of the same events has the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Grants.
    pub grants: u64,
    /// Double grants under the naive policy.
    pub double_grants: u64,
    /// Of these: the earlier holder's promise was still running.
    pub inside: u64,
    /// Of these: the service took it back early and said so.
    #[serde(default)]
    pub withdrawn: u64,
    /// Of these: it was over.
    pub outside: u64,
    /// Double grants under the deadline policy.
    pub deadline: u64,
    /// Double grants under the evidence policy.
    pub evidence: u64,
    /// Grants that overlap an uncertain hold.
    pub overlaps_possible: u64,
    /// Certain token regressions.
    pub token_regressions: u64,
    /// Token inversions that are no violation.
    pub token_inversions: u64,
    /// Writes over a change made since the read.
    pub lost_updates: u64,
    /// Writes with a token below the highest written.
    pub stale_writes_seen: u64,
    /// Writes that a fenced resource refused.
    pub stale_writes_refused: u64,
}

/// Where the whole part of a result's history ends: from here on the file has the
/// rest of attempts that were under way, and what surrounds violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Instant of the first event that is not written.
    pub t: u64,
    /// What the oracle had counted in everything before it.
    pub judged: Judged,
}

/// A line read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A new result starts.
    Result(Header),
    /// The whole part of the current result ends here.
    Cut(Cut),
    /// The next event of the current result.
    Event(Event),
}

/// Appends the line of an event.
pub fn write(event: &Event, out: &mut Vec<u8>) {
    let mut line = Fields { out, number: itoa::Buffer::new() };
    line.out.push(b'{');
    line.first("t", event.t);
    if event.client != Event::NOBODY {
        line.number("c", u64::from(event.client));
        line.number("k", u64::from(event.key));
    }
    match event.what {
        What::Invoke { due } => {
            line.name("invoke");
            line.number("due", due);
        }
        What::Acquired { token, validity, requests, waited } => {
            line.name("acquired");
            if let Some(token) = token {
                line.number("token", token);
            }
            line.instant("validity", validity);
            line.number("requests", u64::from(requests));
            if let Some(waited) = waited {
                line.choice("waited", waited);
            }
        }
        What::Denied { denial, surely_ended, requests } => {
            line.name(denial_name(denial));
            if denial == Denial::Unknown {
                line.instant("surely_ended", surely_ended);
            }
            line.number("requests", u64::from(requests));
        }
        What::Renewed { invoke, outcome, validity } => {
            line.name(renewal_name(outcome));
            line.number("invoke", invoke);
            line.instant("validity", validity);
        }
        What::Lost { at } => {
            line.name("lost");
            line.number("at", at);
        }
        What::ReleaseInvoke { enter, exit, seen } => {
            line.name("release_invoke");
            line.number("enter", enter);
            line.number("exit", exit);
            line.number("occupancy", u64::from(seen.occupancy));
            line.flag("lost_update", seen.lost_update);
            line.flag("stale_write", seen.stale_write);
            line.flag("refused_write", seen.refused_write);
            if let Some(challenged) = seen.challenged {
                line.choice("challenged", challenged);
            }
        }
        What::Released { release, surely_ended, requests } => {
            line.name(release_name(release));
            if matches!(release, ReleaseKind::Unavailable | ReleaseKind::Unknown) {
                line.instant("surely_ended", surely_ended);
            }
            line.number("requests", u64::from(requests));
        }
        What::Died { surely_ended, challenged } => {
            line.name("died");
            line.instant("surely_ended", surely_ended);
            if let Some(challenged) = challenged {
                line.choice("challenged", challenged);
            }
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
    }
    line.out.extend_from_slice(b"}\n");
}

struct Fields<'a> {
    out: &'a mut Vec<u8>,
    number: itoa::Buffer,
}

impl Fields<'_> {
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

    /// An instant; `u64::MAX` (never) is left out.
    fn instant(&mut self, field: &str, value: u64) {
        if value != u64::MAX {
            self.number(field, value);
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
        self.out.extend_from_slice(b",\"e\":\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'"');
    }
}

fn denial_name(denial: Denial) -> &'static str {
    match denial {
        Denial::Refused => "refused",
        Denial::TimedOut => "timed_out",
        Denial::Withdrawn => "withdrawn",
        Denial::Unavailable => "unavailable",
        Denial::Unknown => "unknown",
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultLine {
    result: Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutLine {
    cut: Cut,
}

/// Every field that any event may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent<'a> {
    t: u64,
    c: Option<u32>,
    k: Option<u32>,
    // Names need no escapes: borrowed, because a replay reads millions of them.
    e: &'a str,
    due: Option<u64>,
    token: Option<u64>,
    validity: Option<u64>,
    requests: Option<u32>,
    // Histories of before schema version 3 of the report do not tell.
    waited: Option<bool>,
    surely_ended: Option<u64>,
    invoke: Option<u64>,
    at: Option<u64>,
    enter: Option<u64>,
    exit: Option<u64>,
    occupancy: Option<u32>,
    #[serde(default)]
    lost_update: bool,
    #[serde(default)]
    stale_write: bool,
    #[serde(default)]
    refused_write: bool,
    challenged: Option<bool>,
    from: Option<u64>,
    number: Option<u32>,
}

/// Reads one line.
///
/// # Errors
/// Says what is missing or unknown; the caller adds file and line number.
pub fn parse(text: &str) -> Result<Line, String> {
    if text.starts_with("{\"result\"") {
        return serde_json::from_str::<ResultLine>(text)
            .map(|line| Line::Result(line.result))
            .map_err(|e| e.to_string());
    }
    if text.starts_with("{\"cut\"") {
        return serde_json::from_str::<CutLine>(text).map(|line| Line::Cut(line.cut)).map_err(|e| e.to_string());
    }
    let raw: RawEvent<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let needed = |value: Option<u64>, field: &str| value.ok_or_else(|| format!("\"{}\" without \"{field}\"", raw.e));
    let requests = raw.requests.unwrap_or(0);
    let validity = raw.validity.unwrap_or(u64::MAX);
    let surely_ended = raw.surely_ended.unwrap_or(u64::MAX);
    let denied = |denial| What::Denied { denial, surely_ended, requests };
    let released = |release| What::Released { release, surely_ended, requests };
    let what = match raw.e {
        "invoke" => What::Invoke { due: needed(raw.due, "due")? },
        "acquired" => What::Acquired { token: raw.token, validity, requests, waited: raw.waited },
        "refused" => denied(Denial::Refused),
        "timed_out" => denied(Denial::TimedOut),
        "withdrawn" => denied(Denial::Withdrawn),
        "unavailable" => denied(Denial::Unavailable),
        "unknown" => denied(Denial::Unknown),
        "renewed" | "renew_refused" | "renew_unanswered" => What::Renewed {
            invoke: needed(raw.invoke, "invoke")?,
            outcome: match raw.e {
                "renewed" => RenewalOutcome::Confirmed,
                "renew_refused" => RenewalOutcome::Refused,
                _ => RenewalOutcome::Unanswered,
            },
            validity,
        },
        "lost" => What::Lost { at: needed(raw.at, "at")? },
        "release_invoke" => What::ReleaseInvoke {
            enter: needed(raw.enter, "enter")?,
            exit: needed(raw.exit, "exit")?,
            seen: Seen {
                occupancy: raw.occupancy.unwrap_or(0),
                lost_update: raw.lost_update,
                stale_write: raw.stale_write,
                refused_write: raw.refused_write,
                challenged: raw.challenged,
            },
        },
        "released" => released(ReleaseKind::Confirmed),
        "release_not_owner" => released(ReleaseKind::NotOwner),
        "release_unavailable" => released(ReleaseKind::Unavailable),
        "release_unknown" => released(ReleaseKind::Unknown),
        "died" => What::Died { surely_ended, challenged: raw.challenged },
        "self_stall" => What::SelfStall { from: needed(raw.from, "from")? },
        "pause_begins" => What::PauseBegins,
        "paused" => What::Paused { from: needed(raw.from, "from")? },
        "marker" => What::Marker {
            number: raw.number.ok_or_else(|| format!("\"{}\" without \"number\"", raw.e))?,
            at: needed(raw.at, "at")?,
        },
        other => return Err(format!("unknown event \"{other}\"")),
    };
    if raw.invoke.is_some_and(|invoke| invoke > raw.t) {
        return Err(format!("\"{}\" before it was asked for", raw.e));
    }
    if matches!(what, What::Paused { from: begin } | What::Marker { at: begin, .. } if begin > raw.t) {
        return Err(format!("\"{}\" before it began", raw.e));
    }
    let (client, key) = match (what.is_of_nobody(), raw.c, raw.k) {
        (true, None, None) => (Event::NOBODY, 0),
        (true, ..) => return Err(format!("\"{}\" belongs to no client and key", raw.e)),
        (false, Some(client), Some(key)) => (client, key),
        _ => return Err(format!("\"{}\" without \"c\" or \"k\"", raw.e)),
    };
    Ok(Line::Event(Event { t: raw.t, client, key, what }))
}

#[cfg(test)]
mod tests {
    use super::{Line, parse, write};
    use crate::record::event::{Denial, Event, ReleaseKind, RenewalOutcome, Seen, What};

    fn every_kind() -> Vec<What> {
        let seen =
            Seen { occupancy: 2, lost_update: true, stale_write: false, refused_write: true, challenged: Some(false) };
        let mut all = vec![
            What::Invoke { due: 7 },
            What::Acquired { token: Some(9), validity: 12, requests: 3, waited: Some(true) },
            What::Acquired { token: Some(9), validity: 12, requests: 1, waited: Some(false) },
            What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None },
            What::Lost { at: 5 },
            What::ReleaseInvoke { enter: 1, exit: 2, seen },
            What::ReleaseInvoke { enter: 1, exit: 2, seen: Seen { challenged: Some(true), ..seen } },
            What::ReleaseInvoke { enter: 1, exit: 2, seen: Seen { challenged: None, ..seen } },
            What::Died { surely_ended: u64::MAX, challenged: None },
            What::Died { surely_ended: 9, challenged: Some(true) },
            What::SelfStall { from: 3 },
            What::PauseBegins,
            What::Paused { from: 4 },
            What::Marker { number: 2, at: 10 },
        ];
        for denial in [Denial::Refused, Denial::TimedOut, Denial::Withdrawn, Denial::Unavailable, Denial::Unknown] {
            all.push(What::Denied { denial, surely_ended: u64::MAX, requests: 2 });
        }
        for outcome in [RenewalOutcome::Confirmed, RenewalOutcome::Refused, RenewalOutcome::Unanswered] {
            all.push(What::Renewed { invoke: 1, outcome, validity: 4 });
        }
        for release in [ReleaseKind::Confirmed, ReleaseKind::NotOwner, ReleaseKind::Unavailable, ReleaseKind::Unknown] {
            all.push(What::Released { release, surely_ended: u64::MAX, requests: 1 });
        }
        all
    }

    #[test]
    fn every_event_reads_back_as_it_was() {
        for what in every_kind() {
            let client = if what.is_of_nobody() { Event::NOBODY } else { 3 };
            let event = Event { t: 11, client, key: 0, what };
            let mut text = Vec::new();
            write(&event, &mut text);
            assert_eq!(parse(std::str::from_utf8(&text).unwrap()), Ok(Line::Event(event)));
        }
    }

    #[test]
    fn foreign_lines_are_refused() {
        for text in [
            "",
            "{}",
            "{\"t\":1,\"e\":\"invoke\"}",
            "{\"t\":1,\"e\":\"granted\"}",
            "{\"t\":1,\"e\":\"died\",\"x\":1}",
            "{\"t\":1,\"e\":\"died\"}",
            "{\"t\":1,\"c\":0,\"e\":\"died\"}",
            "{\"t\":2,\"c\":0,\"k\":0,\"e\":\"self_stall\",\"from\":1}",
            "{\"t\":2,\"c\":0,\"k\":0,\"e\":\"pause_begins\"}",
            "{\"t\":2,\"e\":\"paused\"}",
            "{\"t\":2,\"e\":\"paused\",\"from\":3}",
            "{\"t\":2,\"e\":\"marker\",\"at\":1}",
            "{\"t\":2,\"e\":\"marker\",\"number\":1,\"at\":3}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
