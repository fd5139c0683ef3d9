//! The rounds with a violation that a monitor run kept, for `explain` and `verify`: all of
//! them by its directory, one by the path of its history.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::stored::{locate, promise};
use super::{Failure, print};
use lockbench_core::units::grouped;
use lockbench_report::monitor::{KEPT, KeptRounds, Status, is_kept, is_watch, kept_in, read_status};
use lockbench_report::{Exit, TrialResult, is_partial};
use lockbench_systems::Registry;

/// Finds the monitor run or the kept round that RUN means; `None`: it is a benchmark run.
pub fn find(run: &str, root: &Path, registry: &Registry) -> Result<Option<(PathBuf, KeptRounds)>, Failure> {
    let mut place = locate(run, root)?;
    if is_kept(&place) {
        let kept = KeptRounds::open(std::slice::from_ref(&place), &|name| promise(registry, name))?;
        return Ok(Some((place, kept)));
    }
    // The directory that the histories are in means the monitor run.
    if place.ends_with(KEPT) && place.parent().is_some_and(is_watch) {
        place.pop();
    }
    if !is_watch(&place) {
        return Ok(None);
    }
    let histories = kept_in(&place)?;
    if histories.is_empty() {
        return Err(Failure::usage(format!(
            "{0} is a run of `lockbench monitor`, which has no report. It keeps the histories of rounds with a \
             violation, and there were none; `lockbench show {0}` prints how it stands",
            place.display()
        )));
    }
    let kept = KeptRounds::open(&histories, &|name| promise(registry, name))?;
    Ok(Some((place, kept)))
}

/// Prints what the replay of each round says; the exit code is that of the replay, or 1 if it is not what
/// the monitor run saw.
pub fn verify(place: &Path, kept: &KeptRounds) -> Result<u8, Failure> {
    // The status of a monitor run under way is some seconds old.
    let whole = is_watch(place) && !is_partial(place);
    let status = whole.then(|| read_status(place)).transpose()?;
    let (text, code) = verified(kept, status.as_ref());
    print(&text)?;
    Ok(code)
}

fn verified(kept: &KeptRounds, status: Option<&Status>) -> (String, u8) {
    let mut wrong = 0;
    let mut text = String::new();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for round in &kept.rounds {
        let doubles = round.safety.double_grants_certain;
        *found.entry(&round.backend).or_default() += doubles;
        wrong += u64::from(doubles + round.safety.token_regressions.unwrap_or(0) == 0);
        text += &format!("{}\n", line(round));
    }
    for (backend, doubles) in found {
        let system = status.and_then(|status| status.systems.iter().find(|system| system.backend == backend));
        let all = system.map_or(u64::MAX, |system| system.violations.double_grants);
        if doubles > all {
            wrong += 1;
            let (all, doubles) = (grouped(all), grouped(doubles));
            text +=
                &format!("{backend}: DISAGREES: the monitor saw {all} double grants, its kept rounds have {doubles}\n");
        }
    }
    if wrong > 0 {
        let why = "histories and status are not of the same monitor run, or one was changed";
        return (format!("{text}verify: exit {}: {why}\n", Exit::Internal.code()), Exit::Internal.code());
    }
    let code = kept.verdict.exit_code;
    let why = match kept.verdict.reasons.first() {
        Some(reason) => reason.replacen(" trial ", " round ", 1),
        None => "the plan of the monitor run expects them".to_owned(),
    };
    (format!("{text}verify: exit {code}: {why}\n"), code)
}

fn line(round: &TrialResult) -> String {
    let name = format!("{} round {}", round.backend, round.trial);
    let safety = &round.safety;
    let (doubles, regressions) = (safety.double_grants_certain, safety.token_regressions.unwrap_or(0));
    if doubles + regressions == 0 {
        return format!("{name}: DISAGREES: it was kept for a violation, and there is none in it");
    }
    let holds = grouped(safety.grants_all_phases);
    let back = if regressions > 0 { format!(", {} token regressions", grouped(regressions)) } else { String::new() };
    let lost = if round.events_lost > 0 { "; events are missing" } else { "" };
    format!("{name}: {holds} holds, {} double grants{back}{lost}", grouped(doubles))
}
