//! What is known of a run and its systems before the first trial.

use super::{Origin, RunFacts, SystemFacts};
use crate::cores;
use lockbench_core::lock::{Facts, Guarantees, WaitKind};
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_core::workload::plan::{AcquireMode, Arrival, Keys, Span};
use lockbench_core::workload::{Part, Plan};

impl RunFacts {
    /// Of a plan for these systems.
    #[must_use]
    pub fn of(origin: Origin, run_id: &str, plan: &Plan, backends: Vec<String>) -> Self {
        Self {
            origin,
            run_id: run_id.to_owned(),
            workload: plan.name.clone(),
            question: plan.question.clone(),
            backends,
            trials: plan.trials,
            clients: plan.clients,
            keys: plan.count_of_keys(),
            warmup_ns: plan.warmup_ns,
            duration_ns: plan.duration_ns,
            acquire_timeout_ns: match plan.acquire {
                AcquireMode::Try => None,
                AcquireMode::Wait { timeout_ns, .. } => Some(timeout_ns),
            },
            load: load(plan),
            faults: plan.faults.iter().map(ToString::to_string).collect(),
            due_at_start: plan.parts().iter().all(|part| *part.think == Span::ZERO && !part.arrival.is_open()),
            order: Vec::new(),
            cores: cores(),
            ceiling_cycles_per_s: None,
            lints: None,
        }
    }
}

impl SystemFacts {
    /// Of a recipe and what its servers said. `ttl_ns`: lease length asked for.
    #[must_use]
    pub fn of(backend: &str, guarantees: &Guarantees, facts: Facts, ttl_ns: u64) -> Self {
        Self {
            backend: backend.to_owned(),
            facts,
            addresses: Vec::new(),
            started_here: false,
            waiting: waiting(guarantees.waiting).to_owned(),
            fencing: guarantees.token.is_some(),
            fifo: guarantees.fifo,
            ttl_ns: guarantees.lease.then_some(ttl_ns),
        }
    }
}

/// How clients wait, in words.
fn waiting(kind: WaitKind) -> &'static str {
    match kind {
        WaitKind::Poll => "poll",
        WaitKind::ServerQueue => "server queue",
        WaitKind::Watch => "watch",
        WaitKind::Message => "message",
        WaitKind::InProcess => "in this process",
    }
}

/// The load in one line.
fn load(plan: &Plan) -> String {
    if plan.groups.is_empty() {
        return of_part(&plan.parts()[0]);
    }
    groups_in_words(plan).join("; ")
}

/// What each group of clients does, a line for each.
#[must_use]
pub fn groups_in_words(plan: &Plan) -> Vec<String> {
    let of = |part: &Part<'_>| format!("{} ({}): {}", part.name, part.clients.end - part.clients.start, of_part(part));
    plan.parts().iter().map(of).collect()
}

fn of_part(part: &Part<'_>) -> String {
    let keys = match *part.keys {
        Keys::Single => "one key".to_owned(),
        Keys::PerClient => "a key a client".to_owned(),
        Keys::Uniform { count } => format!("{count} keys"),
        Keys::Zipf { count, exponent } => format!("{count} keys (zipf {exponent})"),
        Keys::HotSet { count, hot, share } => {
            format!("{count} keys ({hot} of them wanted by {:.0} %)", 100.0 * share)
        }
    };
    let own = if part.own_keys { " of its own" } else { "" };
    let mut parts = vec![format!("{keys}{own}"), format!("hold {}", span(part.hold))];
    if let Some(arrival) = arrival(part.arrival) {
        parts.push(arrival);
    }
    if *part.think != Span::ZERO {
        parts.push(format!("think {}", span(part.think)));
    }
    parts.push(match part.acquire {
        AcquireMode::Try => "tries once".to_owned(),
        AcquireMode::Wait { timeout_ns, .. } => format!("waits up to {}", human_duration(timeout_ns)),
    });
    parts.join(", ")
}

/// When attempts are due, where the clock says so.
fn arrival(arrival: &Arrival) -> Option<String> {
    let rate = |per_s: f64| format!("{}/s", three_digits(per_s));
    Some(match arrival {
        Arrival::Closed => return None,
        Arrival::Constant { per_s, .. } => format!("due at {}", rate(*per_s)),
        Arrival::Poisson { per_s, .. } => format!("due at {} (Poisson)", rate(*per_s)),
        Arrival::Bursts { size, every_ns, .. } => format!("{size} due every {}", human_duration(*every_ns)),
        Arrival::Ramp { from_per_s, to_per_s, .. } => format!("due at {} to {}", rate(*from_per_s), rate(*to_per_s)),
        Arrival::Steps { rates_per_s, .. } => {
            let rates: Vec<String> = rates_per_s.iter().map(|rate| three_digits(*rate)).collect();
            format!("due at {}/s in turn", rates.join(", "))
        }
        Arrival::Trace { trace, .. } => format!("{} due as recorded", grouped(trace.rows().len() as u64)),
    })
}

fn span(span: &Span) -> String {
    match *span {
        Span::Constant { ns: 0 } => "none".to_owned(),
        Span::Constant { ns } => human_duration(ns),
        Span::Uniform { min_ns, max_ns } => format!("{} to {}", human_duration(min_ns), human_duration(max_ns)),
        Span::Exponential { mean_ns, .. } => format!("{} on average", human_duration(mean_ns)),
        Span::Pareto { min_ns, .. } => format!("{} at least, with a heavy tail", human_duration(min_ns)),
        Span::Bimodal { short_ns, long_ns, share } => {
            format!("{}, {:.3} % {}", human_duration(short_ns), 100.0 * share, human_duration(long_ns))
        }
        Span::Recorded { ref lengths_ns } => format!("one of {} recorded lengths", lengths_ns.len()),
        Span::LogNormal { median_ns, .. } => format!("{} in the middle, some very long", human_duration(median_ns)),
    }
}
