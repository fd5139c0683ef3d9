//! The page as a whole: size, escaping, sections, no way out to a network.

use super::render;
use crate::sample::{crowd, empty, recorded, timeouts};
use lockbench_report::{LintFinding, LintLevel, RecordedRun, ThresholdLevel, ThresholdOutcome, ThresholdResult};

fn html(run: &RecordedRun) -> String {
    String::from_utf8(render(run).unwrap().remove(0).bytes).unwrap()
}

/// Values of an attribute, wherever it stands in a tag.
fn attribute<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let opening = format!(" {name}=\"");
    html.match_indices(&opening).filter_map(|(at, _)| html[at + opening.len()..].split('"').next()).collect()
}

#[test]
fn every_section_is_there_whatever_was_measured() {
    for (name, run) in [("recorded", recorded()), ("crowd", crowd(10)), ("timeouts", timeouts()), ("empty", empty())] {
        let html = html(&run);
        let sections =
            ["verdict", "answer", "safety", "which", "scorecard", "gates", "claims", "method", "missing", "glossary"];
        let mut last = 0;
        for section in sections {
            let at = html.find(&format!("id=\"part-{section}\"")).unwrap_or_else(|| panic!("{name} has no {section}"));
            assert!(at > last, "{name}: {section} is not in its place");
            last = at;
        }
        for anchor in attribute(&html, "href") {
            let id = anchor.strip_prefix('#').unwrap_or_else(|| panic!("{name}: {anchor}"));
            assert!(html.contains(&format!("id=\"{id}\"")), "{name}: nothing has the id {id}");
        }
        assert!(html.contains(&run.report.run_id), "{name}");
        assert!(html.contains("report schema 3, run"), "{name}");
    }
}

#[test]
fn ids_are_unique_and_tags_are_closed() {
    for run in [recorded(), crowd(10), timeouts(), empty()] {
        let html = html(&run);
        let mut ids = attribute(&html, "id");
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        for tag in ["section", "table", "thead", "tbody", "tr", "td", "details", "figure", "ul", "dl", "article", "div"]
        {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn what_did_not_run_is_named_first_and_drawn_nowhere() {
    let mut run = crowd(3);
    let failed = |result: &mut lockbench_report::TrialResult| {
        (result.error, result.attempts, result.grants) = (Some("no such server".to_owned()), 0, 0);
    };
    run.report.results.iter_mut().filter(|result| result.backend == "zookeeper").for_each(failed);
    run.measured.retain(|one| one.backend != "zookeeper");
    let html = html(&run);
    let safety = html.find("id=\"part-safety\"").unwrap();
    assert!(
        html[..safety].contains("2 of 4 systems ran")
            && html[..safety].contains("zookeeper: it failed: no such server")
    );
    for chart in ["timeline", "heatmap", "histogram", "fairness", "cost"] {
        let figure = html.split(&format!("<figure id=\"{chart}\"")).nth(1).unwrap().split("</figure>").next().unwrap();
        assert!(!figure.contains("zookeeper") && figure.contains("redlock"), "{chart}");
    }
    assert!(!super::tests::html(&empty()).contains("<svg"), "nothing ran, and something is drawn");
}

#[test]
fn systems_are_chosen_by_a_legend_without_a_script() {
    let html = html(&crowd(4));
    assert_eq!(html.matches("type=\"checkbox\"").count(), 4);
    for number in 0..4 {
        assert!(html.contains(&format!(".charts:has(#pick-{number}:not(:checked)) [data-pick=\"{number}\"]")));
        // Its drawings: over time, spread of the waits, histograms.
        assert_eq!(html.matches(&format!(" data-pick=\"{number}\">")).count(), 3);
    }
    assert_eq!(super::tests::html(&crowd(1)).matches("type=\"checkbox\"").count(), 0);
}

#[test]
fn a_page_of_ten_systems_stays_below_a_megabyte() {
    let length = html(&crowd(10)).len();
    assert!(length < 1_000_000, "{length} bytes");
}

#[test]
fn nothing_on_the_page_asks_for_anything_elsewhere() {
    for run in [recorded(), crowd(10)] {
        let html = html(&run);
        assert!(attribute(&html, "src").is_empty());
        for href in attribute(&html, "href").into_iter().chain(attribute(&html, "xlink:href")) {
            assert!(href.starts_with('#'), "{href}");
        }
        for forbidden in ["<script", "<link", "<img", "<iframe", "@import", "url(", "javascript:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }
}

#[test]
fn labels_of_users_are_escaped() {
    let mut run = recorded();
    let evil = "<script>alert(1)</script>";
    let attribute = "\"onmouseover=\"alert(2)";
    let all = format!("{evil}{attribute}");
    run.report.plan = serde_json::json!({ "name": all, "question": all, "backends": [all], "seed": 1,
        "prices": { "redis": 3, "currency": all } });
    run.report.run_id = all.clone();
    run.report.tool.command = vec!["lockbench".to_owned(), all.clone()];
    run.report.skipped[0].reason = all.clone();
    run.report.notes = vec![all.clone()];
    run.report.verdict.reasons = vec![all.clone()];
    run.report.results[0].failures.insert(all.clone(), 3);
    run.report.results[0].durability = all.clone().into();
    run.report.results[0].quorum = all.clone().into();
    run.report.results[0].server_version = all.clone();
    run.report.results[0].not_available.insert(all.clone(), all.clone());
    run.report.environment.cpu = all.clone();
    run.scenes[0].violation.story = all.clone();
    run.report.thresholds.push(ThresholdResult {
        text: all.clone(),
        figure: all.clone(),
        backend: all.clone(),
        level: ThresholdLevel::Fail,
        bound: 1.0,
        value: None,
        outcome: ThresholdOutcome::NotMeasured,
        because: all.clone(),
    });
    run.report.lints.push(LintFinding {
        name: all.clone(),
        level: LintLevel::Warn,
        backend: Some(all.clone()),
        message: all.clone(),
        advice: all,
    });
    let html = html(&run);
    assert!(!html.contains("<script") && !html.contains("\"onmouseover"), "a label got through as it is");
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;onmouseover=&#34;alert(2)"));
}

#[test]
fn a_clean_and_a_violated_run_show_different_boxes() {
    let open = |run: &RecordedRun| {
        let html = html(run);
        let at = html.find("id=\"part-verdict\"").unwrap();
        html[at..].split("</p>").next().unwrap().to_owned()
    };
    insta::assert_snapshot!(open(&crowd(1)), @r#"
id="part-verdict" class="verdict pass" aria-labelledby="verdict-word">
<h2 id="verdict-word"><span class="glyph" aria-hidden="true">✓</span><span>Valid</span></h2>
<p class="turnout lacking">1 of 2 systems ran: redis
"#);
    insta::assert_snapshot!(open(&recorded()), @r#"
id="part-verdict" class="verdict violated" aria-labelledby="verdict-word">
<h2 id="verdict-word"><span class="glyph" aria-hidden="true">✗</span><span>Violated</span></h2>
<p class="turnout lacking">2 of 3 systems ran: redis, redlock
"#);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    assert_eq!(html(&crowd(4)), html(&crowd(4)));
}

#[test]
fn numbers_do_not_break_over_lines() {
    let tight = super::tight("in 11 045 holds: 1 256 a million at 95 %, 3.82 ms, client 5 was 12 34");
    assert_eq!(tight.replace('\u{a0}', "_"), "in 11_045 holds: 1_256 a million at 95_%, 3.82_ms, client 5 was 12 34");
}
