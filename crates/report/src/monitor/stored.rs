//! A stored watch, read back: its directory has a status in the place of a report.

use std::path::Path;

use super::status::{Status, StatusVersion};
use crate::OpenError;
use crate::intake::sane;
use crate::stored::{REPORT, read};

/// Name of the file that says how a watch stands.
pub const STATUS: &str = "monitor.json";

/// Is this the directory of a watch?
#[must_use]
pub fn is_watch(directory: &Path) -> bool {
    directory.join(STATUS).is_file() && !directory.join(REPORT).exists()
}

/// How a watch stood when its status was last written.
///
/// # Errors
/// If there is none, or it is newer than this program, or damaged.
pub fn read_status(directory: &Path) -> Result<Status, OpenError> {
    let path = directory.join(STATUS);
    let named = || path.display().to_string();
    let damaged = |problem: String| OpenError::Damaged { path: named(), problem };
    let bytes = read(&path)?.ok_or_else(|| OpenError::Missing(named()))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    sane(&value).map_err(damaged)?;
    let reads = StatusVersion::NUMBER;
    match value["schema_version"].as_u64() {
        Some(found) if found > u64::from(reads) => Err(OpenError::Newer { path: named(), found, reads }),
        Some(_) => serde_json::from_value(value).map_err(|error| damaged(error.to_string())),
        None => Err(damaged("it has no schema_version".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{STATUS, is_watch, read_status};
    use crate::monitor::{AlertStatus, Change, Outage, Sent, State, Status, SystemStatus, WindowFigures};
    use crate::{OpenError, read_report};

    #[test]
    fn a_status_reads_back_as_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let system = SystemStatus {
            backend: "redis".to_owned(),
            state: State::Down,
            windows: vec![WindowFigures { availability: Some(0.5), ..WindowFigures::default() }],
            last_outage: Some(Outage { began_at: "then".to_owned(), lasted_ns: 7, told_after_ns: Some(3) }),
            alerts: vec![AlertStatus { judged: true, value: Some(1.5), ..AlertStatus::default() }],
            p99_by_minute_ns: vec![None, Some(3)],
            ..SystemStatus::default()
        };
        let status = Status {
            run_id: "x".to_owned(),
            systems: vec![system],
            changes: vec![Change { firing: true, ..Change::default() }],
            webhook: Some(Sent { waiting: 2, ..Sent::default() }),
            exit_code: 3,
            ..Status::default()
        };
        let text = serde_json::to_string(&status).unwrap();
        std::fs::write(root.path().join(STATUS), &text).unwrap();
        assert!(is_watch(root.path()));
        assert_eq!(serde_json::to_string(&read_status(root.path()).unwrap()).unwrap(), text);
        let refused = read_report(root.path()).unwrap_err();
        assert!(matches!(refused, OpenError::Watch { .. }), "{refused}");
    }

    #[test]
    fn a_status_of_an_older_lockbench_is_read_and_one_of_a_newer_is_not() {
        let root = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            std::fs::write(root.path().join(STATUS), text).unwrap();
            read_status(root.path())
        };
        // Fields that came later are not there.
        let older = of(r#"{"schema_version": 1, "run_id": "x", "webhook": {"sent": 3, "failed": 0, "lost": 0}}"#);
        assert_eq!(older.unwrap().webhook.unwrap().sent, 3);
        assert!(matches!(of(r#"{"schema_version": 2}"#), Err(OpenError::Newer { found: 2, reads: 1, .. })));
        for damaged in ["", "{}", "[1]", r#"{"schema_version": 1, "systems": 7}"#] {
            assert!(matches!(of(damaged), Err(OpenError::Damaged { .. })), "{damaged}");
        }
    }
}
