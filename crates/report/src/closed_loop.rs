//! Where response time is service time by construction: a closed loop without think time, in
//! which each attempt is due at the moment of its call.

use super::schema::{LatencySet, Report};

/// Returns whether it is so in a run: two columns, or two curves, would say one thing twice.
#[must_use]
pub fn response_is_service(report: &Report) -> bool {
    let think = &report.plan["think"];
    let no_think = think["kind"] == "constant" && think["value"] == "0s";
    let same = |latency: &LatencySet| latency.acquire_response == latency.acquire_service;
    no_think
        && report.results.iter().all(|result| result.dropped.is_none() && same(&result.latency))
        && report.aggregates.iter().all(|merged| same(&merged.latency))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{report, trial};
    use super::response_is_service;

    #[test]
    fn only_a_closed_loop_without_think_time_has_one_wait() {
        let mut run = report(vec![trial("redis", 1)]);
        run.results[0].latency.acquire_response = run.results[0].latency.acquire_service;
        run.aggregates[0].latency = run.results[0].latency;
        assert!(!response_is_service(&run), "the plan is not known");
        run.plan = serde_json::json!({ "think": { "kind": "constant", "value": "0s" } });
        assert!(response_is_service(&run));
        let mut paced = run.clone();
        paced.results[0].dropped = Some(0);
        assert!(!response_is_service(&paced));
        run.plan["think"]["value"] = "1ms".into();
        assert!(!response_is_service(&run));
    }
}
