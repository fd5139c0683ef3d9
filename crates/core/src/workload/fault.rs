//! The faults of a plan, `[[faults]]`: what is done to which node of the servers, when, and for
//! how long. A new kind is one entry here, and one file in the engine that does it.

use std::fmt;

use super::cursor::Cursor;
use super::item::Item;
use super::schema::{Field, Kind, Tagged};
use super::tagged::tagged;
use super::write::{duration, text, word};
use crate::units::human_duration;

/// Most faults of a plan: each has a thread of its own.
const MOST_FAULTS: usize = 64;

/// Widest of narrow wires: beyond it nothing is narrow.
const MOST_BYTES_PER_S: u64 = 1_000_000_000_000;

/// A fault that is planned. Instants are nanoseconds after measuring begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// What is done.
    pub kind: FaultKind,
    /// To which nodes.
    pub target: NodeSpec,
    /// When.
    pub moment: Moment,
    /// Time until it is healed, in nanoseconds.
    pub lasts_ns: u64,
}

/// What is done to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Every process of it is stopped (SIGSTOP), and continued (SIGCONT).
    ServerPause,
    /// It is killed (SIGKILL), and started again on its address.
    ServerKill {
        /// What it finds when it starts again.
        data: DataAfter,
    },
    /// Nothing passes between it and the clients.
    WireCut {
        /// Which way.
        direction: Direction,
    },
    /// What passes between it and the clients comes later.
    WireDelay {
        /// Which way.
        direction: Direction,
        /// So much, in nanoseconds.
        delay_ns: u64,
        /// And up to so much more, evenly drawn.
        jitter_ns: u64,
    },
    /// What passes between it and the clients is slow.
    WireNarrow {
        /// Which way.
        direction: Direction,
        /// Bytes per second, above 0.
        bytes_per_s: u64,
    },
    /// Every connection between it and the clients is reset, once.
    WireReset,
    /// Every connection is over for its client and stays open for the server: a client that is gone
    /// without a word.
    WireHalfOpen,
}

/// Which way bytes pass, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// To the server.
    Requests,
    /// From the server.
    Replies,
}

/// What a node finds when it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataAfter {
    /// What it had written before it was killed.
    Kept,
    /// Nothing.
    Lost,
}

/// When a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Once.
    At {
        /// Nanoseconds after measuring begins.
        ns: u64,
    },
    /// Again and again: the first time after one period.
    Every {
        /// Nanoseconds from one injection to the next.
        ns: u64,
    },
}

/// Which nodes a fault hits, as Jepsen's node specifications name them
/// (<https://github.com/jepsen-io/jepsen>, `nemesis/combined.clj`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeSpec {
    /// One, drawn by the seed.
    One,
    /// As many as may fail: (n-1)/2, drawn by the seed.
    Minority,
    /// More than may fail: n/2+1, drawn by the seed.
    Majority,
    /// All.
    All,
    /// The one of this name, such as `redlock-2`.
    Named(String),
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (moment, lasts) = (self.moment, human_duration(self.lasts_ns));
        write!(f, "{} of {}", self.kind.name(), self.target.word())?;
        match self.kind {
            FaultKind::ServerKill { data: DataAfter::Lost } => f.write_str(" and its data")?,
            FaultKind::WireDelay { delay_ns, jitter_ns: 0, .. } => write!(f, " by {}", human_duration(delay_ns))?,
            FaultKind::WireDelay { delay_ns, jitter_ns, .. } => {
                write!(f, " by {} to {}", human_duration(delay_ns), human_duration(delay_ns + jitter_ns))?;
            }
            FaultKind::WireNarrow { bytes_per_s, .. } => write!(f, " to {bytes_per_s} bytes/s")?,
            _ => {}
        }
        match self.kind.direction() {
            Some(Direction::Requests) => f.write_str(", requests only")?,
            Some(Direction::Replies) => f.write_str(", replies only")?,
            Some(Direction::Both) | None => {}
        }
        match moment {
            Moment::At { ns } => write!(f, ", {} after measuring begins", human_duration(ns))?,
            Moment::Every { ns } => write!(f, ", every {}", human_duration(ns))?,
        }
        if self.lasts_ns > 0 { write!(f, ", for {lasts}") } else { Ok(()) }
    }
}

impl NodeSpec {
    const WORDS: [(&str, Self); 4] =
        [("one", Self::One), ("minority", Self::Minority), ("majority", Self::Majority), ("all", Self::All)];

    /// Its word in a workload.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Named(name) => name,
            other => Self::WORDS.iter().find(|(_, spec)| spec == other).map_or("", |(word, _)| word),
        }
    }
}

impl FaultKind {
    /// Its name in a workload.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServerPause => "server-pause",
            Self::ServerKill { .. } => "server-kill",
            Self::WireCut { .. } => "wire-cut",
            Self::WireDelay { .. } => "wire-delay",
            Self::WireNarrow { .. } => "wire-narrow",
            Self::WireReset => "wire-reset",
            Self::WireHalfOpen => "wire-half-open",
        }
    }

    /// Returns whether it needs a proxy between the clients and the node.
    #[must_use]
    pub fn is_of_the_wire(self) -> bool {
        match self {
            Self::ServerPause | Self::ServerKill { .. } => false,
            Self::WireCut { .. }
            | Self::WireDelay { .. }
            | Self::WireNarrow { .. }
            | Self::WireReset
            | Self::WireHalfOpen => true,
        }
    }

    /// Which way, of those that have one.
    fn direction(self) -> Option<Direction> {
        match self {
            Self::WireCut { direction } | Self::WireDelay { direction, .. } | Self::WireNarrow { direction, .. } => {
                Some(direction)
            }
            _ => None,
        }
    }
}

/// The words that mean nodes, other than their names.
pub(super) fn targets() -> [&'static str; 4] {
    NodeSpec::WORDS.map(|(word, _)| word)
}

pub(super) const DATA: &[(&str, DataAfter)] = &[("keep", DataAfter::Kept), ("lose", DataAfter::Lost)];

const TARGET: Field = Field::default(
    "target",
    "text",
    "\"all\"",
    "which nodes: `\"one\"`, `\"minority\"`, `\"majority\"`, `\"all\"`, or a node's name such as `\"redlock-2\"`",
);
const AT: Field = Field::optional("at", "duration", "once, so long after measuring begins");
const EVERY: Field = Field::optional("every", "duration", "again and again, the first time after one period");
const FOR: Field = Field::required("for", "duration", "time until it is healed");

const DIRECTION: Field = Field::default(
    "direction",
    "text",
    "\"both\"",
    "which way, as clients see it: `\"both\"`, `\"requests\"` or `\"replies\"`",
);
pub(super) const DIRECTIONS: &[(&str, Direction)] =
    &[("both", Direction::Both), ("requests", Direction::Requests), ("replies", Direction::Replies)];

/// What is done.
pub(super) static FAULT: Tagged<PlannedFault> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "server-pause",
            fields: &[TARGET, AT, EVERY, FOR],
            meaning: "every process of the node is stopped (SIGSTOP) and continued: connections stay, no answer comes",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ServerPause)),
            written: |fault| match fault.kind {
                FaultKind::ServerPause => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "server-kill",
            fields: &[
                TARGET,
                AT,
                EVERY,
                FOR,
                Field::default(
                    "data",
                    "text",
                    "\"keep\"",
                    "what it finds when it starts again: `\"keep\"`, what it had written, or `\"lose\"`, nothing",
                ),
            ],
            meaning: "the node is killed (SIGKILL) and started again on its address; what is in the page cache of the \
                      host stays",
            build: |cursor| {
                build(cursor, true, |cursor| Some(FaultKind::ServerKill { data: cursor.take("data")?.word(DATA)? }))
            },
            written: |fault| match fault.kind {
                FaultKind::ServerKill { data } => Some(written(fault, [word(DATA, data)])),
                _ => None,
            },
        },
        Kind {
            name: "wire-cut",
            fields: &[TARGET, AT, EVERY, FOR, DIRECTION],
            meaning: "nothing passes between the node and the clients; what was held back is delivered afterwards, as \
                      TCP does when a partition heals",
            build: |cursor| build(cursor, true, |cursor| Some(FaultKind::WireCut { direction: direction(cursor)? })),
            written: |fault| match fault.kind {
                FaultKind::WireCut { direction } => Some(written(fault, [word(DIRECTIONS, direction)])),
                _ => None,
            },
        },
        Kind {
            name: "wire-delay",
            fields: &[
                TARGET,
                AT,
                EVERY,
                FOR,
                DIRECTION,
                Field::required("delay", "duration", "so much later"),
                Field::default("jitter", "duration", "\"0s\"", "and up to so much more, evenly drawn"),
            ],
            meaning: "what passes between the node and the clients comes later, in order",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, delay, jitter) = (direction(cursor), cursor.take("delay"), cursor.take("jitter"));
                    let (delay_ns, jitter_ns) = (delay.and_then(|item| item.positive_duration()), jitter?.duration());
                    Some(FaultKind::WireDelay { direction: way?, delay_ns: delay_ns?, jitter_ns: jitter_ns? })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireDelay { direction, delay_ns, jitter_ns } => {
                    Some(written(fault, [word(DIRECTIONS, direction), duration(delay_ns), duration(jitter_ns)]))
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-narrow",
            fields: &[
                TARGET,
                AT,
                EVERY,
                FOR,
                DIRECTION,
                Field::required("bytes_per_s", "whole number", "bytes per second of each connection"),
            ],
            meaning: "what passes between the node and the clients is slow",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, rate) = (direction(cursor), cursor.take("bytes_per_s"));
                    let bytes_per_s = rate.and_then(|item| item.whole(1..=MOST_BYTES_PER_S))?;
                    Some(FaultKind::WireNarrow { direction: way?, bytes_per_s })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireNarrow { direction, bytes_per_s } => {
                    Some(written(fault, [word(DIRECTIONS, direction), bytes_per_s.to_string()]))
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-reset",
            fields: &[TARGET, AT, EVERY],
            meaning: "every connection between the node and the clients is reset, on both sides",
            build: |cursor| build(cursor, false, |_| Some(FaultKind::WireReset)),
            written: |fault| match fault.kind {
                FaultKind::WireReset => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "wire-half-open",
            fields: &[TARGET, AT, EVERY, FOR],
            meaning: "every connection is over for its client and stays open for the server, as that of a client whose \
                      host is gone",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::WireHalfOpen)),
            written: |fault| match fault.kind {
                FaultKind::WireHalfOpen => Some(written(fault, [])),
                _ => None,
            },
        },
    ],
};

fn direction(cursor: &Cursor<'_>) -> Option<Direction> {
    cursor.take("direction")?.word(DIRECTIONS)
}

/// The values of a fault's keys in TOML, in their order: those that every kind has, then its own.
fn written<const N: usize>(fault: &PlannedFault, own: [String; N]) -> Vec<Option<String>> {
    let (at, every) = match fault.moment {
        Moment::At { ns } => (Some(duration(ns)), None),
        Moment::Every { ns } => (None, Some(duration(ns))),
    };
    let lasts = (fault.lasts_ns > 0).then(|| Some(duration(fault.lasts_ns)));
    [Some(text(fault.target.word())), at, every].into_iter().chain(lasts).chain(own.map(Some)).collect()
}

/// The plan's list; `run_ns` is the measured time.
pub(super) fn faults(item: &Item<'_>, run_ns: Option<u64>) -> Option<Vec<PlannedFault>> {
    let elements = item.elements_of("tables, each a fault: [[faults]]")?;
    if elements.len() > MOST_FAULTS {
        return item.refuse(&format!("has {} faults; write at most {MOST_FAULTS}", elements.len()));
    }
    let mut faults = Vec::new();
    for (element, place) in elements.iter().zip(1_u32..) {
        let fault = tagged(element, &FAULT)?;
        let (Moment::At { ns: first } | Moment::Every { ns: first }) = fault.moment;
        if run_ns.is_some_and(|run| first >= run) {
            return element.refuse(&format!(
                "has fault {place} begin when the measured time is over; begin it earlier, or raise \"duration\""
            ));
        }
        faults.push(fault);
    }
    Some(faults)
}

/// Reads the keys that every kind has, and by `kind` its own. `lasting`: it has a length.
fn build(cursor: &Cursor<'_>, lasting: bool, kind: fn(&Cursor<'_>) -> Option<FaultKind>) -> Option<PlannedFault> {
    let target = cursor.take("target").and_then(|item| target(&item));
    let (at, every) = (cursor.take("at"), cursor.take("every"));
    let lasts_ns = if lasting { cursor.take("for").and_then(|item| item.positive_duration()) } else { Some(0) };
    let kind = kind(cursor);
    let moment = match (at, every) {
        (Some(at), None) => Moment::At { ns: at.duration()? },
        (None, Some(every)) => {
            let ns = every.positive_duration()?;
            if ns <= lasts_ns? {
                return every.refuse("is not longer than \"for\": the next would begin before this one is healed");
            }
            Moment::Every { ns }
        }
        (Some(at), Some(_)) => return at.refuse("stands beside \"every\"; keep one of them"),
        (None, None) => {
            return cursor.refuse("at or every must say when it begins: at = \"3s\", or every = \"10s\"");
        }
    };
    Some(PlannedFault { kind: kind?, target: target?, moment, lasts_ns: lasts_ns? })
}

fn target(item: &Item<'_>) -> Option<NodeSpec> {
    let text = item.text()?;
    if let Some((_, spec)) = NodeSpec::WORDS.iter().find(|(word, _)| *word == text) {
        return Some(spec.clone());
    }
    // Names of nodes are numbered; which there are is known when the servers are.
    let named = text.rsplit_once('-').is_some_and(|(kind, number)| !kind.is_empty() && number.parse::<u16>().is_ok());
    if named {
        Some(NodeSpec::Named(text))
    } else {
        item.refuse_word(&text, NodeSpec::WORDS.iter().map(|(word, _)| *word))
    }
}
