//! One key's attempts as rows in the sense of Jepsen: an operation is invoked and
//! completed by a *process*, which has one operation open at a time.
//!
//! | what happened | row |
//! |---|---|
//! | acquired | `:ok` |
//! | refused, timed out, withdrawn, not served: surely no effect | `:fail` |
//! | answer lost; client died; still open where the history ends | `:info` |
//! | released | `:ok` |
//! | release found another holder or none | strict `:fail`, belief `:ok` |
//! | release not served: the lease ends some time later | strict `:info`, belief `:ok` |
//! | release unanswered, or its client died | `:info` |
//!
//! *Strict* takes the server's word, *belief* the client's: its critical section was
//! over, whatever the server thought. After an `:info` its process may still act in
//! the mind of a checker, so that number is never used again: the client goes on
//! under a fresh one. A client that died while holding gets a release with `:info`:
//! its lease lets go of the key some time later.

use std::collections::{BTreeMap, BTreeSet};

use lockbench_core::record::attempt::{Change, End};
use lockbench_core::record::history::Header;
use lockbench_core::record::{Attempts, Denial, Event, ReleaseKind, Transition, What};

/// Which side's word is taken where server and client disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The server's.
    Strict,
    /// The client's.
    Belief,
}

impl Variant {
    /// As in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Belief => "belief",
        }
    }
}

/// What a row says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It begins.
    Invoke,
    /// It took effect.
    Ok,
    /// It surely took no effect.
    Fail,
    /// It may take effect at any time from its invocation on.
    Info,
}

impl Kind {
    /// As checkers know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// The two operations of a mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Take it.
    Acquire,
    /// Give it back.
    Release,
}

impl Operation {
    /// As checkers know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
        }
    }
}

/// One line of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 0.
    pub index: u64,
    /// Nanoseconds since the start of the warm-up.
    pub time: u64,
    /// The process.
    pub process: u64,
    /// What it says.
    pub kind: Kind,
    /// Of what.
    pub operation: Operation,
    /// Of a grant: the client, and its fencing token if it has one.
    pub grant: Option<(u32, Option<u64>)>,
    /// Why it is no `:ok`.
    pub error: Option<&'static str>,
}

/// The keys that a client asked for, in order.
pub fn keys(events: &[Event]) -> BTreeSet<u32> {
    events
        .iter()
        .filter(|event| matches!(event.what, What::Invoke { .. } | What::InvokeAs { .. }))
        .map(|event| event.key)
        .collect()
}

/// The rows of one key.
pub fn rows(header: &Header, events: &[Event], key: u32, variant: Variant) -> Vec<Row> {
    let mut writer = Writer { header, variant, rows: Vec::new(), clients: BTreeMap::new() };
    let mut attempts = Attempts::default();
    for event in events.iter().filter(|event| event.key == key && event.client != Event::NOBODY) {
        writer.follow(&attempts.observe(event));
    }
    writer.close(events.last().map_or(header.start, |event| event.t));
    writer.rows
}

#[derive(Clone, Copy)]
struct Client {
    process: u64,
    open: Option<Operation>,
}

struct Writer<'a> {
    header: &'a Header,
    variant: Variant,
    rows: Vec<Row>,
    clients: BTreeMap<u32, Client>,
}

/// Of a grant: its client and its fencing token.
type Granted = Option<(u32, Option<u64>)>;

impl Writer<'_> {
    fn client(&mut self, client: u32) -> &mut Client {
        self.clients.entry(client).or_insert(Client { process: u64::from(client), open: None })
    }

    fn follow(&mut self, transition: &Transition<'_>) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        for unfinished in transition.unfinished {
            self.abandon(unfinished.client, unfinished.inside(), t, "lost");
        }
        let client = attempt.client;
        match transition.change {
            Change::Begun => self.invoke(client, t, Operation::Acquire),
            Change::Granted => {
                let token = attempt.hold.and_then(|hold| hold.token);
                self.complete(client, t, Kind::Ok, None, Some((client, token)));
            }
            Change::Left(_) => self.invoke(client, t, Operation::Release),
            Change::Ended(End::Denied { denial, .. }) => {
                let (kind, error) = match denial {
                    Denial::Refused => (Kind::Fail, "refused"),
                    Denial::TimedOut => (Kind::Fail, "timed-out"),
                    Denial::Withdrawn => (Kind::Fail, "withdrawn"),
                    Denial::Unavailable => (Kind::Fail, "unavailable"),
                    Denial::Unknown => (Kind::Info, "unknown"),
                    Denial::Aborted => (Kind::Fail, "aborted"),
                    Denial::Deadlock => (Kind::Fail, "deadlock"),
                };
                self.complete(client, t, kind, Some(error), None);
            }
            Change::Ended(End::Released { release, .. }) => {
                let (strict, error) = match release {
                    ReleaseKind::Confirmed => (Kind::Ok, None),
                    ReleaseKind::NotOwner => (Kind::Fail, Some("not-owner")),
                    ReleaseKind::Unavailable => (Kind::Info, Some("unavailable")),
                    ReleaseKind::Unknown => (Kind::Info, Some("unknown")),
                };
                let believed = matches!(release, ReleaseKind::NotOwner | ReleaseKind::Unavailable);
                let kind = if believed && self.variant == Variant::Belief { Kind::Ok } else { strict };
                self.complete(client, t, kind, error, None);
            }
            Change::Ended(End::Died { .. }) => self.abandon(client, attempt.inside(), t, "died"),
            Change::Renewed { .. } | Change::Stopped | Change::Lost | Change::Tool => {}
        }
    }

    fn invoke(&mut self, client: u32, t: u64, operation: Operation) {
        // A process has one operation open: only where events were lost is there another.
        self.complete(client, t, Kind::Info, Some("lost"), None);
        let client = self.client(client);
        client.open = Some(operation);
        let process = client.process;
        self.row(t, process, Kind::Invoke, operation, (None, None));
    }

    fn complete(&mut self, client: u32, t: u64, kind: Kind, error: Option<&'static str>, grant: Granted) {
        let clients = u64::from(self.header.clients);
        let client = self.client(client);
        let Some(operation) = client.open.take() else { return };
        let process = client.process;
        if kind == Kind::Info {
            // The next number that no client has had or will have but this one.
            client.process += clients;
        }
        self.row(t, process, kind, operation, (grant, error));
    }

    /// The client went on, or away, and no answer will come for what it had under way; `inside`:
    /// it had the key, and its lease lets go of it some time later.
    fn abandon(&mut self, client: u32, inside: bool, t: u64, error: &'static str) {
        if inside {
            self.invoke(client, t, Operation::Release);
        }
        self.complete(client, t, Kind::Info, Some(error), None);
    }

    /// The history ends: what is open stays open; a client that holds the key simply holds it.
    fn close(&mut self, t: u64) {
        let open: Vec<u32> =
            self.clients.iter().filter(|(_, state)| state.open.is_some()).map(|(client, _)| *client).collect();
        for client in open {
            self.abandon(client, false, t, "open");
        }
    }

    fn row(
        &mut self,
        t: u64,
        process: u64,
        kind: Kind,
        operation: Operation,
        (grant, error): (Granted, Option<&'static str>),
    ) {
        let index = self.rows.len() as u64;
        let time = t.saturating_sub(self.header.start);
        self.rows.push(Row { index, time, process, kind, operation, grant, error });
    }
}
