//! Processor time, memory and network traffic of a trial: read at both ends of the measure phase, without its
//! pauses.

use rustix::time::{ClockId, clock_gettime};

use super::traffic::Traffic;
use super::trial::Tick;
use lockbench_core::record::Phase;
use lockbench_report::Resources;

/// CPU seconds of this process so far.
#[must_use]
pub fn own_cpu_s() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// CPU seconds of the calling thread so far.
pub(crate) fn thread_cpu_s() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// What was used up to one moment.
#[derive(Clone)]
pub(crate) struct Reading {
    /// CPU seconds of lockbench.
    pub own_cpu_s: f64,
    /// Those of its recorder, which is the thread that reads this.
    pub recorder_cpu_s: f64,
    /// What the servers use.
    pub servers: Resources,
    /// What went to them and came back.
    pub traffic: Option<Traffic>,
}

/// What was used at both ends of the measure phase, and of each pause in it.
#[derive(Default)]
pub(crate) struct Meter {
    before: Option<Reading>,
    after: Option<Reading>,
    paused: Option<Reading>,
    /// The connections a moment before the end, and what was left then: a client that is done closes its own at once.
    near_end: Option<(u64, Option<Traffic>)>,
    /// What was used in pauses.
    idle: Idle,
}

/// What is used while the load is paused.
#[derive(Default)]
struct Idle {
    own_cpu_s: f64,
    recorder_cpu_s: f64,
    server_cpu_s: f64,
    sent_bytes: u64,
    received_bytes: u64,
}

impl Reading {
    /// Bytes sent and received since an earlier moment.
    fn bytes_since(&self, earlier: &Self) -> Option<(u64, u64)> {
        Some(self.traffic.as_ref()?.since(earlier.traffic.as_ref()?))
    }
}

/// From so long before the end on the connections are looked at, a few times: a look may come late.
const NEAR_END_NS: u64 = 600_000_000;
/// From one such look to the next.
const LOOKS_NS: u64 = 200_000_000;

/// CPU seconds of servers that were asked at both moments.
fn between(before: &Resources, after: &Resources) -> Option<f64> {
    Some(after.server_cpu_s? - before.server_cpu_s?)
}

/// The connections of two looks; those that are gone at the later one as they were at the earlier.
fn joined(later: Option<&Traffic>, earlier: Option<&Traffic>) -> Option<Traffic> {
    later.map(|later| later.clone().with(earlier)).or_else(|| earlier.cloned())
}

impl Meter {
    /// Is a look needed now? Phases begin, pauses begin and end.
    pub fn asks(&self, tick: Tick) -> bool {
        tick.entered || tick.paused != self.paused.is_some() || self.is_near_end(tick)
    }

    /// Returns whether the end is near, and was not so the last time.
    fn is_near_end(&self, tick: Tick) -> bool {
        let from = self.near_end.as_ref().map_or(NEAR_END_NS, |(left_ns, _)| left_ns.saturating_sub(LOOKS_NS));
        tick.phase == Phase::Measure && !tick.paused && tick.left_ns < from
    }

    pub fn read(&mut self, tick: Tick, now: Reading) {
        if self.is_near_end(tick) {
            let before = self.near_end.take().and_then(|(_, traffic)| traffic);
            self.near_end = Some((tick.left_ns, joined(now.traffic.as_ref(), before.as_ref())));
        }
        match (self.paused.take(), tick.paused) {
            (None, true) => self.paused = Some(now.clone()),
            (Some(since), true) => self.paused = Some(since),
            // One of the warm-up is over before the measure phase begins.
            (Some(since), false) if self.before.is_some() => {
                self.idle.own_cpu_s += now.own_cpu_s - since.own_cpu_s;
                self.idle.recorder_cpu_s += now.recorder_cpu_s - since.recorder_cpu_s;
                self.idle.server_cpu_s += between(&since.servers, &now.servers).unwrap_or_default();
                let (sent, received) = now.bytes_since(&since).unwrap_or_default();
                self.idle.sent_bytes += sent;
                self.idle.received_bytes += received;
            }
            (Some(_) | None, false) => {}
        }
        match tick.phase {
            Phase::Measure if tick.entered => self.before = Some(now),
            Phase::Drain if tick.entered => self.after = Some(now),
            Phase::Warmup | Phase::Measure | Phase::Drain => {}
        }
    }

    pub fn resources(&self) -> Resources {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return Resources::default();
        };
        let near_end = self.near_end.as_ref().and_then(|(_, traffic)| traffic.as_ref());
        let last = joined(after.traffic.as_ref(), near_end);
        let bytes = last.zip(before.traffic.as_ref()).map(|(last, before)| last.since(before));
        Resources {
            client_cpu_s: Some(after.own_cpu_s - before.own_cpu_s - self.idle.own_cpu_s),
            recorder_cpu_s: Some(after.recorder_cpu_s - before.recorder_cpu_s - self.idle.recorder_cpu_s),
            server_cpu_s: between(&before.servers, &after.servers).map(|cpu| cpu - self.idle.server_cpu_s),
            server_rss_bytes: after.servers.server_rss_bytes,
            sent_bytes: bytes.map(|(sent, _)| sent.saturating_sub(self.idle.sent_bytes)),
            received_bytes: bytes.map(|(_, received)| received.saturating_sub(self.idle.received_bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Reading};
    use crate::trial::Tick;
    use lockbench_core::record::Phase;
    use lockbench_report::Resources;

    fn metered(ticks: &[(Phase, bool, bool, f64)]) -> (Option<f64>, Option<f64>) {
        let mut meter = Meter::default();
        for (phase, entered, paused, cpu) in ticks.iter().copied() {
            let tick = Tick { phase, entered, elapsed_ns: 0, left_ns: 0, paused };
            if meter.asks(tick) {
                let servers = Resources { server_cpu_s: Some(10.0 * cpu), ..Resources::default() };
                meter.read(tick, Reading { own_cpu_s: cpu, recorder_cpu_s: cpu / 2.0, servers, traffic: None });
            }
        }
        (meter.resources().client_cpu_s, meter.resources().server_cpu_s)
    }

    #[test]
    fn processor_time_is_that_of_the_measure_phase_without_its_pauses() {
        use Phase::{Drain, Measure, Warmup};
        let plain = [(Warmup, true, false, 1.0), (Measure, true, false, 2.0), (Drain, true, false, 6.0)];
        assert_eq!(metered(&plain), (Some(4.0), Some(40.0)));
        let paused = [
            (Warmup, true, false, 1.0),
            (Warmup, false, true, 1.25),
            (Warmup, false, false, 1.5),
            (Measure, true, false, 2.0),
            (Measure, false, true, 3.0),
            (Measure, false, true, 3.25),
            (Measure, false, false, 3.5),
            (Measure, false, true, 4.0),
            (Drain, true, false, 6.0),
        ];
        assert_eq!(metered(&paused), (Some(1.5), Some(15.0)));
        assert_eq!(metered(&plain[..2]), (None, None));
    }
}
