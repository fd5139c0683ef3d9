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
mod tests {
    use super::{Interruption, judge};
    use crate::{SafetyVerdict, SkippedBackend, TrialResult};
    use lockbench_core::workload::plan::Expectation;

    fn clean() -> TrialResult {
        let mut result = TrialResult { backend: "redis".to_owned(), trial: 1, grants: 10, ..TrialResult::default() };
        result.safety.verdict = SafetyVerdict::Valid;
        result
    }

    fn violated(inside: u64, outside: u64) -> TrialResult {
        let mut result = clean();
        result.safety.verdict = SafetyVerdict::Violated;
        result.safety.double_grants_certain = inside + outside;
        result.safety.inside = inside;
        result.safety.outside = outside;
        result
    }

    fn code(results: &[TrialResult], expect: &[Expectation], interruption: Option<Interruption>) -> u8 {
        judge(results, &[], expect, interruption, &|name| name.starts_with("control:"), &[]).exit_code
    }

    #[test]
    fn each_finding_has_its_code() {
        let mut none = clean();
        none.grants = 0;
        let mut dead = clean();
        dead.error = Some("died".to_owned());
        let mut lost = clean();
        lost.safety.verdict = SafetyVerdict::Unknown;
        let mut stalled = violated(0, 2);
        stalled.safety.outside_self_stall = 2;
        let mut control = clean();
        control.backend = "control:no-lock".to_owned();
        let mut bug = lost.clone();
        bug.safety.internal_error = true;
        assert_eq!(code(&[clean()], &[], None), 0);
        assert_eq!(code(&[none], &[], None), 97);
        assert_eq!(code(&[lost], &[], None), 97);
        assert_eq!(code(&[control], &[], None), 97);
        assert_eq!(code(&[stalled], &[], None), 97);
        assert_eq!(code(&[dead], &[], None), 3);
        assert_eq!(code(&[bug], &[], None), 1);
        assert_eq!(code(&[violated(1, 0)], &[], None), 100);
        assert_eq!(code(&[violated(0, 1)], &[], None), 100);
        assert_eq!(code(&[clean()], &[], Some(Interruption::Interrupt)), 130);
        assert_eq!(code(&[clean()], &[], Some(Interruption::Terminate)), 143);
        assert_eq!(code(&[clean()], &[], Some(Interruption::HangUp)), 143);
        assert_eq!(code(&[], &[], None), 97);
    }

    #[test]
    fn double_grants_through_a_pooler_are_laid_at_its_door() {
        let mut pooled = violated(1, 0);
        pooled.caveats.pooler = Some("two connections were served by one server process, 7".to_owned());
        let reason = |result: &TrialResult| {
            judge(std::slice::from_ref(result), &[], &[], None, &|_| false, &[]).reasons.remove(0)
        };
        let told = reason(&pooled);
        assert!(told.contains("the cause is the pooler") && told.contains("process, 7"), "{told}");
        assert!(!reason(&violated(1, 0)).contains("pooler"));
        // A lease in a table lives in no session.
        pooled.guarantees = serde_json::json!({ "lease": true });
        assert!(!reason(&pooled).contains("pooler"));
    }

    #[test]
    fn a_run_that_could_not_be_stored_fails_but_hides_no_violation() {
        for (result, code) in [(clean(), 1), (violated(1, 0), 100)] {
            let mut verdict = judge(&[result], &[], &[], None, &|_| false, &[]);
            verdict.unstored("disk full".to_owned());
            assert_eq!(verdict.exit_code, code);
            assert!(verdict.reasons.contains(&"disk full".to_owned()));
        }
    }

    #[test]
    fn an_expectation_excuses_exactly_the_kinds_that_it_names() {
        let with = |inside, withdrawn, outside| {
            let mut result = violated(inside, outside);
            result.safety.withdrawn = withdrawn;
            result.safety.double_grants_certain += withdrawn;
            [result]
        };
        let (outside, withdrawn) = ([Expectation::Outside], [Expectation::Withdrawn]);
        let both = [Expectation::Outside, Expectation::Withdrawn];
        for (found, expect, exit) in [
            (with(0, 0, 9), &outside[..], 0),
            (with(1, 0, 9), &outside, 100),
            (with(0, 1, 9), &outside, 100),
            (with(0, 1, 0), &withdrawn, 0),
            (with(0, 1, 1), &withdrawn, 100),
            (with(0, 1, 9), &both, 0),
            (with(1, 1, 9), &both, 100),
            (with(0, 1, 0), &[], 100),
        ] {
            assert_eq!(code(&found, expect, None), exit, "{:?} with {expect:?}", found[0].safety);
        }
    }

    #[test]
    fn the_advice_names_the_kinds_that_would_have_to_be_expected() {
        let reason = |result: &TrialResult, expect: &[Expectation]| {
            judge(std::slice::from_ref(result), &[], expect, None, &|_| false, &[]).reasons.remove(0)
        };
        let mut result = violated(0, 2);
        result.safety.withdrawn = 1;
        result.safety.double_grants_certain = 3;
        assert!(reason(&result, &[]).ends_with("expect = [\"outside\", \"withdrawn\"]"));
        result.safety.outside = 0;
        result.safety.double_grants_certain = 1;
        assert!(reason(&result, &[Expectation::Outside]).ends_with("expect = [\"outside\", \"withdrawn\"]"));
        assert!(reason(&result, &[]).ends_with("expect = [\"withdrawn\"]"));
        result.safety.withdrawn_admitted = 1;
        assert!(!reason(&result, &[]).contains("expect ="));
    }

    #[test]
    fn what_the_server_itself_admitted_is_never_excused() {
        let mut result = violated(0, 9);
        result.safety.outside_admitted = 1;
        let expect = [Expectation::Outside, Expectation::Withdrawn];
        assert_eq!(code(&[result.clone()], &expect, None), 100);
        // Nor by a stall of ours, which the oracle asks about only where nothing was admitted.
        result.safety.outside_self_stall = 8;
        assert_eq!(code(&[result], &[], None), 100);
    }

    #[test]
    fn an_unknown_verdict_vouches_for_no_double_grant() {
        let mut lost = violated(1, 1);
        lost.safety.verdict = SafetyVerdict::Unknown;
        assert_eq!(code(&[lost.clone()], &[], None), 97);
        lost.safety.internal_error = true;
        assert_eq!(code(&[lost], &[], None), 1);
        let mut regressed = clean();
        regressed.safety.verdict = SafetyVerdict::Violated;
        regressed.safety.token_regressions = Some(1);
        assert_eq!(code(&[regressed], &[Expectation::Outside], None), 100);
    }

    #[test]
    fn a_control_that_shows_only_what_the_plan_expects_is_not_caught() {
        let expect = [Expectation::Outside];
        let control = |inside| TrialResult { backend: "control:wrong-release".to_owned(), ..violated(inside, 5) };
        assert_eq!(code(&[control(0)], &expect, None), 97);
        assert_eq!(code(&[control(1)], &expect, None), 100);
    }

    #[test]
    fn stalls_excuse_only_the_outside_grants_that_they_touch() {
        let mut some = violated(0, 3);
        some.safety.outside_self_stall = 2;
        assert_eq!(code(&[some], &[], None), 100);
        let mut inside = violated(1, 2);
        inside.safety.outside_self_stall = 2;
        assert_eq!(code(&[inside], &[], None), 100);
    }

    #[test]
    fn the_most_severe_decides_and_all_are_told() {
        let mut dead = clean();
        dead.error = Some("died".to_owned());
        let skipped = [SkippedBackend { backend: "etcd".to_owned(), reason: "no binary".to_owned(), asked_for: true }];
        let verdict = judge(&[dead, violated(1, 0)], &skipped, &[], Some(Interruption::Interrupt), &|_| false, &[]);
        assert_eq!(verdict.exit_code, 100);
        assert_eq!(verdict.reasons.len(), 4);
        assert!(verdict.reasons[1].contains("no binary") || verdict.reasons[1].contains("died"));
    }
}
