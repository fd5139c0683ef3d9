//! The table `[postgres]` of a workload: what the server that lockbench starts syncs before it answers, and after how
//! long it finds out that a client is gone without a word.

use lockbench_core::units::{MILLISECOND, SECOND};
use lockbench_core::workload::{OptionTable, SystemOption, SystemOptions};

/// <https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT> and
/// <https://www.postgresql.org/docs/15/runtime-config-connection.html#RUNTIME-CONFIG-TCP>.
pub(super) static OPTIONS: OptionTable = OptionTable {
    name: "postgres",
    meaning: "settings of the PostgreSQL server that lockbench starts; given servers cannot have them",
    options: &[
        SystemOption::word(
            COMMIT,
            &["on", "off"],
            "\"on\"",
            "`\"on\"`, as shipped: a commit is synced before the answer; `\"off\"`: up to three times \
             `wal_writer_delay` later",
        ),
        SystemOption::duration(
            WAL_DELAY,
            "\"0s\"",
            "how often the server writes out what it answered before it was synced, in whole milliseconds, up to ten \
             seconds; 0: as shipped, 200 ms",
        ),
        SystemOption::duration(
            IDLE,
            "\"0s\"",
            "silence of a client after which the server probes its connection, in whole seconds; 0: as the system has \
             it, two hours on Linux",
        ),
        SystemOption::duration(
            INTERVAL,
            "\"0s\"",
            "from one probe without an answer to the next, in whole seconds; 0: as the system has it",
        ),
        SystemOption::whole(COUNT, MOST_PROBES, "9", "probes without an answer after which the connection is over"),
        SystemOption::duration(
            USER_TIMEOUT,
            "\"0s\"",
            "how long what the server sent may stay unconfirmed before the connection is over: there are no probes \
             meanwhile; 0: as the system has it, some 15 minutes on Linux",
        ),
    ],
    warning: |_| None,
};

const COMMIT: &str = "synchronous_commit";
const WAL_DELAY: &str = "wal_writer_delay";
const IDLE: &str = "tcp_keepalives_idle";
const INTERVAL: &str = "tcp_keepalives_interval";
const COUNT: &str = "tcp_keepalives_count";
const USER_TIMEOUT: &str = "tcp_user_timeout";

/// tcp(7): Linux takes no more.
const MOST_PROBES: u64 = 127;

/// The settings that a plan asks for, as the server reads them; none where it leaves all of them as they are.
pub(super) fn settings(options: &SystemOptions) -> Vec<String> {
    let [delay, idle, interval, unconfirmed] =
        [WAL_DELAY, IDLE, INTERVAL, USER_TIMEOUT].map(|key| OPTIONS.ns(options, key));
    let mut settings = Vec::new();
    if delay > 0 {
        settings.push(format!("{WAL_DELAY}={}ms", delay.div_ceil(MILLISECOND)));
    }
    if OPTIONS.changes(options, COMMIT) {
        settings.push(format!("{COMMIT}={}", OPTIONS.word(options, COMMIT)));
    }
    if idle > 0 || interval > 0 {
        settings.push(format!("{IDLE}={}s", idle.div_ceil(SECOND)));
        settings.push(format!("{INTERVAL}={}s", interval.div_ceil(SECOND)));
        settings.push(format!("{COUNT}={}", OPTIONS.whole(options, COUNT)));
    }
    if unconfirmed > 0 {
        settings.push(format!("{USER_TIMEOUT}={}ms", unconfirmed.div_ceil(MILLISECOND)));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::{OPTIONS, settings};
    use lockbench_core::workload::parse_with;

    #[test]
    fn only_what_a_plan_asks_for_is_set() {
        let of = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| format!("postgres.{set}")).collect();
            settings(&parse_with("w.toml", "clients = 2", &sets, &[&OPTIONS]).unwrap().0.options)
        };
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&["synchronous_commit=on"]), [""; 0], "as shipped");
        assert_eq!(of(&["synchronous_commit=off"]), ["synchronous_commit=off"]);
        assert_eq!(of(&["wal_writer_delay=10s"]), ["wal_writer_delay=10000ms"]);
        assert_eq!(of(&["tcp_user_timeout=1500ms"]), ["tcp_user_timeout=1500ms"]);
        assert_eq!(
            of(&["tcp_keepalives_idle=1s", "tcp_keepalives_interval=1500ms", "tcp_keepalives_count=2"]),
            ["tcp_keepalives_idle=1s", "tcp_keepalives_interval=2s", "tcp_keepalives_count=2"]
        );
    }
}
