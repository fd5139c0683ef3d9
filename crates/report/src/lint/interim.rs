//! Lints on a run that is not over: the same checks on the trials that ended, so that
//! whoever watches is told what the report would say if the run ended now.

use super::super::Environment;
use super::super::measured::Measurements;
use super::super::schema::{Aggregate, Report, TrialResult};
use super::{Evidence, LintFinding, LintLevels, lint};
use lockbench_core::workload::Plan;

/// What lints look at besides the trials: known before the first of them.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The plan.
    pub plan: Plan,
    /// Which level each lint has.
    pub levels: LintLevels,
    /// Systems that run inside lockbench: no server, no network.
    pub embedded: Vec<&'static str>,
    /// Systems whose client library leaves Nagle's algorithm on.
    pub nagle: Vec<&'static str>,
    /// The machine.
    pub environment: Environment,
    /// Cycles a second that lockbench itself can make here, if it was measured.
    pub ceiling_cycles_per_s: Option<f64>,
    /// Share of all processors that other processes used while that was measured.
    pub ceiling_others_share: Option<f64>,
}

/// What the lints say of the trials that ended. What only the end of the run can tell
/// (the clocks are compared there) is silent.
#[must_use]
pub fn interim(ground: &Ground, results: &[TrialResult], measured: &[Measurements]) -> Vec<LintFinding> {
    let mut report =
        Report { results: results.to_vec(), aggregates: counted(results), ..Report::blank(ground.environment.clone()) };
    report.tool.ceiling_cycles_per_s = ground.ceiling_cycles_per_s;
    report.tool.ceiling_others_share = ground.ceiling_others_share;
    let evidence =
        Evidence { report: &report, measured, plan: &ground.plan, embedded: &ground.embedded, nagle: &ground.nagle };
    lint(&evidence, &ground.levels).findings
}

/// Of the merged trials only what lints read: how many waits there are. Histograms need
/// not be kept for that.
fn counted(results: &[TrialResult]) -> Vec<Aggregate> {
    let mut merged: Vec<Aggregate> = Vec::new();
    for result in results.iter().filter(|result| result.error.is_none()) {
        let at = merged.iter().position(|one| one.backend == result.backend).unwrap_or_else(|| {
            merged.push(Aggregate { backend: result.backend.clone(), ..Aggregate::default() });
            merged.len() - 1
        });
        merged[at].trials += 1;
        merged[at].latency.acquire_service.count += result.latency.acquire_service.count;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{measured, report, trial};
    use super::super::{Evidence, LintLevels, lint};
    use super::{Ground, interim};
    use lockbench_core::workload::parse;

    #[test]
    fn after_the_last_trial_they_say_what_the_report_will_say() {
        let (plan, _) = parse("x.toml", "clients = 4", &["hold=1ms".to_owned()]).unwrap();
        let mut whole = report(vec![trial("redis", 1), trial("etcd", 1)]);
        whole.results[0].durability = "appendonly no, save 3600 1 (stock)".into();
        whole.results[0].throttled = 3;
        whole.aggregates[1].latency.acquire_service.count = 20;
        whole.results[if whole.aggregates[1].backend == "redis" { 0 } else { 1 }].latency.acquire_service.count = 20;
        let all = [measured("redis", 1, &[4_000; 8]), measured("etcd", 1, &[3_900; 8])];
        let ground = Ground {
            plan: plan.clone(),
            levels: LintLevels::default(),
            embedded: vec!["memory"],
            nagle: vec!["zookeeper"],
            environment: whole.environment.clone(),
            ceiling_cycles_per_s: whole.tool.ceiling_cycles_per_s,
            ceiling_others_share: whole.tool.ceiling_others_share,
        };
        let evidence =
            Evidence { report: &whole, measured: &all, plan: &plan, embedded: &["memory"], nagle: &["zookeeper"] };
        let told = lint(&evidence, &ground.levels).findings;
        let names: Vec<&str> = told.iter().map(|finding| finding.name.as_str()).collect();
        assert_eq!(names, ["generator-saturated", "too-few-samples", "fsync-off"]);
        assert_eq!(interim(&ground, &whole.results, &all), told);
        // Earlier: of the trials so far.
        assert_eq!(interim(&ground, &[], &[]), []);
        let first = interim(&ground, &whole.results[..1], &all[..1]);
        assert!(first.iter().all(|finding| finding.backend.as_deref() == Some("redis")), "{first:?}");
    }
}
