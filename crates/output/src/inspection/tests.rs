use std::collections::BTreeMap;

use serde_json::Value;

use super::{Appearance, inspection_json, inspection_lines, printed};
use crate::inspection_schema;
use lockbench_core::lock::inspection::{
    ClientSeen, Inspection, LockSeen, NodeSeen, NodeState, Observation, Quorum, ServerSeen,
};
use lockbench_core::plain::is_order;

const NARROW: Appearance = Appearance { width: 80, ascii: false, full: false };

fn untold(fields: &[&str]) -> BTreeMap<String, String> {
    fields.iter().map(|field| ((*field).to_owned(), "it keeps no such thing".to_owned())).collect()
}

fn server(address: &str, said: &str) -> ServerSeen {
    ServerSeen { address: address.to_owned(), said: Some(said.to_owned()), problem: None }
}

fn redlock() -> Inspection {
    let holder =
        |value: &str, left| ClientSeen { client: value.to_owned(), ttl_left_ms: Some(left), ..ClientSeen::default() };
    let node = |state, value: Option<&str>| NodeSeen {
        state,
        client: value.map(str::to_owned),
        ttl_left_ms: value.map(|_| 8_120),
    };
    use NodeState::{Free, Holds, Other, Silent};
    let lock = |name: &str, holders: Vec<ClientSeen>, nodes: Vec<NodeSeen>, note: Option<&str>| LockSeen {
        name: name.to_owned(),
        kind: "Redlock".to_owned(),
        quorum: Some(Quorum { holding: nodes.iter().filter(|node| node.state == Holds).count(), needed: 3, nodes: 5 }),
        holders,
        nodes,
        notes: note.map(str::to_owned).into_iter().collect(),
        ..LockSeen::default()
    };
    let (a, b) = (Some("worker-7:91f3"), Some("worker-2:0c44"));
    let locks = vec![
        lock(
            "lock:invoices",
            vec![holder("worker-7:91f3", 11_830)],
            vec![node(Holds, a), node(Holds, a), node(Free, None), node(Silent, None), node(Holds, a)],
            None,
        ),
        lock(
            "lock:a-very-long-name-of-a-lock-that-nobody-would-want-to-see-cut",
            Vec::new(),
            vec![node(Holds, a), node(Other, b), node(Holds, a), node(Silent, None), node(Other, b)],
            Some("no quorum among the nodes that answered: 1 did not"),
        ),
    ];
    let mut servers: Vec<ServerSeen> =
        (1..=5).map(|n| server(&format!("redis://127.0.0.1:700{n}"), "Redis 7.0.15, master")).collect();
    servers[3] =
        ServerSeen { said: None, problem: Some("Connection refused (os error 111)".to_owned()), ..servers[3].clone() };
    let look = Observation { servers, locks, untold: untold(&["since_ms", "waiting"]), ..Observation::default() };
    Inspection::new("redlock", false, "2026-11-20T03:12:45Z".to_owned(), look)
}

fn postgres() -> Inspection {
    let client = |pid: u32, wait: Option<u64>, blocker: &[&str], query: &str| ClientSeen {
        client: format!("pid {pid}"),
        identity: Some("billing".to_owned()),
        mode: Some("exclusive".to_owned()),
        since_ms: wait,
        blocked_by: blocker.iter().map(|pid| (*pid).to_owned()).collect(),
        details: [
            ("user", "app"),
            ("from", "10.0.0.7:51234"),
            ("state", if wait.is_some() { "active" } else { "idle in transaction" }),
            ("query", query),
            ("transaction_ms", "192000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..ClientSeen::default()
    };
    let long = "update accounts set balance = balance - 12 where id = 7 and owner = 'somebody with a long name'";
    let lock = |name: &str, holder, waiters: Vec<ClientSeen>| LockSeen {
        name: name.to_owned(),
        kind: "advisory".to_owned(),
        holders: vec![holder],
        waiting: Some(waiters.len() as u64),
        waiters,
        ..LockSeen::default()
    };
    let take = "select pg_advisory_lock(7)";
    let locks = vec![
        lock("advisory 7", client(411, None, &[], take), vec![client(412, Some(42_000), &["pid 411"], take)]),
        lock("advisory 8", client(412, None, &[], take), vec![client(411, Some(3_000), &["pid 412"], long)]),
    ];
    let look = Observation {
        servers: vec![server("127.0.0.1:5432", "PostgreSQL 15.18, primary, database shop")],
        locks,
        untold: untold(&["since_ms", "token"]),
        ..Observation::default()
    };
    Inspection::new("postgres", true, "2026-11-20T03:12:45Z".to_owned(), look)
}

fn etcd() -> Inspection {
    let client = |lease: &str, token, left| ClientSeen {
        client: format!("lease {lease}"),
        identity: Some("host-3".to_owned()),
        token: Some(token),
        ttl_left_ms: Some(left),
        ttl_ms: Some(15_000),
        seen_ms: Some(64_000),
        ..ClientSeen::default()
    };
    let lock = LockSeen {
        name: "/locks/cron".to_owned(),
        kind: "mutex".to_owned(),
        holders: vec![client("694d8f3c1b0a2e05", 4_711, 11_000)],
        waiting: Some(103),
        waiters: vec![client("694d8f3c1b0a2e11", 4_712, 14_000), client("694d8f3c1b0a2e12", 4_715, 2_000)],
        ..LockSeen::default()
    };
    let look = Observation {
        servers: vec![server("127.0.0.1:2379", "etcd 3.4.23, leader")],
        locks: vec![lock],
        truncated: Some("stopped at --limit 1".to_owned()),
        untold: untold(&["since_ms"]),
        ..Observation::default()
    };
    Inspection::new("etcd", false, "2026-11-20T03:12:45Z".to_owned(), look)
}

fn text(seen: &Inspection, appearance: Appearance) -> String {
    printed(&inspection_lines(seen, appearance), false)
}

#[test]
fn a_map_of_redlock_reads_well() {
    insta::assert_snapshot!(text(&redlock(), NARROW));
}

#[test]
fn a_deadlock_reads_well() {
    insta::assert_snapshot!(text(&postgres(), NARROW));
}

#[test]
fn everything_is_told_when_asked() {
    insta::assert_snapshot!(text(&postgres(), Appearance { width: 80, ascii: false, full: true }));
}

#[test]
fn a_queue_reads_well_on_a_wide_terminal() {
    insta::assert_snapshot!(text(&etcd(), Appearance { width: 140, ..NARROW }));
}

#[test]
fn no_lock_says_what_was_looked_for() {
    let look = Observation {
        servers: vec![server("127.0.0.1:6379", "Redis 7.0.15, master")],
        scope: "keys that start with lock:".to_owned(),
        ..Observation::default()
    };
    let seen = Inspection::new("redis", false, "2026-11-20T03:12:45Z".to_owned(), look);
    assert_eq!(
        text(&seen, NARROW),
        "redis  2026-11-20T03:12:45Z  127.0.0.1:6379 (Redis 7.0.15, master)\n0 locks held\n\nlooked for: keys that start \
         with lock:\n"
    );
}

#[test]
fn with_ascii_signs_only_there_are_no_others() {
    for seen in [redlock(), postgres(), etcd()] {
        let text = text(&seen, Appearance { ascii: true, ..NARROW });
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn lines_of_a_table_fit_the_terminal_unless_asked_for_in_full() {
    for seen in [redlock(), postgres(), etcd()] {
        for width in [80, 100, 200] {
            let text = text(&seen, Appearance { width, ..NARROW });
            // The first line names server and version; names of locks and addresses of nodes are never cut.
            let long = |line: &&str| line.chars().count() > width && !line.contains("redis://");
            assert_eq!(text.lines().skip(1).filter(long).collect::<Vec<_>>(), Vec::<&str>::new(), "{width}\n{text}");
        }
    }
}

#[test]
fn colour_adds_nothing_but_escapes() {
    let lines = inspection_lines(&postgres(), NARROW);
    let mut coloured = printed(&lines, true);
    for escape in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[38;5;64m", "\x1b[38;5;166m", "\x1b[1;31m"] {
        coloured = coloured.replace(escape, "");
    }
    assert_eq!(coloured, printed(&lines, false));
}

#[test]
fn the_json_form_is_that_of_its_schema() {
    let schema: Value = serde_json::from_slice(&inspection_schema().unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for seen in [redlock(), postgres(), etcd()] {
        let json = inspection_json(&seen).unwrap();
        assert!(!json.contains('\n'));
        let value: Value = serde_json::from_str(&json).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!((value["schema_version"].as_u64(), value["locks"].is_array()), (Some(1), true));
        let mut lacking = value;
        lacking["locks"][0].as_object_mut().unwrap().remove("waiting");
        assert!(!validator.is_valid(&lacking), "a field is null, not missing");
    }
}

#[test]
fn a_change_of_the_schema_is_seen() {
    insta::assert_snapshot!(String::from_utf8(inspection_schema().unwrap()).unwrap());
}

#[test]
fn nothing_that_a_terminal_obeys_comes_through_whatever_field_it_stands_in() {
    let bad = |name: &str| format!("{name}\x1b[2J\x07\u{9b}31m\u{7f}\u{202e}");
    let client = ClientSeen {
        client: bad("client"),
        identity: Some(bad("identity")),
        mode: Some(bad("mode")),
        blocked_by: vec![bad("blocker")],
        details: [("query", "query"), ("user", "user"), ("table", "table"), ("waits_on", "what")]
            .map(|(name, value)| (name.to_owned(), bad(value)))
            .into(),
        ..ClientSeen::default()
    };
    let lock = LockSeen {
        name: bad("lock"),
        kind: bad("kind"),
        holders: vec![client.clone()],
        waiters: vec![client],
        notes: vec![bad("note")],
        ..LockSeen::default()
    };
    let look = Observation {
        servers: vec![
            ServerSeen { address: bad("address"), said: Some(bad("said")), problem: None },
            ServerSeen { address: bad("address"), said: None, problem: Some(bad("problem")) },
        ],
        scope: bad("scope"),
        locks: vec![lock],
        truncated: Some(bad("cut")),
        untold: [(bad("field"), bad("reason"))].into(),
        notes: vec![bad("note")],
        kind: None,
    };
    let seen = Inspection::new("postgres", true, bad("now"), look);
    for width in [20, 80, 300] {
        for full in [false, true] {
            let text = printed(&inspection_lines(&seen, Appearance { width, ascii: false, full }), false);
            assert!(text.contains("client") && !text.contains(|c| c != '\n' && is_order(c)), "{text:?}");
        }
    }
    let json = inspection_json(&seen).unwrap();
    assert!(!json.contains(is_order), "{json:?}");
    let back: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(back["locks"][0]["name"], bad("lock"), "the name itself is kept");
}
