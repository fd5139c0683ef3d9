//! The shipped scenarios: each says what it expects of every default system, with its reason and source, and can be
//! run where it says that it can.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lockbench::backend::{Entry, Registry};
use lockbench::workload::{
    Expected, ExpectedVerdict, Plan, Scenario, ServerVersion, load, parse_with, resolve_ttl, to_toml,
};
use serde_json::Value;

const SECOND: u64 = 1_000_000_000;

fn all() -> Vec<(PathBuf, Plan)> {
    let entries = fs::read_dir("workloads/scenarios").unwrap();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let tables = Registry::builtin().options();
    files
        .into_iter()
        .map(|path| (path.clone(), load(&path, &[], &tables).unwrap_or_else(|e| panic!("{e}")).0))
        .collect()
}

/// What is expected of a system: once for all versions of its servers, or for each of them.
fn of_every_version<'a>(scenario: &'a Scenario, system: &str) -> Vec<&'a Expected> {
    let all: Vec<&Expected> =
        scenario.expected.iter().filter(|one| one.systems.iter().any(|of| of == system)).collect();
    if all.is_empty() {
        return scenario.of(system, None).into_iter().collect();
    }
    let bounds = all.iter().flat_map(|one| [&one.versions.since, &one.versions.before]).flatten().cloned();
    for version in bounds.chain(ServerVersion::read("0")) {
        assert!(scenario.of(system, Some(&version)).is_some(), "nothing is expected of {system} {version}");
    }
    all
}

#[test]
fn every_scenario_says_what_it_expects_of_every_default_system_and_why() {
    let registry = Registry::builtin();
    for (path, plan) in all() {
        let path: &Path = &path;
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# Question: ") && text.contains("# How to read the result: "), "{}", path.display());
        let scenario = plan.scenario.clone().unwrap_or_else(|| panic!("{} has no [scenario]", path.display()));
        assert!(scenario.title.ends_with('.'), "{}", path.display());
        // Worker processes read it as it is written.
        let (again, _) =
            parse_with("plan.toml", &to_toml(&plan), &[], &registry.options()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.scenario, plan.scenario, "{}", path.display());
        let mut offered = 0;
        let usual = |entry: &&Entry| entry.quick || entry.name == "flock";
        let told_of = |entry: &&Entry| plan.backends.iter().any(|name| name == entry.name);
        for entry in registry.entries().filter(|entry| usual(entry) || told_of(entry)) {
            let all = of_every_version(&scenario, entry.name);
            assert!(!all.is_empty(), "{}: {}", path.display(), entry.name);
            let whole = all.iter().all(|one| one.reason.len() > 15 && one.source.len() > 5);
            assert!(whole, "{}: {}", path.display(), entry.name);
            let runs = all.iter().any(|one| one.verdict != ExpectedVerdict::NotOffered);
            offered += usize::from(runs);
            assert_eq!(plan.backends.iter().any(|name| name == entry.name), runs, "{}: {}", path.display(), entry.name);
            if runs && plan.faults.iter().any(|fault| !fault.kind.is_of_a_client()) {
                assert!(entry.server.is_some(), "{}: {} has no server", path.display(), entry.name);
            }
            if runs {
                resolve_ttl(&plan, entry.name, &entry.guarantees).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            }
        }
        assert!(offered > 0, "{}", path.display());
        // The matrix of all of them must end within half an hour.
        assert!((3 * SECOND..=12 * SECOND).contains(&plan.duration_ns), "{}", path.display());
        assert!(plan.faults.is_empty() || !plan.sometimes.is_empty(), "{}: nothing must happen", path.display());
        assert!(plan.expect.is_empty(), "{}: the run keeps its true verdict", path.display());
    }
}

/// What the stored matrix says of a scenario, by system.
fn seen(matrix: &Value, name: &str) -> Vec<String> {
    let rows = matrix["rows"].as_array().unwrap();
    let Some(row) = rows.iter().find(|row| row["scenario"] == name) else { return Vec::new() };
    let ran = row["cells"].as_array().unwrap().iter().filter(|cell| cell["run"].is_string());
    ran.map(|cell| {
        let version = cell["version"].as_str().map_or_else(String::new, |version| format!(" {version}"));
        format!("{}{version}: {}", cell["system"].as_str().unwrap(), cell["label"].as_str().unwrap())
    })
    .collect()
}

#[test]
fn the_track_record_has_every_published_finding_and_what_was_seen() {
    let matrices = ["matrix", "matrix-versions"].map(|name| -> Value {
        let text = fs::read(format!("results/reference/{name}/matrix.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    });
    let mut table = "| published finding | versions, as published | command | seen |\n|---|---|---|---|\n".to_owned();
    let mut findings = 0;
    for (path, plan) in all() {
        let Some(scenario) = plan.scenario.as_ref() else { continue };
        let (Some(finding), name) = (&scenario.finding, path.file_stem().unwrap().to_string_lossy()) else { continue };
        findings += 1;
        let mut seen: Vec<String> = matrices.iter().flat_map(|matrix| seen(matrix, &name)).collect();
        seen.sort();
        // What both saw stands once, of each version.
        seen.dedup_by(|a, b| a.split(": ").next() == b.split(": ").next());
        let seen = if seen.is_empty() { "not in the stored matrix".to_owned() } else { seen.join("<br>") };
        let affected = scenario.affected.as_deref().unwrap_or("not said");
        let source = &scenario.source;
        let _ = writeln!(table, "| {finding} ({source}) | {affected} | `lockbench scenario run {name}` | {seen} |");
    }
    assert!(findings >= 5, "{findings}");
    crate::readme::assert_listed("track record", &table);
}
