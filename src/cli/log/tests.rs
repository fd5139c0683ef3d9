use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing::{debug, error, info, warn};
use tracing_subscriber::layer::SubscriberExt;

use super::layer::Lines;
use super::{Log, filter};
use lockbench_core::lock::Endpoint;

/// Has these events heard by the log, as the program does for all of its threads.
fn heard(log: &Log, filter: &str, say: impl FnOnce()) {
    let targets = filter::parse(Some(filter)).unwrap();
    let subscriber = tracing_subscriber::registry().with(targets).with(Lines(Arc::clone(&log.inner)));
    tracing::subscriber::with_default(subscriber, say);
}

fn messages(log: &Log) -> Vec<String> {
    log.inner.ring.since(0).lines.into_iter().map(|line| line.message).collect()
}

/// The file's lines without their time.
fn stored(directory: &Path) -> Vec<String> {
    let text = fs::read_to_string(directory.join("run.log")).unwrap();
    text.lines().map(|line| line.split_once("Z ").unwrap().1.to_owned()).collect()
}

#[test]
fn an_event_becomes_a_line_with_its_fields() {
    let log = Log::new(false);
    heard(&log, "warn,mine=info", || {
        info!(target: "mine::part", server = "redis", pids = ?[1, 2], "started");
        debug!(target: "mine", "not asked for");
        info!(target: "other", "not asked for");
        warn!(target: "other", number = 3);
    });
    let lines = log.inner.ring.since(0).lines;
    let of = |i: usize| (lines[i].level.name(), lines[i].target.as_str(), lines[i].message.as_str());
    assert_eq!(of(0), ("info", "mine::part", "started server=redis pids=[1, 2]"));
    assert_eq!(of(1), ("warn", "other", "number=3"));
    assert_eq!(lines.len(), 2);
    assert!(lines[0].since_start_ns <= lines[1].since_start_ns);
}

#[test]
fn a_line_is_one_line_and_bounded() {
    let log = Log::new(false);
    heard(&log, "info", || {
        info!("one\ntwo \x1b[31mred");
        info!("{}", "x".repeat(1_000_000));
    });
    let messages = messages(&log);
    assert_eq!(messages[0], "one\\ntwo \\u{1b}[31mred");
    assert!(messages[1].len() < 3_000 && messages[1].ends_with("..."), "{}", messages[1].len());
}

#[test]
fn secrets_are_in_no_line_not_even_where_it_is_cut() {
    let log = Log::new(false);
    log.keep_secret([Endpoint::new("redis://u:zebra-crossing@h:1")].iter());
    heard(&log, "info", || {
        info!(auth = "zebra-crossing", "to redis://other:hidden@h");
        info!("{}zebra-crossing", "x".repeat(1_990));
        error!("password=hidden");
    });
    let text = messages(&log).join("\n");
    assert!(!text.contains("zebra") && !text.contains("hidden"), "{text}");
    assert!(text.contains("to redis://***@h auth=***"), "{text}");
}

#[test]
fn each_run_gets_the_lines_from_its_beginning_to_its_end() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = Log::new(false);
    heard(&log, "info", || {
        info!(target: "t", "before the first directory");
        log.write_to(first.path(), u64::MAX).unwrap();
        info!(target: "t", "in the first run");
        log.sync().unwrap();
        info!(target: "t", "its last words");
        log.close();
        info!(target: "t", "before the second directory");
        log.write_to(second.path(), u64::MAX).unwrap();
        warn!(target: "t", "in the second run");
        // One that warns is in the file at once.
        assert_eq!(stored(second.path()), [" INFO t: before the second directory", " WARN t: in the second run"]);
    });
    drop(log);
    let all = [" INFO t: before the first directory", " INFO t: in the first run", " INFO t: its last words"];
    assert_eq!(stored(first.path()), all);
    assert_eq!(stored(second.path()).len(), 2);
}

#[test]
fn what_cannot_be_written_is_told_and_costs_nothing_else() {
    let log = Log::new(false);
    let missing = Path::new("/nonexistent/run");
    assert!(log.write_to(missing, u64::MAX).unwrap_err().to_string().contains("cannot write /nonexistent/run/run.log"));
    let directory = tempfile::tempdir().unwrap();
    // A full disk, as Linux offers one.
    std::os::unix::fs::symlink("/dev/full", directory.path().join("run.log")).unwrap();
    log.write_to(directory.path(), u64::MAX).unwrap();
    heard(&log, "info", || {
        info!("first");
        assert!(log.sync().unwrap_err().to_string().contains("No space left"), "told where it is asked for");
        error!("second");
    });
    assert!(log.sync().is_err() && messages(&log) == ["first", "second"]);
}

#[test]
fn lines_are_shown_only_where_they_were_asked_for() {
    for (asked, expected) in [(true, 1), (false, 0)] {
        let log = Log::new(asked);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&shown);
        log.show_through(move |line| sink.lock().unwrap().push(line.to_owned()));
        heard(&log, "info", || {
            info!(target: "t", "said");
            log.take_screen();
            info!(target: "t", "while somebody draws");
        });
        let shown = shown.lock().unwrap();
        assert_eq!(shown.len(), expected);
        assert!(shown.iter().all(|line| line.ends_with("Z  INFO t: said")), "{shown:?}");
    }
}

#[test]
fn a_second_log_in_one_process_breaks_nothing() {
    let logs = [Log::start(Some("off")), Log::start(None)];
    assert!(logs.iter().all(Result::is_ok));
}

#[test]
fn a_log_without_end_begins_anew_and_keeps_the_file_before() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::new(false);
    log.write_to(directory.path(), 4_000).unwrap();
    heard(&log, "info", || (0..1_000).for_each(|n| info!(target: "mine", "line {n}")));
    log.sync().unwrap();
    let size = |name: &str| fs::metadata(directory.path().join(name)).unwrap().len();
    assert!(size("run.log") <= 4_000 && (3_000..=4_000).contains(&size("run.log.1")));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    assert!(stored(directory.path()).last().unwrap().ends_with("line 999"));
}
