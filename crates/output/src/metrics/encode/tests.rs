use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;

use super::{Exposition, Registry, encode, prometheus_protobuf};
use crate::metrics::{Arrivals, Board, Contribution, Durations, FAMILIES, Format, Kind, Subject, of_sample};
use lockbench_core::figure::{Counter, Totals};
use lockbench_core::record::figures::{Counts, Figures, Schedule};
use lockbench_core::record::history::Judged;
use lockbench_core::record::{Denial, Event, Observer, ReleaseKind, What, WitnessReading};

/// A trial of one client in microseconds: granted after 3 us, refused after 5 us, each
/// due 2 us before it began.
fn figures() -> Figures {
    let mut figures = Figures::new(Schedule::new(0, 0, u64::MAX), 1, 1).detailed();
    let seen = WitnessReading {
        occupancy: 1,
        lost_update: false,
        stale_write: false,
        refused_write: false,
        challenged: None,
        act: lockbench_core::record::Act::NONE,
    };
    for (us, what) in [
        (10, What::Invoke { due: 8_000 }),
        (13, What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 }),
        (20, What::ReleaseInvoke { enter: 0, exit: 0, seen, asked: 0 }),
        (21, What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 }),
        (30, What::Invoke { due: 28_000 }),
        (35, What::Denied { denial: Denial::Refused, surely_ended: 0, requests: 1, wakeups: 0 }),
    ] {
        figures.observe(&Event { t: us * 1_000, client: 0, attempt: 0, key: 0, what });
    }
    figures
}

/// Everything that a board can have.
fn full() -> Board {
    let (board, subject) = (Board::default(), Subject::new("postgres:lease", "a \"b\\c\nd} 1"));
    board.run("mine", "hot-key", "run");
    board.expect(&subject, true);
    board.up(&subject, true);
    board.fault(&subject, "partition", false);
    board.threshold(&subject, "acquire_service.p99{redis} < 20ms", true);
    let mut counters = Totals::of(&Counts::default(), &Judged::default(), true);
    for (counter, count) in [
        (Counter::DoubleGrants, 6),
        (Counter::Inside, 1),
        (Counter::TakenBack, 2),
        (Counter::Outside, 3),
        (Counter::Attempts, 2),
        (Counter::Grants, 1),
        (Counter::Refused, 1),
    ] {
        counters.set(counter, Some(count));
    }
    let counts = Totals::default().with(Counter::Dropped, 7).with(Counter::Missed, 5).with(Counter::Stalled, 3);
    let mut arrivals = Arrivals { counts, ..Arrivals::default() };
    arrivals.dropped_late.record_many(2_000_000, 7);
    board.arrive(&subject, &arrivals);
    board.settle(&subject, &Contribution { counters, durations: Durations::of(&figures()) });
    board
}

fn text(board: &Board, format: Format) -> String {
    String::from_utf8(encode(board.read(), format).unwrap()).unwrap()
}

fn messages(board: &Board) -> Vec<MetricFamily> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition::of(board.read())));
    prometheus_protobuf::encode(&registry).unwrap()
}

#[test]
fn the_answer_in_openmetrics_text() {
    let text = text(&full(), Format::OpenMetrics);
    let short: Vec<&str> = text.lines().filter(|line| !line.contains("le=\"0.")).collect();
    insta::assert_snapshot!(short.join("\n"));
}

#[test]
fn the_answer_in_plain_text() {
    let text = text(&full(), Format::Plain);
    let short: Vec<&str> = text.lines().filter(|line| !line.contains("le=\"0.")).collect();
    insta::assert_snapshot!(short.join("\n"));
}

#[test]
fn the_text_is_that_of_prometheus_own_client_library() {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition::of(full().read())));
    let mut theirs = String::new();
    prometheus_client::encoding::text::encode(&mut theirs, &registry).unwrap();
    similar(&text(&full(), Format::OpenMetrics), &theirs);
}

/// Names the first line that differs.
fn similar(mine: &str, theirs: &str) {
    mine.lines().zip(theirs.lines()).for_each(|(mine, theirs)| assert_eq!(mine, theirs));
    assert_eq!(mine.len(), theirs.len());
}

#[test]
fn both_texts_have_the_same_series() {
    // The order of labels means nothing.
    let series = |format| {
        let text = text(&full(), format);
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let mut series: Vec<String> = samples
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').unwrap();
                let labels = labels.trim_end_matches('}').replace("\"b", "'b");
                let mut labels: Vec<&str> = labels.split("\",").map(|one| one.trim_end_matches('"')).collect();
                labels.sort_unstable();
                format!("{name} {labels:?} {}", value.parse::<f64>().unwrap())
            })
            .collect();
        series.sort_unstable();
        series
    };
    assert_eq!(series(Format::OpenMetrics), series(Format::Plain));
}

#[test]
fn every_family_has_samples_with_exactly_its_labels() {
    let families = messages(&full());
    assert_eq!(families.len(), FAMILIES.len());
    for (family, message) in FAMILIES.iter().zip(&families) {
        assert_eq!(of_sample(&message.name).map(|known| known.name), Some(family.name), "{}", message.name);
        assert!(!message.metric.is_empty(), "{}", family.name);
        for metric in &message.metric {
            let labels: Vec<&str> = metric.label.iter().map(|label| label.name.as_str()).collect();
            assert_eq!(labels, family.labels, "{}", family.name);
            assert_eq!(metric.histogram.is_some(), family.kind == Kind::Histogram);
        }
    }
}

#[test]
fn native_and_classic_buckets_have_the_same_samples() {
    for family in messages(&full()) {
        for metric in family.metric {
            let Some(histogram) = metric.histogram else { continue };
            let (mut count, mut all) = (0, histogram.zero_count);
            for delta in &histogram.positive_delta {
                count += delta;
                all += u64::try_from(count).unwrap();
            }
            let length: u32 = histogram.positive_span.iter().map(|span| span.length).sum();
            assert_eq!(length as usize, histogram.positive_delta.len(), "{}", family.name);
            assert_eq!(all, histogram.sample_count, "{}", family.name);
            let last = histogram.bucket.last().unwrap();
            assert_eq!((last.upper_bound, last.cumulative_count), (f64::INFINITY, all), "{}", family.name);
            assert!(histogram.zero_threshold > 0.0, "without it an empty one is not known to be native");
        }
    }
}

#[test]
fn an_empty_board_is_a_valid_answer() {
    assert_eq!(text(&Board::default(), Format::OpenMetrics), "# EOF\n");
    assert_eq!(text(&Board::default(), Format::Plain), "");
    assert!(encode(Board::default().read(), Format::Protobuf).unwrap().is_empty());
}
