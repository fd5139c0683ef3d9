//! `lockbench schema workload`: what an editor is told of a workload file is what
//! lockbench reads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::Place;
use serde_json::Value;

/// The schema as the command prints it.
fn schema() -> jsonschema::Validator {
    let ran = Place::new().run(&["schema", "workload"]).exits(0);
    jsonschema::draft7::new(&serde_json::from_str(&ran.out).unwrap()).unwrap()
}

/// Workload files of a directory.
fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// A file as JSON; `None` if it is not even TOML.
fn as_json(path: &Path) -> Option<Value> {
    toml::from_str(&String::from_utf8(fs::read(path).unwrap()).ok()?).ok()
}

#[test]
fn every_workload_that_lockbench_accepts_fits_the_schema() {
    let schema = schema();
    for directory in ["workloads", "workloads/controls", "tests/fixtures/workloads/valid"] {
        for path in files(directory) {
            let workload = as_json(&path).unwrap();
            let problems: Vec<String> =
                schema.iter_errors(&workload).map(|e| format!("{} {e}", e.instance_path())).collect();
            assert!(problems.is_empty(), "{}: {problems:?}", path.display());
        }
    }
}

#[test]
fn unknown_keys_and_wrong_types_do_not_fit() {
    let schema = schema();
    let mut refused = 0;
    for path in files("tests/fixtures/workloads/invalid") {
        let said = fs::read_to_string(path.with_extension("expected")).unwrap();
        let Some(workload) = as_json(&path) else { continue };
        // The rest is about ranges and about what must fit together.
        let mistaken = ["is not a known key", "is missing", "has no unit", "write text in quotes", "did you mean"];
        if mistaken.iter().any(|part| said.contains(part)) {
            assert!(!schema.is_valid(&workload), "{} fits: {said}", path.display());
            refused += 1;
        }
    }
    assert!(refused > 10, "only {refused} fixtures were looked at");
}
