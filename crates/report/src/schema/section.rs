//! What critical sections came to that are of a kind of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::record::figures::{Schedule, SectionFold};
use lockbench_core::workload::plan::Section;

/// The harm in the unit of the workload, and what no event of one client tells. How often clients acted and did harm is in
/// `safety.harm`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionResult {
    /// Its kind in the workload: `inventory`, for example.
    pub kind: String,
    /// What harm is, in the plural: "units oversold".
    pub harm: String,
    /// Periods of the measure phase without a run; `null`: it is no job.
    pub missed: Option<u64>,
    /// Seconds of the measure phase without a leader, of all keys; `null`: nobody leads.
    pub without_leader_s: Option<f64>,
    /// Seconds of the measure phase with more than one leader; `null`: nobody leads.
    pub with_several_leaders_s: Option<f64>,
}

impl SectionResult {
    /// Of what was folded; `None`: clients only count.
    #[must_use]
    pub fn of(section: Section, folded: Option<&SectionFold>, schedule: &Schedule) -> Option<Self> {
        if section == Section::Counter {
            return None;
        }
        let leaders = folded.and_then(|folded| folded.leaders(schedule));
        Some(Self {
            kind: section.name().to_owned(),
            harm: section.harm().to_owned(),
            missed: folded.and_then(|folded| folded.missed(schedule)),
            without_leader_s: leaders.map(|(without, _)| without as f64 / 1e9),
            with_several_leaders_s: leaders.map(|(_, several)| several as f64 / 1e9),
        })
    }
}
