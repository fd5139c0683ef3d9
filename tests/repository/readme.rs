//! What the README and `docs/` show was measured: each row of its tables stands in the
//! committed reference results. What it lists is what the program has, and the command
//! lines in it, in the workflow and in the script are ones that it takes.
//!
//! `LOCKBENCH_BLESS=1` rewrites the lists.

use crate::support;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use crate::support::repository::{path, read};
use clap::{CommandFactory, Parser};
use lockbench::cli::Arguments;
use lockbench::output::{AnswerLook, AnswerPlace, OUTPUTS, answer_text};
use lockbench::report::live::Origin;
use lockbench::report::{Exit, RAW_FILES, parse_report};
use lockbench::tui::input::{Action, BINDINGS, applies};
use lockbench::tui::view::SCREENS;

/// What the README shows of which reference run.
const SHOWN: [(&str, &str); 8] = [
    ("quickstart", "Speed"),
    ("quickstart", "Handing over and releasing"),
    ("quickstart", "Safety"),
    ("quickstart", "Waiting"),
    ("quickstart", "Systems as they ran"),
    ("hot-key", "Speed"),
    ("hot-key", "Fairness"),
    ("no-lock", "Safety"),
];

/// The README and every page of `docs/`: path and text.
fn pages() -> Vec<(String, String)> {
    let docs = std::fs::read_dir(path("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut pages: Vec<String> = docs.map(|name| format!("docs/{}", name.to_string_lossy())).collect();
    pages.retain(|page| page.ends_with(".md"));
    pages.sort();
    pages.insert(0, "README.md".to_owned());
    pages.into_iter().map(|page| (page.clone(), read(&page))).collect()
}

/// A table of a reference run's summary, with its note.
fn reference(run: &str, title: &str) -> String {
    let summary = read(&format!("results/reference/{run}/summary.md"));
    let heads = [format!("## {title}"), format!("<details><summary>{title}</summary>")];
    let mut lines = summary.lines().skip_while(|line| !heads.iter().any(|head| head == line)).skip(2);
    let table: Vec<&str> = lines.by_ref().take_while(|line| line.starts_with('|')).collect();
    assert!(table.len() > 2, "{run}: no table {title}");
    format!("{}\n\n{}\n", table.join("\n"), lines.next().unwrap())
}

#[test]
fn every_figure_shown_is_in_the_reference_results() {
    for (run, title) in SHOWN {
        assert_listed(&format!("{run}/{title}"), &reference(run, title));
    }
}

#[test]
fn the_readme_begins_with_the_answer_of_the_reference_run() {
    let text = read("results/reference/quickstart/report.json");
    let report = parse_report(Path::new("quickstart"), text.as_bytes()).unwrap();
    let run = "results/reference/quickstart";
    let place = AnswerPlace { files: None, run, program: "./lockbench" };
    let look = AnswerLook { width: Some(110), ascii: false, colour: false };
    assert_listed("quickstart/answer", &format!("```text\n{}```\n", answer_text(&report, place, look)));
}

#[test]
fn a_system_of_the_reference_results_fits_the_need_of_the_readme() {
    let page = read("docs/runs.md");
    let needs = page.split("--need '").nth(1).unwrap().split('\'').next().unwrap();
    let run = lockbench::report::RecordedRun::open(&path("results/reference/quickstart")).unwrap();
    let (text, fits) = lockbench::output::need(&run, None, needs, None).unwrap();
    assert_eq!(fits, lockbench::output::Fit::Yes, "{text}");
}

#[test]
fn every_picture_is_in_the_reference_results() {
    let mut pictures = Vec::new();
    for (page, text) in pages() {
        let up = if page.starts_with("docs/") { "../" } else { "" };
        for rest in text.split(&format!("]({up}results/")).skip(1) {
            let path = rest.split(')').next().unwrap().to_owned();
            assert!(read(&format!("results/{path}")).starts_with("<svg "), "{page}: {path}");
            pictures.push(path);
        }
    }
    assert!(pictures.len() > 4, "{pictures:?}");
}

#[test]
fn every_link_leads_to_a_file_and_the_readme_is_short() {
    let mut links = 0;
    for (page, text) in pages() {
        let place = path(&page);
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(place.parent().unwrap().join(target).exists(), "{page}: {target}");
                links += 1;
            }
        }
    }
    assert!(links > 20, "{links}");
    assert!(read("README.md").lines().count() <= 250, "what belongs to one task goes into docs/");
}

#[test]
fn the_first_lines_of_the_readme_are_the_two_commands() {
    let readme = read("README.md");
    let block = readme.split("```").nth(1).unwrap();
    assert!(block.contains("./scripts/quick") && block.contains("./scripts/test"), "{block}");
    for script in [
        "lockbench",
        "scripts/dist",
        "scripts/quick",
        "scripts/test",
        "scripts/setup",
        ".ci/run",
        "benches/reference.sh",
    ] {
        assert!(!read(script).is_empty());
    }
}

#[test]
fn reference_results_can_be_read_and_passed() {
    for workload in ["quickstart", "uncontended", "hot-key", "zipf", "long-hold-renewal"] {
        let text = read(&format!("results/reference/{workload}/report.json"));
        let report = parse_report(Path::new(workload), text.as_bytes()).unwrap();
        assert!(report.complete && report.verdict.exit_code == 0, "{workload}: {:?}", report.verdict);
    }
}

/// Held while a page is rewritten: tests run side by side.
static REWRITING: Mutex<()> = Mutex::new(());

/// Compares what stands between the marks of that name, or writes it.
pub fn assert_listed(name: &str, expected: &str) {
    let _held = REWRITING.lock().unwrap();
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (page, text) = pages().into_iter().find(|(_, text)| text.contains(&begin)).unwrap_or_else(|| panic!("{name}"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("LOCKBENCH_BLESS").is_some() {
        std::fs::write(path(&page), format!("{before}{begin}{expected}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, expected, "LOCKBENCH_BLESS=1 rewrites it");
    }
}

#[test]
fn the_lists_are_those_of_the_program() {
    let mut commands = "| command | what it does |\n|---|---|\n".to_owned();
    for command in Arguments::command().get_subcommands() {
        let _ = writeln!(commands, "| `{}` | {} |", command.get_name(), command.get_about().unwrap());
    }
    assert_listed("commands", &commands);
    let mut files = "| file | what it is |\n|---|---|\n".to_owned();
    for (name, meaning) in RAW_FILES {
        let _ = writeln!(files, "| `{name}` | {meaning} |");
    }
    for output in OUTPUTS {
        let (paths, meaning) = output.meaning.split_once(": ").unwrap();
        let paths = paths.replace(" and ", "`, `").replace(", *", "`, `*");
        let _ = writeln!(files, "| `{paths}` | {meaning} |");
    }
    assert_listed("files", &files);
    let mut codes = "| code | when |\n|---|---|\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(codes, "| {} | {} |", exit.code(), exit.meaning());
    }
    assert_listed("exit codes", &codes);
}

#[test]
fn screens_and_keys_are_those_of_the_dashboard() {
    let mut screens = "| key | screen | what it shows |\n|---|---|---|\n".to_owned();
    for (i, screen) in SCREENS.iter().enumerate() {
        let abouts: Vec<&str> = screen.panels.iter().map(|panel| panel.about).collect();
        let _ = writeln!(screens, "| `{}` | {} | {} |", i + 1, screen.name, abouts.join(". "));
    }
    assert_listed("screens", &screens);
    let mut keys = "| keys | what they do |\n|---|---|\n".to_owned();
    let live = BINDINGS.iter().filter(|binding| applies(binding.place, Origin::Live, 0));
    for binding in live.filter(|binding| !matches!(binding.action, Action::Screen(_))) {
        let shown: Vec<String> = binding.shown.split(' ').map(|key| format!("`{key}`")).collect();
        let _ = writeln!(keys, "| {} | {} |", shown.join(" "), binding.help);
    }
    assert_listed("keys", &keys);
}

/// A shell line's words: quotes hold together, `#` begins a comment, `|`, `>` and `;`
/// end the command. Continued lines are joined before.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => (quote, word) = (Some(c), Some(word.unwrap_or_default())),
            (None, '#') if word.is_none() => break,
            (None, '|' | '>' | ';') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn every_command_line_is_one_that_lockbench_takes() {
    let mut seen = 0;
    for (page, text) in pages() {
        let lines = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        for line in lines.filter(|line| line.trim_start_matches("./").starts_with("lockbench ")) {
            if let Err(error) = Arguments::try_parse_from(words(line)) {
                panic!("{page}: {line}\n{error}");
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

/// The launcher with the tested program in the place of the released one.
fn launched(line: &str, place: &Path) -> std::process::Output {
    let release = place.join("target/release");
    std::fs::create_dir_all(&release).unwrap();
    let program = release.join("lockbench");
    if !program.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lockbench"), &program).unwrap();
    }
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", line]).current_dir(path("")).env("CARGO_TARGET_DIR", place.join("target"));
    shell.env("LOCKBENCH_OUTPUT", place.join("results")).env("LOCKBENCH_UI", "none");
    shell.env("LOCKBENCH_DURATION", "300ms").env("LOCKBENCH_WARMUP", "0s").env("LOCKBENCH_CLIENTS", "2");
    shell.env("XDG_STATE_HOME", place.join("state")).env("LOCKBENCH_PROJECT", "lockbench-test-none");
    shell.output().unwrap()
}

#[test]
fn the_command_after_quick_works_as_printed() {
    let readme = read("README.md");
    let mut lines = readme.split("```").nth(1).unwrap().lines();
    let line = lines.find(|line| line.starts_with("./lockbench ")).expect("the first block names no next command");
    let place = tempfile::tempdir().unwrap();
    let help = launched("./lockbench --version", place.path());
    assert!(help.status.success() && help.stdout.starts_with(b"lockbench "), "{help:?}");
    if !support::live("and the command runs real servers") {
        return;
    }
    let ran = launched(line, place.path());
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{line}\n{out}{err}");
    let next = out.lines().find(|line| line.starts_with("next: ")).unwrap_or_else(|| panic!("no next command:\n{out}"));
    assert!(next.starts_with("next: ./lockbench "), "{next}");
}

/// Every `--flag` of a text.
fn flags(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter_map(|word| word.strip_prefix("--")).filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_flag_of_the_ci_examples_is_one_of_run() {
    let command = Arguments::command();
    let run = command.find_subcommand("run").unwrap();
    let known: Vec<&str> = run.get_arguments().filter_map(|argument| argument.get_long()).collect();
    for file in [".github/workflows/lockbench.yml", "scripts/ci-compare"] {
        let text = read(file);
        let lines = text.lines().filter(|line| {
            line.contains("flags+=(") || line.contains("lockbench\" run") || line.contains("lockbench run ")
        });
        let flags: Vec<String> = lines.flat_map(flags).collect();
        assert!(flags.contains(&"run-id".to_owned()) && flags.contains(&"ui".to_owned()), "{file}: {flags:?}");
        for flag in flags {
            assert!(known.contains(&flag.as_str()), "{file}: --{flag} is none of {known:?}");
        }
    }
}

#[test]
fn actions_are_pinned_by_commit_or_the_file_says_how_to() {
    for file in [".github/workflows/ci.yml", ".github/workflows/lockbench.yml"] {
        let text = read(file);
        let used = text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "));
        let refs: Vec<&str> = used.filter_map(|used| used.split_once('@')).map(|(_, pin)| pin).collect();
        assert!(!refs.is_empty(), "{file}");
        let commit = |pin: &&str| pin.len() >= 40 && pin[..40].chars().all(|c| c.is_ascii_hexdigit());
        assert!(refs.iter().all(commit) || text.contains("git ls-remote"), "{file}: {refs:?}");
    }
}

#[test]
fn the_ci_examples_keep_the_run_whatever_its_end() {
    let workflow = read(".github/workflows/lockbench.yml");
    assert_eq!(workflow.matches("if: always()").count(), 2, "the summary and the upload");
    for part in ["upload-artifact", "GITHUB_STEP_SUMMARY", "summary.md", "include-hidden-files: true"] {
        assert!(workflow.contains(part), "{part}");
    }
    assert!(!workflow.contains('\t'), "YAML takes no tabs");
    let pasted = workflow.lines().filter(|line| line.contains("${{ inputs."));
    assert!(
        pasted.clone().count() > 0
            && pasted.into_iter().all(|line| line.trim_start().starts_with(|c: char| c.is_ascii_uppercase()))
    );
}
