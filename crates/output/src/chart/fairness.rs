//! Chart 6: how much each client got. The grants of each client, sorted, as multiples of an
//! even share, so that fast and slow systems compare; beside them each client's
//! longest wait, sorted.

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::legend::{Entry, Key, with_legend};
use super::palette::{SOFT, SeriesStyle, backends, looks};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::view::view;
use super::{Chart, Words, finish};
use lockbench_core::units::{grouped, human_duration};
use lockbench_report::{Measurements, RecordedRun};

/// Marks on one line.
const MARKS: usize = 8;

/// The clients of one system's first measured trial.
struct Clients {
    name: String,
    look: SeriesStyle,
    /// Jain's index of their grants.
    jain: Option<f64>,
    /// Its trial, where it is one of several.
    trial: Option<u32>,
    /// Grants of each client by the mean of all, most first; empty without a grant.
    shares: Vec<f64>,
    /// Longest wait of each client in nanoseconds, longest first; 0 is none.
    waits: Vec<u64>,
}

struct Fairness {
    systems: Vec<Clients>,
}

/// One of its two plots.
enum Half {
    Shares(Arc<Fairness>),
    Waits(Arc<Fairness>),
}

const EVEN: Stroke = Stroke { color: SOFT, width: 2, dash: &[6, 4] };

/// The chart.
pub fn fairness(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    let trials = run.report.results.iter().map(|result| result.trial).max().unwrap_or(1);
    let (mut systems, mut rows) = (Vec::new(), Vec::new());
    for (name, look) in names.iter().zip(looks(&names)) {
        let Some(first) = run.of(name).next() else { continue };
        let result = run.report.results.iter().find(|one| one.backend == *name && one.trial == first.trial);
        let jain = result.and_then(|result| result.fairness.jain);
        let trial = (trials > 1).then_some(first.trial);
        let clients = Clients { trial, ..clients(name, look, jain, first) };
        rows.push(row(&clients, &first.grants_of));
        systems.push(clients);
    }
    let shown = if trials > 1 { format!(" The first of {trials} trials is shown.") } else { String::new() };
    let words = Words {
        name: "fairness".to_owned(),
        title: "Fairness among the clients".to_owned(),
        caption: format!(
            "Left: level at 1 is fair, a steep line means that few clients get most grants. Right: the longest wait \
             that each client had, granted or not; the first is the unluckiest client. Jain's index: 1 is even, 1/n \
             means that one of n clients takes all.{shown}"
        ),
        head: &[
            "backend",
            "clients",
            if trials > 1 { "Jain index of that trial" } else { "Jain index" },
            "fewest grants",
            "most grants",
            "longest wait",
            "shortest longest wait",
        ],
        rows,
    };
    if systems.is_empty() {
        return Ok(Vec::new());
    }
    let body = Arc::new(Fairness { systems });
    let size = (400, 320);
    let views = vec![
        view(None, "grants of each client, most first", size, Half::Shares(Arc::clone(&body)))?,
        view(None, "longest wait of each client, longest first", size, Half::Waits(Arc::clone(&body)))?,
    ];
    Ok(vec![finish(words, body)?.on_page(views, &[even_share()])?])
}

/// The line of a client that gets as much as every other.
fn even_share() -> Entry {
    Entry::new(Key::Line(EVEN, None), "even share")
}

fn clients(name: &str, look: SeriesStyle, jain: Option<f64>, of: &Measurements) -> Clients {
    let mut grants = of.grants_of.clone();
    grants.sort_unstable_by(|a, b| b.cmp(a));
    let sum: u64 = grants.iter().sum();
    let mean = sum as f64 / grants.len().max(1) as f64;
    let shares = if sum == 0 { Vec::new() } else { grants.iter().map(|grants| *grants as f64 / mean).collect() };
    let mut waits = of.longest_wait_of.clone();
    waits.sort_unstable_by(|a, b| b.cmp(a));
    Clients { name: name.to_owned(), look, jain, trial: None, shares, waits }
}

fn row(clients: &Clients, grants: &[u64]) -> Vec<String> {
    let number = |count: Option<&u64>| count.map_or_else(|| "-".to_owned(), |count| grouped(*count));
    let wait = |ns: Option<&u64>| ns.map_or_else(|| "-".to_owned(), |ns| human_duration(*ns));
    vec![
        clients.name.clone(),
        grants.len().to_string(),
        clients.jain.map_or_else(|| "-".to_owned(), |jain| format!("{jain:.3}")),
        number(grants.iter().min()),
        number(grants.iter().max()),
        wait(clients.waits.first()),
        wait(clients.waits.last()),
    ]
}

impl Fairness {
    fn legend(&self) -> Vec<Entry> {
        let entry = |Clients { name, look, jain, trial, .. }: &Clients| {
            let jain = jain.map_or_else(|| "no grants".to_owned(), |jain| format!("Jain {jain:.3}"));
            let trial = trial.map_or_else(String::new, |trial| format!(" (trial {trial})"));
            Entry::new(Key::Line(Stroke::solid(look.color, 2), Some(look.mark)), format!("{name}: {jain}{trial}"))
        };
        let mut entries: Vec<Entry> = self.systems.iter().map(entry).collect();
        entries.push(even_share());
        entries
    }

    /// An axis of clients by rank.
    fn ranks(&self, label: &str) -> Axis {
        let most = self.systems.iter().map(|system| system.shares.len().max(system.waits.len())).max().unwrap_or(1);
        Axis::linear(label, 1.0, most.max(2) as f64, |rank| {
            if rank.fract() == 0.0 && rank >= 1.0 { tick_number(rank) } else { String::new() }
        })
    }

    fn shares<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let high = self.systems.iter().filter_map(|system| system.shares.first().copied()).fold(0.0, f64::max);
        if high == 0.0 {
            return sheet.nothing("no client got a grant");
        }
        let y = Axis::upto("grants of a client, multiples of the mean", high.max(1.5));
        let plot = Plot::new(sheet, self.ranks("clients, most grants first"), y);
        plot.axes()?;
        let (from, to) = plot.x.range();
        plot.line(&[(from, 1.0), (to, 1.0)], EVEN)?;
        self.curves(&plot, |system| system.shares.clone())
    }

    fn waits<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let all = || self.systems.iter().flat_map(|system| &system.waits).copied().filter(|ns| *ns > 0);
        let (Some(low), Some(high)) = (all().min(), all().max()) else {
            return sheet.nothing("no client waited");
        };
        let y = Axis::log_ns("longest wait of a client (log scale)", low, high);
        let plot = Plot::new(sheet, self.ranks("clients, longest wait first"), y);
        plot.axes()?;
        self.curves(&plot, |system| system.waits.iter().take_while(|ns| **ns > 0).map(|ns| *ns as f64).collect())
    }

    fn curves<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, of: impl Fn(&Clients) -> Vec<f64>) -> Drawn<DB> {
        for (i, system) in self.systems.iter().enumerate() {
            let points: Vec<(f64, f64)> = (1..).map(f64::from).zip(of(system)).collect();
            plot.line(&points, Stroke::solid(system.look.color, 2))?;
            let step = points.len().div_ceil(MARKS).max(1);
            for point in points.iter().skip(i % step).step_by(step) {
                plot.mark(*point, system.look.mark, system.look.color)?;
            }
        }
        Ok(())
    }
}

impl Draw for Fairness {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let rest = with_legend(sheet, &self.legend())?;
        let columns = rest.columns(2, rest.ems(1.0));
        self.shares(&columns[0])?;
        self.waits(&columns[1])
    }
}

impl Draw for Half {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        match self {
            Self::Shares(of) => of.shares(sheet),
            Self::Waits(of) => of.waits(sheet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{clients, fairness};
    use crate::chart::palette::look;
    use crate::sample;
    use lockbench_report::Measurements;

    #[test]
    fn shares_are_sorted_and_relative_to_the_mean() {
        let of = Measurements {
            grants_of: vec![10, 40, 0, 30],
            longest_wait_of: vec![5, 0, 9, 7],
            ..Measurements::default()
        };
        let clients = clients("redis", look(0), None, &of);
        assert_eq!(clients.shares, [2.0, 1.5, 0.5, 0.0]);
        assert_eq!(clients.waits, [9, 7, 5, 0]);
    }

    #[test]
    fn every_system_has_a_row_and_its_index() {
        let chart = fairness(&sample::crowd(10)).unwrap().remove(0);
        assert_eq!(chart.rows.len(), 10);
        assert_eq!(chart.rows[0][..5], ["redis", "16", "0.980", "90", "150"]);
        assert!(
            chart.svg.contains("redis: Jain 0.980")
                && chart.svg.contains("(trial 1)")
                && chart.caption.contains("first of 3 trials")
        );
    }

    #[test]
    fn without_grants_the_waits_are_still_shown() {
        let chart = fairness(&sample::timeouts()).unwrap().remove(0);
        assert!(chart.svg.contains("no client got a grant") && chart.svg.contains(">redis: no grants<"));
        assert_eq!(chart.rows[0][5], "10.0 s");
        assert!(fairness(&sample::empty()).unwrap().is_empty());
    }
}
