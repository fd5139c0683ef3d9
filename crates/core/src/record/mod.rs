//! What happened. Clients emit [`Event`]s and nothing else; every number,
//! verdict, screen and file is a fold over the merged stream of them.
//!
//! The path of an event: a client stamps it into its worker's lock-free ring
//! (`shard`), one reader thread merges the rings in order of time behind a
//! watermark (`merge`) and shows each event to the observers; one state machine
//! ([`attempt`]) makes transitions of attempts of them, which the figures and the oracle's
//! checkers follow, and the history writer stores them. So no observer ever sees events out of
//! order, nothing on the measuring path waits for a consumer, and a stored
//! history replays to the same results.

pub mod attempt;
mod bounds;
mod event;
pub mod figures;
mod histogram;
pub mod history;
mod log;
mod merge;
mod reasons;
mod regular;
mod shard;
mod sparse;
mod stored_histogram;
mod trial_facts;

pub use attempt::{Attempts, Follower, Followers, Transition};
pub use bounds::BUCKET_BOUNDS_NS;
pub use event::{
    Act, AttemptId, Denial, Disturbance, Event, Mode, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What,
    WitnessReading,
};
pub use histogram::{Latency, LatencyFigures};
pub use log::{LOG_LINES, LogLevel, LogLine, LogNews, LogRing};
pub use merge::{Observer, Reader, ReaderCounts, Source};
pub use reasons::Reasons;
pub use regular::{open_regular, read_regular, read_regular_text, unpacked};
pub use shard::{Shard, ShardName, ShardReader, ShardSeed, quiet_shard, shard, shared_shard};
pub use sparse::Sparse;
pub use trial_facts::{ClockSeen, DiskFacts, FaultRecord, LeaderAfter, Phase, TrialReport};
