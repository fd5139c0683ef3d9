//! What a history may say of itself. Others may have written the file, so that every
//! number in it is held against what the rest of the file can back, before anything takes
//! memory or arithmetic for it.

use super::line::{Header, Line};
use crate::record::event::{Event, Seen, SeenHolder, What};
use crate::units::SECOND;

/// Longest line: an event has at most 300 bytes, a header a few names more.
pub const LONGEST_LINE: u64 = 16 << 10;
/// Latest instant, in nanoseconds: 73 years after the machine was started. Sums of a few
/// of them are numbers still.
const LATEST_NS: u64 = 1 << 61;
/// What a person asks for while clients get ready, a pause or a marker, is stamped before the
/// trial begins, by less than this.
const BEFORE_NS: u64 = SECOND;
/// No trial goes on for so long after its planned end.
const BEYOND_NS: u64 = 24 * 3_600 * SECOND;
/// More clients than any plan can have.
const MOST_CLIENTS: u32 = 100_000;
/// As many keys as any plan can have.
const MOST_KEYS: u32 = 1_000_000;
/// Results of one file: each has its histograms.
const MOST_RESULTS: u32 = 2_000;
/// Clients of all results of one file together: each has its figures.
const ALL_CLIENTS: u64 = 20_000_000;
/// Seconds without an event, of all results of one file together: five days. Each has a
/// window in the time series, though nothing in the file tells of it.
const SILENT_S: u64 = 500_000;
/// Longest name of a system.
const LONGEST_NAME: usize = 100;

/// What was said so far.
#[derive(Debug, Default)]
pub struct Limits {
    /// The result under way.
    current: Option<Bounds>,
    /// Instant of its last event.
    last: u64,
    results: u32,
    clients: u64,
    silent_s: u64,
}

/// What events of a result must keep to.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    clients: u32,
    keys: u32,
    latest: u64,
}

impl Limits {
    /// The next line: does it fit its result, and what came before it?
    pub fn check(&mut self, line: &Line) -> Result<(), String> {
        match (line, self.current) {
            (Line::Result(header), _) => self.begin(header),
            (Line::Cut(_), None) => Err("a cut before the first result".to_owned()),
            (Line::Cut(cut), Some(bounds)) => self.pass(cut.t, bounds),
            (Line::Event(_) | Line::Unjudged(_), None) => Err("an event before the first result".to_owned()),
            (Line::Unjudged(unjudged), Some(bounds)) => self.pass(unjudged.t, bounds),
            (Line::Event(event), Some(bounds)) => self.event(event, bounds),
        }
    }

    fn begin(&mut self, header: &Header) -> Result<(), String> {
        let Header { clients, keys, start, measure, end, .. } = *header;
        named(&header.backend)?;
        if clients > MOST_CLIENTS || keys > MOST_KEYS {
            return Err(format!("{clients} clients and {keys} keys are more than any plan has"));
        }
        if start > measure || measure > end || end > LATEST_NS {
            return Err(format!("a result from {start} by {measure} to {end} has impossible phases"));
        }
        self.results += 1;
        self.clients += u64::from(clients);
        if self.results > MOST_RESULTS || self.clients > ALL_CLIENTS {
            return Err(format!("more than {MOST_RESULTS} results, or {ALL_CLIENTS} clients in all of them"));
        }
        self.current = Some(Bounds { clients, keys, latest: end + BEYOND_NS });
        self.last = start.saturating_sub(BEFORE_NS);
        Ok(())
    }

    fn event(&mut self, event: &Event, bounds: Bounds) -> Result<(), String> {
        let Event { t, client, key, what, .. } = *event;
        let (client, key) = match what {
            What::Seen(Seen { holder: SeenHolder::Client(of), .. }) => (Some(of), Some(key)),
            What::Seen(_) => (None, Some(key)),
            What::Identity { of, .. } | What::LateWrite { of, .. } => (Some(of), None),
            what if what.is_of_nobody() => (None, None),
            _ => (Some(client), Some(key)),
        };
        if client.is_some_and(|client| client >= bounds.clients) || key.is_some_and(|key| key >= bounds.keys) {
            let (client, key) = (client.unwrap_or_default(), key.unwrap_or_default());
            return Err(format!("client {client} or key {key} is none of this result"));
        }
        self.pass(t, bounds)?;
        instants(&what)
    }

    /// Time passes.
    fn pass(&mut self, t: u64, bounds: Bounds) -> Result<(), String> {
        if t < self.last || t > bounds.latest {
            return Err(format!("instant {t} after {}", self.last));
        }
        self.silent_s += (t - self.last) / SECOND;
        if self.silent_s > SILENT_S {
            return Err(format!("instant {t} after {}: the file is silent for longer than any run is", self.last));
        }
        self.last = t;
        Ok(())
    }
}

/// Is it a name of a system, as the registry and users of the library give them? Names are
/// printed, and part of file names.
///
/// # Errors
/// Says that it is none.
pub fn named(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '+');
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits) {
        return Ok(());
    }
    Err(format!("{:?} is no name of a system", name.chars().take(LONGEST_NAME).collect::<String>()))
}

/// Are its instants instants?
fn instants(what: &What) -> Result<(), String> {
    // What is absent is read as never.
    let or_never = |field, t| if t == u64::MAX { Ok(()) } else { instant(field, t) };
    match *what {
        What::Invoke { due } | What::InvokeAs { due, .. } => instant("due", due),
        What::Acquired { validity, .. } => or_never("validity", validity),
        What::Denied { surely_ended, .. } | What::Released { surely_ended, .. } | What::Died { surely_ended, .. } => {
            or_never("surely_ended", surely_ended)
        }
        What::Renewed { invoke, validity, .. } => instant("invoke", invoke).and(or_never("validity", validity)),
        What::Killed { at, surely_ended } => instant("at", at).and(or_never("surely_ended", surely_ended)),
        What::Lost { at } | What::Marker { at, .. } => instant("at", at),
        What::ReleaseInvoke { enter, exit, .. } => instant("enter", enter).and(instant("exit", exit)),
        What::SelfStall { from }
        | What::Paused { from }
        | What::Stopped { from, .. }
        | What::LateWrite { from, .. }
        | What::FaultHealed { from, .. } => instant("from", from),
        What::Seen(Seen { before, .. }) => instant("before", before),
        What::Dropped { due, until, .. } => instant("due", due).and(instant("until", until)),
        What::PauseBegins | What::FaultInjected(_) | What::Identity { .. } => Ok(()),
    }
}

fn instant(field: &str, t: u64) -> Result<(), String> {
    if t <= LATEST_NS { Ok(()) } else { Err(format!("\"{field}\":{t} is no instant")) }
}

#[cfg(test)]
mod tests {
    use super::super::line::{Header, Line};
    use super::Limits;
    use crate::record::event::{Event, What};
    use crate::units::SECOND;

    #[test]
    fn a_pause_that_a_person_asked_for_before_the_trial_began_is_part_of_it() {
        let header = Header {
            backend: "memory".to_owned(),
            trial: 2,
            clients: 1,
            keys: 1,
            start: 10 * SECOND,
            measure: 11 * SECOND,
            end: 12 * SECOND,
        };
        let begins = |t| Line::Event(Event { t, client: Event::NOBODY, attempt: 0, key: 0, what: What::PauseBegins });
        let mut limits = Limits::default();
        assert_eq!(limits.check(&Line::Result(header.clone())), Ok(()));
        assert_eq!(limits.check(&begins(10 * SECOND - 20_000_000)), Ok(()));
        let mut limits = Limits::default();
        assert_eq!(limits.check(&Line::Result(header)), Ok(()));
        assert!(limits.check(&begins(8 * SECOND)).is_err(), "an instant of another trial");
    }
}
