//! How the load generator of an open loop did, and whether its figures are those of the system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LatencySet, Resources};
use lockbench_core::record::LatencyFigures;
use lockbench_core::record::figures;
use lockbench_core::units::{grouped, human_duration, three_digits};

/// Lag of the 99th percentile that is always allowed, in nanoseconds: what a timer and a wake-up take.
const LAG_NS: u64 = 200_000;
/// And as a share of the mean gap between two due instants.
const LAG_SHARE: f64 = 0.05;
/// Share of the processors that its threads can have from which on lockbench waits for them itself.
const BUSY: f64 = 0.8;
/// Share of what was due that must have begun.
const BEGUN: f64 = 0.99;

/// An open loop: attempts were due by the clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenLoop {
    /// Attempts that were due in the measure phase.
    pub due: u64,
    /// The same per second of it.
    pub due_per_s: f64,
    /// Of these: a client took them.
    pub begun: u64,
    /// Of these: dropped, because every client was busy and the queue was full until the end. They are in
    /// `acquire_response` as waits in vain.
    pub dropped_busy: u64,
    /// Of these: dropped while a client was free that came late, or while lockbench did not run.
    pub dropped_free: u64,
    /// How late attempts began though a client was free: the lag of lockbench itself.
    pub lag: LatencyFigures,
    /// How long attempts waited for a client: what the system makes its callers wait for before they can ask. A part of
    /// `acquire_response`.
    pub queued: LatencyFigures,
    /// Share of the processors that the threads of lockbench can have which they used; `null`: not measured.
    pub cpu_share: Option<f64>,
    /// Why the figures of this trial are not those of the system, a sentence each; empty: they are.
    pub limits: Vec<String>,
}

impl OpenLoop {
    /// Of what was folded in `measured_s` seconds, with so many threads or processes of clients on so many processors.
    #[must_use]
    pub fn of(
        folded: &figures::OpenLoop,
        measured_s: f64,
        resources: &Resources,
        (workers, cores, clients): (u32, u32, u32),
    ) -> Self {
        let usable = f64::from(workers.min(cores).max(1));
        let mut open_loop = Self {
            due: folded.due(),
            due_per_s: if measured_s > 0.0 { folded.due() as f64 / measured_s } else { 0.0 },
            begun: folded.begun(),
            dropped_busy: folded.dropped(),
            dropped_free: folded.dropped_by_us(),
            lag: folded.lag().figures(),
            queued: folded.queued().figures(),
            cpu_share: resources.client_cpu_s.filter(|_| measured_s > 0.0).map(|cpu| cpu / measured_s / usable),
            limits: Vec::new(),
        };
        open_loop.limits = open_loop.limited(clients);
        open_loop
    }

    /// Longest lag of the 99th percentile that is allowed at this rate, in nanoseconds.
    #[must_use]
    pub fn lag_limit_ns(&self) -> u64 {
        if self.due_per_s > 0.0 { LAG_NS.max((LAG_SHARE * 1e9 / self.due_per_s) as u64) } else { LAG_NS }
    }

    /// What service time hides: where callers waited much longer than the calls of their clients took, a sentence without
    /// a subject.
    #[must_use]
    pub fn hidden(&self, latency: &LatencySet) -> Option<String> {
        /// Response time that is so many times the service time says something else.
        const FACTOR: u64 = 2;
        let (service, response) = (&latency.acquire_service, &latency.acquire_response);
        let all = [
            ("0.1 %", response.p999_ns, service.p999_ns),
            ("1 %", response.p99_ns, service.p99_ns),
            ("half", response.p50_ns, service.p50_ns),
        ];
        let told = all.into_iter().find_map(|(share, response, service)| Some((share, response?, service?)));
        let (share, response, service) = told?;
        let beyond = response > FACTOR * service && response - service > self.lag_limit_ns();
        beyond.then(|| {
            format!(
                "from the instant at which they were due, {share} of the callers waited {} or more for the lock; counted \
                 from the call of a client it is {}. The difference was spent waiting for a client that was free: a load \
                 that waits for the system (a closed loop) does not see it",
                human_duration(response),
                human_duration(service)
            )
        })
    }

    fn limited(&self, clients: u32) -> Vec<String> {
        self.own_limits().into_iter().chain(self.overrun(clients)).collect()
    }

    /// What lockbench itself did not keep up with, a sentence each.
    #[must_use]
    pub fn own_limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        let limit = self.lag_limit_ns();
        if let Some(lag) = self.lag.p99_ns.filter(|lag| *lag > limit) {
            let (lag, limit) = (human_duration(lag), human_duration(limit));
            limits.push(format!(
                "the load generator was late: 1 % of the attempts began {lag} or more after they were due though a client \
                 was free, and {limit} is allowed at this rate; lower the rate, or give lockbench more processors"
            ));
        }
        if let Some(share) = self.cpu_share.filter(|share| *share > BUSY) {
            let share = 100.0 * share;
            limits.push(format!(
                "the load generator used {share:.0} % of the processors that it can have, above {:.0} %: it waits for \
                 itself; lower the rate, or give lockbench more processors",
                100.0 * BUSY
            ));
        }
        if self.dropped_free > 0 {
            limits.push(format!(
                "{} due attempts were dropped though a client was free: lockbench itself did not run then",
                grouped(self.dropped_free)
            ));
        }
        limits
    }

    /// That the system does not take so many attempts from so many clients, a sentence; `None`: it does.
    #[must_use]
    pub fn overrun(&self, clients: u32) -> Option<String> {
        let (began, due) = (grouped(self.begun), grouped(self.due));
        let clients = match clients {
            1 => "the one client was".to_owned(),
            clients => format!("all {} clients were", grouped(u64::from(clients))),
        };
        let fewer = (self.begun as f64) < BEGUN * self.due as f64;
        (fewer && self.dropped_busy > 0).then(|| {
            format!(
                "{began} of {due} due attempts began, the others found that {clients} busy: {} per second are more than \
                 the system serves with so many clients; lower the rate, or raise clients",
                three_digits(self.due_per_s)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LatencySet, OpenLoop};
    use lockbench_core::record::LatencyFigures;

    fn sound() -> OpenLoop {
        let lag = LatencyFigures { count: 5_000, p99_ns: Some(150_000), ..LatencyFigures::default() };
        OpenLoop {
            due: 10_000,
            due_per_s: 1_000.0,
            begun: 9_950,
            dropped_busy: 50,
            lag,
            cpu_share: Some(0.3),
            ..OpenLoop::default()
        }
    }

    fn limited(open_loop: &OpenLoop) -> String {
        open_loop.limited(8).join("\n")
    }

    #[test]
    fn a_generator_that_keeps_up_limits_nothing() {
        assert_eq!(limited(&sound()), "");
        let lag = LatencyFigures { p99_ns: Some(4_000_000), ..sound().lag };
        // 5 % of 100 ms are 5 ms.
        assert_eq!(limited(&OpenLoop { lag, due_per_s: 10.0, ..sound() }), "");
    }

    #[test]
    fn what_service_time_hides_is_said() {
        let acquire = |p99_ns| LatencyFigures { p99_ns: Some(p99_ns), ..LatencyFigures::default() };
        let of = |response, service| {
            let (acquire_response, acquire_service) = (acquire(response), acquire(service));
            sound().hidden(&LatencySet { acquire_response, acquire_service, ..LatencySet::default() })
        };
        let said = of(915_000_000, 6_500_000).unwrap();
        assert!(said.starts_with("from the instant at which they were due, 1 % of the callers waited 915 ms or more"));
        assert!(said.contains("from the call of a client it is 6.50 ms"), "{said}");
        assert_eq!(of(12_000_000, 6_500_000), None, "not twice as long");
        assert_eq!(of(300_000, 120_000), None, "no more than a lag that is allowed");
    }

    #[test]
    fn each_limit_is_said_in_words() {
        let lag = LatencyFigures { p99_ns: Some(201_000), ..sound().lag };
        assert!(
            limited(&OpenLoop { lag, ..sound() })
                .starts_with("the load generator was late: 1 % of the attempts began 201 us")
        );
        assert!(limited(&OpenLoop { cpu_share: Some(0.81), ..sound() }).contains("81 % of the processors"));
        assert!(limited(&OpenLoop { dropped_free: 3, ..sound() }).starts_with("3 due attempts were dropped though"));
        let slow = OpenLoop { begun: 9_899, dropped_busy: 101, ..sound() };
        assert!(
            limited(&slow)
                .starts_with("9 899 of 10 000 due attempts began, the others found that all 8 clients were busy")
        );
    }
}
