//! The verdict on a run: its exit code and the reasons.

use super::schema::{Safety, SafetyVerdict, SkippedBackend, TrialResult, Verdict, Violation};
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::workload::plan::Expectation;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything as it should be.
    Pass,
    /// Internal or I/O error.
    Internal,
    /// Usage or plan.
    Usage,
    /// A backend is not reachable, not startable or died; the others still ran.
    Backend,
    /// A figure is worse than in the baseline, beyond noise.
    Regression,
    /// A threshold is breached, or a denied lint was found.
    Threshold,
    /// Nothing can be concluded.
    Inconclusive,
    /// An unexpected double grant or token regression.
    Violation,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Backend => 3,
            Self::Inconclusive => 97,
            Self::Regression => 98,
            Self::Threshold => 99,
            Self::Violation => 100,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Precedence, most severe first: 2 > 100 > 1 > 3 > 130/143 > 99 > 98 > 97 > 0.
    fn rank(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::Violation => 1,
            Self::Internal => 2,
            Self::Backend => 3,
            Self::Interrupted | Self::Terminated => 4,
            Self::Threshold => 5,
            Self::Regression => 6,
            Self::Inconclusive => 7,
            Self::Pass => 8,
        }
    }
}

/// The most severe of several exit codes; 97 if there are none, for nothing was concluded.
pub fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let all = [
        Exit::Usage,
        Exit::Violation,
        Exit::Internal,
        Exit::Backend,
        Exit::Interrupted,
        Exit::Terminated,
        Exit::Threshold,
        Exit::Regression,
        Exit::Inconclusive,
        Exit::Pass,
    ];
    let rank = |code: u8| all.iter().find(|exit| exit.code() == code).map_or(0, |exit| exit.rank());
    codes.min_by_key(|code| rank(*code)).unwrap_or(Exit::Inconclusive.code())
}

/// What ended the run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// SIGINT (Ctrl-C).
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: its terminal went away.
    HangUp,
}

/// Judges a run. `gates` is what thresholds, lints and a baseline have to say.
#[must_use]
pub fn judge(
    results: &[TrialResult],
    skipped: &[SkippedBackend],
    expect: &[Expectation],
    interruption: Option<Interruption>,
    is_control: &dyn Fn(&str) -> bool,
    gates: &[(Exit, String)],
) -> Verdict {
    let mut reasons: Vec<(Exit, String)> = gates.to_vec();
    match interruption {
        Some(Interruption::Interrupt) => reasons.push((Exit::Interrupted, "interrupted (SIGINT)".to_owned())),
        Some(Interruption::Terminate) => reasons.push((Exit::Terminated, "terminated (SIGTERM)".to_owned())),
        Some(Interruption::HangUp) => reasons.push((Exit::Terminated, "its terminal went away (SIGHUP)".to_owned())),
        None => {}
    }
    for skip in skipped.iter().filter(|skip| skip.asked_for) {
        reasons.push((Exit::Backend, format!("{}: {}", skip.backend, skip.reason)));
    }
    for result in results {
        for (exit, reason) in of_trial(result, expect, interruption.is_some(), is_control(&result.backend)) {
            reasons.push((exit, format!("{} trial {}: {reason}", result.backend, result.trial)));
        }
    }
    if results.is_empty() && reasons.is_empty() {
        reasons.push((Exit::Inconclusive, "no backend ran".to_owned()));
    }
    reasons.sort_by_key(|(exit, _)| exit.rank());
    let exit_code = reasons.first().map_or(Exit::Pass, |(exit, _)| *exit).code();
    Verdict { exit_code, reasons: reasons.into_iter().map(|(_, reason)| reason).collect() }
}

impl Verdict {
    /// The run could not be stored: exit 1, unless something worse was found.
    pub fn unstored(&mut self, reason: String) {
        self.unshown(Exit::Internal, reason);
    }

    /// Its end went wrong: that exit, unless something worse was found.
    pub fn unshown(&mut self, exit: Exit, reason: String) {
        let found = self.exit_code;
        self.exit_code = worst([exit.code(), found].into_iter());
        if self.exit_code == exit.code() {
            self.reasons.insert(0, reason);
        } else {
            self.reasons.push(reason);
        }
    }
}

fn of_trial(result: &TrialResult, expect: &[Expectation], interrupted: bool, control: bool) -> Vec<(Exit, String)> {
    let mut reasons = Vec::new();
    if let Some(error) = &result.error {
        reasons.push((Exit::Backend, error.clone()));
    }
    let safety = &result.safety;
    let (excused, admitted) = excused(safety, expect);
    // Saturating: a stored report may have been changed by hand.
    let unexpected = safety.double_grants_certain.saturating_sub(excused);
    let stalled = if expect.contains(&Expectation::Outside) { 0 } else { safety.outside_self_stall };
    let regressions = safety.token_regressions.unwrap_or(0);
    // An unknown verdict (lost events, a bug of ours) vouches for no double grant.
    let violated = safety.verdict == SafetyVerdict::Violated;
    let caught = violated && (unexpected > stalled || regressions > 0);
    if caught {
        let example = example(safety, expect).map(|violation| format!("; for example {}", violation.told()));
        let plan = match admitted {
            0 => advice(safety, expect).unwrap_or_default(),
            _ => "; an expectation excuses no double grant that the server itself admits".to_owned(),
        };
        let cause = cause(result).unwrap_or_default();
        reasons.push((Exit::Violation, format!("{}{}{plan}{cause}", safety.because, example.unwrap_or_default())));
    } else if violated && unexpected > 0 {
        let text = format!(
            "{stalled} double grants outside a lease while this process itself was stalled: not the system's doing"
        );
        reasons.push((Exit::Inconclusive, text));
    }
    if safety.internal_error {
        reasons.push((Exit::Internal, safety.because.clone()));
    } else if safety.verdict == SafetyVerdict::Unknown && result.error.is_none() {
        reasons.push((Exit::Inconclusive, format!("the safety verdict is unknown: {}", safety.because)));
    }
    // A trial that was cut short or failed says so already.
    let ran = result.error.is_none() && !interrupted;
    if ran && result.grants == 0 {
        reasons.push((Exit::Inconclusive, "zero grants".to_owned()));
    }
    if let Some(open_loop) = result.open_loop.as_ref().filter(|_| ran) {
        reasons.extend(open_loop.limits.iter().map(|limit| (Exit::Inconclusive, limit.clone())));
    }
    if ran && control && !caught {
        let text =
            "a negative control was not caught: this workload cannot expose its flaw; its own is in workloads/controls";
        reasons.push((Exit::Inconclusive, text.to_owned()));
    }
    reasons
}

/// What is known of these servers that explains double grants without a fault of the service.
fn cause(result: &TrialResult) -> Option<String> {
    let pooler = result.caveats.pooler.as_ref()?;
    // A lease in a table lives in no session: a pooler may stand before it.
    (result.guarantees["lease"] != true).then(|| {
        format!(
            "; the cause is the pooler that stands between, not the service: lock and unlock reach different sessions \
             of the server ({pooler})"
        )
    })
}

/// Double grants that the plan expects, and how many of these kinds it does not excuse
/// because the server itself admitted both holds.
fn excused(safety: &Safety, expect: &[Expectation]) -> (u64, u64) {
    let of = |expectation: &Expectation| match expectation {
        Expectation::Outside => (safety.outside, safety.outside_admitted),
        Expectation::Withdrawn => (safety.withdrawn, safety.withdrawn_admitted),
    };
    let add = |sum: (u64, u64), (all, admitted): (u64, u64)| (sum.0 + all.saturating_sub(admitted), sum.1 + admitted);
    expect.iter().map(of).fold((0, 0), add)
}

/// The double grant that tells most: a broken promise, else one that nothing excuses.
fn example<'a>(safety: &'a Safety, expect: &[Expectation]) -> Option<&'a Violation> {
    let find = |says: &dyn Fn(&Violation) -> bool| safety.violations.iter().find(|violation| says(violation));
    let named = |kind: DoubleGrantKind| expect.iter().any(|expectation| expectation.name() == kind.name());
    find(&|violation| violation.double_grant.kind == DoubleGrantKind::Inside)
        .or_else(|| find(&|violation| violation.double_grant.admitted))
        .or_else(|| find(&|violation| !named(violation.double_grant.kind)))
        .or(safety.violations.first())
}

/// What a plan would say that means these double grants.
fn advice(safety: &Safety, expect: &[Expectation]) -> Option<String> {
    let all_excusable = safety.inside == 0
        && safety.outside_admitted + safety.withdrawn_admitted == 0
        && safety.token_regressions.unwrap_or(0) == 0
        && safety.double_grants_certain > 0;
    let seen = |expectation: &Expectation| match expectation {
        Expectation::Outside => safety.outside > 0,
        Expectation::Withdrawn => safety.withdrawn > 0,
    };
    let words: Vec<String> = Expectation::ALL
        .iter()
        .filter(|(_, expectation)| expect.contains(expectation) || seen(expectation))
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    all_excusable.then(|| format!("; if the plan means it, it says expect = [{}]", words.join(", ")))
}

#[cfg(test)]
mod tests;
