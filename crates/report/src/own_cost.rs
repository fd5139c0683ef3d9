//! What lockbench itself costs on a machine: a bare loop over the client library of a system and lockbench as it runs, in
//! turns, each client on a key of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How this program was built: what one build costs says nothing of another.
pub const BUILD: &str = if cfg!(debug_assertions) { "development" } else { "release" };

/// From this share of throughput on, or of the 99th percentile, what lockbench costs is worth a warning.
const TOO_MUCH: f64 = 0.1;

/// How fast one of the two went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pace {
    /// Grants, each acquired and released, per second.
    pub cycles_per_s: f64,
    /// Median time from the call to the grant.
    pub p50_ns: f64,
    /// Its 99th percentile; left out where there were fewer than 1 000 grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<f64>,
    /// Processor time of this process per cycle, the kernel's part for it included.
    pub cpu_ns: f64,
}

/// A bare loop and a run, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// The bare loop.
    pub bare: Pace,
    /// The run.
    pub run: Pace,
    /// Of the processor time of the run, that of the recorder: merging, figures, oracle, history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorder_cpu_ns: Option<f64>,
}

/// A middle of all turns, with the lowest and the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Middle {
    /// The median.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Middle {
    /// Of these; `None` if there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        Some(Self { median, min, max })
    }
}

/// All turns of a system on a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnCost {
    /// The system.
    pub backend: String,
    /// Clients at the same time, each on a key of its own.
    pub clients: u32,
    /// When, in RFC 3339.
    pub measured_at: String,
    /// Version of lockbench.
    pub lockbench: String,
    /// How it was built: "release" or "development"; left out by earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// Processor of the machine, as the kernel names it.
    pub cpu: String,
    /// Number of processors.
    pub cores: u32,
    /// The turns, in order.
    pub turns: Vec<Turn>,
}

impl OwnCost {
    /// How much of a figure of the bare loop a run has, turn by turn.
    fn ratio(&self, of: fn(&Pace) -> Option<f64>) -> Option<Middle> {
        Middle::of(self.turns.iter().filter_map(|turn| Some(of(&turn.run)? / of(&turn.bare)?)))
    }

    /// Throughput of a run, as a share of the bare loop's.
    #[must_use]
    pub fn throughput(&self) -> Option<Middle> {
        self.ratio(|pace| Some(pace.cycles_per_s))
    }

    /// Median wait of a run, as a multiple of the bare loop's.
    #[must_use]
    pub fn p50(&self) -> Option<Middle> {
        self.ratio(|pace| Some(pace.p50_ns))
    }

    /// 99th percentile of the wait of a run, as a multiple of the bare loop's.
    #[must_use]
    pub fn p99(&self) -> Option<Middle> {
        self.ratio(|pace| pace.p99_ns)
    }

    /// Processor time per cycle: of the client library with the kernel below it, as the bare loop shows it.
    #[must_use]
    pub fn library_cpu_ns(&self) -> Option<f64> {
        Some(Middle::of(self.turns.iter().map(|turn| turn.bare.cpu_ns))?.median)
    }

    /// What lockbench adds to that: its recorder, and the rest of its clients (recipe, engine, oracle's witness, timers).
    #[must_use]
    pub fn added_cpu_ns(&self) -> Option<(Option<f64>, f64)> {
        let all = Middle::of(self.turns.iter().map(|turn| turn.run.cpu_ns - turn.bare.cpu_ns))?.median;
        let recorder =
            Middle::of(self.turns.iter().filter_map(|turn| turn.recorder_cpu_ns)).map(|middle| middle.median);
        Some((recorder, all - recorder.unwrap_or_default()))
    }

    /// What is worth a warning, in words: a figure that differs by more than a tenth, and which part of lockbench uses most
    /// of what it adds.
    #[must_use]
    pub fn too_much(&self) -> Option<String> {
        let mut found = Vec::new();
        if let Some(rate) = self.throughput().filter(|rate| rate.median < 1.0 - TOO_MUCH) {
            found.push(format!("{:.0} % of the grants/s", 100.0 * rate.median));
        }
        if let Some(p99) = self.p99().filter(|p99| p99.median > 1.0 + TOO_MUCH) {
            found.push(format!("{:.1} times the p99 wait", p99.median));
        }
        if found.is_empty() {
            return None;
        }
        let part = match self.added_cpu_ns() {
            Some((Some(recorder), clients)) if recorder > clients.max(0.0) => "the recorder uses most of what it adds",
            Some((_, clients)) if clients > 0.0 => "its clients use most of what it adds",
            _ => "it adds no processor time: the order in which its threads run is another",
        };
        Some(format!(
            "lockbench made {} of a bare loop of {} clients over the same library; {part}",
            found.join(" and "),
            self.clients
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Middle, OwnCost, Pace, Turn};

    fn turn(rate: f64, p99: f64, recorder: f64) -> Turn {
        let bare = Pace { cycles_per_s: 1_000.0, p50_ns: 100.0, p99_ns: Some(500.0), cpu_ns: 10_000.0 };
        let run = Pace { cycles_per_s: 1_000.0 * rate, p50_ns: 110.0, p99_ns: Some(500.0 * p99), cpu_ns: 14_000.0 };
        Turn { bare, run, recorder_cpu_ns: Some(recorder) }
    }

    fn cost(turns: &[Turn]) -> OwnCost {
        OwnCost { backend: "redis".to_owned(), clients: 64, turns: turns.to_vec(), ..OwnCost::default() }
    }

    #[test]
    fn the_middle_is_the_median_with_its_ends() {
        assert_eq!(Middle::of([3.0, 1.0, 2.0]), Some(Middle { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Middle::of([1.0, 2.0, f64::NAN]).unwrap().median, 1.5);
        assert_eq!(Middle::of([]), None);
    }

    #[test]
    fn what_costs_a_tenth_is_told_with_the_part_that_costs_most() {
        assert_eq!(cost(&[turn(0.95, 1.05, 1_000.0)]).too_much(), None);
        let told =
            cost(&[turn(0.8, 2.2, 3_000.0), turn(0.8, 2.2, 3_000.0), turn(0.95, 1.0, 3_000.0)]).too_much().unwrap();
        assert_eq!(
            told,
            "lockbench made 80 % of the grants/s and 2.2 times the p99 wait of a bare loop of 64 clients over the same \
             library; the recorder uses most of what it adds"
        );
        assert!(cost(&[turn(0.8, 1.0, 1_000.0)]).too_much().unwrap().ends_with("its clients use most of what it adds"));
        assert_eq!(cost(&[turn(0.8, 1.0, 1_000.0)]).added_cpu_ns(), Some((Some(1_000.0), 3_000.0)));
    }
}
