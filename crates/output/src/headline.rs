//! The verdict at a glance: a sign and a word for each exit code.

use lockbench_report::Exit;

/// A verdict at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headline {
    /// A sign that is distinguished without colour.
    pub sign: &'static str,
    /// A word or two.
    pub word: &'static str,
    /// What it means, a sentence.
    pub meaning: &'static str,
}

/// The headline of an exit code.
#[must_use]
pub fn headline(exit_code: u8) -> Headline {
    let of = |exit: Exit| exit.code() == exit_code;
    let (sign, word, meaning) = if of(Exit::Pass) {
        ("✅", "pass", "No gate was broken.")
    } else if of(Exit::Violation) {
        ("❌", "violated", "A lock was granted twice, or its token went back, where the plan does not expect it.")
    } else if of(Exit::Threshold) {
        ("❌", "threshold breached", "A bound that this run was to keep is broken, or a denied lint was found.")
    } else if of(Exit::Regression) {
        ("❌", "regression", "A gated figure is worse than in the baseline, beyond noise.")
    } else if of(Exit::Inconclusive) {
        ("❓", "inconclusive", "Nothing can be concluded: this is no pass.")
    } else if of(Exit::Backend) {
        (
            "⚠️",
            "backend failed",
            "A system that was asked for could not be reached or started, or died; the others ran.",
        )
    } else if of(Exit::Interrupted) || of(Exit::Terminated) {
        ("⚠️", "interrupted", "The run was stopped early; what was measured until then is here.")
    } else if of(Exit::Internal) {
        ("⚠️", "internal error", "lockbench itself failed: trust none of this before the reason is known.")
    } else {
        ("❓", "unknown exit code", "This lockbench does not know the code; a newer one may.")
    };
    Headline { sign, word, meaning }
}

#[cfg(test)]
mod tests {
    use super::headline;

    #[test]
    fn only_a_pass_looks_like_one() {
        for code in 0..=u8::MAX {
            assert_eq!(headline(code).sign == "✅", code == 0, "{code}");
        }
        assert_eq!((headline(100).word, headline(97).word), ("violated", "inconclusive"));
    }
}
