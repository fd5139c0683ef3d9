//! Processor time and memory of a trial: read at both ends of the measure phase, without its
//! pauses.

use rustix::time::{ClockId, clock_gettime};

use super::trial::Tick;
use lockbench_core::record::Phase;
use lockbench_report::Resources;

/// CPU seconds of this process so far.
#[must_use]
pub fn own_cpu_s() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// CPU and memory at one moment.
type Reading = (f64, Resources);

/// CPU and memory at both ends of the measure phase, and of each pause in it.
#[derive(Default)]
pub(crate) struct Meter {
    before: Option<Reading>,
    after: Option<Reading>,
    paused: Option<Reading>,
    /// CPU seconds of pauses, our own and the servers'.
    idle: (f64, f64),
}

/// CPU seconds of servers that were asked at both moments.
fn between(before: &Resources, after: &Resources) -> Option<f64> {
    Some(after.server_cpu_s? - before.server_cpu_s?)
}

impl Meter {
    /// Is a look needed now? Phases begin, pauses begin and end.
    pub fn asks(&self, tick: Tick) -> bool {
        tick.entered || tick.paused != self.paused.is_some()
    }

    pub fn read(&mut self, tick: Tick, now: Reading) {
        match (self.paused.take(), tick.paused) {
            (None, true) => self.paused = Some(now),
            (Some(since), true) => self.paused = Some(since),
            // One of the warm-up is over before the measure phase begins.
            (Some(since), false) if self.before.is_some() => {
                self.idle.0 += now.0 - since.0;
                self.idle.1 += between(&since.1, &now.1).unwrap_or_default();
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
        let (Some((own_before, before)), Some((own_after, after))) = (&self.before, &self.after) else {
            return Resources::default();
        };
        Resources {
            client_cpu_s: Some(own_after - own_before - self.idle.0),
            server_cpu_s: between(before, after).map(|cpu| cpu - self.idle.1),
            server_rss_bytes: after.server_rss_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;
    use crate::trial::Tick;
    use lockbench_core::record::Phase;
    use lockbench_report::Resources;

    fn metered(ticks: &[(Phase, bool, bool, f64)]) -> (Option<f64>, Option<f64>) {
        let mut meter = Meter::default();
        for (phase, entered, paused, cpu) in ticks.iter().copied() {
            let tick = Tick { phase, entered, elapsed_ns: 0, left_ns: 0, paused };
            if meter.asks(tick) {
                let usage = Resources { server_cpu_s: Some(10.0 * cpu), ..Resources::default() };
                meter.read(tick, (cpu, usage));
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
