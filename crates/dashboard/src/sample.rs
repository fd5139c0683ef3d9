//! For tests: the updates of real runs, as recorded in
//! `tests/data/watched.json.gz`. Three systems under the quickstart plan, one lock that
//! does not lock (violations), and one whose clients all time out, as one run.

use std::io::Read;

use flate2::read::GzDecoder;

use super::state::State;
use lockbench_report::live::{Snapshot, Update};

/// Every update, to the end of the run.
#[allow(clippy::unwrap_used, reason = "for tests")]
pub fn updates() -> Vec<Update> {
    let mut text = String::new();
    let bytes: &[u8] = include_bytes!("../../../tests/data/watched.json.gz");
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The state in the middle of the trial of a system: after so many of its snapshots.
pub fn in_the_middle_of(backend: &str, snapshots: usize) -> State {
    let mut state = State::default();
    let mut seen = 0;
    for update in updates() {
        let of = |snapshot: &Snapshot| snapshot.backend == backend;
        let counts = matches!(&update, Update::Live(snapshot) if of(snapshot));
        seen += usize::from(counts);
        state.update(update);
        if counts && seen == snapshots {
            break;
        }
    }
    state
}

/// The state at the end of the run.
pub fn at_the_end() -> State {
    let mut state = State::default();
    updates().into_iter().for_each(|update| state.update(update));
    state
}
