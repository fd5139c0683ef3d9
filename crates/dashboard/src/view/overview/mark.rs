//! Safe or not, in a sign and a word. A system earns its tick: by holders that were
//! challenged and kept their lock, in every trial so far.

use crate::glyph::Glyphs;
use crate::state::{Standing, SystemState};
use crate::text::counted;
use crate::theme::Ink;
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::SafetyVerdict;

/// What is known of a system's safety.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing yet: no trial has begun.
    Nothing,
    /// Holders were challenged, and nothing was seen.
    Valid,
    /// Something was seen.
    Broken {
        /// Double grants of all trials.
        double_grants: u64,
        /// Token regressions of all trials.
        token_regressions: u64,
    },
    /// Nothing was seen, but no holder was challenged either.
    NotExercised,
    /// It is not known.
    Unknown,
}

impl Mark {
    /// Of a system, all its trials together.
    pub fn of(system: &SystemState) -> Self {
        let (double_grants, token_regressions) = (system.double_grants(), system.token_regressions());
        let broken = double_grants + token_regressions > 0;
        let lost = system.result.as_ref().is_some_and(|result| result.events_lost > 0);
        if broken && !lost {
            return Self::Broken { double_grants, token_regressions };
        }
        let now = match (&system.result, &system.snapshot) {
            _ if system.standing == Standing::Failed => Self::Unknown,
            (Some(result), _) => match result.safety.verdict {
                SafetyVerdict::Valid => Self::Valid,
                SafetyVerdict::NotExercised => Self::NotExercised,
                SafetyVerdict::Unknown | SafetyVerdict::Violated => Self::Unknown,
            },
            (None, Some(snapshot)) if snapshot.counts.exercised_all > 0 => Self::Valid,
            (None, Some(_)) => Self::NotExercised,
            (None, None) => Self::Nothing,
        };
        // A trial without a verdict is not mended by a good one after it.
        if system.earlier_unknown > 0 && now != Self::Nothing { Self::Unknown } else { now }
    }

    /// In a few words: under a heading that says "double grants" if `short`.
    pub fn text(&self, glyphs: Glyphs, short: bool) -> String {
        let alarm = glyphs.alarm;
        match self {
            Self::Nothing => glyphs.none.to_owned(),
            Self::Valid => format!("{} valid", glyphs.tick),
            Self::NotExercised => "not exercised".to_owned(),
            Self::Unknown => format!("{} unknown", glyphs.unknown),
            Self::Broken { double_grants, .. } if short && *double_grants > 0 => {
                format!("{alarm}{alarm} {}", grouped(*double_grants))
            }
            Self::Broken { token_regressions, .. } if short => {
                format!("{alarm}{alarm} {} token", grouped(*token_regressions))
            }
            Self::Broken { double_grants, token_regressions } => {
                let double = counted(*double_grants, "double grant");
                let tokens = counted(*token_regressions, "token regression");
                match (double_grants, token_regressions) {
                    (_, 0) => format!("{alarm}{alarm} {double}"),
                    (0, _) => format!("{alarm}{alarm} {tokens}"),
                    _ => format!("{alarm}{alarm} {double}, {tokens}"),
                }
            }
        }
    }

    /// Its ink.
    pub fn ink(&self) -> Ink {
        match self {
            Self::Nothing | Self::NotExercised => Ink::Soft,
            Self::Valid => Ink::Good,
            Self::Broken { .. } => Ink::Alarm,
            Self::Unknown => Ink::Warn,
        }
    }

    /// What it means, in a sentence, under that condition.
    pub fn sentence(&self, system: &SystemState, condition: &str) -> String {
        let name = &system.name;
        let (exercised, bound) = system.exercised();
        match self {
            Self::Nothing => format!("{name}, safety: no trial has begun."),
            Self::Valid => {
                let bound = bound.map_or_else(String::new, |bound| {
                    format!("; true rates up to {} in a million holds fit that (95 %)", three_digits(bound))
                });
                format!(
                    "{name}, valid: of {} holds that another client challenged none was a double grant{bound}; {condition}.",
                    grouped(exercised)
                )
            }
            Self::Broken { double_grants, token_regressions } => format!(
                "{name}, {}{}: a key was granted to a client while another one still held it; {}: a later grant got a \
                 smaller token. Screen 4 has their stories.",
                counted(*double_grants, "double grant"),
                if system.earlier_double_grants > 0 { " in all its trials" } else { "" },
                counted(*token_regressions, "token regression")
            ),
            Self::NotExercised => {
                format!(
                    "{name}, not exercised: no request of another client met a hold that has ended, so nothing is \
                     proven."
                )
            }
            Self::Unknown => format!("{name}, safety unknown: {}.", because(system)),
        }
    }
}

fn because(system: &SystemState) -> String {
    match &system.result {
        Some(result) if system.standing == Standing::Failed && result.safety.verdict != SafetyVerdict::Unknown => {
            "the trial failed, so not all of it was seen".to_owned()
        }
        Some(result) if result.safety.verdict == SafetyVerdict::Unknown => result.safety.because.clone(),
        _ => format!("{} without a verdict", counted(u64::from(system.earlier_unknown), "earlier trial")),
    }
}
