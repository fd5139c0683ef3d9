//! Scenarios: what a run of one showed beside what was expected of it, and the matrix of all of them.

mod claims;
mod judge;
mod matrix;
mod seen;

pub use claims::{JudgedClaim, judged_claims};
pub use judge::{Judgement, judge};
pub use matrix::{Cell, MATRIX, MATRIX_VERSION, Matrix, Row, Tone};
pub use seen::{Seen, seen};

use lockbench_core::units::human_duration;
use lockbench_core::workload::ExpectedVerdict;

/// An expected verdict in a few words.
#[must_use]
pub fn expected_words(verdict: &ExpectedVerdict) -> String {
    match verdict {
        ExpectedVerdict::Safe => "safe".to_owned(),
        ExpectedVerdict::DoubleGrant { kind, cause, at_least, also } => {
            let cause = cause.map_or_else(String::new, |cause| format!(" {cause}"));
            let count = if *at_least > 1 { format!(" x {at_least}") } else { String::new() };
            let also: String = also.iter().map(|also| format!(" + {}", also.name())).collect();
            format!("double grant {kind}{cause}{count}{also}")
        }
        ExpectedVerdict::Stuck { at_least_ns, at_most_ns } => {
            let at_most = at_most_ns.map_or_else(String::new, |most| format!(", at most {}", human_duration(most)));
            format!("stuck at least {}{at_most}", human_duration(*at_least_ns))
        }
        ExpectedVerdict::Tokens => "token regression".to_owned(),
        ExpectedVerdict::StaleWrite => "stale write".to_owned(),
        ExpectedVerdict::NotOffered => "not offered".to_owned(),
    }
}
