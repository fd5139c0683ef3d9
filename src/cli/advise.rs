//! `lockbench advise`: what measured figures say of a setting.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::args::{AdviseArgs, AdviseCommand, AdviseTtlArgs};
use super::stored::open;
use super::{Failure, print, tell};
use lockbench_core::record::Latency;
use lockbench_core::units::{grouped, human_duration, parse_duration_ns, three_digits};
use lockbench_output::advise::text;
use lockbench_report::advise::{Holds, LeaseUse, Pauses};
use lockbench_systems::Registry;

/// How often a host is looked at, and which gap beyond that is a pause.
const LOOK: Duration = Duration::from_millis(1);
const PAUSE: Duration = Duration::from_millis(5);
/// Longest watch.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Carries out one of its commands.
pub fn advise(args: &AdviseArgs, registry: &Registry) -> Result<u8, Failure> {
    let AdviseCommand::Ttl(args) = &args.command;
    let ttls = args.ttl.split(',').map(|ttl| length("--ttl", ttl)).collect::<Result<Vec<u64>, _>>()?;
    let watch = Duration::from_nanos(length("--watch", &args.watch)?);
    if watch > LONGEST {
        return Err(Failure::usage(format!("--watch {}: watch for a day at most", args.watch)));
    }
    if args.at_most < 0.0 || args.at_most.is_nan() || args.rate.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
        return Err(Failure::usage("--at-most takes a number from 0, --rate one above 0"));
    }
    let (holds, holds_per_s, mut known) = holds(args, registry)?;
    known.push(format!("{} holds per second", three_digits(holds_per_s)));
    tell(&format!("lockbench: watching this host for {}", human_duration(watch.as_nanos() as u64)));
    let pauses = watched(watch);
    let longest = pauses.lengths_ns.iter().max();
    known.push(format!(
        "this host, watched for {:.1} s: {} of {} or more{}; where the clients run elsewhere, watch there",
        pauses.watched_s,
        if pauses.lengths_ns.len() == 1 {
            "1 pause".to_owned()
        } else {
            format!("{} pauses", grouped(pauses.lengths_ns.len() as u64))
        },
        human_duration(PAUSE.as_nanos() as u64),
        longest.map_or_else(String::new, |longest| format!(", the longest {}", human_duration(*longest)))
    ));
    let shortest = ttls.iter().copied().min().unwrap_or_default();
    let floor = |ms: u64| ms * 1_000_000;
    let floors: Vec<(String, u64)> = registry
        .entries()
        .filter(|entry| entry.quick && entry.guarantees.lease && floor(entry.guarantees.ttl_floor_ms) > shortest)
        .map(|entry| (entry.name.to_owned(), floor(entry.guarantees.ttl_floor_ms)))
        .collect();
    let choices = LeaseUse { holds, holds_per_s, pauses }.choices(&ttls);
    print(&text(&choices, args.at_most, &known, &floors))?;
    Ok(0)
}

/// The holds, how many there are per second, and what is known of them in words.
fn holds(args: &AdviseTtlArgs, registry: &Registry) -> Result<(Holds, f64, Vec<String>), Failure> {
    if let Some(text) = &args.hold {
        let quantiles = text.split(',').map(quantile).collect::<Result<Vec<_>, _>>()?;
        return Ok((Holds::Quantiles(quantiles), args.rate.unwrap_or(1.0), vec![format!("holds as given: {text}")]));
    }
    let run = args.run.as_deref().unwrap_or_default();
    let (place, recorded) = open(run, &args.stored.output, registry)?;
    let mut all = Latency::default();
    recorded.measured.iter().for_each(|trial| all.merge(&trial.latencies.hold));
    if all.count() == 0 {
        return Err(Failure::usage(format!("{}: no hold ended in it", place.display())));
    }
    let most = recorded.report.aggregates.iter().filter_map(|merged| merged.throughput_per_s).fold(0.0, f64::max);
    let known = format!("{} holds of the run {}", grouped(all.count() + all.in_vain()), recorded.report.run_id);
    Ok((Holds::Measured(Box::new(all)), args.rate.unwrap_or(most), vec![known]))
}

/// Reads `p99=40ms`.
fn quantile(text: &str) -> Result<(f64, u64), Failure> {
    let refuse = |problem: &str| {
        Failure::usage(format!("--hold {text}: {problem}; write quantiles and durations, as in p50=2ms,p99=40ms"))
    };
    let (name, length) = text.trim().split_once('=').ok_or_else(|| refuse("there is no '='"))?;
    let percent = name.trim().strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent < 100.0).ok_or_else(|| refuse("no quantile"))?;
    Ok((percent / 100.0, parse_duration_ns(length.trim()).map_err(|problem| refuse(&problem))?))
}

fn length(flag: &str, text: &str) -> Result<u64, Failure> {
    let ns = parse_duration_ns(text.trim()).map_err(|problem| Failure::usage(format!("{flag} {text}: {problem}")))?;
    if ns == 0 { Err(Failure::usage(format!("{flag} {text}: that is no time at all"))) } else { Ok(ns) }
}

/// Watches this host as a process that sleeps and wakes.
fn watched(length: Duration) -> Pauses {
    let start = Instant::now();
    let (mut lengths_ns, mut last) = (Vec::new(), start);
    while start.elapsed() < length {
        sleep(LOOK);
        let now = Instant::now();
        let beyond = (now - last).saturating_sub(LOOK);
        if beyond >= PAUSE {
            lengths_ns.push(beyond.as_nanos() as u64);
        }
        last = now;
    }
    Pauses { watched_s: start.elapsed().as_secs_f64(), lengths_ns }
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_read_and_mistakes_are_named() {
        let (share, length) = quantile(" p99.9=1s").unwrap();
        assert!((share - 0.999).abs() < 1e-12 && length == 1_000_000_000, "{share} {length}");
        for wrong in ["p99", "99=1s", "p100=1s", "p0=1s", "p99=1", "pfoo=1s"] {
            assert!(quantile(wrong).unwrap_err().message.starts_with(&format!("--hold {wrong}: ")), "{wrong}");
        }
    }
}
