//! The first screen: the answer of the run beside its trade-off chart. Facts are of
//! `report::answer`, words of `output::answer`; here are bars, marks and cells.

use super::tight;
use crate::answer::rows::{Columns, cells};
use crate::answer::words::{
    absent_words, disqualified_words, finding_words, limit_words, load_words, meaning_words, next_words, turnout_words,
    winner_words,
};
use crate::mark::{Mark, of_safety};
use lockbench_report::Report;
use lockbench_report::answer::{Answer, Class, Disqualified, Finding, Row, Severity, Winner};

/// What the first screen says.
pub struct First {
    /// How many of how many systems ran.
    pub turnout: String,
    /// Whether each of them ran.
    pub whole: bool,
    /// The load in short.
    pub load: String,
    /// Systems that did not run, and why.
    pub absent: Vec<String>,
    /// The systems that ran, by class of durability.
    pub classes: Vec<ClassRows>,
    /// Whether there are several systems, and none in the same class as another, so that none is ranked before another.
    pub unranked: bool,
    /// What the run does not prove.
    pub limits: Vec<String>,
    /// What changes how to read it.
    pub findings: Vec<FoundLine>,
    /// Findings that are further down only.
    pub more_findings: usize,
    /// The next command, and what it is for.
    pub next: (String, &'static str),
}

/// Systems that make the same promise about a crash.
pub struct ClassRows {
    /// The promise.
    pub name: String,
    /// What a crash leaves.
    pub meaning: &'static str,
    /// Which system is best and by what margin; empty for a system that is alone in its class.
    pub winner: String,
    /// Its systems.
    pub rows: Vec<SystemRow>,
}

/// One system.
pub struct SystemRow {
    /// Registry name.
    pub system: String,
    /// Sign before it: best, tied, not ranked; empty for the others.
    pub sign: &'static str,
    /// The sign in words.
    pub sign_word: &'static str,
    /// Grants per second.
    pub rate: String,
    /// Length of its bar in per cent of the longest.
    pub bar: u32,
    /// Half the 95 % interval of the rate, where there is one.
    pub interval: String,
    /// Waits, hand-off, fairness.
    pub figures: Vec<String>,
    /// Its safety.
    pub mark: Mark,
    /// Why it is not ranked.
    pub disqualified: String,
}

/// One finding.
pub struct FoundLine {
    /// Class of the style sheet.
    pub tone: &'static str,
    /// What it is: its lint, or its kind.
    pub head: String,
    /// What was found, and what to do.
    pub text: String,
}

/// Of a report.
pub fn first(report: &Report, answer: &Answer) -> First {
    let ran = answer.turnout.ran.len();
    let rates = || answer.classes.iter().flat_map(|class| &class.rows).filter_map(|row| row.rate.as_ref().ok());
    let most = rates().copied().fold(0.0, f64::max);
    First {
        turnout: turnout_words(&answer.turnout),
        whole: answer.turnout.whole(),
        load: load_words(report).trim_start_matches("; ").to_owned(),
        absent: answer.turnout.absent.iter().map(absent_words).collect(),
        classes: answer.classes.iter().map(|class| rows(class, most)).collect(),
        unranked: answer.classes.len() > 1 && answer.classes.iter().all(alone),
        limits: answer.limits.iter().map(|limit| tight(&limit_words(limit, ran))).collect(),
        findings: answer.findings.iter().map(found_line).collect(),
        more_findings: answer.more_findings,
        next: next_words(&answer.next, "lockbench", &report.run_id),
    }
}

fn rows(class: &Class, most: f64) -> ClassRows {
    // One that is alone in its class is best of nothing.
    let marked = if class.rows.len() > 1 { class.winner.marked() } else { 0 };
    ClassRows {
        name: class.durability.to_string(),
        meaning: meaning_words(class.durability),
        winner: if alone(class) { String::new() } else { tight(&winner_words(class)) },
        rows: class.rows.iter().enumerate().map(|(at, one)| row(one, at < marked, &class.winner, most)).collect(),
    }
}

/// Returns whether there is nothing in its class to compare it with.
fn alone(class: &Class) -> bool {
    class.rows.len() == 1 && class.winner == Winner::Alone
}

fn row(row: &Row, marked: bool, winner: &Winner, most: f64) -> SystemRow {
    let (sign, sign_word) = match winner {
        _ if row.disqualified.contains(&Disqualified::Violated) => ("✗", "violated"),
        _ if !row.ranked() => ("!", "not ranked"),
        Winner::Tie { .. } if marked => ("≈", "within noise of the best"),
        Winner::Clear { .. } if marked => ("★", "best of its class"),
        Winner::Unproven { .. } if marked => ("☆", "leads its class"),
        _ => ("", ""),
    };
    let rate = row.rate.as_ref().copied().unwrap_or(0.0);
    let shown = Columns { ascii: false, spread: false, wide: false, served: false };
    let cells: Vec<String> = cells(row, shown).iter().map(|cell| tight(cell)).collect();
    let interval = row.rate_interval.map(|interval| {
        let half = (interval.high - interval.estimate).max(interval.estimate - interval.low) / interval.estimate;
        format!("±{:.0} %", half * 100.0)
    });
    SystemRow {
        system: row.system.clone(),
        sign,
        sign_word,
        rate: cells[1].clone(),
        bar: if most > 0.0 { (rate / most * 100.0).ceil() as u32 } else { 0 },
        interval: interval.unwrap_or_default(),
        figures: cells[2..6].to_vec(),
        mark: of_safety(row.safety.verdict),
        disqualified: row.disqualified.first().map(|why| disqualified_words(why, &row.safety)).unwrap_or_default(),
    }
}

fn found_line(finding: &Finding) -> FoundLine {
    let (tone, kind) = match finding.severity {
        Severity::Violation => ("violated", "double grant"),
        Severity::Breach => ("threshold", "breached"),
        Severity::System | Severity::Tool | Severity::Sample | Severity::Setting => ("inconclusive", "failed"),
    };
    let head = finding.lint.clone().unwrap_or_else(|| kind.to_owned());
    FoundLine { tone, head, text: finding_words(finding) }
}

#[cfg(test)]
mod tests {
    use super::first;
    use crate::sample::{crowd, empty, report, timeouts};
    use lockbench_report::answer::answer;

    #[test]
    fn the_best_is_marked_with_its_margin_and_what_granted_twice_is_not_ranked() {
        let of = |report: &lockbench_report::Report| first(report, &answer(report));
        let violated = of(&report());
        let rows = &violated.classes[0].rows;
        assert_eq!((rows[1].system.as_str(), rows[1].sign, rows[1].mark.word), ("redlock", "✗", "VIOLATED"));
        assert!(!rows[1].disqualified.is_empty());
        assert!(violated.turnout.starts_with("2 of 3 systems ran"), "{}", violated.turnout);
        assert!(violated.absent[0].starts_with("etcd: "), "{:?}", violated.absent);
        let mut clean = crowd(2).report;
        for (number, result) in clean.results.iter_mut().enumerate() {
            result.throughput_per_s = Some(if number < 3 { 900.0 } else { 300.0 } + number as f64);
        }
        clean.aggregates[0].throughput_per_s = Some(901.0);
        clean.aggregates[1].throughput_per_s = Some(304.0);
        let clean = of(&clean);
        assert_eq!((clean.classes[0].rows[0].sign, clean.classes[0].rows[0].bar), ("★", 100));
        assert!(clean.classes[0].winner.starts_with("redis is best: 2.9"), "{}", clean.classes[0].winner);
        assert!(!clean.limits.is_empty());
        assert!(of(&empty().report).classes.is_empty() && !of(&empty().report).unranked);
        assert!(!of(&timeouts().report).unranked, "one system");
        assert_eq!(of(&timeouts().report).classes[0].rows[0].sign, "!");
    }
}
