//! Chart 9: what a grant costs. Requests sent and processor time of the servers, a
//! grant, one bar a system.

use crate::report::RecordedRun;
use crate::report::figure::find;

/// One figure of every system.
struct Panel {
    name: &'static str,
    bars: Vec<Bar>,
}

struct Bar {
    backend: String,
    /// All trials merged, or why there is none.
    value: Result<f64, String>,
    /// Lowest and highest of the trials, with two or more.
    range: Option<(f64, f64)>,
}
