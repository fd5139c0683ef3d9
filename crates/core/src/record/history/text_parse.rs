//! Lines of text, versions 1 and 2, read with serde.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::line::{Cut, Header, Line, Unjudged};
use super::text_write::VERSION;
use crate::record::event::{
    Act, Denial, Disturbance, Event, Mode, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What, WitnessReading,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultLine {
    result: StoredHeader,
}

/// A header as it is on disk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHeader {
    /// The first version did not say so.
    #[serde(default = "first")]
    version: u32,
    backend: String,
    trial: u32,
    clients: u32,
    keys: u32,
    start: u64,
    measure: u64,
    end: u64,
}

fn first() -> u32 {
    1
}

/// Only the version of a header.
#[derive(Deserialize)]
struct VersionLine {
    result: VersionOnly,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
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
    /// Number of the attempt within its client.
    a: Option<u32>,
    k: Option<Keys>,
    /// Group of the client.
    g: Option<u32>,
    /// Mode of the attempt.
    m: Option<&'a str>,
    // Names need no escapes: borrowed, because a replay reads millions of them.
    e: &'a str,
    due: Option<u64>,
    /// Of a further lock of a transaction: number of its first attempt.
    first: Option<u32>,
    token: Option<u64>,
    validity: Option<u64>,
    requests: Option<u32>,
    // Histories of before schema version 3 of the report do not tell.
    waited: Option<bool>,
    /// How often the client was woken while it waited; older histories do not tell.
    #[serde(default)]
    wakeups: u32,
    /// How long the workload asked a hold to be; older histories do not tell.
    #[serde(default)]
    asked: u64,
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
    fault: Option<u16>,
    node: Option<u16>,
    bit: Option<bool>,
    holder: Option<u32>,
    state: Option<&'a str>,
    left_ms: Option<u32>,
    before: Option<u64>,
    digest: Option<u64>,
    until: Option<u64>,
    #[serde(default)]
    own: bool,
    #[serde(default)]
    acted: bool,
    #[serde(default)]
    harm: bool,
    #[serde(default)]
    harm_fenced: bool,
}

/// The keys of an attempt: one number in version 1, a list since then.
struct Keys {
    first: u32,
    count: usize,
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key or a list of keys")
            }

            fn visit_u64<E: de::Error>(self, key: u64) -> Result<Keys, E> {
                let first = u32::try_from(key).map_err(|_| E::custom("no number of a key"))?;
                Ok(Keys { first, count: 1 })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
                let mut keys = Keys { first: 0, count: 0 };
                while let Some(key) = list.next_element::<u32>()? {
                    keys = Keys { first: if keys.count == 0 { key } else { keys.first }, count: keys.count + 1 };
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// What every event has, whatever its kind.
#[derive(Deserialize)]
struct AnyEvent<'a> {
    t: u64,
    e: &'a str,
}

/// Reads lines of text, of each result in the version that its header names.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    version: u32,
}

impl Default for Parser {
    fn default() -> Self {
        Self { version: 1 }
    }
}

impl Parser {
    /// Reads one line.
    ///
    /// # Errors
    /// Says what is missing or unknown; the caller adds file and line number.
    pub fn parse(&mut self, text: &str) -> Result<Line, String> {
        if text.starts_with("{\"result\"") {
            return self.header(text).map(Line::Result);
        }
        if text.starts_with("{\"cut\"") {
            return serde_json::from_str::<CutLine>(text).map(|line| Line::Cut(line.cut)).map_err(|e| e.to_string());
        }
        match event(text, self.version) {
            Ok(event) => Ok(Line::Event(event)),
            Err(Problem::Unjudged { t, kind }) => Ok(Line::Unjudged(Unjudged { t, kind, text: text.to_owned() })),
            Err(Problem::Wrong(problem)) => Err(problem),
        }
    }

    fn header(&mut self, text: &str) -> Result<Header, String> {
        let newer = serde_json::from_str::<VersionLine>(text).ok().filter(|line| line.result.version > VERSION);
        if let Some(VersionLine { result: VersionOnly { version } }) = newer {
            return Err(format!("a history of version {version}, and this program reads up to {VERSION}"));
        }
        let ResultLine { result } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let StoredHeader { version, backend, trial, clients, keys, start, measure, end } = result;
        self.version = version;
        Ok(Header { backend, trial, clients, keys, start, measure, end })
    }
}

/// Why a line is no event that is judged.
enum Problem {
    /// This version does not know what it tells.
    Unjudged { t: u64, kind: String },
    /// It makes no sense.
    Wrong(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Wrong(problem)
    }
}

/// A line that is no event as this version knows them: one of a kind that it does not know?
fn unknown_kind(text: &str, error: String) -> Problem {
    match serde_json::from_str::<AnyEvent<'_>>(text) {
        Ok(AnyEvent { t, e }) if !KINDS.contains(&e) && Denial::named(e).is_none() => {
            Problem::Unjudged { t, kind: plain(e) }
        }
        _ => Problem::Wrong(error),
    }
}

/// A word of a file, fit to be printed.
fn plain(word: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "_-:".contains(c) { c } else { '?' };
    word.chars().take(40).map(fits).collect()
}

fn event(text: &str, version: u32) -> Result<Event, Problem> {
    let absent = u32::from(version > 1);
    let raw: RawEvent<'_> = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) if version > 1 => return Err(unknown_kind(text, error.to_string())),
        Err(error) => return Err(Problem::Wrong(error.to_string())),
    };
    if version > 1 {
        if let Some(mode) = raw.m.filter(|mode| Mode::named(mode).is_none()) {
            return Err(Problem::Unjudged { t: raw.t, kind: format!("{} ({})", plain(raw.e), plain(mode)) });
        }
        if raw.k.as_ref().is_some_and(|keys| keys.count > 1) {
            return Err(Problem::Unjudged { t: raw.t, kind: format!("{} (several keys)", plain(raw.e)) });
        }
    } else if raw.a.is_some() || raw.g.is_some() || raw.m.is_some() {
        return Err(Problem::Wrong("a field of version 2 in a history of version 1".to_owned()));
    }
    let mode = raw.m.and_then(Mode::named).unwrap_or_default();
    let needed = |value: Option<u64>, field: &str| value.ok_or_else(|| format!("\"{}\" without \"{field}\"", raw.e));
    let requests = raw.requests.unwrap_or(absent);
    let validity = raw.validity.unwrap_or(u64::MAX);
    let surely_ended = raw.surely_ended.unwrap_or(u64::MAX);
    let released = |release| What::Released { release, surely_ended, requests };
    let what = match raw.e {
        "invoke" if version > 1 && (raw.first.is_some() || mode != Mode::Exclusive) => {
            What::InvokeAs { due: raw.due.unwrap_or(raw.t), first: raw.first.unwrap_or(0), mode }
        }
        "invoke" if version > 1 => What::Invoke { due: raw.due.unwrap_or(raw.t) },
        "invoke" => What::Invoke { due: needed(raw.due, "due")? },
        "acquired" => What::Acquired { token: raw.token, validity, requests, waited: raw.waited, wakeups: raw.wakeups },
        "renewed" | "renew_refused" | "renew_unanswered" => What::Renewed {
            invoke: needed(raw.invoke, "invoke")?,
            outcome: match raw.e {
                "renewed" => RenewalOutcome::Confirmed,
                "renew_refused" => RenewalOutcome::Refused,
                _ => RenewalOutcome::Unanswered,
            },
            validity,
        },
        "stopped" if version > 1 => What::Stopped {
            fault: raw.fault.ok_or("\"stopped\" without \"fault\"".to_owned())?,
            from: needed(raw.from, "from")?,
        },
        "lost" => What::Lost { at: needed(raw.at, "at")? },
        "release_invoke" => What::ReleaseInvoke {
            enter: needed(raw.enter, "enter")?,
            exit: needed(raw.exit, "exit")?,
            seen: reading(&raw, absent),
            asked: raw.asked,
        },
        "released" => released(ReleaseKind::Confirmed),
        "release_not_owner" => released(ReleaseKind::NotOwner),
        "release_unavailable" => released(ReleaseKind::Unavailable),
        "release_unknown" => released(ReleaseKind::Unknown),
        "died" => What::Died { surely_ended, challenged: raw.challenged },
        "killed" if version > 1 => What::Killed { at: needed(raw.at, "at")?, surely_ended },
        "self_stall" => What::SelfStall { from: needed(raw.from, "from")? },
        "pause_begins" => What::PauseBegins,
        "paused" => What::Paused { from: needed(raw.from, "from")? },
        "marker" => What::Marker {
            number: raw.number.ok_or_else(|| format!("\"{}\" without \"number\"", raw.e))?,
            at: needed(raw.at, "at")?,
        },
        "fault_injected" if version > 1 => What::FaultInjected(disturbance(&raw)?),
        "fault_healed" if version > 1 => What::FaultHealed {
            of: disturbance(&raw)?,
            from: needed(raw.from, "from")?,
            bit: raw.bit.ok_or("\"fault_healed\" without \"bit\"".to_owned())?,
        },
        "server_state" if version > 1 => What::Seen(seen(&raw)?),
        "late_write" if version > 1 => What::LateWrite {
            of: raw.holder.ok_or("\"late_write\" without \"holder\"".to_owned())?,
            fault: raw.fault.ok_or("\"late_write\" without \"fault\"".to_owned())?,
            from: needed(raw.from, "from")?,
            seen: reading(&raw, absent),
        },
        "dropped" if version > 1 => What::Dropped {
            due: needed(raw.due, "due")?,
            until: needed(raw.until, "until")?,
            count: raw.number.ok_or("\"dropped\" without \"number\"".to_owned())?,
            own: raw.own,
        },
        "identity" if version > 1 => What::Identity {
            of: raw.holder.ok_or("\"identity\" without \"holder\"".to_owned())?,
            digest: needed(raw.digest, "digest")?,
        },
        other => match Denial::named(other) {
            Some(denial) => What::Denied { denial, surely_ended, requests, wakeups: raw.wakeups },
            None if version > 1 => return Err(Problem::Unjudged { t: raw.t, kind: plain(other) }),
            None => return Err(Problem::Wrong(format!("unknown event \"{other}\""))),
        },
    };
    if raw.invoke.is_some_and(|invoke| invoke > raw.t) {
        return Err(Problem::Wrong(format!("\"{}\" before it was asked for", raw.e)));
    }
    if let What::Paused { from: begin }
    | What::Marker { at: begin, .. }
    | What::Killed { at: begin, .. }
    | What::Stopped { from: begin, .. }
    | What::FaultHealed { from: begin, .. }
    | What::LateWrite { from: begin, .. }
    | What::Dropped { due: begin, .. }
    | What::Seen(Seen { before: begin, .. }) = what
        && begin > raw.t
    {
        return Err(Problem::Wrong(format!("\"{}\" before it began", raw.e)));
    }
    let first = (version > 1).then_some(0);
    let key = raw.k.map_or(first, |keys| (keys.count == 1).then_some(keys.first));
    let tool = what.is_of_nobody();
    let (client, key) = match (tool, raw.c, key) {
        (true, None, None) => (Event::NOBODY, 0),
        (true, None, Some(key)) if matches!(what, What::Seen(_) | What::LateWrite { .. }) => (Event::NOBODY, key),
        (true, None, Some(0)) if version > 1 => (Event::NOBODY, 0),
        (true, ..) => return Err(Problem::Wrong(format!("\"{}\" belongs to no client and key", raw.e))),
        (false, Some(client), Some(key)) => (client, key),
        _ => return Err(Problem::Wrong(format!("\"{}\" without \"c\" or \"k\"", raw.e))),
    };
    Ok(Event { t: raw.t, client, attempt: raw.a.unwrap_or(0), key, what })
}

/// `absent`: how many were inside where that is left out.
fn reading(raw: &RawEvent<'_>, absent: u32) -> WitnessReading {
    WitnessReading {
        occupancy: raw.occupancy.unwrap_or(absent),
        lost_update: raw.lost_update,
        stale_write: raw.stale_write,
        refused_write: raw.refused_write,
        challenged: raw.challenged,
        act: Act { done: raw.acted, harm: raw.harm, harm_fenced: raw.harm_fenced },
    }
}

fn disturbance(raw: &RawEvent<'_>) -> Result<Disturbance, String> {
    match (raw.fault, raw.node) {
        (Some(fault), Some(node)) => Ok(Disturbance { fault, node }),
        _ => Err(format!("\"{}\" without \"fault\" and \"node\"", raw.e)),
    }
}

fn seen(raw: &RawEvent<'_>) -> Result<Seen, String> {
    let holder = match (raw.state, raw.holder) {
        (None, Some(client)) => SeenHolder::Client(client),
        (Some("free"), None) => SeenHolder::Free,
        (Some("stranger"), None) => SeenHolder::Stranger,
        (Some("away"), None) => SeenHolder::Away,
        _ => return Err("\"server_state\" with neither a \"holder\" nor a known \"state\"".to_owned()),
    };
    Ok(Seen {
        node: raw.node.ok_or("\"server_state\" without \"node\"".to_owned())?,
        left_ms: raw.left_ms.unwrap_or(Seen::NO_LEASE),
        holder,
        token: raw.token.unwrap_or(Seen::NO_TOKEN),
        before: raw.before.ok_or("\"server_state\" without \"before\"".to_owned())?,
    })
}

/// Every kind of event that is judged, beside the ways to be denied.
const KINDS: [&str; 24] = [
    "invoke",
    "acquired",
    "renewed",
    "renew_refused",
    "renew_unanswered",
    "stopped",
    "lost",
    "release_invoke",
    "released",
    "release_not_owner",
    "release_unavailable",
    "release_unknown",
    "died",
    "killed",
    "self_stall",
    "pause_begins",
    "paused",
    "marker",
    "fault_injected",
    "fault_healed",
    "server_state",
    "late_write",
    "dropped",
    "identity",
];

#[cfg(test)]
mod tests;
