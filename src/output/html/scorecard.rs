//! The scorecard: a row a system, grouped by class of durability. Throughput is
//! ranked within a class only; beyond it a mark says that it is no ranking.

use super::mark::{Mark, of_safety};
use crate::report::{Aggregate, Copies, Durability, Report, SafetyVerdict, Storage, TrialResult};
use crate::stats::{Interval, ratio_of_means};
use crate::units::{human_duration, three_digits};

/// Systems of one class.
pub struct Group {
    /// Its name.
    pub name: String,
    /// What a crash leaves, one sentence.
    pub meaning: &'static str,
    /// Its systems, in the order of the report.
    pub rows: Vec<Row>,
}

/// One system.
pub struct Row {
    /// Registry name.
    pub system: String,
    /// How its clients wait.
    pub waiting: String,
    /// As read back, without remarks.
    pub durability: String,
    /// As read back.
    pub quorum: String,
    /// Its safety.
    pub mark: Mark,
    /// Grants a second.
    pub throughput: String,
    /// Against the best of its class.
    pub relative: String,
    /// Why there is no interval, or how it was won.
    pub interval: String,
    /// Against the best of all classes, marked.
    pub across: String,
    /// The other columns.
    pub figures: Vec<String>,
}

/// A figure that does not exist.
const NONE: &str = "-";

/// The rows of a report, by class.
pub fn groups(report: &Report) -> Vec<Group> {
    let mut classes: Vec<Durability> = report.aggregates.iter().map(|all| class(report, &all.backend)).collect();
    classes.sort();
    classes.dedup();
    let several = classes.len() > 1;
    let of = |wanted: Option<Durability>| {
        let fits = |all: &&Aggregate| wanted.is_none_or(|wanted| class(report, &all.backend) == wanted);
        fastest(report.aggregates.iter().filter(fits))
    };
    let overall = of(None).filter(|_| several);
    let group = |wanted: Durability| {
        let best = of(Some(wanted));
        let members = report.aggregates.iter().filter(|all| class(report, &all.backend) == wanted);
        Group {
            name: wanted.to_string(),
            meaning: meaning(wanted),
            rows: members.map(|all| row(report, all, best, overall)).collect(),
        }
    };
    // Strongest promise first.
    classes.into_iter().rev().map(group).collect()
}

/// What a reader must know of the columns.
pub fn notes(report: &Report) -> Vec<String> {
    let mut notes = vec![
        "service: from the call to the grant; response: from the due instant to the grant. \"-\": the figure does not exist; \
         the section Not available says why."
            .to_owned(),
        "relative: 1.00 has the most grants a second of its class of durability; 2.3x means that the best has 2.3 times as \
         many. Systems that granted twice are not ranked. ± is half the 95 % interval of that ratio over the trials, which stands \
         in full where it is wide."
            .to_owned(),
    ];
    let few = report.aggregates.iter().any(|all| ran(report, &all.backend).count() < FEWEST);
    if few {
        notes.push("Fewer than three trials of a system give no interval: small differences may be noise.".to_owned());
    }
    if groups(report).len() > 1 {
        notes.push(
            "† against the most grants a second of any class: these are different promises, and this is no ranking."
                .to_owned(),
        );
    }
    notes.push(
        "Systems that wait in different ways (poll, watch, server queue) are not like for like either.".to_owned(),
    );
    notes
}

/// Trials that an interval needs.
const FEWEST: usize = 3;

fn ran<'a>(report: &'a Report, backend: &'a str) -> impl Iterator<Item = &'a TrialResult> {
    report.results.iter().filter(move |result| result.backend == backend && result.error.is_none())
}

fn class(report: &Report, backend: &str) -> Durability {
    ran(report, backend)
        .next()
        .map_or(Durability { storage: Storage::Unknown, copies: Copies::Unknown }, Durability::of)
}

/// Most grants a second among those that granted nothing twice.
fn fastest<'a>(systems: impl Iterator<Item = &'a Aggregate>) -> Option<&'a Aggregate> {
    let sound = systems.filter(|all| all.verdict != SafetyVerdict::Violated && throughput(all) > 0.0);
    sound.max_by(|a, b| throughput(a).total_cmp(&throughput(b)))
}

fn throughput(all: &Aggregate) -> f64 {
    all.throughput_per_s.unwrap_or(0.0)
}

fn meaning(class: Durability) -> &'static str {
    match class.storage {
        Storage::Synced => "a grant is on disk before the client hears of it",
        Storage::Unsynced => "a grant reaches the disk later: a crash of the machine takes the last ones",
        Storage::Memory => "a grant is gone with the server's process",
        Storage::Unknown => "what a crash leaves could not be read back",
    }
}

fn row(report: &Report, all: &Aggregate, best: Option<&Aggregate>, overall: Option<&Aggregate>) -> Row {
    let first = ran(report, &all.backend).next();
    let text = |of: fn(&TrialResult) -> String| first.map_or_else(|| NONE.to_owned(), of);
    let (relative, interval) = relative(report, all, best);
    let latency = &all.latency;
    let duration = |ns: Option<u64>| ns.map_or_else(|| NONE.to_owned(), human_duration);
    let figure = |name: &str, digits: fn(f64) -> String| {
        let value = crate::report::figure::find(name).and_then(|figure| figure.of_backend(report, &all.backend));
        value.map_or_else(|_| NONE.to_owned(), digits)
    };
    Row {
        system: all.backend.clone(),
        waiting: text(|first| {
            first.guarantees["waiting"]
                .as_str()
                .map_or_else(String::new, |kind| format!("waits by {}", kind.replace('-', " ")))
        }),
        durability: text(|first| brief(&first.durability)),
        quorum: text(|first| first.quorum.clone()),
        mark: of_safety(all.verdict),
        throughput: all.throughput_per_s.map_or_else(|| NONE.to_owned(), three_digits),
        relative,
        interval,
        across: across(all, overall),
        figures: vec![
            duration(latency.acquire_service.p50_ns),
            duration(latency.acquire_service.p99_ns),
            duration(latency.acquire_response.p50_ns),
            duration(latency.acquire_response.p99_ns),
            duration(latency.handoff.p50_ns),
            duration(latency.handoff.p99_ns),
            figure("jain", |jain| format!("{jain:.3}")),
            figure("requests_per_grant", three_digits),
        ],
    }
}

/// Settings without the remarks behind them, which the section on the method has.
fn brief(durability: &str) -> String {
    durability.split([';', '(']).next().unwrap_or(durability).trim().to_owned()
}

/// The relative column and what stands below it.
fn relative(report: &Report, all: &Aggregate, best: Option<&Aggregate>) -> (String, String) {
    if all.verdict == SafetyVerdict::Violated {
        return ("not ranked".to_owned(), "it granted twice".to_owned());
    }
    let Some(best) = best.filter(|_| throughput(all) > 0.0) else { return (NONE.to_owned(), String::new()) };
    if best.backend == all.backend {
        return ("1.00".to_owned(), String::new());
    }
    let rates =
        |backend: &str| -> Vec<f64> { ran(report, backend).filter_map(|trial| trial.throughput_per_s).collect() };
    let (own, others) = (rates(&all.backend), rates(&best.backend));
    match ratio_of_means(&own, &others, report.plan["seed"].as_u64().unwrap_or(1)) {
        Some(interval) => with_interval(&interval),
        None => {
            let trials = own.len().min(others.len());
            let plural = if trials == 1 { "" } else { "s" };
            (times(throughput(best) / throughput(all)), format!("{trials} trial{plural}: no interval"))
        }
    }
}

fn across(all: &Aggregate, overall: Option<&Aggregate>) -> String {
    match overall {
        Some(best)
            if best.backend != all.backend && throughput(all) > 0.0 && all.verdict != SafetyVerdict::Violated =>
        {
            format!("† {} overall", times(throughput(best) / throughput(all)))
        }
        _ => String::new(),
    }
}

fn times(ratio: f64) -> String {
    format!("{}x", digits(ratio))
}

/// `2.30x ± 0.20`; an interval that is wide or lopsided in full, below.
fn with_interval(interval: &Interval) -> (String, String) {
    let (below, above) = (interval.estimate - interval.low, interval.high - interval.estimate);
    let estimate = times(interval.estimate);
    if above <= 2.0 * below && above + below <= interval.estimate {
        return (format!("{estimate} ± {}", digits((above + below) / 2.0)), String::new());
    }
    let equal = if interval.low <= 1.0 { ": may be equal" } else { "" };
    (estimate, format!("{} to {}{equal}", times(interval.low), times(interval.high)))
}

/// Two digits behind the point while they mean something.
fn digits(value: f64) -> String {
    if value < 9.95 { format!("{value:.2}") } else { three_digits(value) }
}

#[cfg(test)]
mod tests {
    use super::{Interval, groups, notes};
    use crate::output::sample::{crowd, report};
    use crate::report::Report;

    fn shown(report: &Report) -> String {
        let mut lines = Vec::new();
        for group in groups(report) {
            lines.push(format!("[{}] {}", group.name, group.meaning));
            for row in group.rows {
                lines.push(format!(
                    "{} | {} | {} | {} | {} | {} | {}",
                    row.system,
                    row.quorum,
                    row.mark.word,
                    row.throughput,
                    row.relative,
                    [row.interval, row.across].join(" "),
                    row.figures.join(" | ")
                ));
            }
        }
        lines.extend(notes(report));
        lines.join("\n")
    }

    #[test]
    fn a_violated_system_is_not_ranked() {
        insta::assert_snapshot!(shown(&report()), @r#"
[unknown] what a crash leaves could not be read back
redis | 1 of 1 | valid | 400 | 1.00 |   | 104 us | 1.04 ms | 105 us | 1.05 ms | - | - | 0.980 | 3.50
redlock | 1 of 1 | VIOLATED | 400 | not ranked | it granted twice  | 900 us | 9.00 ms | 901 us | 9.01 ms | - | - | 0.980 | 3.50
service: from the call to the grant; response: from the due instant to the grant. "-": the figure does not exist; the section Not available says why.
relative: 1.00 has the most grants a second of its class of durability; 2.3x means that the best has 2.3 times as many. Systems that granted twice are not ranked. ± is half the 95 % interval of that ratio over the trials, which stands in full where it is wide.
Fewer than three trials of a system give no interval: small differences may be noise.
Systems that wait in different ways (poll, watch, server queue) are not like for like either.
"#);
    }

    #[test]
    fn ranks_stay_within_a_class_and_cross_ones_are_marked() {
        let mut report = crowd(4).report;
        for (i, result) in report.results.iter_mut().enumerate() {
            result.throughput_per_s = Some(1_000.0 / (i / 3 + 1) as f64 + (i % 3) as f64 * 10.0);
            match result.backend.as_str() {
                "zookeeper" | "etcd" => "write-ahead log fsync before answer".clone_into(&mut result.durability),
                "redlock" => "2 of 3".clone_into(&mut result.quorum),
                _ => "appendonly no, save 60 1".clone_into(&mut result.durability),
            }
        }
        for (i, all) in report.aggregates.iter_mut().enumerate() {
            all.throughput_per_s = Some(1_000.0 / (i + 1) as f64 + 10.0);
        }
        insta::assert_snapshot!(shown(&report), @r#"
[disk, synced] a grant is on disk before the client hears of it
zookeeper | 1 of 1 | valid | 343 | 1.00 |  † 2.94x overall | 720 us | 7.20 ms | 721 us | 7.21 ms | - | - | 0.980 | 3.50
etcd | 1 of 1 | valid | 260 | 1.32x ± 0.09 |  † 3.88x overall | 1.28 ms | 12.8 ms | 1.28 ms | 12.8 ms | - | - | 0.980 | 3.50
[disk, not synced] a grant reaches the disk later: a crash of the machine takes the last ones
redis | 1 of 1 | valid | 1 010 | 1.00 |   | 80.0 us | 800 us | 81.0 us | 810 us | - | - | 0.980 | 3.50
[quorum of 3, unknown] what a crash leaves could not be read back
redlock | 2 of 3 | valid | 510 | 1.00 |  † 1.98x overall | 320 us | 3.20 ms | 321 us | 3.21 ms | - | - | 0.980 | 3.50
service: from the call to the grant; response: from the due instant to the grant. "-": the figure does not exist; the section Not available says why.
relative: 1.00 has the most grants a second of its class of durability; 2.3x means that the best has 2.3 times as many. Systems that granted twice are not ranked. ± is half the 95 % interval of that ratio over the trials, which stands in full where it is wide.
† against the most grants a second of any class: these are different promises, and this is no ranking.
Systems that wait in different ways (poll, watch, server queue) are not like for like either.
"#);
    }

    #[test]
    fn an_interval_is_short_only_where_it_is_narrow_and_even() {
        let shown = |estimate, low, high| super::with_interval(&Interval { estimate, low, high });
        assert_eq!(shown(2.3, 2.1, 2.5), ("2.30x ± 0.20".to_owned(), String::new()));
        assert_eq!(shown(2.62, 1.4, 391.0), ("2.62x".to_owned(), "1.40x to 391x".to_owned()));
        assert_eq!(shown(1.3, 0.4, 2.2), ("1.30x".to_owned(), "0.40x to 2.20x: may be equal".to_owned()));
    }

    #[test]
    fn one_trial_has_no_interval_and_says_so() {
        let mut report = crowd(2).report;
        report.results.retain(|result| result.trial == 1);
        report.aggregates[1].throughput_per_s = Some(200.0);
        let rows = &groups(&report)[0].rows;
        assert_eq!((rows[1].relative.as_str(), rows[1].interval.as_str()), ("2.00x", "1 trial: no interval"));
    }
}
