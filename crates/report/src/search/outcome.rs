//! What probes of a search showed, and what the search found.

use serde::Serialize;

use crate::sweep::Sweep;
use crate::verdict::Exit;

/// What one probe showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "ruling", rename_all = "kebab-case")]
pub enum Ruling {
    /// Every bound is kept.
    Kept {
        /// How many times the tightest bound could be taken: 1 is at the bound. `None`: no bound tells.
        room: Option<f64>,
    },
    /// A bound is breached, or the system does not take so many attempts.
    Breached {
        /// In words, with what was measured.
        because: String,
    },
    /// The load generator was the limit: it says nothing of the system.
    Generator {
        /// In words.
        because: String,
    },
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Attempts per second that were asked for.
    pub rate_per_s: f64,
    /// What it showed.
    #[serde(flatten)]
    pub ruling: Ruling,
    /// The figure of the bound that is closest to its limit, in its base unit; `None`: it does not exist.
    pub figure: Option<f64>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum Finding {
    /// The bounds are kept at the lower rate and not at the higher.
    Between {
        /// Kept here, three times.
        kept_per_s: f64,
        /// Breached here.
        breached_per_s: f64,
        /// What is breached there.
        because: String,
        /// Is the figure more than four times as high there, or does it not exist? Then the system breaks off between the
        /// two, and does not slow down gently.
        cliff: bool,
    },
    /// They are not kept at the lowest rate that was tried.
    Never {
        /// That rate.
        lowest_per_s: f64,
        /// What is breached there.
        because: String,
    },
    /// The load generator was the limit before the system was.
    Generator {
        /// Kept up to here; `None`: nowhere.
        kept_per_s: Option<f64>,
        /// It was the limit here.
        at_per_s: f64,
        /// In words.
        because: String,
    },
    /// Probes ran out, or the highest rate was reached.
    Open {
        /// Kept up to here; `None`: nowhere.
        kept_per_s: Option<f64>,
        /// Breached from here; `None`: nowhere.
        breached_per_s: Option<f64>,
    },
}

/// What a search found of a system, and by which probes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchResult {
    /// Registry name.
    pub backend: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Was a rate kept once and breached another time? The system remembers what it went through, or the machine is noisy.
    pub unsteady: bool,
    /// Every probe, in the order in which they ran, with the run that it was.
    pub probes: Vec<(String, Probe)>,
}

/// A search of several systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Searched {
    /// Name of the workload.
    pub workload: String,
    /// The bounds.
    pub slo: String,
    /// One per system.
    pub results: Vec<SearchResult>,
    /// What each probe measured, over the rate.
    pub curve: Sweep,
}

impl Searched {
    /// 0 if an end was found for each system, and 97 otherwise: where the generator was the limit, probes ran out, or
    /// nothing ran.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let found = |result: &SearchResult| matches!(result.finding, Finding::Between { .. } | Finding::Never { .. });
        if !self.results.is_empty() && self.results.iter().all(found) { Exit::Pass } else { Exit::Inconclusive }
    }
}

impl Ruling {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Kept { room: Some(room) } => format!("kept, {room:.1} times below the tightest bound"),
            Self::Kept { room: None } => "kept".to_owned(),
            Self::Breached { because } => format!("breached: {because}"),
            Self::Generator { because } => format!("shows nothing: {because}"),
        }
    }
}
