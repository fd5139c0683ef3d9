//! Lines of text, versions 1 and 2, read with serde.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::line::{Cut, Header, Line, Unjudged};
use super::text_write::VERSION;
use crate::record::event::{
    Denial, Disturbance, Event, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What, WitnessReading,
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
    fault: Option<u16>,
    node: Option<u16>,
    bit: Option<bool>,
    holder: Option<u32>,
    state: Option<&'a str>,
    left_ms: Option<u32>,
    before: Option<u64>,
    digest: Option<u64>,
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
        if let Some(mode) = raw.m.filter(|mode| *mode != "exclusive") {
            return Err(Problem::Unjudged { t: raw.t, kind: format!("{} ({})", plain(raw.e), plain(mode)) });
        }
        if raw.k.as_ref().is_some_and(|keys| keys.count > 1) {
            return Err(Problem::Unjudged { t: raw.t, kind: format!("{} (several keys)", plain(raw.e)) });
        }
    } else if raw.a.is_some() || raw.g.is_some() || raw.m.is_some() {
        return Err(Problem::Wrong("a field of version 2 in a history of version 1".to_owned()));
    }
    let needed = |value: Option<u64>, field: &str| value.ok_or_else(|| format!("\"{}\" without \"{field}\"", raw.e));
    let requests = raw.requests.unwrap_or(absent);
    let validity = raw.validity.unwrap_or(u64::MAX);
    let surely_ended = raw.surely_ended.unwrap_or(u64::MAX);
    let released = |release| What::Released { release, surely_ended, requests };
    let what = match raw.e {
        "invoke" if version > 1 => What::Invoke { due: raw.due.unwrap_or(raw.t) },
        "invoke" => What::Invoke { due: needed(raw.due, "due")? },
        "acquired" => What::Acquired { token: raw.token, validity, requests, waited: raw.waited },
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
        "identity" if version > 1 => What::Identity {
            of: raw.holder.ok_or("\"identity\" without \"holder\"".to_owned())?,
            digest: needed(raw.digest, "digest")?,
        },
        other => match Denial::named(other) {
            Some(denial) => What::Denied { denial, surely_ended, requests },
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
const KINDS: [&str; 23] = [
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
    "identity",
];

#[cfg(test)]
mod tests {
    use super::Parser;
    use crate::record::event::{
        Denial, Disturbance, Event, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What, WitnessReading,
    };
    use crate::record::history::line::{Header, Line, Unjudged};
    use crate::record::history::text_write::{write, write_header};

    fn every_kind() -> Vec<What> {
        let seen = WitnessReading {
            occupancy: 2,
            lost_update: true,
            stale_write: false,
            refused_write: true,
            challenged: Some(false),
        };
        let mut all = vec![
            What::Invoke { due: 7 },
            What::Acquired { token: Some(9), validity: 12, requests: 3, waited: Some(true) },
            What::Acquired { token: Some(9), validity: 12, requests: 1, waited: Some(false) },
            What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None },
            What::Lost { at: 5 },
            What::ReleaseInvoke { enter: 1, exit: 2, seen },
            What::ReleaseInvoke { enter: 1, exit: 2, seen: WitnessReading { challenged: Some(true), ..seen } },
            What::ReleaseInvoke { enter: 1, exit: 2, seen: WitnessReading { challenged: None, ..seen } },
            What::Died { surely_ended: u64::MAX, challenged: None },
            What::Died { surely_ended: 9, challenged: Some(true) },
            What::Killed { at: 4, surely_ended: u64::MAX },
            What::SelfStall { from: 3 },
            What::PauseBegins,
            What::Paused { from: 4 },
            What::Marker { number: 2, at: 10 },
            What::Stopped { fault: 2, from: 6 },
            What::FaultInjected(Disturbance { fault: 1, node: 4 }),
            What::FaultHealed { of: Disturbance { fault: 0, node: 2 }, from: 6, bit: true },
            What::LateWrite { of: 3, fault: 1, from: 6, seen: WitnessReading { challenged: None, ..seen } },
            What::Identity { of: 3, digest: u64::MAX },
        ];
        for holder in [SeenHolder::Free, SeenHolder::Client(4), SeenHolder::Stranger, SeenHolder::Away] {
            all.push(What::Seen(Seen { node: 2, left_ms: 7, holder, token: 8, before: 9 }));
            let (left_ms, token) = (Seen::NO_LEASE, Seen::NO_TOKEN);
            all.push(What::Seen(Seen { node: 0, left_ms, holder, token, before: 0 }));
        }
        for (denial, _) in Denial::ALL {
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

    const HEADER: &str =
        r#"{"result":{"backend":"memory","trial":1,"clients":9,"keys":9,"start":0,"measure":1,"end":9}}"#;

    /// Lines of version 2, of a result that has begun.
    fn second() -> Parser {
        let mut parser = Parser::default();
        let header =
            Header { backend: "memory".to_owned(), trial: 1, clients: 9, keys: 9, start: 0, measure: 1, end: 9 };
        let mut text = Vec::new();
        write_header(&header, &mut text);
        assert_eq!(parser.parse(std::str::from_utf8(&text).unwrap()), Ok(Line::Result(header)));
        parser
    }

    fn first() -> Parser {
        let mut parser = Parser::default();
        assert!(matches!(parser.parse(HEADER), Ok(Line::Result(_))));
        parser
    }

    #[test]
    fn every_event_reads_back_as_it_was() {
        for what in every_kind() {
            let client = if what.is_of_nobody() { Event::NOBODY } else { 3 };
            let attempts = if what.is_of_nobody() { [(0, 0); 3] } else { [(0, 0), (7, 0), (8, 5)] };
            for (attempt, key) in attempts {
                let event = Event { t: 11, client, attempt, key, what };
                let mut text = Vec::new();
                write(&event, &mut text);
                assert_eq!(second().parse(std::str::from_utf8(&text).unwrap()), Ok(Line::Event(event)));
            }
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
            assert!(first().parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_of_version_1_are_read_by_the_rules_of_version_1() {
        let mut parser = first();
        let invoke = r#"{"t":2,"c":3,"k":4,"e":"invoke","due":1}"#;
        let event = Event { t: 2, client: 3, attempt: 0, key: 4, what: What::Invoke { due: 1 } };
        assert_eq!(parser.parse(invoke), Ok(Line::Event(event)));
        let refused = r#"{"t":2,"c":3,"k":4,"e":"refused"}"#;
        let what = What::Denied { denial: Denial::Refused, surely_ended: u64::MAX, requests: 0 };
        assert_eq!(parser.parse(refused), Ok(Line::Event(Event { what, ..event })), "absent is none, not one");
        for text in [r#"{"t":2,"c":3,"e":"invoke","due":1}"#, r#"{"t":2,"c":3,"a":1,"k":4,"e":"invoke","due":1}"#] {
            assert!(parser.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_version_2_leaves_out_is_as_usual() {
        let mut parser = second();
        let mut read = |text: &str| match parser.parse(text) {
            Ok(Line::Event(event)) => event,
            other => panic!("{other:?}"),
        };
        let event = Event { t: 2, client: 3, attempt: 0, key: 0, what: What::Invoke { due: 2 } };
        assert_eq!(read(r#"{"t":2,"c":3,"e":"invoke"}"#), event);
        assert_eq!(read(r#"{"t":2,"c":3,"a":9,"k":[4],"g":1,"m":"exclusive","e":"invoke"}"#).attempt, 9);
        let what = What::Denied { denial: Denial::Refused, surely_ended: u64::MAX, requests: 1 };
        assert_eq!(read(r#"{"t":2,"c":3,"e":"refused"}"#), Event { what, ..event });
    }

    #[test]
    fn what_version_2_does_not_know_is_kept_and_what_makes_no_sense_is_not() {
        let mut parser = second();
        for (text, kind) in [
            (r#"{"t":5,"e":"clock_jump","k":[0],"holder":"c3","ttl":40}"#, "clock_jump"),
            (r#"{"t":5,"c":1,"a":2,"m":"shared","e":"acquired"}"#, "acquired (shared)"),
            (r#"{"t":5,"c":1,"a":2,"m":"permits:3","e":"acquired"}"#, "acquired (permits:3)"),
            (r#"{"t":5,"c":1,"a":2,"k":[1,2],"e":"acquired"}"#, "acquired (several keys)"),
        ] {
            let unjudged = Unjudged { t: 5, kind: kind.to_owned(), text: text.to_owned() };
            assert_eq!(parser.parse(text), Ok(Line::Unjudged(unjudged)));
        }
        for text in [
            r#"{"t":5,"c":1,"e":"acquired","owner":2}"#,
            r#"{"t":5,"e":"fault_injected","fault":0}"#,
            r#"{"t":5,"e":"fault_healed","fault":0,"node":0,"from":4}"#,
            r#"{"t":5,"e":"fault_healed","fault":0,"node":0,"from":6,"bit":true}"#,
            r#"{"t":5,"e":"acquired"}"#,
            r#"{"t":5,"c":1,"k":[],"e":"acquired"}"#,
            r#"{"t":5,"c":1,"e":"self_stall","from":1}"#,
        ] {
            assert!(parser.parse(text).is_err(), "{text}");
        }
        let newer = HEADER.replace("{\"backend\"", "{\"version\":3,\"backend\"");
        assert!(parser.parse(&newer).unwrap_err().contains("version 3"));
    }
}
