//! What is written of a trial, within its limit.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use super::{Alarm, HistoryFile, Recorded, TrialHistory};
use crate::record::history::{Header, Line, Parser};
use crate::record::{Event, Observer, ReleaseKind, What, WitnessReading};

const S: u64 = 1_000_000_000;
const CYCLE: [What; 4] = [
    What::Invoke { due: 0 },
    What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 },
    What::ReleaseInvoke {
        enter: 0,
        exit: 0,
        seen: WitnessReading {
            occupancy: 1,
            lost_update: false,
            stale_write: false,
            refused_write: false,
            challenged: None,
            act: crate::record::Act::NONE,
        },
        asked: 0,
    },
    What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 },
];

/// Writes events; an alarm is raised before the event at its position. Reads the file back.
fn written(limit: u64, events: &[Event], alarms: &[(usize, Alarm)]) -> (Vec<Event>, Recorded) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let mut file = HistoryFile::create(&path).unwrap();
    let header = Header { backend: "memory".to_owned(), trial: 1, clients: 3, keys: 1, start: 0, measure: 0, end: 99 };
    let found = Rc::new(Cell::new(Alarm::default()));
    let mut history = TrialHistory::begin(&mut file, &header, limit, Rc::clone(&found));
    for (i, event) in events.iter().enumerate() {
        if let Some((_, alarm)) = alarms.iter().find(|(at, _)| *at == i) {
            found.set(*alarm);
        }
        history.observe(event);
        history.pause();
    }
    let recorded = history.end();
    file.finish().unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let mut parser = Parser::default();
    let mut lines = text.lines().map(|line| parser.parse(line).unwrap());
    assert_eq!(lines.next(), Some(Line::Result(header)));
    let events = lines.map(|line| if let Line::Event(event) = line { event } else { panic!("{line:?}") });
    (events.collect(), recorded)
}

/// Client 0 holds from 0 s to 50 s; client 1 makes a cycle a second.
fn long_and_short() -> Vec<Event> {
    let event = |t, client, what| Event { t, client, attempt: 0, key: 0, what };
    let mut events = vec![event(0, 0, CYCLE[0]), event(1, 0, CYCLE[1])];
    for second in 1..50_u64 {
        for (i, what) in (0_u64..).zip(CYCLE) {
            events.push(event(second * S + i, 1, what));
        }
    }
    events.extend([event(50 * S, 0, CYCLE[2]), event(50 * S + 1, 0, CYCLE[3])]);
    events
}

fn same(a: &[Event], b: &[Event]) -> bool {
    let shape = |e: &Event| (e.t, e.client, std::mem::discriminant(&e.what));
    a.iter().map(shape).eq(b.iter().map(shape))
}

#[test]
fn within_the_limit_everything_is_written() {
    let events = long_and_short();
    let (read, recorded) = written(50, &events, &[]);
    assert!(same(&read, &events));
    assert_eq!(recorded, Recorded { attempts: 50, complete: true });
    assert!(!written(49, &events, &[]).1.complete);
}

#[test]
fn beyond_the_limit_only_the_first_attempts_are_written_each_to_its_end() {
    let (read, recorded) = written(2, &long_and_short(), &[]);
    let times: Vec<u64> = read.iter().map(|event| event.t).collect();
    assert_eq!(times, [0, 1, S, S + 1, S + 2, S + 3, 50 * S, 50 * S + 1]);
    assert_eq!(recorded, Recorded { attempts: 2, complete: false });
}

#[test]
fn what_a_person_did_is_written_beyond_the_limit_too() {
    let mut events = long_and_short();
    let by_hand = [
        (10 * S, What::PauseBegins),
        (12 * S, What::Marker { number: 1, at: 11 * S }),
        (15 * S, What::Paused { from: 10 * S }),
    ];
    events.retain(|event| !(10 * S..15 * S).contains(&event.t));
    events.extend(by_hand.map(|(t, what)| Event { t, client: Event::NOBODY, attempt: 0, key: 0, what }));
    events.sort_by_key(|event| event.t);
    let (read, recorded) = written(2, &events, &[]);
    assert!(!recorded.complete);
    let nobody: Vec<What> = read.iter().filter(|e| e.client == Event::NOBODY).map(|e| e.what).collect();
    assert_eq!(nobody, by_hand.map(|(_, what)| what));
}

#[test]
fn a_violation_found_late_is_surrounded_and_the_file_stays_in_order() {
    let events = long_and_short();
    // The grant at 20 s is found to be a double one when client 0 leaves at 50 s.
    let last = events.len() - 1;
    let (read, _) = written(2, &events, &[(last, Alarm { count: 1, at: 20 * S + 1, ..Alarm::default() })]);
    assert!(read.is_sorted_by_key(|event| event.t));
    for second in 20..22 {
        assert_eq!(read.iter().filter(|e| e.t / S == second).count(), 4, "{second}");
    }
    assert_eq!(read.iter().filter(|e| e.t < S).count(), 2);
    assert_eq!(read.last().map(|e| e.t), Some(50 * S + 1));
    assert!(!read.iter().any(|e| e.t / S > 1 && e.t / S < 19));
}
