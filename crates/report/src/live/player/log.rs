//! The log of a stored run, if it kept one: lines `TIME LEVEL target: message`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::SystemTime;

use lockbench_core::record::{LogLevel, LogLine, open_regular};

/// Name of the file.
const LOG: &str = "run.log";
/// Lines that are told: as many as a screen keeps.
const LINES: usize = 2_000;
/// Bytes that so many lines have at most.
const MOST_BYTES: u64 = 16 << 20;

/// The first lines of the log in a run directory; none if it has none. What is no line
/// of a log is left out: a log is for reading, and must not cost the rest.
pub fn stored_log(directory: &Path) -> Vec<LogLine> {
    let Ok(file) = open_regular(&directory.join(LOG)) else { return Vec::new() };
    let mut began = None;
    let lines = BufReader::new(file.take(MOST_BYTES)).lines().map_while(Result::ok);
    lines.filter_map(|line| log_line(&line, &mut began)).take(LINES).collect()
}

/// One line; `began` is the time of the first one.
fn log_line(text: &str, began: &mut Option<SystemTime>) -> Option<LogLine> {
    let (time, rest) = text.split_once(' ')?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let (target, message) = rest.split_once(": ")?;
    let time = humantime::parse_rfc3339(time).ok()?;
    let level = match level.to_ascii_lowercase().as_str() {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => return None,
    };
    let since = time.duration_since(*began.get_or_insert(time)).unwrap_or_default();
    let since_start_ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    Some(LogLine { since_start_ns, level, target: target.to_owned(), message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{LOG, stored_log};
    use lockbench_core::record::LogLevel;

    #[test]
    fn the_lines_of_a_log_are_read_and_what_is_none_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        assert!(stored_log(root.path()).is_empty());
        let text = "2026-11-20T10:15:01.250Z  info lockbench::cli: redis answers: after 84 ms\n\
            no line of a log\n\
            2026-11-20T10:15:02.000Z WARN h2: odd\n";
        std::fs::write(root.path().join(LOG), text).unwrap();
        let lines = stored_log(root.path());
        let told: Vec<_> = lines.iter().map(|l| (l.since_start_ns / 1_000_000, l.level, l.target.as_str())).collect();
        assert_eq!(told, [(0, LogLevel::Info, "lockbench::cli"), (750, LogLevel::Warn, "h2")]);
        assert_eq!(lines[0].message, "redis answers: after 84 ms");
    }
}
