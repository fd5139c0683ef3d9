//! What the end of a run looks like, at both widths, with colour and without.

use super::{AnswerLook, AnswerPlace, MOST_LINES, answer_text, lines};
use crate::sample::{crowd, empty, gated, recorded, timeouts};
use lockbench_report::{LintFinding, LintLevel, Report, SafetyVerdict};

const PLACE: AnswerPlace<'_> =
    AnswerPlace { files: Some("results/sample-run/report.html"), run: "sample-run", program: "lockbench" };

const DURABILITY: [(&str, &str); 8] = [
    ("appendonly no, save 3600 1 (stock)", "1 of 1"),
    ("appendonly no, save 3600 1 (stock)", "3 of 5"),
    ("write-ahead log fsync before answer", "1 of 1"),
    ("write-ahead log fsync before answer", "1 of 1"),
    ("locks in shared memory, gone with a restart", "1 of 1"),
    ("fsync on, synchronous_commit on", "1 of 1"),
    ("journal_mode wal, synchronous full", "one file"),
    ("none: lives and dies with the process", "in process"),
];

fn look(width: u16) -> AnswerLook {
    AnswerLook { width: Some(width), ascii: false, colour: false }
}

/// The eight systems of `quick`, three trials each, as far apart as they are.
fn eight() -> Report {
    let mut report = crowd(8).report;
    let rates = [9_120.0, 2_050.0, 1_310.0, 1_280.0, 7_800.0, 612.0, 340.0, 21_400.0];
    for (result, at) in report.results.iter_mut().zip((0..8).flat_map(|system| [system; 3])) {
        let spread = 1.0 + (f64::from(result.trial) - 2.0) * 0.02;
        result.throughput_per_s = Some(rates[at] * spread);
        let (durability, quorum) = DURABILITY[at];
        result.durability = durability.into();
        result.quorum = quorum.into();
    }
    for (merged, rate) in report.aggregates.iter_mut().zip(rates) {
        merged.throughput_per_s = Some(rate);
    }
    report.plan = serde_json::json!({ "clients": 16, "keys": { "kind": "uniform", "count": 4 }, "hold": { "kind": "constant", "value": "1ms" }, "seed": 7 });
    report.environment.placement =
        "servers on the same machine as the load, over loopback: no network delay".to_owned();
    report.skipped.clear();
    let lint = |name: &str, message: &str, advice: &str| LintFinding {
        name: name.to_owned(),
        level: LintLevel::Warn,
        backend: None,
        message: message.to_owned(),
        advice: advice.to_owned(),
    };
    report.lints = vec![
        lint("client-cpu-bound", "memory: lockbench used 71 % of 2 processors", "put the servers on another machine"),
        lint("too-few-samples", "sqlite: 812 grants, a p99 needs 1 000", "lengthen duration or raise trials"),
        lint(
            "fsync-off",
            "redis, redlock: answered before the disk was synchronised; memory: grants are kept in memory only",
            "do not rank these beside systems that wait for the disk; to compare alike set appendfsync always",
        ),
    ];
    report
}

#[test]
fn the_answer_of_eight_systems_reads_well() {
    insta::assert_snapshot!("eight_80", answer_text(&eight(), PLACE, look(80)));
    insta::assert_snapshot!("eight_120", answer_text(&eight(), PLACE, look(120)));
    insta::assert_snapshot!("eight_120_colour", answer_text(&eight(), PLACE, AnswerLook { colour: true, ..look(120) }));
    insta::assert_snapshot!("eight_80_ascii", answer_text(&eight(), PLACE, AnswerLook { ascii: true, ..look(80) }));
}

#[test]
fn what_is_wrong_reads_well() {
    insta::assert_snapshot!("gated_80", answer_text(&gated().report, PLACE, look(80)));
    insta::assert_snapshot!("timeouts_120", answer_text(&timeouts().report, PLACE, look(120)));
    insta::assert_snapshot!("empty_120", answer_text(&empty().report, PLACE, look(120)));
    insta::assert_snapshot!("pipe", answer_text(&gated().report, PLACE, AnswerLook { width: None, ..look(0) }));
}

#[test]
fn of_more_systems_the_best_of_each_class_are_shown() {
    let text = answer_text(&crowd(10).report, PLACE, look(120));
    assert!(text.contains("7 more of this class: show --full"), "{text}");
}

/// Eight systems, each in a class of its own, none of them ranked, with long reasons.
fn everything_wrong() -> Report {
    let mut report = eight();
    let long = "a reason of many words that goes on and on until it fills several lines of any terminal ".repeat(5);
    let nodes = ["1 of 1", "2 of 3", "3 of 5", "4 of 7", "5 of 9", "6 of 11", "7 of 13", "8 of 15"];
    for (result, at) in report.results.iter_mut().zip((0..8).flat_map(|system| [system; 3])) {
        result.quorum = nodes[at].into();
        if result.trial == 3 {
            result.error = Some(long.clone());
        }
        result.failures.insert(long.clone(), 7);
    }
    report.verdict.reasons = vec![long.clone(); 30];
    report.verdict.exit_code = 3;
    report.lints.iter_mut().for_each(|lint| lint.message.clone_from(&long));
    report.tool.command.push(long);
    report
}

#[test]
fn it_fits_on_a_screen_whatever_happened() {
    let mut absent = eight();
    absent.results.clear();
    absent.aggregates.clear();
    let skipped = recorded().report.skipped[0].clone();
    absent.skipped = (0..8).map(|_| skipped.clone()).collect();
    absent.skipped.iter_mut().for_each(|skip| skip.reason = "not found; ".repeat(60));
    let mut violated = eight();
    violated.aggregates.iter_mut().for_each(|merged| merged.verdict = SafetyVerdict::Violated);
    for report in [
        eight(),
        everything_wrong(),
        absent,
        violated,
        gated().report,
        crowd(8).report,
        crowd(10).report,
        timeouts().report,
        empty().report,
    ] {
        for width in [80, 100, 120, 200] {
            let drawn = lines(&report, PLACE, look(width));
            let text = answer_text(&report, PLACE, look(width));
            assert!(drawn.len() <= MOST_LINES, "{} lines at {width}:\n{text}", drawn.len());
            for line in text.lines().filter(|line| !line.starts_with("all figures") && !line.starts_with("files")) {
                assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
            }
        }
    }
}

#[test]
fn colours_add_nothing_that_the_words_do_not_say() {
    for report in [eight(), gated().report] {
        let coloured = answer_text(&report, PLACE, AnswerLook { colour: true, ..look(120) });
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
        }
        plain.push_str(rest);
        assert_eq!(plain, answer_text(&report, PLACE, look(120)));
        assert!(coloured.contains("\x1b[38;5;64m") || coloured.contains("\x1b[1;31m"));
    }
    let ascii = answer_text(&eight(), PLACE, AnswerLook { ascii: true, ..look(80) });
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn text_of_servers_does_not_command_the_terminal() {
    let mut report = gated().report;
    report.skipped[0].reason = "\x1b[2Jgone\u{202e}".to_owned();
    report.verdict.reasons.push("\x1b]0;title\x07".to_owned());
    for width in [None, Some(80)] {
        let text = answer_text(&report, PLACE, AnswerLook { width, ..look(0) });
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
    }
}
