//! The table `[postgres]` of a workload: what the server that lockbench starts syncs before it answers, after how long
//! it finds out that a client is gone without a word, and whether clients reach it through a pooler.

use lockbench_core::units::{MILLISECOND, SECOND};
use lockbench_core::workload::{OptionTable, Plan, SystemOption, SystemOptions};

/// <https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT>,
/// <https://www.postgresql.org/docs/15/runtime-config-connection.html#RUNTIME-CONFIG-TCP> and
/// <https://www.pgbouncer.org/config.html#pool_mode>.
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
        SystemOption::word(
            STANDBY,
            &[ALONE, "asynchronous", SYNCHRONOUS],
            "\"none\"",
            "a standby that follows the server by streaming replication, and for which no commit waits \
             (`\"asynchronous\"`) or each (`\"synchronous\"`); clients get the addresses of both; `\"none\"`: there is none",
        ),
        SystemOption::word(
            POOLER,
            &[NO_POOLER, "session", TRANSACTION],
            "\"none\"",
            "PgBouncer between clients and server, which gives a session of the server to another client when the one \
             before it has disconnected (`\"session\"`), or after each transaction (`\"transaction\"`); `\"none\"`: there \
             is none",
        ),
        SystemOption::whole(
            POOL_SIZE,
            MOST_SESSIONS,
            "20",
            "sessions of the server that the pooler has for its clients (`default_pool_size`, as shipped)",
        ),
    ],
    warning: too_few_sessions,
};

const COMMIT: &str = "synchronous_commit";
const WAL_DELAY: &str = "wal_writer_delay";
const IDLE: &str = "tcp_keepalives_idle";
const INTERVAL: &str = "tcp_keepalives_interval";
const COUNT: &str = "tcp_keepalives_count";
const USER_TIMEOUT: &str = "tcp_user_timeout";
const STANDBY: &str = "standby";
const ALONE: &str = "none";
const SYNCHRONOUS: &str = "synchronous";
/// What has each commit wait for a standby
/// (<https://www.postgresql.org/docs/15/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES>).
pub(super) const STANDBY_NAMES: &str = "synchronous_standby_names";
/// As shipped a standby whose primary is gone may hear only after 5 s that it is promoted (seen on 15.18: once of two).
const RETRY: &str = "wal_retrieve_retry_interval=100ms";
const POOLER: &str = "pooler";
const POOL_SIZE: &str = "pool_size";
/// As shipped it refuses its clients for 15 s after its server was away.
const LOGIN_RETRY: &str = "server_login_retry = 1";
const NO_POOLER: &str = "none";
const TRANSACTION: &str = "transaction";

/// What the server that lockbench starts takes of clients, less some for those that look.
const MOST_SESSIONS: u64 = 1_000;

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
    if has_standby(options) {
        settings.push(RETRY.to_owned());
    }
    if OPTIONS.word(options, STANDBY) == SYNCHRONOUS {
        settings.push(format!("{STANDBY_NAMES}=*"));
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

/// The settings of the pooler, as PgBouncer reads them; none where the plan wants no pooler.
pub(super) fn pooler(options: &SystemOptions) -> Vec<String> {
    match OPTIONS.word(options, POOLER) {
        word if word == NO_POOLER => Vec::new(),
        mode => {
            let size = OPTIONS.whole(options, POOL_SIZE);
            vec![format!("pool_mode = {mode}"), format!("default_pool_size = {size}"), LOGIN_RETRY.to_owned()]
        }
    }
}

/// Returns whether a standby follows the server.
pub(super) fn has_standby(options: &SystemOptions) -> bool {
    OPTIONS.word(options, STANDBY) != ALONE
}

/// Returns whether clients share sessions of the server, transaction by transaction.
pub(super) fn shares_sessions(options: &SystemOptions) -> bool {
    OPTIONS.word(options, POOLER) == TRANSACTION
}

/// A pooler in session mode has a client wait until another one has disconnected, and clients of a run do not.
fn too_few_sessions(plan: &Plan) -> Option<String> {
    let (mode, sessions) = (OPTIONS.word(&plan.options, POOLER), OPTIONS.whole(&plan.options, POOL_SIZE));
    let waits = mode != NO_POOLER && mode != TRANSACTION && sessions < u64::from(plan.clients);
    waits.then(|| {
        format!(
            "postgres: {} clients share {sessions} sessions of a pooler in session mode, which gives each to one client \
             until that disconnects: the others wait, and the trial fails; raise postgres.pool_size, or run fewer clients",
            plan.clients
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{LOGIN_RETRY, OPTIONS, pooler, settings, shares_sessions, too_few_sessions};
    use lockbench_core::workload::parse_with;

    #[test]
    fn the_pooler_is_as_planned_and_needs_a_session_per_client_where_it_keeps_them_apart() {
        let planned = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| format!("postgres.{set}")).collect();
            parse_with("w.toml", "clients = 3", &sets, &[&OPTIONS]).unwrap().0
        };
        assert!(pooler(&planned(&["pool_size=2"]).options).is_empty());
        let shared = planned(&["pooler=transaction", "pool_size=2"]);
        assert_eq!(pooler(&shared.options), ["pool_mode = transaction", "default_pool_size = 2", LOGIN_RETRY]);
        assert!(shares_sessions(&shared.options) && too_few_sessions(&shared).is_none());
        let few = planned(&["pooler=session", "pool_size=2"]);
        assert!(!shares_sessions(&few.options));
        assert!(too_few_sessions(&few).unwrap().contains("postgres.pool_size"));
        assert_eq!(too_few_sessions(&planned(&["pooler=session"])), None);
    }

    #[test]
    fn a_synchronous_standby_is_one_that_commits_wait_for() {
        let of = |standby: &str| {
            let sets = [format!("postgres.standby={standby}")];
            settings(&parse_with("w.toml", "clients = 2", &sets, &[&OPTIONS]).unwrap().0.options)
        };
        assert_eq!(of("none"), [""; 0]);
        assert_eq!(of("asynchronous"), ["wal_retrieve_retry_interval=100ms"]);
        assert_eq!(of("synchronous"), ["wal_retrieve_retry_interval=100ms", "synchronous_standby_names=*"]);
    }

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
