//! What a monitor keeps of the attempts that it has seen: rolling windows whose memory
//! is fixed, the bounds that are held against them, the state of each alert, and the
//! status that file, screen and table show. And a stored watch, read back.

mod alert;
mod bound;
mod certain;
mod kept_rounds;
mod rolling;
mod status;
mod stored;
mod tap;
mod waits;
mod window_counts;
mod window_figures;

pub use alert::{Alert, Rules, Standing, Turn};
pub use bound::{Bound, OFFERED, Outcome, Span, defaults};
pub use certain::Certain;
pub use kept_rounds::{KEPT, KeptRounds, is_kept, kept_in, kept_name};
pub use rolling::{Rolling, WINDOWS};
pub use status::{AlertStatus, Change, Outage, Sent, State, Status, StatusVersion, SystemStatus, worst_of};
pub use stored::{STATUS, is_watch, read_status};
pub use tap::{ServiceSign, Tap};
pub use waits::Waits;
pub use window_counts::{Tail, WindowCounts};
pub use window_figures::WindowFigures;
