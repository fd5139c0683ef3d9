//! A recorded run, and after it thousands of the same with one thing changed: whatever it
//! is, whoever reads it comes to an end, with a result or an error, and without a panic.
//! How much memory they may take, the program that this belongs to says.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lockbench::output::{OUTPUTS, comparison, monitor_text, need, text, timeline};
use lockbench::record::history::WholeParts;
use lockbench::report::compare::{Rules, Side, compare};
use lockbench::report::live::play;
use lockbench::report::monitor::{STATUS, read_status};
use lockbench::report::{RecordedRun, Replayed, history_path, read_report, replay};

use super::{packed, place, unpacked};

/// Changed runs.
const ROUNDS: u64 = 300;
/// Of so many runs one has its charts drawn, which takes long.
const DRAWN: u64 = 40;
/// Numbers that a file may claim in the place of another.
const CLAIMS: [&str; 14] = [
    "0",
    "1",
    "7",
    "-1",
    "null",
    "4294967295",
    "4294967296",
    "10000000",
    "9007199254740993",
    "2305843009213693952",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
    "0.5",
];

/// Draws of a fixed seed (Steele, Lea and Flood, "SplitMix").
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// One thing in a text changed.
fn changed(text: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut out = text.to_vec();
    let at = draw.below(text.len());
    match draw.below(8) {
        0 => out[at] ^= 1 << draw.below(8),
        1 => drop(out.remove(at)),
        2 => out.truncate(at),
        3 => {
            // A line twice, or once more somewhere else.
            let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let (one, other) = (draw.below(lines.len()), draw.below(lines.len()));
            out = [&lines[..other], &lines[one..=one], &lines[other..]].concat().concat();
        }
        _ => {
            // A number from `at` on, replaced by another.
            let Some(begin) = (at..text.len()).find(|at| text[*at].is_ascii_digit()) else { return out };
            let length = text[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            out.splice(begin..begin + length, CLAIMS[draw.below(CLAIMS.len())].bytes());
        }
    }
    out
}

/// Everything that reads a run, as the commands do.
fn read(directory: &Path, good: &RecordedRun, draw_charts: bool) {
    if let Ok(report) = read_report(directory) {
        assert!(!text(&report, Some(100)).is_empty());
        let (a, b) = ([&good.report], [&report]);
        let sides = (Side { name: "good", runs: &a }, Side { name: "bad", runs: &b });
        if let Ok(found) = compare(sides.0, sides.1, &Rules { force: true, ..Rules::default() }) {
            drop(comparison(&found));
        }
    }
    let mut add = |mut replayed: Replayed| drop(replayed.measurements());
    let _ = replay(&history_path(directory), &|_| None, &mut add);
    if let Ok(parts) = WholeParts::open(&history_path(directory)) {
        parts.for_each(drop);
    }
    let Ok(run) = RecordedRun::open(directory) else { return };
    run.scenes.iter().for_each(|scene| drop(timeline(scene, 80)));
    let _ = need(&run, None, "grants", None);
    let _ = play(&run, &history_path(directory), 50_000_000, &mut drop);
    for output in OUTPUTS {
        if draw_charts || !["charts", "html"].contains(&output.name) {
            let _ = (output.render)(&run);
        }
    }
}

#[test]
fn whatever_is_changed_in_a_stored_run_no_reader_panics() {
    let (place, bad) = place();
    let good = RecordedRun::open(&place.results().join("good")).unwrap();
    let files = ["report.json", "measured.json.gz", "history.jsonl.gz", "plan.toml"];
    let path = |name: &str| -> PathBuf { bad.join(name) };
    let whole = files.map(|name| {
        if name.ends_with(".gz") { unpacked(&path(name)).into_bytes() } else { fs::read(path(name)).unwrap() }
    });
    for round in 0..ROUNDS {
        let mut draw = Draw(round);
        let at = draw.below(files.len());
        let (name, text) = (files[at], &whole[at]);
        let stored = fs::read(path(name)).unwrap();
        // One in eight is damaged as it lies on the disk.
        let bytes = match (name.ends_with(".gz"), draw.below(8)) {
            (true, 0) => changed(&stored, &mut draw),
            (true, _) => packed(&changed(text, &mut draw)),
            (false, _) => changed(text, &mut draw),
        };
        fs::write(path(name), &bytes).unwrap();
        let done = catch_unwind(AssertUnwindSafe(|| read(&bad, &good, round % DRAWN == 0)));
        assert!(done.is_ok(), "round {round} changed {name}");
        fs::write(path(name), stored).unwrap();
    }
}

#[test]
fn whatever_is_changed_in_the_status_of_a_watch_no_reader_panics() {
    let (place, _) = place();
    place.run(&["monitor", "w.toml", "--for", "1s", "-b", "memory", "--run-id", "bad-watch"]);
    let bad = place.results().join("bad-watch");
    let whole = fs::read(bad.join(STATUS)).unwrap();
    assert!(read_status(&bad).is_ok());
    for round in 0..ROUNDS {
        fs::write(bad.join(STATUS), changed(&whole, &mut Draw(round))).unwrap();
        let done = catch_unwind(|| read_status(&bad).map(|status| monitor_text(&status)));
        assert!(done.is_ok(), "round {round}");
    }
}
