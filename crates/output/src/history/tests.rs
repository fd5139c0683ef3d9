use super::operation::{Kind, Operation, Variant, rows};
use super::{HISTORY_EXPORTS, left_out};
use crate::Rendered;
use lockbench_core::record::history::Header;
use lockbench_core::record::{Denial, Event, ReleaseKind, What, WitnessReading};

const INVOKE: What = What::Invoke { due: 0 };

fn granted(token: Option<u64>) -> What {
    What::Acquired { token, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 }
}

fn denied(denial: Denial) -> What {
    What::Denied { denial, surely_ended: 0, requests: 1, wakeups: 0 }
}

fn release() -> What {
    What::ReleaseInvoke { enter: 0, exit: 0, seen: WitnessReading::default(), asked: 0 }
}

fn released(release: ReleaseKind) -> What {
    What::Released { release, surely_ended: 0, requests: 1 }
}

fn header(clients: u32, keys: u32) -> Header {
    Header { backend: "postgres:lease".to_owned(), trial: 2, clients, keys, start: 100, measure: 200, end: 900 }
}

fn events(told: &[(u64, u32, u32, What)]) -> Vec<Event> {
    told.iter()
        .map(|(t, client, key, what)| Event { t: *t, client: *client, attempt: 0, key: *key, what: *what })
        .collect()
}

/// Every outcome once.
fn everything() -> Vec<Event> {
    events(&[
        (110, 0, 0, INVOKE),
        (111, 1, 0, INVOKE),
        (120, 0, 0, granted(Some(7))),
        (130, 1, 0, denied(Denial::TimedOut)),
        (131, 1, 0, INVOKE),
        (135, Event::NOBODY, 0, What::SelfStall { from: 132 }),
        (136, Event::NOBODY, 0, What::PauseBegins),
        (137, Event::NOBODY, 0, What::Marker { number: 1, at: 137 }),
        (138, Event::NOBODY, 0, What::Paused { from: 136 }),
        (140, 0, 0, What::Lost { at: 139 }),
        (150, 0, 0, release()),
        (151, 0, 0, released(ReleaseKind::NotOwner)),
        (160, 1, 0, granted(None)),
        (170, 1, 0, release()),
        (171, 1, 0, released(ReleaseKind::Unknown)),
        (180, 1, 0, INVOKE),
        (181, 1, 0, denied(Denial::Refused)),
        (182, 0, 1, INVOKE),
        (190, 0, 1, granted(Some(8))),
        (195, 0, 1, What::Died { surely_ended: 400, challenged: None }),
        (200, 1, 0, INVOKE),
        (201, 1, 0, denied(Denial::Unknown)),
        (210, 0, 0, INVOKE),
    ])
}

fn files(name: &str, events: &[Event]) -> Vec<Rendered> {
    let export = HISTORY_EXPORTS.iter().find(|export| export.name == name).unwrap();
    (export.convert)(&header(2, 2), events)
}

fn shown(files: &[Rendered]) -> String {
    files.iter().map(|file| format!("== {}\n{}", file.path, String::from_utf8_lossy(&file.bytes))).collect()
}

#[test]
fn edn_has_one_map_a_line_and_two_variants_a_key() {
    insta::assert_snapshot!(shown(&files("edn", &everything())));
}

#[test]
fn elle_has_the_same_rows_as_a_json_array() {
    let files = files("elle", &everything());
    insta::assert_snapshot!(shown(&files[..1]));
    for file in &files {
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&file.bytes).unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["type"].is_string()));
    }
}

#[test]
fn porcupine_has_one_line_an_operation_with_its_interval() {
    insta::assert_snapshot!(shown(&files("porcupine", &everything())));
}

#[test]
fn nothing_happened_gives_no_rows() {
    assert!(files("edn", &[]).is_empty());
    assert_eq!(shown(&files("porcupine", &[])), "== histories/postgres-lease-t2.porcupine.jsonl\n");
}

#[test]
fn of_many_keys_the_lowest_have_files_and_the_rest_is_told() {
    let many: Vec<Event> =
        (0..70).map(|key| Event { t: 100 + u64::from(key), client: 0, attempt: 0, key, what: INVOKE }).collect();
    assert_eq!(files("edn", &many).len(), 128);
    assert!(left_out(&header(1, 70), &many).unwrap().contains("of 70 keys only the 64 lowest"));
    assert_eq!(left_out(&header(1, 70), &many[..64]), None);
}

/// The rules that checkers rely on, on whatever events come.
#[test]
fn every_history_keeps_the_rules_of_the_format() {
    use proptest::prelude::{prop_assert, proptest};
    let kinds = [
        INVOKE,
        granted(Some(1)),
        denied(Denial::TimedOut),
        denied(Denial::Unknown),
        release(),
        released(ReleaseKind::Confirmed),
        released(ReleaseKind::NotOwner),
        released(ReleaseKind::Unknown),
        What::Died { surely_ended: 0, challenged: None },
    ];
    proptest!(|(picks in proptest::collection::vec((0_u32..3, 0_usize..9), 0..60))| {
        let told: Vec<_> = (100_u64..).zip(&picks).map(|(t, (client, kind))| (t, *client, 0, kinds[*kind])).collect();
        for variant in [Variant::Strict, Variant::Belief] {
            let rows = rows(&header(3, 1), &events(&told), 0, variant);
            let mut open: std::collections::BTreeMap<u64, Operation> = std::collections::BTreeMap::new();
            let mut retired = Vec::new();
            for (i, row) in rows.iter().enumerate() {
                prop_assert!(row.index == i as u64 && (i == 0 || rows[i - 1].time <= row.time));
                prop_assert!(!retired.contains(&row.process), "a process after its :info");
                match row.kind {
                    Kind::Invoke => prop_assert!(open.insert(row.process, row.operation).is_none(), "two open at once"),
                    Kind::Ok | Kind::Fail => prop_assert!(open.remove(&row.process) == Some(row.operation)),
                    Kind::Info => {
                        prop_assert!(open.remove(&row.process) == Some(row.operation));
                        retired.push(row.process);
                    }
                }
            }
            prop_assert!(open.is_empty(), "something is left open without an :info");
        }
    });
}
