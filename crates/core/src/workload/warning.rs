//! What a plan may not mean as it is written. Warnings only: a person may want
//! exactly that.

use super::plan::{Access, AcquireMode, DeadlockPolicy, Expectation, Keys, Locks, Plan, RenewalPolicy};
use super::ttl::resolve_ttl;
use crate::lock::{Guarantees, RenewalKind, Retry, WaitKind};
use crate::units::exact_duration;

/// Warnings about a plan on these systems (registry name and promises), each a
/// sentence or two that says what will happen and what to change.
#[must_use]
pub fn warnings(plan: &Plan, systems: &[(&str, &Guarantees)]) -> Vec<String> {
    [
        hold_may_exceed_ttl(plan, systems),
        nobody_to_meet(plan),
        queue_longer_than_timeout(plan),
        hold_longer_than_trial(plan),
        one_try_only(plan, systems),
        tries_of_queues(plan, systems),
        deadlocks(plan),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Can two clients want the same key?
fn contended(plan: &Plan) -> bool {
    plan.clients > 1 && plan.keys != Keys::PerClient
}

/// Systems whose leases only the client's own renewals keep alive.
fn hold_may_exceed_ttl(plan: &Plan, systems: &[(&str, &Guarantees)]) -> Option<String> {
    let lapses = |(name, guarantees): &&(&str, &Guarantees)| {
        let ttl_ns = resolve_ttl(plan, name, guarantees).map_or(plan.ttl_ns, |ttl| ttl.ttl_ns);
        let kept = match plan.renewal {
            RenewalPolicy::Off => false,
            RenewalPolicy::Every { ns } => ns < ttl_ns,
        };
        guarantees.lease && guarantees.renewal == RenewalKind::Explicit && !kept && plan.hold.longest_ns() >= ttl_ns
    };
    let names: Vec<&str> = systems.iter().filter(lapses).map(|(name, _)| *name).collect();
    if names.is_empty() || (contended(plan) && plan.expect.contains(&Expectation::Outside)) {
        return None;
    }
    let longest = match plan.hold.longest_ns() {
        u64::MAX => "has no upper bound".to_owned(),
        ns => format!("may last {}", exact_duration(ns)),
    };
    let renewal = match plan.renewal {
        RenewalPolicy::Off => "no renewal".to_owned(),
        RenewalPolicy::Every { ns } => format!("a renewal only every {}", exact_duration(ns)),
    };
    let (ttl, names) = (exact_duration(plan.ttl_ns), names.join(", "));
    let effect = if contended(plan) {
        "lapsed leases will be granted again: double grants \"outside\" are to be expected (exit 100). Shorten the \
         hold, raise the ttl, set renewal = \"on\", or write expect = [\"outside\"] if that is the question"
    } else {
        "leases will lapse and releases will find them gone. Shorten the hold, raise the ttl or set renewal = \"on\""
    };
    Some(format!("a hold {longest} with a ttl of {ttl} and {renewal}: on {names} {effect}."))
}

fn nobody_to_meet(plan: &Plan) -> Option<String> {
    (plan.clients < 2 && plan.keys != Keys::PerClient).then(|| {
        "one client never meets another: nothing is contended, and the oracle has nothing to check. Set clients to 2 \
         or more, or keys = \"per-client\" if only the floor is asked for."
            .to_owned()
    })
}

/// If everybody queues on the hottest key, how long does the last one wait?
fn queue_longer_than_timeout(plan: &Plan) -> Option<String> {
    let AcquireMode::Wait { timeout_ns, .. } = plan.acquire else { return None };
    let hold = plan.hold.mean_ns();
    let ahead = (f64::from(plan.clients) * plan.hottest_share()).max(2.0) - 1.0;
    let wait = (ahead * hold as f64) as u64;
    (contended(plan) && plan.access == Access::Exclusive && wait > timeout_ns).then(|| {
        format!(
            "about {ahead:.0} holds of {} on average are ahead of the last client of the hottest key, longer than the \
             acquire timeout of {}: many attempts will time out, and the high percentiles will be missing. Lengthen \
             acquire.timeout, or lower clients or hold.",
            exact_duration(hold),
            exact_duration(timeout_ns)
        )
    })
}

fn hold_longer_than_trial(plan: &Plan) -> Option<String> {
    let hold = plan.hold.mean_ns();
    (hold >= plan.duration_ns).then(|| {
        format!(
            "a hold of {} on average does not fit into the {} that are measured: there may be no grant at all. \
             Lengthen duration or shorten hold.",
            exact_duration(hold),
            exact_duration(plan.duration_ns)
        )
    })
}

fn one_try_only(plan: &Plan, systems: &[(&str, &Guarantees)]) -> Option<String> {
    let AcquireMode::Wait { timeout_ns, .. } = plan.acquire else { return None };
    let (Retry::Fixed { delay_ns: first }
    | Retry::Exponential { base_ns: first, .. }
    | Retry::Jitter { base_ns: first, .. }
    | Retry::Decorrelated { base_ns: first, .. }) = plan.retry;
    let polls = |(_, guarantees): &&(&str, &Guarantees)| guarantees.waiting == WaitKind::Poll;
    let names: Vec<&str> = systems.iter().filter(polls).map(|(name, _)| *name).collect();
    (first >= timeout_ns && !names.is_empty()).then(|| {
        format!(
            "the first retry delay of {} is not shorter than the acquire timeout of {}: {} will try once only. \
             Shorten the retry.",
            exact_duration(first),
            exact_duration(timeout_ns),
            names.join(", ")
        )
    })
}

/// A bound on tries means nothing to who does not poll.
fn tries_of_queues(plan: &Plan, systems: &[(&str, &Guarantees)]) -> Option<String> {
    let AcquireMode::Wait { tries: Some(tries), .. } = plan.acquire else { return None };
    let waits = |(_, guarantees): &&(&str, &Guarantees)| guarantees.waiting != WaitKind::Poll;
    let names: Vec<&str> = systems.iter().filter(waits).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{}: clients wait in a queue or for a change, and do not poll: {tries} tries bound nothing there, only the \
             acquire timeout does.",
            names.join(", ")
        )
    })
}

/// A deadlock stands until a timeout, unless the plan breaks it.
fn deadlocks(plan: &Plan) -> Option<String> {
    let AcquireMode::Wait { timeout_ns, .. } = plan.acquire else { return None };
    let by_timeout = matches!(plan.locks, Locks::Shuffled { deadlock: DeadlockPolicy::Timeout, .. });
    (by_timeout && plan.clients > 1 && timeout_ns >= plan.duration_ns / 4).then(|| {
        format!(
            "clients can wait for each other in a circle, and only the acquire timeout of {} breaks that where no server \
             does: one deadlock may stop the load for a large part of the {} that are measured. Shorten acquire.timeout, or \
             set deadlock = \"abort-youngest\".",
            exact_duration(timeout_ns),
            exact_duration(plan.duration_ns)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::warnings;
    use crate::lock::{Guarantees, RenewalKind, WaitKind};
    use crate::workload::parse;

    const LEASE: Guarantees = Guarantees {
        lease: true,
        token: None,
        fifo: false,
        waiting: WaitKind::Poll,
        ways: crate::lock::Ways::Both,
        renewal: RenewalKind::Explicit,
        ttl_floor_ms: 1,
        ttl_step_ms: 0,
        connection_frees: false,
        quorum: false,
        exclusion: true,
        shared: false,
        permits: false,
        source: "",
    };
    const HEARTBEAT: Guarantees = Guarantees { renewal: RenewalKind::Heartbeat, waiting: WaitKind::Watch, ..LEASE };

    fn warned(sets: &[&str]) -> Vec<String> {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let (plan, _) =
            parse("x.toml", "clients = 8\nacquire = { mode = \"wait\", timeout = \"10m\" }", &sets).unwrap();
        warnings(&plan, &[("redis", &LEASE), ("redlock", &LEASE), ("etcd", &HEARTBEAT)])
    }

    fn one(sets: &[&str]) -> String {
        let warnings = warned(sets);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        warnings[0].clone()
    }

    #[test]
    fn tries_that_bound_nothing_and_deadlocks_that_stop_the_load_are_told() {
        let text = one(&["acquire={mode=\"wait\",timeout=\"1s\",tries=3}"]);
        assert!(text.starts_with("etcd: clients wait in a queue"), "{text}");
        let shuffled = ["keys={kind=\"uniform\",count=9}", "locks={kind=\"shuffled\",count=2}", "acquire.timeout=5s"];
        assert!(one(&shuffled).contains("one deadlock may stop the load"));
        assert!(warned(&[&shuffled[..], &["locks.deadlock=abort-youngest"]].concat()).is_empty());
    }

    #[test]
    fn a_plain_plan_has_no_warning() {
        assert_eq!(warned(&[]), Vec::<String>::new());
    }

    #[test]
    fn a_hold_beyond_the_ttl_names_the_systems_that_need_renewal() {
        let text = one(&["hold=12s", "duration=60s"]);
        assert!(text.contains("on redis, redlock lapsed") && !text.contains("etcd"), "{text}");
        assert!(text.contains("expect = [\"outside\"]"), "{text}");
        assert!(one(&["hold={kind=\"exponential\", mean=\"1ms\"}"]).contains("no upper bound"));
        assert!(one(&["hold=12s", "duration=60s", "renewal=10s"]).contains("only every 10s"));
        assert!(one(&["hold=12s", "duration=60s", "keys=per-client"]).contains("releases will find them gone"));
    }

    #[test]
    fn a_hold_beyond_the_ttl_is_fine_when_renewed_expected_or_cut() {
        assert!(warned(&["hold=12s", "duration=60s", "renewal=on"]).is_empty());
        assert!(warned(&["hold=12s", "duration=60s", "expect=[\"outside\"]"]).is_empty());
        assert!(warned(&["hold={kind=\"exponential\", mean=\"1ms\", max=\"9s\"}"]).is_empty());
    }

    #[test]
    fn a_lonely_client_is_told_so() {
        assert!(one(&["clients=1"]).contains("never meets another"));
        assert!(warned(&["clients=1", "keys=per-client"]).is_empty());
    }

    #[test]
    fn a_queue_longer_than_the_timeout_is_told_so() {
        let text = one(&["hold=1s", "acquire.timeout=5s"]);
        assert!(text.contains("about 7 holds of 1s"), "{text}");
        assert!(warned(&["hold=1s", "acquire.timeout=5s", "keys={kind=\"uniform\", count=8}"]).is_empty());
        assert!(warned(&["hold=1s", "acquire=try"]).is_empty());
    }

    #[test]
    fn a_hold_longer_than_the_trial_is_told_so() {
        assert!(one(&["hold=9s", "duration=5s"]).contains("no grant at all"));
    }

    #[test]
    fn a_retry_longer_than_the_timeout_is_told_so() {
        let text = one(&["retry={kind=\"fixed\", delay=\"2s\"}", "acquire.timeout=1s"]);
        assert!(text.contains("redis, redlock will try once only"), "{text}");
    }
}
