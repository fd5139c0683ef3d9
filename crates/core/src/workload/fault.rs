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
        if let FaultKind::ServerKill { data: DataAfter::Lost } = self.kind {
            f.write_str(" and its data")?;
        }
        match moment {
            Moment::At { ns } => write!(f, ", {} after measuring begins, for {lasts}", human_duration(ns)),
            Moment::Every { ns } => write!(f, ", every {}, for {lasts}", human_duration(ns)),
        }
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

/// What is done.
pub(super) static FAULT: Tagged<PlannedFault> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "server-pause",
            fields: &[TARGET, AT, EVERY, FOR],
            meaning: "every process of the node is stopped (SIGSTOP) and continued: connections stay, no answer comes",
            build: |cursor| build(cursor, |_| Some(FaultKind::ServerPause)),
            written: |fault| match fault.kind {
                FaultKind::ServerPause => Some(written(fault)),
                FaultKind::ServerKill { .. } => None,
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
                build(cursor, |cursor| Some(FaultKind::ServerKill { data: cursor.take("data")?.word(DATA)? }))
            },
            written: |fault| match fault.kind {
                FaultKind::ServerKill { data } => {
                    Some(written(fault).into_iter().chain([Some(word(DATA, data))]).collect())
                }
                FaultKind::ServerPause => None,
            },
        },
    ],
};

/// The values of the keys that every kind has, in TOML, in their order.
fn written(fault: &PlannedFault) -> Vec<Option<String>> {
    let (at, every) = match fault.moment {
        Moment::At { ns } => (Some(duration(ns)), None),
        Moment::Every { ns } => (None, Some(duration(ns))),
    };
    vec![Some(text(fault.target.word())), at, every, Some(duration(fault.lasts_ns))]
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

fn build(cursor: &Cursor<'_>, kind: fn(&Cursor<'_>) -> Option<FaultKind>) -> Option<PlannedFault> {
    let target = cursor.take("target").and_then(|item| target(&item));
    let (at, every, lasts) = (cursor.take("at"), cursor.take("every"), cursor.take("for"));
    let lasts_ns = lasts.and_then(|item| item.positive_duration());
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
        (None, None) => return cursor.refuse("at or every must say when it begins: at = \"3s\", or every = \"10s\""),
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
