//! What the README shows was measured: each row of its tables stands in the
//! committed reference results.

#![allow(clippy::unwrap_used)]

use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_figure_of_the_readme_is_in_the_reference_results() {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("<!-- reference: begin -->").unwrap();
    let (shown, _) = rest.split_once("<!-- reference: end -->").unwrap();
    let measured = read("results/reference/quickstart/summary.md") + &read("results/reference/hot-key/summary.md");
    let rows: Vec<&str> = shown.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 50, "the README shows no tables");
    for row in rows {
        assert!(measured.lines().any(|line| line == row), "not in results/reference: {row}");
    }
}

#[test]
fn the_first_lines_of_the_readme_are_the_two_commands() {
    let readme = read("README.md");
    let block = readme.split("```").nth(1).unwrap();
    assert!(block.contains("./scripts/quick") && block.contains("./scripts/test"), "{block}");
    for script in ["scripts/quick", "scripts/test", "scripts/setup", ".ci/run", "benches/reference.sh"] {
        assert!(!read(script).is_empty());
    }
}

#[test]
fn reference_results_are_of_the_present_schema_and_passed() {
    for workload in ["quickstart", "uncontended", "hot-key", "zipf", "long-hold-renewal"] {
        let text = read(&format!("results/reference/{workload}/report.json"));
        let report: lockbench::report::Report = serde_json::from_str(&text).unwrap();
        assert_eq!(report.schema_version, lockbench::report::SCHEMA_VERSION);
        assert!(report.complete && report.verdict.exit_code == 0, "{workload}: {:?}", report.verdict);
    }
}
