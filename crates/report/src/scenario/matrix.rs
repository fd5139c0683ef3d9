//! The matrix: what every scenario showed on every system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judgement, Seen, expected_words, judge};
use crate::{Exit, worst};
use lockbench_core::stats::wilson_95;
use lockbench_core::units::human_duration;
use lockbench_core::workload::{Expected, ExpectedVerdict};

/// Version of `matrix.json`.
pub const MATRIX_VERSION: u32 = 1;
/// Its file.
pub const MATRIX: &str = "matrix.json";

/// Every scenario on every system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// [`MATRIX_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of lockbench.
    pub version: String,
    /// The machine, in a few words.
    pub machine: String,
    /// Its columns: the systems, with the version where several stand side by side.
    pub systems: Vec<String>,
    /// The scenarios: its rows.
    pub rows: Vec<Row>,
    /// Whether every cell is there.
    pub complete: bool,
}

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Its name.
    pub scenario: String,
    /// Its story, one sentence.
    pub title: String,
    /// Where the story comes from.
    pub source: String,
    /// A cell per system, in their order; one that is missing did not run yet.
    pub cells: Vec<Option<Cell>>,
}

/// A scenario on a system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The scenario.
    pub scenario: String,
    /// Registry name of the system.
    pub system: String,
    /// Version of its servers; `null`: it has none, or it is not known.
    #[serde(default)]
    pub version: Option<String>,
    /// What it looks like.
    pub tone: Tone,
    /// What stands in it: at most a few words.
    pub label: String,
    /// What was expected, in words.
    pub expected: String,
    /// Why.
    pub reason: String,
    /// What says so.
    pub source: String,
    /// What was seen, in words.
    pub seen: String,
    /// The story of one trial, one sentence.
    pub story: String,
    /// Whether exactly the expected was seen; `null`: it did not run, or shows nothing.
    pub matches: Option<bool>,
    /// Exit code of the scenario on this system.
    pub exit: u8,
    /// Why, where that is not 0.
    pub because: String,
    /// Exit code of the run itself: its true verdict; `null`: there was none.
    pub verdict: Option<u8>,
    /// The run's directory; `null`: there was none.
    pub run: Option<String>,
    /// Trials that showed the expected, of how many.
    pub hits: u64,
    /// Trials.
    pub trials: u64,
    /// The trials in full.
    pub all: Vec<Seen>,
    /// What it took, in seconds.
    pub seconds: f64,
    /// What it was run from: a cell of another text is run again.
    pub fingerprint: String,
}

/// What a cell looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Green: no violation.
    Safe,
    /// Red: a double grant, a token that went back, or the stale write of an honest client.
    Violated,
    /// Amber: for long no client got the lock.
    Stuck,
    /// Grey: not offered, or not available here.
    #[default]
    Absent,
    /// It shows nothing.
    Inconclusive,
}

/// A wait for a grant that a cell shows, in nanoseconds.
const NOTABLE_NS: u64 = 500_000_000;

impl Cell {
    /// Of a system that cannot be in the story, or cannot run here.
    #[must_use]
    pub fn absent(scenario: &str, system: &str, expected: &Expected, here: Option<String>) -> Self {
        // The lines of a server's log are in the run's own report.
        let here = here.map(|here| here.lines().next().unwrap_or_default().to_owned());
        let offered = expected.verdict != ExpectedVerdict::NotOffered;
        let label = if offered { "not available here" } else { "not offered" };
        Self {
            label: label.to_owned(),
            seen: here.clone().unwrap_or_else(|| "it did not run".to_owned()),
            story: here.clone().unwrap_or_else(|| expected.reason.clone()),
            exit: if offered { Exit::Backend.code() } else { 0 },
            because: here.unwrap_or_default(),
            ..Self::named(scenario, system, expected)
        }
    }

    fn named(scenario: &str, system: &str, expected: &Expected) -> Self {
        Self {
            scenario: scenario.to_owned(),
            system: system.to_owned(),
            expected: expected_words(&expected.verdict),
            reason: expected.reason.clone(),
            source: expected.source.clone(),
            ..Self::default()
        }
    }

    /// Of the trials of a run, of which there is at least one.
    #[must_use]
    pub fn of(scenario: &str, system: &str, expected: &Expected, trials: Vec<Seen>) -> Self {
        let judged: Vec<Judgement> = trials.iter().map(|seen| judge(&expected.verdict, seen)).collect();
        let hits = judged.iter().filter(|one| one.exit == Exit::Pass).count();
        // Where chance decides, an expected violation need not come every time.
        let by_chance =
            hits > 0 && matches!(expected.verdict, ExpectedVerdict::DoubleGrant { .. } | ExpectedVerdict::Tokens);
        let counts = |one: &&Judgement| !(by_chance && one.exit == Exit::Threshold);
        let exit = worst(judged.iter().filter(counts).map(|one| one.exit.code()));
        let because = judged.iter().find(|one| one.exit.code() == exit).map(|one| one.because.clone());
        // The trial that tells most: one that violated, else the one that waited longest.
        let told = trials.iter().max_by_key(|seen| (seen.double_grants, seen.token_regressions, seen.stuck_ns));
        let told = told.cloned().unwrap_or_default();
        let conclusive = ![Exit::Inconclusive, Exit::Backend, Exit::Internal].iter().any(|one| one.code() == exit);
        let tone = tone(&expected.verdict, &told, conclusive);
        Self {
            tone,
            label: label(tone, &told),
            seen: told.words(),
            story: told.story.clone().unwrap_or_else(|| told.words()),
            matches: conclusive.then_some(exit == 0),
            exit,
            because: because.unwrap_or_default(),
            hits: hits as u64,
            trials: trials.len() as u64,
            all: trials,
            ..Self::named(scenario, system, expected)
        }
    }

    /// In how many trials the expected was seen, with the interval of that share, where there were several.
    #[must_use]
    pub fn rate(&self) -> Option<String> {
        let (low, high) = wilson_95(self.hits, self.trials).filter(|_| self.trials > 1)?;
        Some(format!("{} of {} trials ({:.0} to {:.0} %)", self.hits, self.trials, low * 100.0, high * 100.0))
    }
}

fn tone(expected: &ExpectedVerdict, seen: &Seen, conclusive: bool) -> Tone {
    let stuck = match expected {
        ExpectedVerdict::Stuck { at_least_ns, .. } => seen.stuck_ns.unwrap_or(0) >= *at_least_ns,
        _ => false,
    };
    let stale = *expected == ExpectedVerdict::StaleWrite && seen.lost_updates > 0;
    match conclusive {
        false => Tone::Inconclusive,
        true if stale => Tone::Violated,
        true if seen.double_grants > 0 || seen.token_regressions.unwrap_or(0) > 0 => Tone::Violated,
        true if stuck => Tone::Stuck,
        true => Tone::Safe,
    }
}

fn label(tone: Tone, seen: &Seen) -> String {
    let waited = seen.stuck_ns.filter(|ns| *ns >= NOTABLE_NS).map(human_duration);
    match tone {
        Tone::Safe => waited.map_or_else(|| "safe".to_owned(), |waited| format!("safe, gap {waited}")),
        Tone::Violated if seen.double_grants == 0 && seen.token_regressions.unwrap_or(0) == 0 => {
            "stale write".to_owned()
        }
        Tone::Violated if seen.double_grants == 0 => "token went back".to_owned(),
        Tone::Violated => {
            let kinds: Vec<&str> = seen.kinds.keys().map(String::as_str).collect();
            let causes: Vec<&str> =
                seen.causes.keys().map(String::as_str).filter(|one| *one != "undetermined").collect();
            [kinds.join("+"), causes.join("+")].join(" ").trim().to_owned()
        }
        Tone::Stuck => format!("stuck {}", waited.unwrap_or_default()),
        Tone::Absent => "not offered".to_owned(),
        Tone::Inconclusive => "inconclusive".to_owned(),
    }
}

impl Matrix {
    /// Every cell that is there.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.rows.iter().flat_map(|row| row.cells.iter().flatten())
    }

    /// The most severe exit code of its cells; 97 where one is missing.
    #[must_use]
    pub fn exit(&self) -> u8 {
        let missing = (!self.complete).then(|| Exit::Inconclusive.code());
        worst(self.cells().map(|cell| cell.exit).chain(missing))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Cell, Seen, Tone};
    use lockbench_core::workload::{Expected, ExpectedVerdict, Versions};

    fn expected(verdict: ExpectedVerdict) -> Expected {
        Expected {
            systems: vec!["redis".to_owned()],
            versions: Versions::default(),
            verdict,
            reason: "r".to_owned(),
            source: "s".to_owned(),
        }
    }

    fn double() -> ExpectedVerdict {
        ExpectedVerdict::DoubleGrant { kind: "outside", cause: Some("V2"), at_least: 1, also: Vec::new() }
    }

    fn hit() -> Seen {
        Seen {
            grants: 4,
            double_grants: 1,
            kinds: BTreeMap::from([("outside".to_owned(), 1)]),
            causes: BTreeMap::from([("V2".to_owned(), 1)]),
            ..Seen::default()
        }
    }

    fn clean() -> Seen {
        Seen { grants: 4, stuck_ns: Some(2_100_000_000), ..Seen::default() }
    }

    #[test]
    fn a_cell_says_what_was_seen() {
        let cell = |verdict: ExpectedVerdict, trials| Cell::of("x", "redis", &expected(verdict), trials);
        let red = cell(double(), vec![hit()]);
        assert_eq!(
            (red.tone, red.label.as_str(), red.matches, red.exit),
            (Tone::Violated, "outside V2", Some(true), 0)
        );
        let green = cell(ExpectedVerdict::Safe, vec![clean()]);
        assert_eq!((green.tone, green.label.as_str()), (Tone::Safe, "safe, gap 2.10 s"));
        let amber = cell(ExpectedVerdict::Stuck { at_least_ns: 1, at_most_ns: None }, vec![clean()]);
        assert_eq!((amber.tone, amber.label.as_str()), (Tone::Stuck, "stuck 2.10 s"));
        let wrong = cell(ExpectedVerdict::Safe, vec![hit()]);
        assert_eq!((wrong.tone, wrong.matches, wrong.exit), (Tone::Violated, Some(false), 100));
        let stale = cell(ExpectedVerdict::StaleWrite, vec![Seen { lost_updates: 1, ..clean() }]);
        assert_eq!((stale.tone, stale.label.as_str(), stale.exit), (Tone::Violated, "stale write", 0));
        let doubted = cell(ExpectedVerdict::Safe, vec![Seen { doubts: vec!["d".to_owned()], ..clean() }]);
        assert_eq!((doubted.tone, doubted.matches, doubted.exit), (Tone::Inconclusive, None, 97));
    }

    #[test]
    fn an_expected_violation_may_come_by_chance_and_its_rate_has_an_interval() {
        let cell = Cell::of("x", "redis", &expected(double()), vec![hit(), clean(), hit()]);
        assert_eq!((cell.exit, cell.rate().as_deref()), (0, Some("2 of 3 trials (21 to 94 %)")));
        let never = Cell::of("x", "redis", &expected(double()), vec![clean(), clean()]);
        assert_eq!((never.exit, never.hits), (99, 0));
        // What must not happen must not happen once.
        let once = Cell::of("x", "redis", &expected(ExpectedVerdict::Safe), vec![clean(), hit()]);
        assert_eq!(once.exit, 100);
    }

    #[test]
    fn a_system_that_is_not_in_the_story_is_grey_and_right() {
        let cell = Cell::absent("x", "memory", &expected(ExpectedVerdict::NotOffered), None);
        assert_eq!((cell.tone, cell.exit, cell.label.as_str(), cell.matches), (Tone::Absent, 0, "not offered", None));
        let here = Cell::absent("x", "redis", &expected(double()), Some("no redis-server".to_owned()));
        assert_eq!((here.exit, here.label.as_str()), (3, "not available here"));
    }
}
