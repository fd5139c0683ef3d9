use super::{Band, timeline, with_bands};
use crate::chart::BandKind;
use crate::sample;
use lockbench_core::record::figures::Window;
use lockbench_core::units::SECOND;

#[test]
fn every_system_has_its_line_and_the_first_trial_is_named() {
    let chart = timeline(&sample::crowd(10)).unwrap().remove(0);
    assert_eq!(chart.rows.len(), 10);
    assert!(chart.caption.contains("The first of 3 trials is shown"));
    assert!(chart.svg.contains(">zookeeper</text>") && chart.svg.contains(">warm-up</text>"));
    assert_eq!(chart.views.iter().filter_map(|view| view.system.as_deref()).count(), 10);
    assert!(!timeline(&sample::recorded()).unwrap()[0].caption.contains("trials"));
}

#[test]
fn double_grants_are_marked_counted_and_in_the_table() {
    let chart = timeline(&sample::recorded()).unwrap().remove(0);
    assert!(chart.svg.contains(">7</text>") && chart.svg.contains("redlock: 7 double grants"));
    assert_eq!(chart.rows.iter().map(|row| row[5].as_str()).collect::<Vec<_>>(), ["0", "7"]);
}

#[test]
fn without_a_grant_the_rate_is_zero_and_waits_are_dashes() {
    let chart = timeline(&sample::timeouts()).unwrap().remove(0);
    assert_eq!(chart.rows[0], ["redis", "0.00", "0.00", "-", "-", "0"]);
    assert!(chart.svg.contains("nothing was granted, 2 003 of 2 003 attempts timed out"));
    assert!(timeline(&sample::empty()).unwrap().is_empty());
    let mut old = sample::recorded();
    old.measured.clear();
    assert!(timeline(&old).unwrap().is_empty());
}

#[test]
fn a_double_grant_in_a_later_trial_is_not_hidden() {
    let mut run = sample::crowd(2);
    run.measured[4].double_grants = vec![0, 0, 0, 5];
    let chart = timeline(&run).unwrap().remove(0);
    assert!(chart.svg.contains("redlock, trial 2") && chart.svg.contains(">5</text>"));
    assert_eq!(chart.rows[1][5], "5");
}

#[test]
fn a_long_run_of_many_systems_stays_small() {
    let mut run = sample::crowd(10);
    for one in &mut run.measured {
        one.windows = (0..480).map(|second| Window { second, ..one.windows[second as usize % 7].clone() }).collect();
        one.measured_ns = 478 * SECOND;
    }
    let svg = timeline(&run).unwrap().remove(0).svg;
    assert!(svg.len() < 80_000, "{} bytes", svg.len());
}

#[test]
fn pauses_and_markers_are_drawn_named_and_in_no_rate() {
    let chart = timeline(&sample::steered()).unwrap().remove(0);
    for text in [">pause</text>", ">1</text>", ">load paused</text>", "marker, with its"] {
        assert!(chart.svg.contains(text), "{text}");
    }
    assert!(chart.caption.contains("Hatched: the load was paused") && chart.caption.contains("Dashed with a number"));
    let plain = timeline(&sample::recorded()).unwrap().remove(0);
    assert!(!plain.svg.contains("load paused") && !plain.caption.contains("Hatched"));
    // The other system ran on: it has no pause.
    assert!(chart.views[0].svg.contains(">pause</text>") && !chart.views[1].svg.contains(">pause</text>"));
    assert!(!chart.views[1].svg.contains("#f4f1f8"));
    // The seconds of the pause grant next to nothing, and that is not the system's fewest.
    assert_ne!(chart.rows[0][1], "0.00");
}

#[test]
fn the_drain_has_no_median() {
    let mut run = sample::crowd(1);
    let last = &mut run.measured[0].windows[6];
    (last.second, last.p50_ns) = (7, Some(9_000_000_000));
    let before = timeline(&run).unwrap().remove(0);
    run.measured[0].windows[6].p50_ns = None;
    assert_eq!(timeline(&run).unwrap()[0].svg, before.svg);
}

#[test]
fn faults_are_shaded_and_named() {
    let band = Band { from_s: 2.5, to_s: 4.0, label: "a <pause>".to_owned(), kind: BandKind::Fault };
    let chart = with_bands(&sample::recorded(), &[band]).unwrap().remove(0);
    assert!(chart.svg.contains("a &lt;pause&gt;") && chart.svg.contains("#fdf0d5"));
    assert!(!with_bands(&sample::recorded(), &[]).unwrap()[0].svg.contains("#fdf0d5"));
}
