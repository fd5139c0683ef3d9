//! Lints on who was served: attempts without an answer, clients without a grant.

use super::super::measured::Measurements;
use super::super::outage::{dark_seconds, too_many_unserved};
use super::super::schema::TrialResult;
use super::evidence::{Evidence, Sighting};
use lockbench_core::units::{SECOND, grouped, human_duration, span};

pub(super) fn unserved_attempts(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.systems().into_iter();
    systems.filter_map(|(name, trials)| Some(Sighting::found(name, outage(evidence, name, &trials)?))).collect()
}

/// `216 of 310 attempts (69.7 %) were not served or not answered; 3 s granted nothing`.
fn outage(evidence: &Evidence<'_>, name: &str, trials: &[&TrialResult]) -> Option<String> {
    let attempts: u64 = trials.iter().map(|trial| trial.attempts).sum();
    let unserved: u64 = trials.iter().map(|trial| trial.unavailable + trial.unknown).sum();
    let share = if attempts > 0 { unserved as f64 / attempts as f64 } else { 0.0 };
    let dark: u64 = evidence.measured_of(name).map(dark_seconds).sum();
    if !too_many_unserved(share) && dark == 0 {
        return None;
    }
    let dark =
        if dark > 0 { format!("; nothing was granted for {}", human_duration(dark * SECOND)) } else { String::new() };
    if unserved == 0 {
        // They began before, and were under way in those seconds.
        return Some(format!("attempts of the warm-up were not served or not answered{dark}"));
    }
    let share = if share < 0.000_1 { "less than 0.01 %".to_owned() } else { format!("{:.2} %", share * 100.0) };
    let were = if unserved == 1 { "was" } else { "were" };
    let (unserved, attempts) = (grouped(unserved), grouped(attempts));
    Some(format!("{unserved} of {attempts} attempts ({share}) {were} not served or not answered{dark}"))
}

/// Of the trial in which most clients went without: `5 of 16 clients never got a turn`.
pub(super) fn clients_without_a_turn(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let without = |trial: &Measurements| trial.grants_of.iter().filter(|grants| **grants == 0).count();
        // A trial without any grant says so itself.
        let granted = |trial: &&Measurements| trial.grants_of.iter().any(|grants| *grants > 0);
        let worst = evidence.measured_of(name).filter(granted).max_by_key(|trial| without(trial));
        let Some(trial) = worst.filter(|trial| without(trial) > 0) else { continue };
        let (without, all) = (grouped(without(trial) as u64), grouped(trial.grants_of.len() as u64));
        found.push(Sighting::found(name, format!("{without} of {all} clients never got a turn")));
    }
    found
}

/// Of the trial with the most grants: the time that one turn of each client would take at its
/// rate.
pub(super) fn window_below_one_turn(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let grants = |trial: &&Measurements| trial.counts.grants_in_window;
        let Some(best) = evidence.measured_of(name).max_by_key(grants) else { continue };
        let (grants, clients) = (grants(&best), u64::from(best.clients));
        if grants == 0 || grants >= clients {
            continue;
        }
        let loaded = best.loaded_ns();
        // At the rate of the measured time, or of the whole trial where that is higher: the
        // start of many clients takes a while.
        let all: u64 = best.windows.iter().map(|window| window.grants).sum();
        let rate = (grants as f64 / loaded as f64).max(all as f64 / (best.windows.len() as u64 * SECOND).max(1) as f64);
        let turn = span((clients as f64 / rate / 1e6) as u64);
        let detail = format!(
            "{} {} in {}, for {} clients: one turn of each takes about {turn}",
            grouped(grants),
            if grants == 1 { "grant" } else { "grants" },
            human_duration(loaded),
            grouped(clients)
        );
        found.push(Sighting::found(name, detail));
    }
    found
}
