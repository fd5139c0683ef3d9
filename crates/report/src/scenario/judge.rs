//! Was exactly the expected seen? A violation that was not expected counts before all else; a trial that shows
//! nothing (a fault that did not bite, a condition that was not reached) is inconclusive and never "safe".

use super::Seen;
use crate::Exit;
use lockbench_core::units::human_duration;
use lockbench_core::workload::{Also, ExpectedVerdict};

/// What a trial of a scenario means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// 0 if exactly the expected was seen; 100: an unexpected violation; 99: the expected one is missing; 97: it
    /// shows nothing; 3: the system failed; 1: a bug of lockbench.
    pub exit: Exit,
    /// Why, one sentence; empty for 0.
    pub because: String,
}

/// Compares what a trial showed with what was expected.
#[must_use]
pub fn judge(expected: &ExpectedVerdict, seen: &Seen) -> Judgement {
    let said = |exit, because: String| Judgement { exit, because };
    if seen.internal {
        return said(Exit::Internal, seen.doubts.first().cloned().unwrap_or_else(|| "a bug of lockbench".to_owned()));
    }
    let unexpected = unexpected(expected, seen);
    // An unknown verdict vouches for no double grant either.
    let known = !seen.doubts.iter().any(|doubt| doubt.contains("verdict is unknown"));
    if let Some(because) = unexpected.clone().filter(|_| known) {
        return said(Exit::Violation, because);
    }
    if let Some(failure) = &seen.failure {
        return said(Exit::Backend, failure.clone());
    }
    if let Some(doubt) = seen.doubts.first() {
        return said(Exit::Inconclusive, doubt.clone());
    }
    if seen.stalled > 0 && !matches!(expected, ExpectedVerdict::DoubleGrant { kind: "outside", .. }) {
        let told = double_grants(seen.stalled);
        let because = format!("{told} outside a lease while lockbench itself was stalled");
        return said(Exit::Inconclusive, because);
    }
    match missing(expected, seen) {
        Some(because) => said(Exit::Threshold, because),
        None => said(Exit::Pass, String::new()),
    }
}

/// A violation that is not the expected one.
fn unexpected(expected: &ExpectedVerdict, seen: &Seen) -> Option<String> {
    let (kind, cause, tokens) = match expected {
        ExpectedVerdict::DoubleGrant { kind, cause, also, .. } => (Some(*kind), *cause, also.contains(&Also::Tokens)),
        ExpectedVerdict::Tokens => (None, None, true),
        ExpectedVerdict::Safe
        | ExpectedVerdict::Stuck { .. }
        | ExpectedVerdict::StaleWrite
        | ExpectedVerdict::NotOffered => (None, None, false),
    };
    for (other, count) in &seen.kinds {
        let stalled = if other == "outside" { seen.stalled } else { 0 };
        if Some(other.as_str()) != kind && *count > stalled {
            let story = seen.story.as_ref().map_or_else(String::new, |story| format!("; for example {story}"));
            let were = if *count == 1 { "was" } else { "were" };
            return Some(format!("{} {other} {were} not expected{story}", double_grants(*count)));
        }
    }
    let regressions = seen.token_regressions.unwrap_or(0);
    if regressions > 0 && !tokens {
        let tokens = if regressions == 1 { "token" } else { "tokens" };
        return Some(format!("{regressions} fencing {tokens} went back, which was not expected"));
    }
    let foreign = |name: &&String| name.as_str() != "undetermined" && cause.is_some_and(|cause| cause != name.as_str());
    let other = seen.causes.keys().find(foreign)?;
    Some(format!("the cause {other} was found where {} is expected", cause.unwrap_or("another")))
}

/// So many of them.
pub(super) fn double_grants(count: u64) -> String {
    format!("{count} double {}", if count == 1 { "grant" } else { "grants" })
}

/// What was expected and not seen.
fn missing(expected: &ExpectedVerdict, seen: &Seen) -> Option<String> {
    match expected {
        ExpectedVerdict::Safe => None,
        ExpectedVerdict::DoubleGrant { kind, at_least, also, .. } => {
            let found = seen.of_kind(kind);
            if found < *at_least {
                let (was, is) = (if found == 1 { "was" } else { "were" }, if *at_least == 1 { "is" } else { "are" });
                return Some(format!(
                    "{} {kind} {was} seen where at least {at_least} {is} expected",
                    double_grants(found)
                ));
            }
            let absent = also.iter().find(|also| match also {
                Also::Tokens => seen.token_regressions.unwrap_or(0) == 0,
                Also::LostUpdate => seen.lost_updates == 0,
                Also::RefusedWrite => seen.refused_writes.unwrap_or(0) == 0,
            });
            absent.map(|also| format!("{} is expected beside the double grant, and was not seen", also.name()))
        }
        ExpectedVerdict::Stuck { at_least_ns, at_most_ns } => {
            let longest = seen.stuck_ns.unwrap_or(0);
            let (how, bound) = match at_most_ns {
                _ if longest < *at_least_ns => ("least", *at_least_ns),
                Some(at_most_ns) if longest > *at_most_ns => ("most", *at_most_ns),
                _ => return None,
            };
            let (longest, bound) = (human_duration(longest), human_duration(bound));
            Some(format!("the longest time without a grant was {longest} where at {how} {bound} is expected"))
        }
        ExpectedVerdict::Tokens => {
            (seen.token_regressions.unwrap_or(0) == 0).then(|| "no fencing token went back".to_owned())
        }
        ExpectedVerdict::StaleWrite if seen.lost_updates == 0 => Some("no update was lost without fencing".to_owned()),
        ExpectedVerdict::StaleWrite => {
            (seen.refused_writes == Some(0)).then(|| "the resource with fencing refused no write".to_owned())
        }
        ExpectedVerdict::NotOffered => Some("it ran, where it cannot be offered".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Seen, judge};
    use crate::Exit;
    use lockbench_core::oracle::{Cause, DoubleGrantKind};
    use lockbench_core::workload::{Also, ExpectedVerdict, parse};

    fn double(kind: &'static str, cause: Option<&'static str>) -> ExpectedVerdict {
        ExpectedVerdict::DoubleGrant { kind, cause, at_least: 2, also: vec![Also::RefusedWrite] }
    }

    fn seen(kind: &str, count: u64, cause: &str) -> Seen {
        Seen {
            grants: 9,
            double_grants: count,
            kinds: BTreeMap::from([(kind.to_owned(), count)]),
            causes: BTreeMap::from([(cause.to_owned(), count)]),
            token_regressions: Some(0),
            refused_writes: Some(1),
            ..Seen::default()
        }
    }

    fn clean() -> Seen {
        Seen { grants: 9, token_regressions: Some(0), ..Seen::default() }
    }

    #[test]
    fn each_case_has_its_exit_code() {
        let stuck = ExpectedVerdict::Stuck { at_least_ns: 3_000, at_most_ns: Some(4_000) };
        let waited = |ns| Seen { stuck_ns: Some(ns), ..clean() };
        let doubted = |seen: Seen| Seen { doubts: vec!["fault 1 did not bite".to_owned()], ..seen };
        let back = Seen { token_regressions: Some(2), ..clean() };
        for (expected, seen, exit) in [
            (ExpectedVerdict::Safe, clean(), Exit::Pass),
            (ExpectedVerdict::Safe, waited(9_999), Exit::Pass),
            (ExpectedVerdict::Safe, seen("inside", 1, "V1"), Exit::Violation),
            (ExpectedVerdict::Safe, back.clone(), Exit::Violation),
            (ExpectedVerdict::Safe, doubted(clean()), Exit::Inconclusive),
            // A violation counts, whatever else was not reached.
            (ExpectedVerdict::Safe, doubted(seen("inside", 1, "V1")), Exit::Violation),
            (double("outside", Some("V2")), seen("outside", 2, "V2"), Exit::Pass),
            (double("outside", Some("V2")), seen("outside", 2, "undetermined"), Exit::Pass),
            (double("outside", None), seen("outside", 2, "V4"), Exit::Pass),
            (double("outside", Some("V2")), seen("outside", 2, "V1"), Exit::Violation),
            (double("outside", Some("V2")), seen("inside", 2, "V2"), Exit::Violation),
            (double("outside", Some("V2")), seen("outside", 1, "V2"), Exit::Threshold),
            (double("outside", Some("V2")), clean(), Exit::Threshold),
            (double("outside", Some("V2")), doubted(clean()), Exit::Inconclusive),
            (stuck.clone(), waited(3_000), Exit::Pass),
            (stuck.clone(), waited(2_999), Exit::Threshold),
            (stuck.clone(), waited(4_001), Exit::Threshold),
            (stuck, seen("outside", 1, "V2"), Exit::Violation),
            (ExpectedVerdict::Tokens, back, Exit::Pass),
            (ExpectedVerdict::StaleWrite, clean(), Exit::Threshold),
            (ExpectedVerdict::StaleWrite, Seen { lost_updates: 1, ..clean() }, Exit::Pass),
            (ExpectedVerdict::StaleWrite, Seen { lost_updates: 1, refused_writes: Some(1), ..clean() }, Exit::Pass),
            (
                ExpectedVerdict::StaleWrite,
                Seen { lost_updates: 1, refused_writes: Some(0), ..clean() },
                Exit::Threshold,
            ),
            (ExpectedVerdict::StaleWrite, Seen { lost_updates: 1, ..seen("outside", 1, "V2") }, Exit::Violation),
            (ExpectedVerdict::Tokens, clean(), Exit::Threshold),
        ] {
            assert_eq!(judge(&expected, &seen).exit, exit, "{expected:?} {seen:?}");
        }
    }

    #[test]
    fn one_is_not_several() {
        let because = |expected: &ExpectedVerdict, seen: &Seen| judge(expected, seen).because;
        assert_eq!(because(&ExpectedVerdict::Safe, &seen("inside", 1, "V1")), "1 double grant inside was not expected");
        assert_eq!(
            because(&ExpectedVerdict::Safe, &seen("inside", 2, "V1")),
            "2 double grants inside were not expected"
        );
        let back = Seen { token_regressions: Some(1), ..clean() };
        assert_eq!(because(&ExpectedVerdict::Safe, &back), "1 fencing token went back, which was not expected");
        let one = seen("outside", 1, "V2");
        let because = because(&double("outside", None), &one);
        assert_eq!(because, "1 double grant outside was seen where at least 2 are expected");
    }

    #[test]
    fn what_goes_along_with_a_double_grant_must_be_seen_too() {
        let unfenced = Seen { refused_writes: Some(0), ..seen("outside", 2, "V2") };
        let judged = judge(&double("outside", None), &unfenced);
        assert_eq!(judged.exit, Exit::Threshold);
        assert!(judged.because.contains("refused-write"), "{}", judged.because);
    }

    #[test]
    fn what_lockbench_itself_did_wrong_is_laid_at_no_door() {
        let stalled = Seen { stalled: 1, ..seen("outside", 1, "V2") };
        assert_eq!(judge(&ExpectedVerdict::Safe, &stalled).exit, Exit::Inconclusive);
        let unknown =
            Seen { doubts: vec!["the safety verdict is unknown: lost".to_owned()], ..seen("inside", 1, "V1") };
        assert_eq!(judge(&ExpectedVerdict::Safe, &unknown).exit, Exit::Inconclusive);
        let bug = Seen { internal: true, ..seen("inside", 1, "V1") };
        assert_eq!(judge(&ExpectedVerdict::Safe, &bug).exit, Exit::Internal);
        let failed = Seen { failure: Some("died".to_owned()), ..clean() };
        assert_eq!(judge(&ExpectedVerdict::Safe, &failed).exit, Exit::Backend);
    }

    #[test]
    fn a_workload_has_the_words_of_the_oracle() {
        let with = |kind: &str, cause: &str| {
            let text = format!(
                "clients = 1\n[scenario]\ntitle = \"t\"\nsource = \"s\"\n[[scenario.expected]]\nverdict = \
                 \"double-grant\"\nsystems = [\"redis\"]\nkind = \"{kind}\"\ncause = \"{cause}\"\nreason = \
                 \"r\"\nsource = \"s\"\n"
            );
            parse("w.toml", &text, &[])
        };
        for kind in DoubleGrantKind::ALL {
            with(kind.name(), "V1").unwrap();
        }
        for (cause, name, _) in Cause::ALL.iter().filter(|(cause, ..)| *cause != Cause::Undetermined) {
            with("inside", name).unwrap_or_else(|error| panic!("{cause:?}: {error}"));
        }
        assert!(with("inside", "undetermined").is_err());
    }
}
