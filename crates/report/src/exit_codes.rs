//! The exit codes in words: for `ls`, the help, the manual page and the README, so
//! that all of them say the same.

use super::verdict::Exit;

impl Exit {
    /// Every exit code, in numerical order.
    pub const ALL: [Self; 10] = [
        Self::Pass,
        Self::Internal,
        Self::Usage,
        Self::Backend,
        Self::Inconclusive,
        Self::Regression,
        Self::Threshold,
        Self::Violation,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The exit of that code; `None` if lockbench has none.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// One word or two, for a column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Internal => "error",
            Self::Usage => "usage",
            Self::Backend => "backend failed",
            Self::Inconclusive => "inconclusive",
            Self::Regression => "regression",
            Self::Threshold => "threshold",
            Self::Violation => "violated",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// When it is given, a phrase.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "everything asked for was measured, and nothing is wrong",
            Self::Internal => {
                "a file cannot be read or written, a stored run is damaged, or lockbench itself is at fault"
            }
            Self::Usage => "the command line, the workload, a threshold or the named run makes no sense",
            Self::Backend => "a system is not reachable, not startable or died; the others still ran",
            Self::Inconclusive => {
                "nothing can be concluded: zero grants, an unknown verdict, a gated figure that does not exist, or a need of \
                 `report --need` that was not measured"
            }
            Self::Regression => "a gated figure is worse than in the baseline, beyond noise",
            Self::Threshold => "a threshold is breached, a denied lint was found, or no system fits `report --need`",
            Self::Violation => "a double grant or a token regression that the plan did not expect",
            Self::Interrupted => "interrupted (SIGINT): locks are released, every file is written, marked incomplete",
            Self::Terminated => "terminated (SIGTERM), or its terminal went away (SIGHUP): likewise",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn every_code_is_listed_once_in_order_and_reads_back() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 97, 98, 99, 100, 130, 143]);
        assert!(Exit::ALL.iter().all(|exit| Exit::of_code(exit.code()) == Some(*exit)));
        assert_eq!(Exit::of_code(4), None);
    }
}
