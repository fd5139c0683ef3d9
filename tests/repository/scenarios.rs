//! The shipped scenarios: each says what it expects of every default system, with its reason and source, and can be
//! run where it says that it can.

use std::fs;
use std::path::{Path, PathBuf};

use lockbench::backend::Registry;
use lockbench::workload::{ExpectedVerdict, Plan, load, resolve_ttl};

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

#[test]
fn every_scenario_says_what_it_expects_of_every_default_system_and_why() {
    let registry = Registry::builtin();
    for (path, plan) in all() {
        let path: &Path = &path;
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# Question: ") && text.contains("# How to read the result: "), "{}", path.display());
        let scenario = plan.scenario.clone().unwrap_or_else(|| panic!("{} has no [scenario]", path.display()));
        assert!(scenario.title.ends_with('.'), "{}", path.display());
        let mut offered = 0;
        for entry in registry.entries().filter(|entry| entry.quick || entry.name == "flock") {
            let one = scenario.of(entry.name).unwrap_or_else(|| panic!("{}: {}", path.display(), entry.name));
            assert!(one.reason.len() > 15 && one.source.len() > 5, "{}: {}", path.display(), entry.name);
            let runs = one.verdict != ExpectedVerdict::NotOffered;
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
