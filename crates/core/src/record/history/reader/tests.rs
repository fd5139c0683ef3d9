//! Histories that are whole, cut off, or none.

use std::io::Write;

use super::{HistoryError, HistoryReader, Next};
use crate::record::history::Line;

const TEXT: &str = "{\"result\":{\"backend\":\"memory\",\"trial\":1,\"clients\":2,\"keys\":1,\"start\":0,\"measure\":1,\"end\":9}}\n\
    {\"t\":1,\"c\":0,\"k\":0,\"e\":\"invoke\",\"due\":1}\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

/// Lines read, broken off, error.
fn read(bytes: &[u8]) -> (usize, bool, Option<HistoryError>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut reader = HistoryReader::open(file.path()).unwrap();
    let (mut lines, mut error) = (0, None);
    for line in reader.by_ref() {
        match line {
            Ok(_) => lines += 1,
            Err(problem) => error = Some(problem),
        }
    }
    (lines, reader.broken_off(), error)
}

#[test]
fn a_whole_file_is_read_to_its_end() {
    let (lines, broken_off, error) = read(&gzip(TEXT.as_bytes()));
    assert_eq!((lines, broken_off), (2, false));
    assert!(error.is_none());
}

#[test]
fn a_file_that_breaks_off_is_read_to_its_last_whole_line() {
    let half_a_line = format!("{TEXT}{{\"t\":2,");
    let (lines, broken_off, error) = read(&gzip(half_a_line.as_bytes()));
    assert_eq!((lines, broken_off), (2, true));
    assert!(error.is_none());
    let whole = gzip(TEXT.as_bytes());
    let (lines, broken_off, error) = read(&whole[..whole.len() - 12]);
    assert!(lines <= 2 && broken_off && error.is_none());
}

#[test]
fn a_line_that_makes_no_sense_is_named() {
    let (_, _, error) = read(&gzip(format!("{TEXT}{{\"t\":2}}\n").as_bytes()));
    assert!(matches!(error, Some(HistoryError::Line { line: 3, .. })));
    assert!(read(b"not gzip at all").2.is_some());
}

#[test]
fn a_file_that_grows_is_followed_wherever_it_stops() {
    let whole = gzip(TEXT.as_bytes());
    for chunk in [1, 2, 7, 10, 64] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut reader, ending) = HistoryReader::follow(file.path()).unwrap();
        let (mut lines, mut waits) = (0, 0);
        let mut take = |reader: &mut HistoryReader| loop {
            match reader.step().unwrap() {
                Next::Line(_) => lines += 1,
                Next::Wait => {
                    waits += 1;
                    return;
                }
                Next::End => return,
            }
        };
        let mut out = file.reopen().unwrap();
        for part in whole.chunks(chunk) {
            out.write_all(part).unwrap();
            take(&mut reader);
        }
        ending.declare();
        take(&mut reader);
        assert_eq!((lines, waits), (2, whole.len().div_ceil(chunk)), "{chunk}");
        assert!(matches!(reader.step(), Ok(Next::End)) && !reader.broken_off());
    }
}

#[test]
fn what_was_flushed_can_be_read_before_the_file_goes_on() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut out = flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
    let (mut reader, ending) = HistoryReader::follow(file.path()).unwrap();
    assert!(matches!(reader.step(), Ok(Next::Wait)));
    for line in TEXT.split_inclusive('\n') {
        let (first, rest) = line.split_at(9);
        out.write_all(first.as_bytes()).unwrap();
        out.flush().unwrap();
        assert!(matches!(reader.step(), Ok(Next::Wait)));
        out.write_all(rest.as_bytes()).unwrap();
        out.flush().unwrap();
        assert!(matches!(reader.step(), Ok(Next::Line(_))));
    }
    // The writer was killed here.
    ending.declare();
    assert!(matches!(reader.step(), Ok(Next::End)) && reader.broken_off());
}

#[test]
fn an_event_that_fits_nothing_is_refused_before_it_can_do_harm() {
    let event = |t: u64, c: u32, k: u32| format!("{{\"t\":{t},\"c\":{c},\"k\":{k},\"e\":\"invoke\",\"due\":1}}\n");
    let nobody = event(2, u32::MAX, 0);
    for line in [event(0, 0, 0), event(2, 2, 0), event(2, 0, 1), event(1 << 60, 0, 0), nobody] {
        assert!(read(&gzip(format!("{TEXT}{line}").as_bytes())).2.is_some(), "{line}");
    }
    assert!(read(&gzip(event(1, 0, 0).as_bytes())).2.is_some());
    assert!(read(&gzip(format!("{TEXT}{}", event(2, 1, 0)).as_bytes())).2.is_none());
}

/// What the error says of a history that is TEXT with one part replaced.
fn problem(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from));
    let (_, _, error) = read(&gzip(TEXT.replace(from, to).as_bytes()));
    error.map_or_else(|| "none".to_owned(), |error| error.to_string())
}

#[test]
fn a_number_is_bounded_by_what_the_file_can_back() {
    for (from, to, line) in [
        ("\"keys\":1", "\"keys\":10000000", 1),
        ("\"clients\":2", "\"clients\":4294967295", 1),
        ("\"end\":9", "\"end\":18446744073709551615", 1),
        ("\"memory\"", "\"../../evil\\u001b\"", 1),
        ("\"due\":1", "\"due\":18446744073709551614", 2),
        ("{\"t\":1", "{\"t\":86400000000008", 0),
    ] {
        let told = problem(from, to);
        match line {
            // A day after the planned end is allowed: one silent day is.
            0 => assert_eq!(told, "none"),
            line => assert!(told.contains(&format!("line {line}:")), "{told}"),
        }
    }
    // An end in a week lets events come so late, not a file that is silent until then.
    let week = 7 * 86_400_000_000_000_u64;
    let late = TEXT.replace("\"end\":9", &format!("\"end\":{week}")).replace("{\"t\":1", &format!("{{\"t\":{week}"));
    assert!(read(&gzip(late.as_bytes())).2.unwrap().to_string().contains("line 2: "));
}

#[test]
fn a_file_without_line_breaks_is_read_no_further_than_a_line_may_go() {
    let (lines, _, error) = read(&gzip(format!("{TEXT}{}", " ".repeat(8 << 20)).as_bytes()));
    assert_eq!(lines, 2);
    assert!(error.unwrap().to_string().contains("line 3: a line of more than"), "too long");
}

#[test]
fn a_file_has_no_more_results_than_a_run() {
    let (header, _) = TEXT.split_once('\n').unwrap();
    let (lines, _, error) = read(&gzip(format!("{header}\n").repeat(5_000).as_bytes()));
    assert!(lines < 5_000 && error.unwrap().to_string().contains("results"), "{lines}");
}

#[test]
fn attempts_of_a_first_version_are_numbered_within_their_client() {
    let line = |t: u64, c: u32, rest: &str| format!("{{\"t\":{t},\"c\":{c},\"k\":0,{rest}}}\n");
    let (invoke, refused) = ("\"e\":\"invoke\",\"due\":1", "\"e\":\"refused\",\"requests\":1");
    let more = [line(2, 1, invoke), line(3, 0, refused), line(4, 0, invoke), line(5, 1, refused)].concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), gzip(format!("{TEXT}{more}").as_bytes())).unwrap();
    let events = HistoryReader::open(file.path()).unwrap().filter_map(|line| match line.unwrap() {
        Line::Event(event) => Some((event.client, event.attempt)),
        _ => None,
    });
    assert_eq!(events.collect::<Vec<_>>(), [(0, 1), (1, 1), (0, 1), (0, 2), (1, 1)]);
}
