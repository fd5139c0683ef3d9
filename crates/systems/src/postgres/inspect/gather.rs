//! Lines of `pg_locks` that are about one thing, as one lock with its holders and those
//! who wait, in the order in which they began to.

use std::collections::BTreeMap;

use super::row::Row;
use lockbench_core::lock::inspection::{ClientSeen, LockSeen, MOST_WAITERS};

/// One lock for everything that is locked. The lines come in order of waiting.
pub fn gather(rows: Vec<Row>) -> Vec<LockSeen> {
    let mut locks: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    let mut rows_of: BTreeMap<Option<i32>, String> = BTreeMap::new();
    for row in rows {
        // Who wants a row that is locked queues by a lock on the row and waits for the transaction.
        if row.kind == "tuple" && row.granted {
            rows_of.insert(row.pid, row.object.clone());
        }
        locks.entry((row.object.clone(), row.kind.clone())).or_default().push(row);
    }
    locks
        .into_iter()
        .filter(|((_, kind), rows)| kind == "advisory" || rows.iter().any(|row| !row.granted))
        .map(|((name, kind), rows)| lock(name, kind, rows, &rows_of))
        .collect()
}

fn lock(name: String, kind: String, rows: Vec<Row>, rows_of: &BTreeMap<Option<i32>, String>) -> LockSeen {
    let notes = match kind.as_str() {
        "transactionid" => {
            let wanted = rows.iter().filter(|row| !row.granted).filter_map(|row| rows_of.get(&row.pid));
            wanted.map(|row| format!("for {row}")).take(1).collect()
        }
        _ => Vec::new(),
    };
    let (held, waiting): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.granted);
    let count = waiting.len() as u64;
    let mut holders: Vec<ClientSeen> = Vec::new();
    for holder in held.into_iter().map(client) {
        // One process may hold a table in several modes.
        match holders.iter_mut().find(|one| one.client == holder.client) {
            Some(one) => one.mode = one.mode.take().zip(holder.mode).map(|(a, b)| format!("{a}, {b}")),
            None => holders.push(holder),
        }
    }
    LockSeen {
        name,
        kind: kind_in_words(&kind).to_owned(),
        holders,
        waiting: Some(count),
        waiters: waiting.into_iter().take(MOST_WAITERS).map(client).collect(),
        notes,
        ..LockSeen::default()
    }
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "relation" => "table",
        "tuple" => "row",
        "transactionid" => "transaction",
        "virtualxid" => "virtual transaction",
        other => other,
    }
}

fn client(row: Row) -> ClientSeen {
    let mut details = BTreeMap::new();
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            details.insert(name.to_owned(), value);
        }
    };
    tell("user", row.user);
    tell("from", row.from);
    tell("state", row.state);
    tell("waits_on", row.waits_on.filter(|_| !row.granted));
    tell("query", row.query);
    tell("transaction_ms", row.transaction_ms.map(|ms| ms.max(0).to_string()));
    ClientSeen {
        client: match row.pid {
            Some(pid) => format!("pid {pid}"),
            None => format!("prepared transaction {}", row.transaction),
        },
        identity: row.application,
        mode: Some(mode(&row.mode)),
        since_ms: row.waits_ms.and_then(|ms| u64::try_from(ms.max(0)).ok()),
        blocked_by: row.blockers.iter().map(|pid| blocker(*pid)).collect(),
        details,
        ..ClientSeen::default()
    }
}

/// `pg_blocking_pids` has 0 for a prepared transaction.
fn blocker(pid: i32) -> String {
    if pid == 0 { "a prepared transaction".to_owned() } else { format!("pid {pid}") }
}

/// `AccessShareLock` as `access share`.
fn mode(mode: &str) -> String {
    let mut words = String::new();
    for c in mode.strip_suffix("Lock").unwrap_or(mode).chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Row, gather, mode};

    fn row(object: &str, kind: &str, pid: i32, granted: bool) -> Row {
        Row {
            object: object.to_owned(),
            kind: kind.to_owned(),
            mode: "ExclusiveLock".to_owned(),
            granted,
            pid: Some(pid),
            waits_ms: (!granted).then_some(5),
            blockers: if granted { Vec::new() } else { vec![1] },
            ..Row::default()
        }
    }

    #[test]
    fn modes_are_words() {
        assert_eq!(
            (mode("AccessShareLock"), mode("ExclusiveLock")),
            ("access share".to_owned(), "exclusive".to_owned())
        );
    }

    #[test]
    fn what_nobody_waits_for_is_shown_only_if_it_is_advisory() {
        let rows = vec![
            row("advisory 1", "advisory", 1, true),
            row("row (0,1) of a", "tuple", 2, true),
            row("transaction 7", "transactionid", 1, true),
            row("transaction 7", "transactionid", 2, false),
        ];
        let locks = gather(rows);
        let names: Vec<&str> = locks.iter().map(|lock| lock.name.as_str()).collect();
        assert_eq!(names, ["advisory 1", "transaction 7"]);
        assert_eq!((locks[1].notes[0].as_str(), locks[1].waiting), ("for row (0,1) of a", Some(1)));
        assert_eq!(locks[1].waiters[0].blocked_by, ["pid 1"]);
    }
}
