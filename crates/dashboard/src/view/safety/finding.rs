//! What can be said of a system's safety now: the word, its sign and its colour.

use crate::glyph::Glyphs;
use crate::state::{Standing, SystemState};
use crate::text::counted;
use crate::theme::Ink;
use lockbench_report::{Kinds, SafetyVerdict};

/// In a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No trial has begun.
    Nothing,
    /// No violation so far, and holders were challenged.
    CalmSoFar,
    /// The same of a trial that is over.
    Valid,
    /// No violation, and no holder was ever challenged.
    NotExercised,
    /// The checkers did not see everything.
    Unknown,
    /// The trial failed: nothing is claimed.
    Failed,
    /// A violation.
    Violated,
}

impl Finding {
    /// Of all trials of a system so far.
    pub fn of(system: &SystemState) -> Self {
        let earlier = system.earlier_double_grants > 0;
        match (&system.result, &system.snapshot) {
            (Some(result), _) => match result.safety.verdict {
                _ if result.safety.internal_error => Self::Unknown,
                SafetyVerdict::Violated => Self::Violated,
                _ if earlier => Self::Violated,
                _ if result.error.is_some() || system.standing == Standing::Failed => Self::Failed,
                SafetyVerdict::Valid => Self::Valid,
                SafetyVerdict::NotExercised => Self::NotExercised,
                SafetyVerdict::Unknown => Self::Unknown,
            },
            (None, Some(_)) if system.double_grants() > 0 || system.token_regressions() > 0 => Self::Violated,
            _ if earlier => Self::Violated,
            (None, Some(snapshot)) if snapshot.counts.exercised_all > 0 => Self::CalmSoFar,
            (None, Some(_)) => Self::NotExercised,
            (None, None) => Self::Nothing,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to judge yet",
            Self::CalmSoFar => "valid so far",
            Self::Valid => "valid",
            Self::NotExercised => "not exercised",
            Self::Unknown => "unknown",
            Self::Failed => "no verdict: the trial failed",
            Self::Violated => "VIOLATED",
        }
    }

    /// Its sign.
    pub fn sign(self, glyphs: Glyphs) -> String {
        match self {
            Self::Nothing => glyphs.waiting.to_owned(),
            Self::CalmSoFar | Self::Valid => glyphs.tick.to_owned(),
            Self::NotExercised | Self::Unknown | Self::Failed => glyphs.unknown.to_owned(),
            Self::Violated => glyphs.alarm.repeat(2),
        }
    }

    /// Its colour.
    pub fn ink(self) -> Ink {
        match self {
            Self::Nothing => Ink::Soft,
            Self::CalmSoFar | Self::Valid => Ink::Good,
            Self::NotExercised | Self::Unknown | Self::Failed => Ink::Warn,
            Self::Violated => Ink::Alarm,
        }
    }
}

/// Why, in a sentence: the report's own one where there is one.
pub fn because(system: &SystemState) -> String {
    if let Some(result) = &system.result {
        let error = result.error.as_ref().map(|error| format!("{error}; ")).unwrap_or_default();
        return format!("{error}{}", result.safety.because);
    }
    let Some(snapshot) = &system.snapshot else {
        return system.problem.clone().unwrap_or_else(|| "its first trial has not begun".to_owned());
    };
    let judged = &snapshot.judged;
    if judged.double_grants + judged.token_regressions > 0 {
        let tokens = counted(judged.token_regressions, "token regression");
        let kinds = Kinds::from(judged);
        if system.bounded() {
            let all = counted(judged.double_grants, "double grant");
            return format!("{all}; until its history was bounded {}, {tokens}", kinds.parts());
        }
        return format!("{}, {tokens}", kinds.told());
    }
    match snapshot.counts.exercised_all {
        holds if system.bounded() => {
            format!("{} until its history was bounded, no double grant", counted(holds, "challenged hold"))
        }
        0 => "no request of another client met a hold that has ended".to_owned(),
        holds => format!("{}, no double grant", counted(holds, "challenged hold")),
    }
}
