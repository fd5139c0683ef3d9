use super::{HeatMap, Phases, Scale, Strip, columns, heatmap, levels};
use crate::sample;
use lockbench_report::{Measurements, RecordedRun};

#[test]
fn every_grant_of_the_run_is_in_a_cell() {
    let run = sample::crowd(1);
    let trials: Vec<&Measurements> = run.measured.iter().collect();
    let columns = columns(&trials).unwrap();
    let map = HeatMap::new(&columns, &Scale::of(columns.iter()), String::new());
    let strip = |strip: &Strip| strip.rates.iter().map(|rate| rate.1).sum::<f64>() * (strip.to - strip.from) as f64;
    let inside: f64 = map.strips.iter().map(strip).sum();
    let grants: u64 = run.measured.iter().flat_map(|one| &one.windows).map(|window| window.grants).sum();
    assert!((inside - grants as f64).abs() < 1e-6, "{inside} {grants}");
    let phases = |trial, start| Phases { trial, start, measure: start + 2, end: start + 7 };
    assert_eq!(map.trials, [phases(1, 0), phases(2, 7), phases(3, 14)]);
}

#[test]
fn a_long_run_has_few_columns_and_few_rows() {
    let mut run = sample::crowd(1);
    let windows = run.measured[0].windows.clone();
    run.measured[0].windows = (0..1_000)
        .map(|second| {
            let mut window = windows[second as usize % windows.len()].clone();
            window.second = second;
            window
        })
        .collect();
    run.measured[0].measured_ns = 998_000_000_000;
    let trials: Vec<&Measurements> = run.measured.iter().collect();
    let columns = columns(&trials).unwrap();
    assert!(columns.len() <= 77 && columns[0].seconds == 14, "{}", columns.len());
    let chart = &heatmap(&run).unwrap()[0];
    assert!(chart.rows.len() <= 24 && chart.svg.len() < 60_000, "{} {}", chart.rows.len(), chart.svg.len());
}

#[test]
fn colours_have_round_bounds_that_cover_all_rates() {
    assert_eq!(levels([1.0, 37.0].into_iter()), [1.0, 2.0, 5.0, 10.0, 20.0]);
    assert_eq!(levels([3.0, 9_000.0].into_iter()), [3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0]);
    assert!(levels(std::iter::empty()).is_empty());
    let wide = levels([0.1, 1e6].into_iter());
    assert!(wide.len() <= 8 && wide[0] <= 0.1);
}

#[test]
fn what_went_unserved_in_a_drain_is_not_shaded_over_the_next_trial() {
    let mut run = sample::crowd(1);
    let mut drain = run.measured[0].windows[0].clone();
    (drain.second, drain.unserved) = (8, 1);
    run.measured[0].windows.push(drain);
    let shaded = |run: &RecordedRun| heatmap(run).unwrap()[0].caption.contains("Red shade");
    assert!(!shaded(&run));
    run.measured[0].windows[6].unserved = 1;
    assert!(shaded(&run));
}

#[test]
fn pauses_and_markers_stand_where_their_trial_does() {
    let chart = heatmap(&sample::steered()).unwrap().remove(0);
    for text in [">pause</text>", ">2</text>", ">load paused</text>", "marker, with its"] {
        assert!(chart.svg.contains(text), "{text}");
    }
    assert!(chart.caption.contains("Hatched: the load was paused"));
    let mut run = sample::crowd(1);
    run.measured[1].marks = sample::steered().measured[0].marks.clone();
    let chart = heatmap(&run).unwrap().remove(0);
    assert!(chart.svg.contains(">1 (trial 2)</text>"));
}

#[test]
fn warm_up_and_timeouts_are_marked_and_named() {
    let chart = heatmap(&sample::recorded()).unwrap().remove(0);
    for text in
        ["warm-up, not measured", "attempts timed out", "wait (log scale)", "grants per second", "and more", "redis"]
    {
        assert!(chart.svg.contains(text), "{text}");
    }
    assert_eq!(chart.rows[0][..4], ["redis", "1", "0 to 1", "warm-up"]);
    let empty = heatmap(&sample::timeouts()).unwrap().remove(0);
    assert!(empty.svg.contains("no data: nothing was granted"));
}
