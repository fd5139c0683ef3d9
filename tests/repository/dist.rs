//! What `scripts/dist` packs, seen from outside: the files of the tarball, and that they work.

use crate::support;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::repository::{path, read};

fn ran(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The tested program packed into this directory.
fn packed(out: &Path) -> PathBuf {
    let program = env!("CARGO_BIN_EXE_lockbench");
    let mut dist = Command::new(path("scripts/dist"));
    dist.args(["--no-image", "--binary", program, "--out"]).arg(out).env("SOURCE_DATE_EPOCH", "1700000000");
    let output = ran(&mut dist);
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Every file below a directory, by its path in it.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(directory).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn the_tarball_has_what_a_machine_without_rust_needs_and_it_works() {
    let tools = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !["bash", "tar", "gzip", "sha256sum"].into_iter().all(tools) {
        return support::skip("bash, tar, gzip or sha256sum is missing");
    }
    let out = tempfile::tempdir().unwrap();
    let archive = packed(out.path());
    let name = archive.file_name().unwrap().to_str().unwrap().to_owned();
    let version = env!("CARGO_PKG_VERSION");
    assert!(name.starts_with(&format!("lockbench-{version}-")) && name.ends_with(".tar.gz"), "{name}");
    ran(Command::new("sha256sum").args(["--check", "--quiet"]).arg(format!("{name}.sha256")).current_dir(out.path()));

    let place = tempfile::tempdir().unwrap();
    ran(Command::new("tar").arg("-xzf").arg(&archive).current_dir(place.path()));
    let tops: Vec<PathBuf> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(tops.len(), 1, "one directory, named as the tarball: {tops:?}");
    let top = &tops[0];
    assert_eq!(format!("{}.tar.gz", top.file_name().unwrap().to_str().unwrap()), name);

    let mut expected: BTreeSet<String> = [
        "bin/lockbench",
        "completions/lockbench.bash",
        "completions/_lockbench",
        "completions/lockbench.fish",
        "man/man1/lockbench.1",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
    ]
    .map(str::to_owned)
    .into();
    for directory in ["workloads", "docs"] {
        expected.extend(files(&path(directory)).into_iter().map(|file| format!("{directory}/{file}")));
    }
    assert_eq!(files(top), expected);

    let program = top.join("bin/lockbench");
    let told = ran(Command::new(&program).arg("--version"));
    assert_eq!(String::from_utf8(told.stdout).unwrap(), format!("lockbench {version}\n"));
    // From its own directory a workload is taken by its path, and by its name anywhere.
    ran(Command::new(&program).args(["check", "workloads/hot-key.toml"]).current_dir(top));
    ran(Command::new(&program).args(["check", "hot-key"]).current_dir(place.path()));
    for file in ["completions/lockbench.bash", "completions/_lockbench", "completions/lockbench.fish"] {
        let text = fs::read_to_string(top.join(file)).unwrap();
        assert!(text.contains("quick") && text.contains("save-baseline"), "{file}");
    }
    let manual = fs::read_to_string(top.join("man/man1/lockbench.1")).unwrap();
    assert!(manual.contains(".TH lockbench 1") && manual.contains(".SS run"), "{manual}");
    assert_eq!(fs::read_to_string(top.join("LICENSE")).unwrap(), read("LICENSE"));
}

#[test]
fn the_script_says_what_it_does_not_understand() {
    let output = Command::new(path("scripts/dist")).arg("--nothing").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: scripts/dist"));
}
