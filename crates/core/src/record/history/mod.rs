//! The history on disk: `history.jsonl.gz`, JSON lines in order of time. A
//! header line starts each result; then one line an event:
//!
//! ```text
//! {"result":{"backend":"redis","trial":1,"clients":64,"keys":1,"start":…,"measure":…,"end":…}}
//! {"t":81240113,"c":3,"k":0,"e":"invoke","due":81240113}
//! {"t":81290114,"c":3,"k":0,"e":"acquired","token":17,"validity":91240113,"requests":1}
//! ```
//!
//! A result whose events are too many is written whole up to a line
//! `{"cut":{"t":…,"judged":{…}}}`, which says what the oracle had counted by then; after
//! it come the rest of the attempts that were under way, and what surrounds violations.
//!
//! Lines without `c` and `k` are of the tool itself: `self_stall`, and what a person
//! did, `pause_begins`, `paused` and `marker`. These are written after a cut too.
//!
//! `t` and every other instant are clock nanoseconds; absent fields mean "none".
//! The file is flushed every second, so that it can be read while it grows.

mod limits;
mod line;
mod reader;
mod tail;
mod whole;
mod writer;

pub use limits::named;
pub use line::{Cut, Header, Judged, Line, parse};
pub use reader::{HistoryError, HistoryReader, Next};
pub use tail::Ending;
pub use whole::{WholePart, WholeParts};
pub use writer::{Alarm, HistoryFile, Recorded, TrialHistory};
