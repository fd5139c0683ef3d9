//! Every kind of event is read as it was written, and what is none is refused.

use super::Parser;
use crate::record::event::{
    Denial, Disturbance, Event, Mode, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What, WitnessReading,
};
use crate::record::history::line::{Header, Line, Unjudged};
use crate::record::history::text_write::{write, write_header};

fn every_kind() -> Vec<What> {
    let seen = WitnessReading {
        occupancy: 2,
        lost_update: true,
        stale_write: false,
        refused_write: true,
        challenged: Some(false),
        act: crate::record::Act::NONE,
    };
    let mut all = vec![
        What::Invoke { due: 7 },
        What::Acquired { token: Some(9), validity: 12, requests: 3, waited: Some(true), wakeups: 0 },
        What::Acquired { token: Some(9), validity: 12, requests: 1, waited: Some(false), wakeups: 0 },
        What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 },
        What::Lost { at: 5 },
        What::ReleaseInvoke { enter: 1, exit: 2, seen, asked: 0 },
        What::ReleaseInvoke { enter: 1, exit: 2, seen: WitnessReading { challenged: Some(true), ..seen }, asked: 0 },
        What::ReleaseInvoke { enter: 1, exit: 2, seen: WitnessReading { challenged: None, ..seen }, asked: 0 },
        What::Died { surely_ended: u64::MAX, challenged: None },
        What::Died { surely_ended: 9, challenged: Some(true) },
        What::Killed { at: 4, surely_ended: u64::MAX },
        What::SelfStall { from: 3 },
        What::PauseBegins,
        What::Paused { from: 4 },
        What::Marker { number: 2, at: 10 },
        What::Stopped { fault: 2, from: 6 },
        What::FaultInjected(Disturbance { fault: 1, node: 4 }),
        What::FaultHealed { of: Disturbance { fault: 0, node: 2 }, from: 6, bit: true },
        What::LateWrite { of: 3, fault: 1, from: 6, seen: WitnessReading { challenged: None, ..seen } },
        What::Dropped { due: 3, until: 8, count: 4, own: false },
        What::Dropped { due: 3, until: 8, count: 1, own: true },
        What::Identity { of: 3, digest: u64::MAX },
    ];
    for holder in [SeenHolder::Free, SeenHolder::Client(4), SeenHolder::Stranger, SeenHolder::Away] {
        all.push(What::Seen(Seen { node: 2, left_ms: 7, holder, token: 8, before: 9 }));
        let (left_ms, token) = (Seen::NO_LEASE, Seen::NO_TOKEN);
        all.push(What::Seen(Seen { node: 0, left_ms, holder, token, before: 0 }));
    }
    for (denial, _) in Denial::ALL {
        all.push(What::Denied { denial, surely_ended: u64::MAX, requests: 2, wakeups: 0 });
    }
    for outcome in [RenewalOutcome::Confirmed, RenewalOutcome::Refused, RenewalOutcome::Unanswered] {
        all.push(What::Renewed { invoke: 1, outcome, validity: 4 });
    }
    for release in [ReleaseKind::Confirmed, ReleaseKind::NotOwner, ReleaseKind::Unavailable, ReleaseKind::Unknown] {
        all.push(What::Released { release, surely_ended: u64::MAX, requests: 1 });
    }
    all
}

const HEADER: &str = r#"{"result":{"backend":"memory","trial":1,"clients":9,"keys":9,"start":0,"measure":1,"end":9}}"#;

/// Lines of version 2, of a result that has begun.
fn second() -> Parser {
    let mut parser = Parser::default();
    let header = Header { backend: "memory".to_owned(), trial: 1, clients: 9, keys: 9, start: 0, measure: 1, end: 9 };
    let mut text = Vec::new();
    write_header(&header, &mut text);
    assert_eq!(parser.parse(std::str::from_utf8(&text).unwrap()), Ok(Line::Result(header)));
    parser
}

fn first() -> Parser {
    let mut parser = Parser::default();
    assert!(matches!(parser.parse(HEADER), Ok(Line::Result(_))));
    parser
}

#[test]
fn every_event_reads_back_as_it_was() {
    for what in every_kind() {
        let client = if what.is_of_nobody() { Event::NOBODY } else { 3 };
        let attempts = if what.is_of_nobody() { [(0, 0); 3] } else { [(0, 0), (7, 0), (8, 5)] };
        for (attempt, key) in attempts {
            let event = Event { t: 11, client, attempt, key, what };
            let mut text = Vec::new();
            write(&event, &mut text);
            assert_eq!(second().parse(std::str::from_utf8(&text).unwrap()), Ok(Line::Event(event)));
        }
    }
}

#[test]
fn foreign_lines_are_refused() {
    for text in [
        "",
        "{}",
        "{\"t\":1,\"e\":\"invoke\"}",
        "{\"t\":1,\"e\":\"granted\"}",
        "{\"t\":1,\"e\":\"died\",\"x\":1}",
        "{\"t\":1,\"e\":\"died\"}",
        "{\"t\":1,\"c\":0,\"e\":\"died\"}",
        "{\"t\":2,\"c\":0,\"k\":0,\"e\":\"self_stall\",\"from\":1}",
        "{\"t\":2,\"c\":0,\"k\":0,\"e\":\"pause_begins\"}",
        "{\"t\":2,\"e\":\"paused\"}",
        "{\"t\":2,\"e\":\"paused\",\"from\":3}",
        "{\"t\":2,\"e\":\"marker\",\"at\":1}",
        "{\"t\":2,\"e\":\"marker\",\"number\":1,\"at\":3}",
    ] {
        assert!(first().parse(text).is_err(), "{text}");
    }
}

#[test]
fn lines_of_version_1_are_read_by_the_rules_of_version_1() {
    let mut parser = first();
    let invoke = r#"{"t":2,"c":3,"k":4,"e":"invoke","due":1}"#;
    let event = Event { t: 2, client: 3, attempt: 0, key: 4, what: What::Invoke { due: 1 } };
    assert_eq!(parser.parse(invoke), Ok(Line::Event(event)));
    let refused = r#"{"t":2,"c":3,"k":4,"e":"refused"}"#;
    let what = What::Denied { denial: Denial::Refused, surely_ended: u64::MAX, requests: 0, wakeups: 0 };
    assert_eq!(parser.parse(refused), Ok(Line::Event(Event { what, ..event })), "absent is none, not one");
    for text in [r#"{"t":2,"c":3,"e":"invoke","due":1}"#, r#"{"t":2,"c":3,"a":1,"k":4,"e":"invoke","due":1}"#] {
        assert!(parser.parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_version_2_leaves_out_is_as_usual() {
    let mut parser = second();
    let mut read = |text: &str| match parser.parse(text) {
        Ok(Line::Event(event)) => event,
        other => panic!("{other:?}"),
    };
    let event = Event { t: 2, client: 3, attempt: 0, key: 0, what: What::Invoke { due: 2 } };
    assert_eq!(read(r#"{"t":2,"c":3,"e":"invoke"}"#), event);
    assert_eq!(read(r#"{"t":2,"c":3,"a":9,"k":[4],"g":1,"m":"exclusive","e":"invoke"}"#).attempt, 9);
    let what = What::InvokeAs { due: 2, first: 0, mode: Mode::Permits { of: 3 } };
    assert_eq!(read(r#"{"t":2,"c":3,"m":"permits:3","e":"invoke"}"#), Event { what, ..event });
    let what = What::Denied { denial: Denial::Refused, surely_ended: u64::MAX, requests: 1, wakeups: 0 };
    assert_eq!(read(r#"{"t":2,"c":3,"e":"refused"}"#), Event { what, ..event });
}

#[test]
fn what_version_2_does_not_know_is_kept_and_what_makes_no_sense_is_not() {
    let mut parser = second();
    for (text, kind) in [
        (r#"{"t":5,"e":"clock_jump","k":[0],"holder":"c3","ttl":40}"#, "clock_jump"),
        (r#"{"t":5,"c":1,"a":2,"m":"permits:0","e":"acquired"}"#, "acquired (permits:0)"),
        (r#"{"t":5,"c":1,"a":2,"m":"leased","e":"acquired"}"#, "acquired (leased)"),
        (r#"{"t":5,"c":1,"a":2,"k":[1,2],"e":"acquired"}"#, "acquired (several keys)"),
    ] {
        let unjudged = Unjudged { t: 5, kind: kind.to_owned(), text: text.to_owned() };
        assert_eq!(parser.parse(text), Ok(Line::Unjudged(unjudged)));
    }
    for text in [
        r#"{"t":5,"c":1,"e":"acquired","owner":2}"#,
        r#"{"t":5,"e":"fault_injected","fault":0}"#,
        r#"{"t":5,"e":"fault_healed","fault":0,"node":0,"from":4}"#,
        r#"{"t":5,"e":"fault_healed","fault":0,"node":0,"from":6,"bit":true}"#,
        r#"{"t":5,"e":"acquired"}"#,
        r#"{"t":5,"c":1,"k":[],"e":"acquired"}"#,
        r#"{"t":5,"c":1,"e":"self_stall","from":1}"#,
    ] {
        assert!(parser.parse(text).is_err(), "{text}");
    }
    let newer = HEADER.replace("{\"backend\"", "{\"version\":3,\"backend\"");
    assert!(parser.parse(&newer).unwrap_err().contains("version 3"));
}
