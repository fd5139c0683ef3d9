//! A scenario: a workload that tells a story about a failure, with the verdict that its author expects of each
//! system, why, and where that comes from. It is a statement of its own: what the plan's `expect` excuses is judged
//! apart, and the run keeps its true verdict.

use super::cursor::Cursor;
use super::item::Item;
use super::schema::{Field, Kind, Tagged};
use super::server_version::{ServerVersion, Versions};
use super::tagged::tagged;
use super::write::{duration, list, parts, text, word};

/// What may be named of a double grant. The words are those of `oracle::DoubleGrantKind`, which stands above.
pub(super) const GRANT_KINDS: &[(&str, &str)] =
    &[("inside", "inside"), ("withdrawn", "withdrawn"), ("outside", "outside")];
/// The words of `oracle::Cause`, which stands above.
pub(super) const CAUSES: &[(&str, &str)] =
    &[("V1", "V1"), ("V2", "V2"), ("V3", "V3"), ("V4", "V4"), ("V5", "V5"), ("V6", "V6")];
pub(super) const ALSO: &[(&str, Also)] =
    &[("tokens", Also::Tokens), ("lost-update", Also::LostUpdate), ("refused-write", Also::RefusedWrite)];

/// A story with the verdicts that are expected of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// The story, one sentence.
    pub title: String,
    /// Where the story comes from.
    pub source: String,
    /// The published finding that it reproduces, in a few words.
    pub finding: Option<String>,
    /// Which versions that affects, and which not, as published.
    pub affected: Option<String>,
    /// What is expected, an entry per group of systems.
    pub expected: Vec<Expected>,
}

impl Scenario {
    /// What is expected of a system, by its name in full, with servers of this version (`None`: not known, and taken
    /// for the newest, or it has no servers); a name without a recipe stands for all recipes.
    #[must_use]
    pub fn of(&self, system: &str, version: Option<&ServerVersion>) -> Option<&Expected> {
        let family = system.split(':').next().unwrap_or(system);
        let meant = |name: &str| {
            let named = || self.expected.iter().filter(|one| one.systems.iter().any(|of| of == name));
            let newest = || named().find(|one| version.is_none() && one.versions.before.is_none());
            named().find(|one| one.versions.include(version)).or_else(newest)
        };
        meant(system).or_else(|| meant(family))
    }
}

/// What is expected of some systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Their names in the registry; never empty.
    pub systems: Vec<String>,
    /// Of which versions of their servers.
    pub versions: Versions,
    /// What is expected.
    pub verdict: ExpectedVerdict,
    /// Why.
    pub reason: String,
    /// What says so: a page, a paper, or that it was measured here.
    pub source: String,
}

/// An expected verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// No double grant and no token that went back.
    Safe,
    /// The lock is granted twice.
    DoubleGrant {
        /// What the clients see: `inside`, `withdrawn` or `outside`.
        kind: &'static str,
        /// Whose mistake it is, `V1` to `V6`; `None`: the scenario does not say.
        cause: Option<&'static str>,
        /// How often at least, 1 or more.
        at_least: u64,
        /// What must be seen beside it.
        also: Vec<Also>,
    },
    /// No violation, and for so long no client gets the lock though no living one has it.
    Stuck {
        /// Nanoseconds without a grant, at least.
        at_least_ns: u64,
        /// And at most; `None`: the scenario does not say.
        at_most_ns: Option<u64>,
    },
    /// A fencing token went back, and no lock was granted twice.
    Tokens,
    /// No lock was granted twice, and the write of one holder undid that of another: without fencing it was lost, and
    /// where there is a token the resource with fencing refused it.
    StaleWrite,
    /// The system cannot be in this story.
    NotOffered,
}

/// What a double grant brings with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Also {
    /// A fencing token went back.
    Tokens,
    /// A write was lost on the resource without fencing.
    LostUpdate,
    /// The resource with fencing refused a stale write.
    RefusedWrite,
}

impl Also {
    /// Its word in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALSO.iter().find(|(_, also)| *also == self).map_or("", |(word, _)| word)
    }
}

impl ExpectedVerdict {
    /// Its word in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::DoubleGrant { .. } => "double-grant",
            Self::Stuck { .. } => "stuck",
            Self::Tokens => "tokens",
            Self::StaleWrite => "stale-write",
            Self::NotOffered => "not-offered",
        }
    }
}

/// Keys of `[scenario]`.
pub(super) static SCENARIO: &[Field] = &[
    Field::required("title", "text", "the story, one sentence"),
    Field::required("source", "text", "where the story comes from"),
    Field::optional("finding", "text", "the published finding that it reproduces, in a few words"),
    Field::optional("affected", "text", "which versions the finding affects, and which not, as published"),
    Field::required("expected", "list of tables", "the verdict that is expected, a table per group of systems"),
];

const SYSTEMS: Field = Field::required("systems", "list of text", "the lock systems that it is expected of");
const SINCE: Field = Field::optional("since", "text", "of servers from this version on, as `\"3.5.16\"`");
const BEFORE: Field = Field::optional("before", "text", "of servers before this version");
const REASON: Field = Field::required("reason", "text", "why, in a sentence or two");
const SOURCE: Field = Field::required("source", "text", "what says so: a page, a paper, or what was measured");

/// What is expected.
pub(super) static EXPECTED: Tagged<Expected> = Tagged {
    tag: "verdict",
    kinds: &[
        Kind {
            name: "safe",
            fields: &[SYSTEMS, SINCE, BEFORE, REASON, SOURCE],
            meaning: "no double grant, and no token that went back",
            build: |cursor| build(cursor, Some(ExpectedVerdict::Safe)),
            written: |one| (one.verdict == ExpectedVerdict::Safe).then(|| written(one, vec![])),
        },
        Kind {
            name: "double-grant",
            fields: &[
                SYSTEMS,
                SINCE,
                BEFORE,
                Field::required("kind", "text", "what the clients see: `\"inside\"`, `\"withdrawn\"` or `\"outside\"`"),
                Field::optional("cause", "text", "whose mistake it is, `\"V1\"` to `\"V6\"`"),
                Field::default("at_least", "whole number", "1", "how often at least"),
                Field::default(
                    "also",
                    "list of text",
                    "[]",
                    "what must be seen beside it: `\"tokens\"` (a token went back), `\"lost-update\"` (without \
                     fencing), `\"refused-write\"` (with fencing)",
                ),
                REASON,
                SOURCE,
            ],
            meaning: "the lock is granted twice, in this way and no other",
            build: |cursor| {
                let verdict = double_grant(cursor);
                build(cursor, verdict)
            },
            written: |one| match &one.verdict {
                ExpectedVerdict::DoubleGrant { kind, cause, at_least, also } => {
                    let also = list(also.iter().map(|also| also.name()));
                    Some(written(one, vec![Some(text(kind)), cause.map(text), Some(at_least.to_string()), Some(also)]))
                }
                _ => None,
            },
        },
        Kind {
            name: "stuck",
            fields: &[
                SYSTEMS,
                SINCE,
                BEFORE,
                Field::default("at_least", "duration", "\"1s\"", "time without a grant, at least"),
                Field::optional("at_most", "duration", "time without a grant, at most"),
                REASON,
                SOURCE,
            ],
            meaning: "no violation, and for so long no client gets the lock though no living one has it",
            build: |cursor| {
                let verdict = stuck(cursor);
                build(cursor, verdict)
            },
            written: |one| match one.verdict {
                ExpectedVerdict::Stuck { at_least_ns, at_most_ns } => {
                    Some(written(one, vec![Some(duration(at_least_ns)), at_most_ns.map(duration)]))
                }
                _ => None,
            },
        },
        Kind {
            name: "tokens",
            fields: &[SYSTEMS, SINCE, BEFORE, REASON, SOURCE],
            meaning: "a fencing token went back, and no lock was granted twice",
            build: |cursor| build(cursor, Some(ExpectedVerdict::Tokens)),
            written: |one| (one.verdict == ExpectedVerdict::Tokens).then(|| written(one, vec![])),
        },
        Kind {
            name: "stale-write",
            fields: &[SYSTEMS, SINCE, BEFORE, REASON, SOURCE],
            meaning: "no lock was granted twice, and an update was lost all the same on the resource without fencing; \
                      where there are tokens, the one with fencing refused the write",
            build: |cursor| build(cursor, Some(ExpectedVerdict::StaleWrite)),
            written: |one| (one.verdict == ExpectedVerdict::StaleWrite).then(|| written(one, vec![])),
        },
        Kind {
            name: "not-offered",
            fields: &[SYSTEMS, SINCE, BEFORE, REASON, SOURCE],
            meaning: "the system cannot be in this story; it does not run",
            build: |cursor| build(cursor, Some(ExpectedVerdict::NotOffered)),
            written: |one| (one.verdict == ExpectedVerdict::NotOffered).then(|| written(one, vec![])),
        },
    ],
};

fn stuck(cursor: &Cursor<'_>) -> Option<ExpectedVerdict> {
    let at_least = cursor.take("at_least").and_then(|item| item.positive_duration());
    let at_most = cursor.take("at_most").map(|item| (item.positive_duration(), item));
    let at_least_ns = at_least?;
    let at_most_ns = match at_most {
        None => None,
        Some((at_most, item)) => {
            let at_most_ns = at_most?;
            if at_most_ns < at_least_ns {
                return item.refuse("is shorter than \"at_least\"");
            }
            Some(at_most_ns)
        }
    };
    Some(ExpectedVerdict::Stuck { at_least_ns, at_most_ns })
}

fn double_grant(cursor: &Cursor<'_>) -> Option<ExpectedVerdict> {
    let kind = cursor.take("kind").and_then(|item| item.word(GRANT_KINDS));
    let cause = cursor.take("cause").map(|item| item.word(CAUSES));
    let at_least = cursor.take("at_least").and_then(|item| item.whole(1..=u64::from(u32::MAX)));
    let also = cursor.take("also").and_then(|item| words(&item, ALSO));
    // A cause that is written wrongly is reported already.
    let cause = cause.map_or(Some(None), |cause| cause.map(Some));
    Some(ExpectedVerdict::DoubleGrant { kind: kind?, cause: cause?, at_least: at_least?, also: also? })
}

fn build(cursor: &Cursor<'_>, verdict: Option<ExpectedVerdict>) -> Option<Expected> {
    let systems = cursor.take("systems").and_then(|item| systems(&item));
    let bound = |key| cursor.take(key).map(|item| version(&item));
    let (since, before) = (bound("since"), bound("before"));
    let reason = cursor.take("reason").and_then(|item| sentence(&item));
    let source = cursor.take("source").and_then(|item| sentence(&item));
    // A version that is written wrongly is reported already.
    let versions = Versions {
        since: since.map_or(Some(None), |at| at.map(Some))?,
        before: before.map_or(Some(None), |at| at.map(Some))?,
    };
    Some(Expected { systems: systems?, versions, verdict: verdict?, reason: reason?, source: source? })
}

fn written(one: &Expected, own: Vec<Option<String>>) -> Vec<Option<String>> {
    let systems = Some(list(one.systems.iter().map(String::as_str)));
    let bound = |at: &Option<ServerVersion>| at.as_ref().map(|at| text(&at.to_string()));
    let words = [Some(text(&one.reason)), Some(text(&one.source))];
    let of = [systems, bound(&one.versions.since), bound(&one.versions.before)];
    of.into_iter().chain(own).chain(words).collect()
}

/// Words of a list, each at most once.
pub(super) fn words<T: Copy + PartialEq>(item: &Item<'_>, known: &[(&'static str, T)]) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for element in item.elements()? {
        let one = element.word(known)?;
        if found.contains(&one) {
            return element.refuse("is given twice; keep one of them");
        }
        found.push(one);
    }
    Some(found)
}

fn systems(item: &Item<'_>) -> Option<Vec<String>> {
    let names = item.elements()?.iter().map(sentence).collect::<Option<Vec<_>>>()?;
    if names.is_empty() {
        return item.refuse("names no lock system (`lockbench backends` lists them)");
    }
    Some(names)
}

fn version(item: &Item<'_>) -> Option<ServerVersion> {
    let text = item.text()?;
    ServerVersion::read(&text).map_or_else(|| item.refuse("is no version: numbers with dots, as \"3.5.16\""), Some)
}

fn sentence(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if text.trim().is_empty() { item.refuse("is empty") } else { Some(text) }
}

/// The table `[scenario]`.
pub(super) fn scenario(item: &Item<'_>) -> Option<Scenario> {
    let cursor = Cursor::nested(item, SCENARIO)?;
    let title = cursor.take("title").and_then(|item| sentence(&item));
    let source = cursor.take("source").and_then(|item| sentence(&item));
    let optional = |key| cursor.take(key).map_or(Some(None), |item| sentence(&item).map(Some));
    let (finding, affected) = (optional("finding"), optional("affected"));
    let expected = cursor.take("expected").and_then(|item| expected(&item));
    cursor.finish_complete();
    Some(Scenario { title: title?, source: source?, finding: finding?, affected: affected?, expected: expected? })
}

fn expected(item: &Item<'_>) -> Option<Vec<Expected>> {
    let mut all: Vec<Expected> = Vec::new();
    for element in item.elements_of("tables: [[scenario.expected]]")? {
        let one = tagged(&element, &EXPECTED)?;
        let of_both = |other: &Expected, name| other.systems.contains(name) && other.versions.meet(&one.versions);
        let twice = one.systems.iter().find(|name| all.iter().any(|other| of_both(other, name)));
        if let Some(name) = twice {
            return element.refuse(&format!("says twice what is expected of {name}; keep one of them"));
        }
        all.push(one);
    }
    if all.is_empty() {
        item.refuse("says nothing; write a [[scenario.expected]] per group of systems")
    } else {
        Some(all)
    }
}

/// The table as it is written.
pub(super) fn to_toml(scenario: &Scenario) -> String {
    let mut toml = format!("\n[scenario]\ntitle = {}\nsource = {}\n", text(&scenario.title), text(&scenario.source));
    for (key, value) in [("finding", &scenario.finding), ("affected", &scenario.affected)] {
        toml.extend(value.iter().map(|value| format!("{key} = {}\n", text(value))));
    }
    for one in &scenario.expected {
        toml.push_str("\n[[scenario.expected]]\n");
        for (key, value) in parts(&EXPECTED, one) {
            toml.push_str(&format!("{key} = {value}\n"));
        }
    }
    toml
}

/// A condition as it is written.
pub(super) fn condition(one: Condition) -> String {
    word(CONDITIONS, one)
}

/// Something that must happen in a trial at least once, or the trial shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// While a holder was stopped, stalled or dead, or the fault of a server was in force, another client asked for
    /// its key.
    ContenderAsked,
    /// Another client was granted that key before the hold of the holder that was hit had ended; where the holder
    /// was killed, at all.
    ContenderGranted,
    /// The holder that was hit went on inside its hold after the fault had begun, and after a pause was over.
    HolderWentOn,
    /// A client was granted a key after a fault was healed.
    GrantedAfterHeal,
}

pub(super) const CONDITIONS: &[(&str, Condition)] = &[
    ("contender-asked", Condition::ContenderAsked),
    ("contender-granted", Condition::ContenderGranted),
    ("holder-went-on", Condition::HolderWentOn),
    ("granted-after-heal", Condition::GrantedAfterHeal),
];

impl Condition {
    /// Every one.
    pub const ALL: [Self; 4] =
        [Self::ContenderAsked, Self::ContenderGranted, Self::HolderWentOn, Self::GrantedAfterHeal];

    /// Its word in a workload.
    #[must_use]
    pub fn name(self) -> &'static str {
        CONDITIONS.iter().find(|(_, condition)| *condition == self).map_or("", |(word, _)| word)
    }
}

#[cfg(test)]
mod tests;
