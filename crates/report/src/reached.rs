//! Conditions that a plan says must be reached.

use super::schema::TrialResult;

/// Those that a trial did not reach, a sentence each: it shows nothing then.
#[must_use]
pub fn missed_conditions(result: &TrialResult) -> Vec<String> {
    let (backend, trial) = (&result.backend, result.trial);
    let missing = result.sometimes.iter().filter(|one| one.required && one.injections == 0);
    missing
        .map(|one| format!("{backend} trial {trial}: the condition \"{}\" of the plan was not reached", one.condition))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::missed_conditions;
    use crate::TrialResult;
    use lockbench_core::oracle::Reached;

    #[test]
    fn a_condition_that_was_not_reached_is_named() {
        let of = |condition: &str, required, injections| Reached {
            condition: condition.to_owned(),
            required,
            injections,
            of: 1,
        };
        let sometimes = vec![of("contender-asked", true, 0), of("holder-went-on", true, 1), of("x", false, 0)];
        let result = TrialResult { backend: "redis".to_owned(), trial: 2, sometimes, ..TrialResult::default() };
        assert_eq!(
            missed_conditions(&result),
            ["redis trial 2: the condition \"contender-asked\" of the plan was not reached"]
        );
    }
}
