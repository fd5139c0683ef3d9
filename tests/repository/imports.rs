//! Imports go downward only. Between crates Cargo sees to it; within the core, this test. The
//! tiers are those of the tour in `crates/core/src/lib.rs`; the members of one tier never import
//! one another.

use std::path::{Path, PathBuf};

/// From the bottom up.
const TIERS: &[&[&str]] = &[
    &["units", "plain", "clock", "stop", "shared"],
    &["lock", "stats", "limits", "section"],
    &["workload", "record"],
    &["oracle"],
    &["figure"],
];

fn tier(module: &str) -> Option<usize> {
    TIERS.iter().position(|tier| tier.contains(&module))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Modules named after `crate::` in a text, comments left out.
fn imported(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            // A grouped import would hide its modules from this test: name it, and it fails.
            modules.push(if rest.starts_with('{') { "{…}".to_owned() } else { names });
        }
    }
    modules
}

#[test]
fn imports_go_downward_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/core/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        let own = tier(&module).unwrap_or_else(|| panic!("{} belongs to no tier: add it to TIERS", relative.display()));
        for target in imported(&std::fs::read_to_string(&file).unwrap()) {
            let Some(other) = tier(&target) else {
                wrong.push(format!("{}: crate::{target} is no module of a tier", relative.display()));
                continue;
            };
            let allowed = target == module || other < own;
            if !allowed {
                wrong.push(format!("{}: {module} must not import {target}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line of the log takes longer than a lock of the fastest system.
#[test]
fn the_measuring_path_is_silent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut files = Vec::new();
    for path in ["core/src", "systems/src", "engine/src"] {
        sources(&root.join(path), &mut files);
    }
    files.retain(|file| !file.starts_with(root.join("systems/src/stack")));
    assert!(files.len() > 50, "the sources were not found");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("tracing"), "{} speaks", file.display());
    }
}

#[test]
fn a_wrong_edge_is_seen() {
    assert_eq!(
        imported("use crate::record::Event;\n// use crate::oracle::X;\nlet x = crate::lock::Key;"),
        ["record", "lock"]
    );
    assert_eq!(imported("use crate::{record, lock};"), ["{…}"]);
    assert!(tier("{…}").is_none() && tier("oracle") > tier("record"));
}
