//! The figures of each system side by side, in the order of the answer: by class of
//! durability, the best of each class first.

use crate::answer::words::meaning_words;
use crate::table::{WHY_ONE_WAIT, available};
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::answer::{Answer, Class, Row as Ranked};
use lockbench_report::figure::{Value, find};
use lockbench_report::{Report, TrialResult, response_is_service};

/// Systems of one class.
pub struct Group {
    /// Its name.
    pub name: String,
    /// What a crash leaves, one sentence.
    pub meaning: &'static str,
    /// Its systems.
    pub rows: Vec<Row>,
}

/// One system.
pub struct Row {
    /// Registry name.
    pub system: String,
    /// How its clients wait, its durability as read back and its quorum.
    pub facts: Vec<String>,
    /// Grants per second, and what stands below: its interval.
    pub throughput: (String, String),
    /// The other columns.
    pub figures: Vec<String>,
}

/// A figure that does not exist.
const NONE: &str = "-";

/// A column behind throughput: its head, and the figure in it.
type Column = (&'static str, &'static str);

/// The wait, where response time is service time.
const ONE_WAIT: &[Column] = &[
    ("acquire p50", "acquire_service.p50"),
    ("acquire p95", "acquire_service.p95"),
    ("acquire p99", "acquire_service.p99"),
];

/// The wait of other runs.
const BOTH_WAITS: &[Column] = &[
    ("service p50", "acquire_service.p50"),
    ("service p95", "acquire_service.p95"),
    ("service p99", "acquire_service.p99"),
    ("response p50", "acquire_response.p50"),
    ("response p95", "acquire_response.p95"),
    ("response p99", "acquire_response.p99"),
];

/// What follows.
const OTHERS: &[Column] = &[
    ("hand-off p50", "handoff.p50"),
    ("hand-off p95", "handoff.p95"),
    ("hand-off p99", "handoff.p99"),
    ("release p99", "release.p99"),
    ("served", "availability"),
    ("fairness (Jain)", "jain"),
    ("requests per grant", "requests_per_grant"),
];

fn columns(report: &Report) -> impl Iterator<Item = &'static Column> {
    let waits = if response_is_service(report) { ONE_WAIT } else { BOTH_WAITS };
    waits.iter().chain(OTHERS)
}

/// Heads of the columns behind throughput.
pub fn heads(report: &Report) -> Vec<&'static str> {
    columns(report).map(|(head, _)| *head).collect()
}

/// The rows of a report, by class.
pub fn groups(report: &Report, answer: &Answer) -> Vec<Group> {
    let group = |class: &Class| Group {
        name: class.durability.to_string(),
        meaning: meaning_words(class.durability),
        rows: class.rows.iter().map(|ranked| row(report, ranked)).collect(),
    };
    answer.classes.iter().map(group).collect()
}

/// What a reader must know of the columns.
pub fn notes(report: &Report, answer: &Answer) -> Vec<&'static str> {
    let mut notes = vec![
        if response_is_service(report) {
            WHY_ONE_WAIT
        } else {
            "service: from the call to the grant; response: from the due instant to the grant."
        },
        "\"-\": the figure does not exist; the section Not available says why. Figures are of all trials, fairness their mean. Served: the share of the attempts that got an answer in order.",
        "Systems that wait in different ways (poll, watch, server queue) are not like for like.",
    ];
    if answer.classes.iter().flat_map(|class| &class.rows).any(|row| row.rate_interval.is_none()) {
        notes.push("Fewer than three trials of a system give no interval: small differences may be noise.");
    }
    notes
}

fn row(report: &Report, ranked: &Ranked) -> Row {
    let ran = |result: &&TrialResult| result.backend == ranked.system && result.error.is_none();
    let first = report.results.iter().find(ran);
    let mut facts = Vec::new();
    facts.extend(ranked.waiting.as_ref().map(|kind| format!("waits by {}", kind.replace('-', " "))));
    facts.extend(first.map(|first| brief(first.durability.as_str())));
    facts.extend(first.map(|first| format!("quorum {}", first.quorum)));
    let interval = ranked.rate_interval.map_or_else(
        || if ranked.trials == 1 { "1 trial".to_owned() } else { format!("{} trials", ranked.trials) },
        |interval| format!("{} to {}", three_digits(interval.low), three_digits(interval.high)),
    );
    let figure = |(_, name): &(&str, &str)| {
        let value: Value = find(name).and_then(|figure| figure.of_backend(report, &ranked.system));
        match (*name, value) {
            (_, Err(_)) => NONE.to_owned(),
            ("availability", Ok(share)) => available(share),
            ("jain", Ok(jain)) => format!("{jain:.3}"),
            ("requests_per_grant", Ok(count)) => three_digits(count),
            (_, Ok(ns)) => human_duration(ns as u64),
        }
    };
    Row {
        system: ranked.system.clone(),
        facts,
        throughput: (ranked.rate.as_ref().map_or_else(|_| NONE.to_owned(), |rate| three_digits(*rate)), interval),
        figures: columns(report).map(figure).collect(),
    }
}

/// Settings without the remarks behind them, which the section on the method has.
fn brief(durability: &str) -> String {
    durability.split([';', '(']).next().unwrap_or(durability).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{groups, notes};
    use crate::sample::{crowd, report};
    use lockbench_report::Report;
    use lockbench_report::answer::answer;

    fn shown(report: &Report) -> String {
        let answer = answer(report);
        let mut lines = Vec::new();
        for group in groups(report, &answer) {
            lines.push(format!("[{}] {}", group.name, group.meaning));
            for row in group.rows {
                let (rate, interval) = row.throughput;
                lines.push(format!(
                    "{} | {} | {rate} ({interval}) | {}",
                    row.system,
                    row.facts.join(", "),
                    row.figures.join(" | ")
                ));
            }
        }
        lines.extend(notes(report, &answer).into_iter().map(str::to_owned));
        lines.join("\n")
    }

    #[test]
    fn systems_stand_in_the_order_of_the_answer() {
        insta::assert_snapshot!(shown(&report()), @r#"
[unknown] what a crash leaves could not be read back
redis | waits by poll, appendonly no | stock, quorum 1 of 1 | 400 (1 trial) | 104 us | 416 us | 1.04 ms | 105 us | 420 us | 1.05 ms | - | - | - | 347 us | 100 % | 0.980 | 3.50
redlock | waits by poll, appendonly no | stock, quorum 1 of 1 | 400 (1 trial) | 900 us | 3.60 ms | 9.00 ms | 901 us | 3.60 ms | 9.01 ms | - | - | - | 3.00 ms | 100 % | 0.980 | 3.50
service: from the call to the grant; response: from the due instant to the grant.
"-": the figure does not exist; the section Not available says why. Figures are of all trials, fairness their mean. Served: the share of the attempts that got an answer in order.
Systems that wait in different ways (poll, watch, server queue) are not like for like.
Fewer than three trials of a system give no interval: small differences may be noise.
"#);
        let mut report = crowd(3).report;
        for result in &mut report.results {
            if result.backend == "zookeeper" {
                result.durability = "write-ahead log fsync before answer".into();
            }
        }
        insta::assert_snapshot!(shown(&report), @r#"
[disk, synced] a grant is on disk before the client hears of it
zookeeper | waits by poll, write-ahead log fsync before answer, quorum 1 of 1 | 440 (416 to 465) | 720 us | 2.88 ms | 7.20 ms | 721 us | 2.88 ms | 7.21 ms | - | - | - | 2.40 ms | 100 % | 0.980 | 3.50
[unknown] what a crash leaves could not be read back
redis | waits by poll, appendonly no | stock, quorum 1 of 1 | 440 (416 to 465) | 80.0 us | 320 us | 800 us | 81.0 us | 324 us | 810 us | - | - | - | 267 us | 100 % | 0.980 | 3.50
redlock | waits by poll, appendonly no | stock, quorum 1 of 1 | 440 (416 to 465) | 320 us | 1.28 ms | 3.20 ms | 321 us | 1.28 ms | 3.21 ms | - | - | - | 1.07 ms | 100 % | 0.980 | 3.50
service: from the call to the grant; response: from the due instant to the grant.
"-": the figure does not exist; the section Not available says why. Figures are of all trials, fairness their mean. Served: the share of the attempts that got an answer in order.
Systems that wait in different ways (poll, watch, server queue) are not like for like.
"#);
    }
}
