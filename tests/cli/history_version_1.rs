//! A run that was stored when histories were of version 1: it reads, verifies, explains,
//! exports and redraws as it did then.

use std::fs;
use std::path::Path;

use crate::support::cli::Place;

/// Stored by the last version that wrote such histories, with what it made of them.
const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/history-1");

#[test]
fn a_history_of_version_1_is_judged_and_drawn_as_it_was() {
    let place = Place::new();
    let run = place.results().join("first");
    fs::create_dir_all(&run).unwrap();
    for entry in fs::read_dir(STORED).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, run.join(path.file_name().unwrap())).unwrap();
    }
    fs::remove_file(run.join("timeseries.csv")).unwrap();
    place.run(&["verify", "first"]).exits(100).tells(&[
        "control:no-lock trial 1: agrees on all 340 holds and every figure; 62 double grants in them",
        "memory trial 1: agrees on all 330 holds and every figure; 0 double grants in them",
        "verify: exit 100: as the run did",
    ]);
    place.run(&["report", "first"]).exits(0);
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!(read(&run.join("timeseries.csv")), read(&Path::new(STORED).join("timeseries.csv")));
    place.run(&["explain", "first", "1"]).exits(0).tells(&[
        "double grant 1 of 62: control:no-lock trial 1, inside a lease",
        "client 0                [1=#########################################################[4##############",
        "at once                    2222222222222222222222222222222222222222222222222222222222222222222222222",
    ]);
    place.run(&["export", "first", "--to", "porcupine", "--into", "out"]).exits(0);
    let exported = |name: &str| read(&place.path().join("out/histories").join(name));
    let lines =
        ["memory-t1.porcupine.jsonl", "control-no-lock-t1.porcupine.jsonl"].map(|name| exported(name).lines().count());
    assert_eq!(lines, [664, 680]);
}
