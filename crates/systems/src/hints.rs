//! What the tests of every system ask of its hints.

use lockbench_core::lock::{Hint, SystemError};

/// Each failure is told as it is, and with this part of a hint: address, problem, part.
pub(crate) fn assert_said(hint: Hint, cases: &[(&str, &str, &str)]) {
    for (address, problem, part) in cases {
        let error = SystemError::new("x", *address, *problem).hinted(hint).to_string();
        assert!(error.contains(problem) && error.contains(part), "{error}");
    }
}
