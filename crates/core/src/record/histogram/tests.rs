//! Histograms: recorded, merged, and stored.

use super::Latency;

#[test]
fn a_stored_histogram_reads_back_the_same() {
    let mut latency = Latency::default();
    (1..=3_000_u64).for_each(|n| latency.record(n * n * 7));
    let back = Latency::decoded(&latency.encoded()).unwrap();
    assert_eq!(back.histogram(), latency.histogram());
    assert_eq!(back.encoded(), latency.encoded());
    assert!(Latency::decoded("").unwrap().histogram().is_none());
    for wrong in ["?", "AAAA", &latency.encoded()[..20]] {
        assert!(Latency::decoded(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_was_waited_for_in_vain_is_stored_beside_the_histogram() {
    let mut latency = Latency::default();
    latency.record(7);
    let plain = serde_json::to_string(&latency).unwrap();
    assert_eq!(plain, format!("\"{}\"", latency.encoded()), "as before there was any");
    latency.record_in_vain(900);
    let back: Latency = serde_json::from_str(&serde_json::to_string(&latency).unwrap()).unwrap();
    assert_eq!(back.figures(), latency.figures());
    assert_eq!((back.in_vain(), back.max()), (1, Some(900)));
    let old: Latency = serde_json::from_str(&plain).unwrap();
    assert_eq!((old.count(), old.in_vain()), (1, 0));
}

#[test]
fn a_percentile_needs_ten_samples_beyond_it() {
    let mut latency = Latency::default();
    (1..=199).for_each(|ns| latency.record(ns));
    assert_eq!(latency.figures().p95_ns, None);
    latency.record(200);
    assert_eq!((latency.figures().p95_ns, latency.figures().p99_ns), (Some(190), None));
    (201..=1_000).for_each(|ns| latency.record(ns));
    assert_eq!(latency.figures().p99_ns, Some(990));
}

#[test]
fn percentiles_that_waits_in_vain_could_have_changed_are_null_and_the_others_count_them() {
    let of = |in_vain: u64| {
        let mut latency = Latency::default();
        (1..=1_000).for_each(|ns| latency.record(ns));
        (0..in_vain).for_each(|_| latency.record_in_vain(500));
        latency.figures()
    };
    let none = of(0);
    assert_eq!(
        (none.p50_ns, none.p90_ns, none.max_ns, none.max_is_lower_bound),
        (Some(500), Some(900), Some(1_000), false)
    );
    assert!(none.mean_ns.is_some());
    // 60 of 1 060: the 954th of all is the 954th of those that were answered.
    let some = of(60);
    assert_eq!((some.count, some.in_vain, some.p50_ns, some.p90_ns), (1_000, 60, Some(530), Some(954)));
    assert_eq!((some.p95_ns, some.p99_ns, some.p999_ns, some.mean_ns), (None, None, None, None));
    assert_eq!((some.max_ns, some.max_is_lower_bound), (Some(1_000), true));
    // Only those *above* the known share are unknown.
    let mut tenth = Latency::default();
    (1..=900).for_each(|ns| tenth.record(ns));
    (0..100).for_each(|_| tenth.record_in_vain(2_000));
    let figures = tenth.figures();
    assert_eq!((figures.p90_ns, figures.p95_ns, figures.max_ns), (Some(900), None, Some(2_000)));
    tenth.record_in_vain(1);
    assert_eq!(tenth.figures().p90_ns, None);
}

#[test]
fn where_all_was_in_vain_only_the_lower_bound_is_known() {
    let mut latency = Latency::default();
    (0..20).for_each(|_| latency.record_in_vain(2_000));
    let figures = latency.figures();
    assert_eq!((figures.count, figures.in_vain, figures.min_ns, figures.p50_ns), (0, 20, None, None));
    assert_eq!((figures.max_ns, figures.max_is_lower_bound, figures.exact_max_ns()), (Some(2_000), true, None));
}

#[test]
fn no_samples_means_no_figures() {
    let figures = Latency::default().figures();
    assert_eq!((figures.count, figures.min_ns, figures.max_ns, figures.mean_ns), (0, None, None, None));
}
