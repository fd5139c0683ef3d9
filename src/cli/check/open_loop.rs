//! What a load by the clock asks of this machine and of a lock system, before it runs.

use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_core::workload::Plan;
use lockbench_core::workload::plan::{AcquireMode, Arrival, Keys};
use lockbench_report::cores;

/// A paragraph; empty for a closed loop.
pub fn text(plan: &Plan) -> String {
    if !plan.arrival.is_open() {
        return String::new();
    }
    let load_ns = plan.warmup_ns.saturating_add(plan.duration_ns);
    let before = plan.arrival.expected(plan.warmup_ns, load_ns);
    let measured = plan.arrival.expected(load_ns, load_ns) - before;
    let mean = measured / (plan.duration_ns as f64 / 1e9);
    let lines = [
        Some(format!(
            "{} attempts are due while it measures, {} per second on average{}",
            grouped(measured.round() as u64),
            three_digits(mean),
            plan.arrival
                .peak_per_s()
                .filter(|peak| *peak > mean * 1.01)
                .map_or_else(String::new, |peak| { format!(", {} at most", three_digits(peak)) })
        )),
        Some(clients(plan, mean)),
        busiest(plan, mean),
        Some(format!(
            "up to {} callers wait for a free client; more are dropped, and count as waits in vain",
            grouped(u64::from(plan.arrival.queue(plan.clients, plan.patience_ns())))
        )),
        Some(own(plan, mean)),
    ];
    let lines: String = lines.into_iter().flatten().map(|line| format!("  {line}\n")).collect();
    format!("\nload by the clock:\n{lines}")
}

/// How long a client has for an attempt.
fn clients(plan: &Plan, mean: f64) -> String {
    let each_ns = f64::from(plan.clients) * 1e9 / mean;
    let hold_ns = plan.hold.mean_ns() as f64;
    let said = format!(
        "{} clients keep up while an attempt takes {} or less, of which it holds the lock for {}",
        grouped(u64::from(plan.clients)),
        human_duration(each_ns as u64),
        human_duration(hold_ns as u64),
    );
    if hold_ns >= each_ns { format!("{said}: they cannot; raise clients, or lower the rate") } else { said }
}

/// The key that most attempts want: its holders follow one another.
fn busiest(plan: &Plan, mean: f64) -> Option<String> {
    let share = match plan.keys {
        Keys::PerClient => return None,
        _ => plan.hottest_share(),
    };
    let busy = mean * share * plan.hold.mean_ns() as f64 / 1e9;
    let said = format!("the busiest key is held for {:.0} % of the time", 100.0 * busy);
    Some(match plan.acquire {
        _ if busy < 0.8 => said,
        _ if busy < 1.0 => format!("{said}, without what the system needs to hand it over: waits grow long"),
        AcquireMode::Wait { .. } => {
            format!("{said}: no lock system can serve that; lower the rate or hold, or add keys")
        }
        AcquireMode::Try => format!("{said}: most tries find it held"),
    })
}

/// What lockbench has to keep to.
fn own(plan: &Plan, mean: f64) -> String {
    let cores = cores();
    let (count, kind) = match plan.processes() {
        Some(sharing) => (sharing.workers(), "processes"),
        None => (cores.min(plan.clients), "threads"),
    };
    let gap = match plan.arrival {
        Arrival::Bursts { size, .. } => format!("bursts of {} at once", grouped(u64::from(size))),
        _ => format!("one attempt per {}", human_duration((1e9 / mean) as u64)),
    };
    format!(
        "lockbench itself: {gap} from {count} {kind} on {cores} processors; if 1 % of the attempts begin late, or it \
         uses more than 80 % of its share, the run is inconclusive (exit 97)"
    )
}
