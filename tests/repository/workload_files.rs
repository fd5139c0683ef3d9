//! Workload files as people write them: every shipped one means what it says,
//! every mistake gets its message, and the documentation names what is read.
//!
//! `LOCKBENCH_BLESS=1` rewrites the expected texts; read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use lockbench::backend;
use lockbench::workload::plan::{Expectation, Keys, RenewalPolicy};
use lockbench::workload::{
    OptionTable, Plan, Source, WorkloadError, load, parse_with, quickstart, reference, resolve_ttl, to_toml, warnings,
};

const SECOND: u64 = 1_000_000_000;

/// Files of a directory with this ending, sorted, relative to the crate's root
/// (where tests run).
fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    assert!(!files.is_empty(), "no *.{ending} in {directory}");
    files
}

fn shipped() -> Vec<PathBuf> {
    files("workloads", "toml")
}

fn controls() -> Vec<PathBuf> {
    files("workloads/controls", "toml")
}

/// What the lock systems declare for themselves.
fn tables() -> Vec<&'static OptionTable> {
    backend::Registry::builtin().options()
}

fn loaded(path: &Path) -> (Plan, Source) {
    load(path, &[], &tables()).unwrap_or_else(|error| panic!("{error}"))
}

fn blessing() -> bool {
    std::env::var_os("LOCKBENCH_BLESS").is_some()
}

/// Compares with the file, or writes it.
fn assert_expected(path: &Path, found: &str) {
    if blessing() {
        fs::write(path, found).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let expected = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, expected, "differs from {}", path.display());
}

fn refusal(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let Err(error) = parse_with("w.toml", text, &sets, &tables()) else { panic!("{sets:?} was accepted") };
    error.to_string()
}

fn with_sets(text: &str, sets: &[&str]) -> Plan {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse_with("w.toml", text, &sets, &tables()).unwrap_or_else(|error| panic!("{error}")).0
}

#[test]
fn every_shipped_workload_states_its_question_and_how_to_read_the_result() {
    for path in shipped().iter().chain(&controls()) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# Question: "), "{}", path.display());
        assert!(text.contains("\n# How to read the result: "), "{}", path.display());
        assert!(loaded(path).0.question.ends_with('?'), "{}", path.display());
    }
}

#[test]
fn shipped_workloads_keep_the_house_defaults() {
    for path in shipped() {
        let (plan, _) = loaded(&path);
        // Where lapsed leases are the question.
        let lapses = ["overstay", "payment", "ttl-sweep"].contains(&plan.name.as_str());
        assert!(plan.ttl_ns >= 4 * SECOND || lapses, "{}", path.display());
        assert_eq!((plan.trials, plan.warmup_ns), (1, 2 * SECOND), "{}", path.display());
        // Where a hold or a pause takes seconds.
        let longer = [
            ("overstay", 60),
            ("long-hold-renewal", 60),
            ("batch-job", 20),
            ("leader-election", 30),
            ("config-update", 30),
            ("long-reconciliation", 30),
        ];
        let seconds = longer.iter().find(|(name, _)| *name == plan.name).map_or(10, |(_, seconds)| *seconds);
        assert_eq!(plan.duration_ns, seconds * SECOND, "{}", path.display());
        // Where recipes are compared that are in no other set.
        let compares = ["optimistic-vs-lock", "wait-strategies", "postgres-family", "stopped-node"];
        assert!(plan.backends.is_empty() || compares.contains(&plan.name.as_str()), "{}", path.display());
        let expected: &[Expectation] = if lapses { &[Expectation::Outside] } else { &[] };
        assert_eq!(plan.expect, expected, "{}", path.display());
    }
    let overstay = loaded(Path::new("workloads/overstay.toml")).0;
    let RenewalPolicy::Every { ns } = overstay.renewal else { panic!("a renewal that comes too late") };
    assert!(overstay.ttl_ns < ns && ns < overstay.hold.longest_ns(), "a renewal that comes too late");
    assert!(overstay.clients >= 3, "one overstays, one is in lawfully, one is let in by a wrong release");
    let hot_key = loaded(Path::new("workloads/hot-key.toml")).0;
    assert_eq!((hot_key.clients, hot_key.keys, hot_key.hold.longest_ns()), (64, Keys::Single, 1_000_000));
}

#[test]
fn shipped_workloads_run_on_every_system_without_a_warning() {
    let systems: Vec<_> = backend::Registry::builtin().entries().filter(|entry| !entry.unsafe_by_design).collect();
    for path in shipped() {
        let (plan, _) = loaded(&path);
        // Etcd and ZooKeeper have no lease that follows the holds: they are told so before a run.
        for entry in &systems {
            resolve_ttl(&plan, entry.name, &entry.guarantees).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        let facts: Vec<_> = systems.iter().map(|entry| (entry.name, &entry.guarantees)).collect();
        assert_eq!(warnings(&plan, &facts), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn controls_run_on_their_own_lock_and_can_expose_it() {
    for path in controls() {
        let (plan, _) = loaded(&path);
        let recipe = if plan.name == "lockfile" { "flock" } else { "control" };
        assert_eq!(plan.backends, [format!("{recipe}:{}", plan.name)], "{}", path.display());
        let memory = backend::Registry::builtin().find("memory").unwrap();
        assert_eq!(warnings(&plan, &[("memory", &memory.guarantees)]), Vec::<String>::new(), "{}", path.display());
    }
    let no_renew = loaded(Path::new("workloads/controls/no-renew.toml")).0;
    assert_eq!(no_renew.hold.longest_ns(), 3 * no_renew.ttl_ns);
    assert!(matches!(no_renew.renewal, RenewalPolicy::Every { .. }));
    let wrong_release = loaded(Path::new("workloads/controls/wrong-release.toml")).0;
    assert_eq!(2 * wrong_release.hold.longest_ns(), 3 * wrong_release.ttl_ns);
    assert!(wrong_release.clients >= 3 && wrong_release.renewal == RenewalPolicy::Off);
    assert_eq!(wrong_release.expect, [Expectation::Outside]);
}

#[test]
fn the_built_in_quickstart_is_the_shipped_file() {
    let (file, _) = loaded(Path::new("workloads/quickstart.toml"));
    assert_eq!(quickstart(&[], &tables()).unwrap().0, file);
    let short = quickstart(&["warmup=1s".to_owned(), "duration=5s".to_owned()], &tables()).unwrap().0;
    assert_eq!((short.warmup_ns, short.duration_ns), (SECOND, 5 * SECOND));
}

#[test]
fn valid_fixtures_mean_what_is_expected_and_read_back() {
    for path in files("tests/fixtures/workloads/valid", "toml") {
        let (plan, _) = loaded(&path);
        let written = to_toml(&plan);
        assert_expected(&path.with_extension("expected"), &written);
        assert_eq!(parse_with("plan.toml", &written, &[], &tables()).unwrap().0, plan, "{}", path.display());
    }
}

#[test]
fn invalid_fixtures_get_their_message() {
    for path in files("tests/fixtures/workloads/invalid", "toml") {
        let Err(error) = load(&path, &[], &tables()) else { panic!("{} was accepted", path.display()) };
        let message = error.to_string();
        for line in message.lines() {
            assert!(line.starts_with(&path.display().to_string()), "no path: {line}");
        }
        assert_expected(&path.with_extension("expected"), &format!("{message}\n"));
    }
}

#[test]
fn each_fixture_of_one_mistake_gets_one_message() {
    for path in files("tests/fixtures/workloads/invalid", "toml") {
        let Err(WorkloadError::Invalid(problems)) = load(&path, &[], &tables()) else { panic!("{}", path.display()) };
        let several =
            path.file_stem().is_some_and(|stem| stem == "several-mistakes" || stem == "missing-keys-of-a-bare-kind");
        assert_eq!(problems.len() > 1, several, "{}: {problems:?}", path.display());
    }
}

/// A new key comes with one valid and one invalid fixture.
#[test]
fn every_key_of_the_top_level_has_fixtures() {
    let everything = fs::read_to_string("tests/fixtures/workloads/valid/everything.toml").unwrap();
    let mut refused = String::new();
    for path in files("tests/fixtures/workloads/invalid", "expected") {
        refused += &fs::read_to_string(path).unwrap();
    }
    let tables = reference(&tables());
    let table_of = |name: &str| tables.split_once(&format!("### `[{name}]`")).unwrap();
    // The tables of systems follow those of every workload; that of Redis is their first.
    let (top, _) = table_of("redis");
    let redlock = table_of("redlock").1.split("\n### ").next().unwrap();
    let keys = |table: &str| -> Vec<String> {
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
    };
    let prefixed = keys(redlock).into_iter().map(|key| (key.clone(), format!("redlock.{key}")));
    for (key, dotted) in keys(top).into_iter().map(|key| (key.clone(), key)).chain(prefixed) {
        let header = format!("\n[{key}]\n");
        let given = everything.contains(&header)
            || everything.contains(&format!("\n[[{key}]]\n"))
            || everything.lines().any(|line| line.starts_with(&format!("{key} = ")));
        assert!(given, "{key} is not in valid/everything.toml");
        let message = [format!(": {dotted} = "), format!(": {dotted}.")];
        assert!(message.iter().any(|part| refused.contains(part)), "no invalid fixture for {dotted}");
    }
}

#[test]
fn a_missing_file_is_named_with_a_near_one() {
    let message = |path: &str| load(Path::new(path), &[], &tables()).unwrap_err().to_string();
    let near = message("workloads/hotkey.toml");
    assert!(near.starts_with("workloads/hotkey.toml: cannot read this workload: "), "{near}");
    assert!(near.ends_with("did you mean \"workloads/hot-key.toml\"?"), "{near}");
    let far = message("nowhere/at-all.toml");
    assert!(far.starts_with("nowhere/at-all.toml: cannot read") && !far.contains("did you mean"), "{far}");
    assert!(message("workloads").starts_with("workloads: cannot read this workload: "));
}

#[test]
fn a_file_that_is_no_text_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("binary.toml");
    fs::write(&path, b"clients = 2\n# caf\xe9\n").unwrap();
    let message = load(&path, &[], &tables()).unwrap_err().to_string();
    assert_eq!(message, format!("{}:2: this is not UTF-8 text; a workload is a TOML file in UTF-8", path.display()));
}

#[test]
fn sets_change_single_keys_whole_tables_and_defaults() {
    let text = "clients = 2\nhold = { kind = \"exponential\", mean = \"1ms\" }\n";
    let set = |set: &str| to_toml(&with_sets(text, &[set]));
    let line = |toml: &str, line: &str| assert!(toml.lines().any(|found| found == line), "no {line} in\n{toml}");
    line(&set("duration=5s"), "duration = \"5s\"");
    line(&set("duration = \"5s\""), "duration = \"5s\"");
    line(&set("clients=4"), "clients = 4");
    line(&set("hold.mean=2ms"), "hold = { kind = \"exponential\", mean = \"2ms\" }");
    line(&set("hold.max=9ms"), "hold = { kind = \"exponential\", mean = \"1ms\", max = \"9ms\" }");
    line(&set("hold=7us"), "hold = { kind = \"constant\", value = \"7us\" }");
    line(&set("keys={kind=\"uniform\", count=3}"), "keys = { kind = \"uniform\", count = 3 }");
    line(&set("keys=per-client"), "keys = { kind = \"per-client\" }");
    line(&set("backends=[\"redis\"]"), "backends = [\"redis\"]");
    line(&set("redlock.drift_ratio=0.5"), "drift_ratio = 0.5");
    // Into a default: what it does not name stays.
    line(&set("retry.max=40ms"), "retry = { kind = \"jitter\", base = \"1ms\", max = \"40ms\" }");
    line(&set("acquire.timeout=3s"), "acquire = { mode = \"wait\", timeout = \"3s\" }");
    line(&set("history.attempts=5"), "history = { kind = \"window\", attempts = 5 }");
    // The last one wins.
    assert_eq!(with_sets(text, &["seed=1", "seed=2"]).seed, 2);
}

#[test]
fn wrong_sets_are_named_instead_of_a_line() {
    let text = "clients = 2\nhold = \"1ms\"\n";
    for (set, message) in [
        (
            "duration=5",
            "w.toml: --set duration=5: duration = 5 has no unit; write a number with a unit: ns, us, ms, s, m or h \
             (for example \"250ms\")",
        ),
        ("durration=5s", "w.toml: --set durration=5s: durration = 5s is not a known key: did you mean \"duration\"?"),
        ("clients", "w.toml: --set clients: write it as key=value, for example --set duration=5s"),
        ("=5", "w.toml: --set =5: write it as key=value, for example --set duration=5s"),
        ("a..b=5", "w.toml: --set a..b=5: write it as key=value, for example --set duration=5s"),
        ("clients=", "w.toml: --set clients=: clients = \"\" is text; write a whole number from 1 to 65535"),
        (
            "hold.mean=2ms",
            "w.toml: --set hold.mean=2ms: hold = \"1ms\" is not a table; set it whole, as in --set 'hold={ ... }'",
        ),
        (
            "redlock.node_timout=1s",
            "w.toml: --set redlock.node_timout=1s: redlock.node_timout = 1s is not a known key: did you mean \
             \"node_timeout\"?",
        ),
        (
            "keys={kind=\"uniform\", cuont=3}",
            "w.toml: --set keys={kind=\"uniform\", cuont=3}: keys.cuont = 3 is not a known key: did you mean \"count\"?",
        ),
    ] {
        let found = refusal(text, &[set]);
        assert!(found.starts_with(message), "{found}\nis not\n{message}");
    }
}

#[test]
fn a_source_says_where_names_were_written() {
    let text = "clients = 2\nbackends = [\n  \"redis\",\n  \"ectd\" ]\nttl = \"1s\"";
    let (_, source) = parse_with("w.toml", text, &["seed=3".to_owned()], &tables()).unwrap();
    assert_eq!(source.place_of_backend(1), "w.toml:4");
    assert_eq!(source.place_of("ttl"), "w.toml:5");
    assert_eq!(source.place_of("seed"), "w.toml: --set seed=3");
    assert_eq!(source.place_of("duration"), "w.toml");
    let (_, source) = parse_with("w.toml", text, &["backends=[\"a\"]".to_owned()], &tables()).unwrap();
    assert_eq!(source.place_of_backend(0), "w.toml: --set backends=[\"a\"]");
    assert_eq!(source.path(), "w.toml");
}

#[test]
fn the_readme_describes_every_key_as_the_decoder_reads_it() {
    let path = Path::new("workloads/README.md");
    let text = fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- keys -->").unwrap();
    let (_, after) = rest.split_once("<!-- end of keys -->").unwrap();
    assert_expected(path, &format!("{before}<!-- keys -->\n\n{}\n<!-- end of keys -->{after}", reference(&tables())));
    for file in shipped() {
        let (plan, _) = loaded(&file);
        let row = format!("| [{0}.toml]({0}.toml) | {1} |", plan.name, plan.question);
        assert!(text.contains(&row), "the README does not list: {row}");
    }
}
