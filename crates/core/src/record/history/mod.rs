//! The history on disk: `history.jsonl.gz`, JSON lines in order of time. A header line
//! starts each result and names the version of its lines, which is 2; then comes one line
//! per event:
//!
//! ```text
//! {"result":{"version":2,"backend":"redis","trial":1,"clients":64,"keys":1,"start":…,"measure":…,"end":…}}
//! {"t":81240113,"c":3,"a":12,"e":"invoke"}
//! {"t":81290114,"c":3,"a":12,"e":"acquired","token":17,"validity":91240113}
//! ```
//!
//! | field | meaning | absent |
//! |---|---|---|
//! | `t` | the instant | never |
//! | `c` | client | the event is of the tool itself |
//! | `a` | number of the attempt within its client, from 1 | the one that the client has open |
//! | `k` | list of the keys of the attempt | `[0]` |
//! | `g` | group of the client | 0 |
//! | `m` | mode: `exclusive`, `shared`, `optimistic`, `permits:N` | `exclusive` |
//! | `e` | kind of the event | never |
//! | `due` | of `invoke`: the due instant | `t` |
//! | `first` | of `invoke`: number of the first attempt of the transaction that this is a further lock of | the attempt is on its own, or the first |
//! | `requests` | requests sent for the call that is answered | 1 |
//! | `occupancy` | of `release_invoke`: most clients inside at once | 1 |
//!
//! This version writes attempts of one key; a transaction of several locks is several attempts, of which the
//! further ones name the first. A `release_invoke` is `acted` where the critical section is one that acts, `harm` where it
//! should not have, and `harm_fenced` where fencing would not have kept it from it. A reader keeps what it does not know,
//! a kind or a mode, as [`Line::Unjudged`], and `verify` says that it did not judge it.
//!
//! Version 1 has no version in its header, `k` is one number, nothing but flags and instants
//! that never come is left out, and attempts bear no number: they get one as they are read,
//! by the rule that a client has one attempt open at a time.
//!
//! A result whose events are too many is written whole up to a line
//! `{"cut":{"t":…,"judged":{…}}}`, which says what the oracle had counted by then; after
//! it come the rest of the attempts that were under way, and what surrounds violations.
//!
//! Lines without `c` are of the tool itself: `self_stall`; what a person did,
//! `pause_begins`, `paused` and `marker`; and the faults of the plan, `fault_injected` and
//! `fault_healed`, with the place of the fault in the plan (`fault`), the place of the node among
//! the system's servers (`node`), both from 0, and whether the fault was seen to have done what
//! it is for (`bit`). Where the servers were asked beside the load who holds which key, there are `server_state`,
//! with the key, the place of the server (`node`), the client that holds it (`holder`) or else a `state` (`free`,
//! `stranger`, `away`), the `token`, until when it surely was as before (`before`), and what the lease of the holder
//! before had left then (`left_ms`); and `identity`, what a client (`holder`) is to the servers, as a `digest`. `late_write` is a
//! write of a client (`holder`) to the resource of a key that was sent at `from` and that a `fault` had kept on its way,
//! with what the witness saw of it. `dropped` are attempts (`number` of them) that were due by the clock from `due` on and
//! that no client took, the first free one came at `until`; `own`: no server is to blame for that. All
//! but the first are written after a cut too.
//!
//! `t` and every other instant are clock nanoseconds; other absent fields mean "none".
//! The file is flushed every second, so that it can be read while it grows. Storage other
//! than text is another [`Storage`].

mod limits;
mod line;
mod reader;
mod tail;
mod text_file;
mod text_parse;
mod text_write;
mod whole;
mod writer;

pub use limits::named;
pub use line::{Cut, Header, Judged, Line, Unjudged};
pub use reader::{HistoryError, HistoryReader, Next, Storage};
pub use tail::Ending;
pub use text_parse::Parser;
pub use whole::{WholePart, WholeParts};
pub use writer::{Alarm, HistoryFile, Recorded, TrialHistory};
