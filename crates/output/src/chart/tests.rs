//! What every chart must stand: each sample run gives a valid, readable picture.

#![allow(clippy::unwrap_used)]

use super::{Chart, charts};
use crate::sample;
use lockbench_report::RecordedRun;

fn runs() -> [(&'static str, RecordedRun); 6] {
    [
        ("recorded", sample::recorded()),
        ("steered", sample::steered()),
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
        let (tag, text) = tag.split_once('>').unwrap();
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
    let caption = chart.caption.split(' ').take(4).collect::<Vec<&str>>().join(" ");
    assert!(svg.contains(&super::svg::escaped(&caption)), "{name} has its caption not inside");
    assert!(chart.rows.iter().all(|row| row.len() == chart.head.len()), "{name}: rows and heads differ");
    // Of small multiples each is a picture of its own.
    let most = 50_000.max(9_000 * chart.views.len());
    assert!(svg.len() < most, "{name} has {} bytes", svg.len());
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

/// Width, height and pixels of a PNG as this program writes them.
fn decoded(bytes: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let (width, height) = reader.info().size();
    (width as usize, height as usize, pixels.as_chunks().0.to_vec())
}

#[test]
fn a_chart_is_drawn_as_png_in_any_size() {
    for (sample, run) in runs() {
        let mut kinds = Vec::new();
        for chart in charts(&run).unwrap() {
            // One of each kind is enough of a crowd.
            let kind = chart.name.split('-').next().unwrap().to_owned();
            if kinds.contains(&kind) {
                continue;
            }
            kinds.push(kind);
            let (width, height, pixels) = decoded(&chart.picture.png((640, 400)).unwrap());
            assert_eq!((width, height), (640, 400));
            let ink = pixels.iter().filter(|pixel| **pixel != [255; 3]).count();
            assert!(ink * 200 > pixels.len(), "{sample} {}: nearly blank, {ink} pixels", chart.name);
        }
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let draw = || charts(&sample::recorded()).unwrap();
    for (one, other) in draw().iter().zip(&draw()) {
        assert_eq!((&one.svg, &one.rows), (&other.svg, &other.rows));
        assert_eq!(one.picture.png((320, 200)).unwrap(), other.picture.png((320, 200)).unwrap(), "{}", one.name);
    }
}

#[test]
fn a_name_from_outside_cannot_break_a_picture() {
    let mut run = sample::recorded();
    let name = "<b onload=\"x\">&'";
    run.report.results[0].backend = name.to_owned();
    run.measured[0].backend = name.to_owned();
    let all = charts(&run).unwrap();
    for chart in &all {
        check(chart);
        assert!(!chart.svg.contains("<b ") && !chart.name.contains('<'), "{}", chart.name);
    }
    assert!(all[0].svg.contains("&lt;b onload=&quot;x&quot;&gt;&amp;&#39;"));
}

/// Not a test: `cargo test --lib charts_to_look_at -- --ignored` leaves the pictures
/// of all samples in `target/charts`, in two sizes, to be looked at. With
/// `LOCKBENCH_RUN=DIR` it draws that run instead.
#[test]
#[ignore = "writes pictures to look at"]
fn charts_to_look_at() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/charts");
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
