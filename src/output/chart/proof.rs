//! What every chart must stand: each sample run gives a valid, readable picture.

#![allow(clippy::unwrap_used)]

use super::{Chart, charts};
use crate::output::sample;
use crate::report::RecordedRun;

fn runs() -> [(&'static str, RecordedRun); 5] {
    [
        ("recorded", sample::recorded()),
        ("crowd-1", sample::crowd(1)),
        ("crowd-10", sample::crowd(10)),
        ("timeouts", sample::timeouts()),
        ("empty", sample::empty()),
    ]
}

/// Names of the elements that an SVG opens, checking that each is closed again.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag is not closed");
        assert!(tag.matches('"').count() % 2 == 0, "quotes in <{tag}>");
        assert!(!text.contains('>'), "a bare > in {text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?} left open");
}

fn check(chart: &Chart) {
    let Chart { name, svg, .. } = chart;
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{name}");
    assert!(svg.contains("viewBox=\"0 0 1200 720\""), "{name}");
    let root = svg.split('>').next().unwrap();
    assert!(!root.contains(" width=") && !root.contains(" height="), "{name}: {root}");
    assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("-inf"), "{name}");
    well_formed(svg);
    assert!(svg.contains(&super::svg::escaped(&chart.title)), "{name} has no title");
    assert!(!chart.caption.is_empty(), "{name} has no caption");
    assert!(chart.rows.iter().all(|row| row.len() == chart.head.len()), "{name}: rows and heads differ");
    assert!(svg.len() < 60_000, "{name} has {} bytes", svg.len());
}

#[test]
fn every_chart_of_every_sample_is_a_valid_picture() {
    for (sample, run) in runs() {
        let all = charts(&run).unwrap();
        let mut names: Vec<&str> = all.iter().map(|chart| chart.name.as_str()).collect();
        all.iter().for_each(check);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "{sample}: two charts of one name");
        let total: usize = all.iter().map(|chart| chart.svg.len()).sum();
        assert!(total < 700_000, "{sample}: all charts have {total} bytes, too much for one page");
    }
}

#[test]
fn a_chart_is_drawn_as_png_in_any_size() {
    for (sample, run) in runs().into_iter().take(1) {
        for chart in charts(&run).unwrap() {
            let png = chart.picture.png((640, 400)).unwrap();
            assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n", "{sample}");
            assert_eq!(&png[16..24], [0, 0, 2, 128, 0, 0, 1, 144]);
            // White alone would compress to a few hundred bytes.
            assert!(png.len() > 4_000, "{sample} {}: {} bytes", chart.name, png.len());
        }
    }
}

/// Not a test: `cargo test --lib charts_to_look_at -- --ignored` leaves the pictures
/// of all samples in `target/charts`, in two sizes, to be looked at. With
/// `LOCKBENCH_RUN=DIR` it draws that run instead.
#[test]
#[ignore = "writes pictures to look at"]
fn charts_to_look_at() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/charts");
    let mut runs: Vec<(String, RecordedRun)> = runs().into_iter().map(|(name, run)| (name.to_owned(), run)).collect();
    if let Ok(directory) = std::env::var("LOCKBENCH_RUN") {
        runs = vec![("run".to_owned(), RecordedRun::open(std::path::Path::new(&directory)).unwrap())];
    }
    let only = std::env::var("LOCKBENCH_CHART").unwrap_or_default();
    for (sample, run) in runs {
        let directory = root.join(sample);
        std::fs::create_dir_all(&directory).unwrap();
        for chart in charts(&run).unwrap().iter().filter(|chart| chart.name.starts_with(&only)) {
            std::fs::write(directory.join(format!("{}.svg", chart.name)), &chart.svg).unwrap();
            for size in [(1_200, 720), (640, 400)] {
                let name = format!("{}-{}.png", chart.name, size.0);
                std::fs::write(directory.join(name), chart.picture.png(size).unwrap()).unwrap();
            }
        }
    }
}
