//! What a person did while a run was measured, in sentences to be read beside its
//! figures: pauses of the load, and markers.

use super::measured::Measurements;
use lockbench_core::record::figures::{Mark, MarkKind};
use lockbench_core::units::human_duration;

/// Markers of one trial that are named one by one.
const NAMED: usize = 20;

/// A sentence a trial that was paused, and one a trial with markers.
#[must_use]
pub fn notes_on_marks(measured: &[Measurements]) -> Vec<String> {
    measured.iter().flat_map(|trial| pauses(trial).into_iter().chain(markers(trial))).collect()
}

fn pauses(trial: &Measurements) -> Option<String> {
    let pauses: Vec<&Mark> = of(trial, MarkKind::Pause).collect();
    let first = pauses.first()?;
    let began = human_duration(first.from_ns.saturating_sub(trial.start_ns));
    let length = human_duration(pauses.iter().map(|pause| pause.to_ns - pause.from_ns).sum());
    let when = match pauses.len() {
        1 => format!("{began} after the start of the warm-up"),
        count => format!("{count} times, first {began} after the start of the warm-up"),
    };
    Some(format!(
        "{}, trial {}: the load was paused by hand for {length} ({when}); that time is in no figure",
        trial.backend, trial.trial
    ))
}

fn markers(trial: &Measurements) -> Option<String> {
    let markers: Vec<&Mark> = of(trial, MarkKind::Marker).collect();
    let one =
        |mark: &&Mark| format!("{} at {}", mark.name(), human_duration(mark.from_ns.saturating_sub(trial.start_ns)));
    let mut named: Vec<String> = markers.iter().take(NAMED).map(one).collect();
    if markers.len() > NAMED {
        named.push(format!("{} more", markers.len() - NAMED));
    }
    (!named.is_empty()).then(|| {
        format!("{}, trial {}: {} after the start of the warm-up", trial.backend, trial.trial, named.join(", "))
    })
}

fn of(trial: &Measurements, kind: MarkKind) -> impl Iterator<Item = &Mark> {
    trial.marks.iter().filter(move |mark| mark.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::notes_on_marks;
    use crate::fixture::measured;
    use lockbench_core::record::figures::{Mark, MarkKind};
    use lockbench_core::units::SECOND;

    fn mark(kind: MarkKind, number: u32, from_s: u64, to_s: u64) -> Mark {
        Mark { from_ns: from_s * SECOND, to_ns: to_s * SECOND, kind, number }
    }

    #[test]
    fn each_paused_trial_has_a_sentence_and_each_marker_its_instant() {
        let (one, mut two) = (measured("redis", 1, &[5]), measured("redis", 2, &[5; 9]));
        two.marks.push(mark(MarkKind::Pause, 1, 3, 6));
        let told = "redis, trial 2: the load was paused by hand for 3.00 s (3.00 s after the start of the warm-up); \
                    that time is in no figure";
        assert_eq!(notes_on_marks(&[one.clone(), two.clone()]), [told]);
        two.marks =
            vec![mark(MarkKind::Pause, 1, 3, 6), mark(MarkKind::Marker, 1, 7, 7), mark(MarkKind::Pause, 2, 8, 9)];
        let told = notes_on_marks(&[one, two]);
        assert!(told[0].contains("for 4.00 s (2 times, first 3.00 s after"), "{told:?}");
        assert_eq!(told[1], "redis, trial 2: marker 1 at 7.00 s after the start of the warm-up");
    }
}
