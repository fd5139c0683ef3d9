//! CONTRIBUTING.md's recipe for a lock system, carried out: its code blocks go into a copy of
//! the tree, and what comes of it passes the suite and a run of the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::support::repository::{path, read};

/// The blocks of the recipe as `(file, lines)`: the file is named in the first line.
fn blocks() -> Vec<(String, Vec<String>)> {
    let text = read("CONTRIBUTING.md");
    let (_, after) = text.split_once("## Add a lock system").unwrap();
    let recipe = after.split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    let mut lines = recipe.lines().map(|line| line.strip_prefix("   ").unwrap_or(line));
    while let Some(line) = lines.next() {
        if line == "```rust" || line == "```diff" {
            let named = lines.next().unwrap();
            let file = named.trim().strip_prefix("// ").unwrap_or_else(|| panic!("{named}: names no file"));
            let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            blocks.push((file.to_owned(), block));
        }
    }
    blocks
}

/// Files with the blocks applied: a new file is the block; in one that is there the lines with
/// a `+` follow the one line that stands before them.
fn applied() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (file, lines) in blocks() {
        let applied = if path(&file).exists() {
            let text = files.remove(&file).unwrap_or_else(|| read(&file));
            let anchor = lines[0].strip_prefix(' ').unwrap();
            let added: Vec<&str> = lines[1..].iter().map(|line| line.strip_prefix('+').unwrap()).collect();
            assert_eq!(text.lines().filter(|line| *line == anchor).count(), 1, "{file}: the line \"{anchor}\"");
            text.replace(&format!("\n{anchor}\n"), &format!("\n{anchor}\n{}\n", added.join("\n")))
        } else {
            lines.join("\n") + "\n"
        };
        files.insert(file, applied);
    }
    files
}

/// Writes a file where it differs: cargo builds again what was written.
fn write(place: &Path, contents: &[u8]) {
    if fs::read(place).ok().as_deref() != Some(contents) {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, contents).unwrap();
    }
}

/// The tree with the recipe applied, below the build's directory for temporary files.
fn copy(place: &Path) {
    let applied = applied();
    for name in ["Cargo.toml", "Cargo.lock", "rustfmt.toml", "README.md"] {
        // Another version is another package for cargo: it builds beside ours and not over it, and shares what others wrote.
        let text = read(name).replace("version = \"0.1.0\"\nedition", "version = \"0.1.1\"\nedition");
        write(&place.join(name), text.as_bytes());
    }
    for folder in ["src", "crates", "tests", "benches", "examples", "workloads", "docker", "docs"] {
        copy_folder(&path(folder), &place.join(folder), &applied, folder);
    }
    for (file, text) in &applied {
        write(&place.join(file), text.as_bytes());
    }
}

fn copy_folder(from: &Path, to: &Path, applied: &BTreeMap<String, String>, name: &str) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = format!("{name}/{}", entry.file_name().display());
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &place, applied, &name);
        } else if !applied.contains_key(&name) {
            write(&place, &fs::read(path).unwrap());
        }
    }
}

/// Runs a command in the copy without what cargo said of the package of this test.
fn ran(command: &mut Command) -> String {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MAN"))
    {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}\n{text}");
    text
}

#[test]
fn a_lock_system_is_what_the_recipe_says() {
    if !support::live("a copy of the tree is built") {
        return;
    }
    let own = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("recipe");
    let (tree, built) = (own.join("tree"), own.join("target"));
    copy(&tree);
    ran(Command::new(env!("CARGO")).args(["fmt", "--check"]).current_dir(&tree));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline", "--test", "live", "suite::mkdir"]).current_dir(&tree);
    // What is built on the way lies in this build's own directory, what comes of it does not.
    cargo.env("CARGO_BUILD_BUILD_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
    let tested = ran(cargo.env("CARGO_TARGET_DIR", &built).env("LOCKBENCH_LIVE", "1"));
    assert!(
        tested.contains("suite::mkdir::conforms ... ok") && tested.contains("test result: ok. 5 passed"),
        "{tested}"
    );

    let out = tempfile::tempdir().unwrap();
    let mut run = Command::new(built.join("debug/lockbench"));
    run.args([
        "run",
        "quickstart",
        "-b",
        "mkdir",
        "--set",
        "duration=500ms",
        "--set",
        "warmup=0s",
        "--ui",
        "none",
        "-o",
    ]);
    let report = ran(run.arg(out.path()).current_dir(&tree));
    assert!(report.contains("mkdir"), "{report}");
    let files = blocks().into_iter().map(|(file, _)| file).collect::<Vec<_>>();
    assert_eq!(files.iter().filter(|file| file.contains("/src/")).count(), 3, "one folder and one line: {files:?}");
}
