//! `lockbench overhead`: what lockbench itself costs on this machine. A bare loop over the client library of a system and a
//! whole run take turns on the same servers; what is measured is kept, and told in the reports of later runs.

use std::path::Path;
use std::time::SystemTime;

use super::args::{FormatChoice, OverheadArgs, overrides};
use super::endpoints::{Endpoints, all_used, named};
use super::execute::execute;
use super::frontend::Frontend;
use super::gates;
use super::job::Job;
use super::kept_costs::keep;
use super::select::{Selection, workload};
use super::signal::HangUp;
use super::{Failure, print, print_document};
use lockbench_core::clock::Clock;
use lockbench_core::workload::{Plan, Source};
use lockbench_engine::{BareLoad, Clusters, Servers, bare_pace, namespace, run_id, workers};
use lockbench_report::{BUILD, Environment, Exit, OwnCost, Pace, TrialResult, Turn, worst};
use lockbench_systems::{Entry, Registry, Target};

/// The load: clients with a key each, which hold it for no time.
const WORKLOAD: &str = "uncontended";
/// Shorter than what is shipped: turns are many.
const SHORT: [&str; 2] = ["warmup=500ms", "duration=2s"];

/// Measures the systems that are named, or all that have a bare loop.
pub fn overhead(args: &OverheadArgs, registry: &Registry) -> Result<u8, Failure> {
    let load = &args.load;
    for (given, flag) in [
        (load.sweep.is_some(), "--sweep"),
        (load.baseline.is_some(), "--baseline"),
        (load.save_baseline.is_some(), "--save-baseline"),
    ] {
        if given {
            return Err(Failure::usage(format!("{flag} has no place here: what is measured is lockbench itself")));
        }
    }
    let given = named(&load.endpoint)?;
    let entries = entries(&load.backends, registry)?;
    all_used(&given, &entries)?;
    let mut flags = load.short.given();
    flags.extend(load.seed.map(|seed| ("seed", seed.to_string())));
    let sets = SHORT.map(str::to_owned).into_iter().chain(overrides(&load.short.sets, &flags)?).collect::<Vec<_>>();
    let (mut plan, source) = workload(Path::new(WORKLOAD), &sets, registry)?;
    plan.trials = 1;
    let frontend = &Frontend::open(load, &given, HangUp::Ends)?;
    frontend.show(load.ui);
    let id = load.run_id.clone().unwrap_or_else(|| run_id("overhead", SystemTime::now()));
    let all = Turns { args, given, plan, source, registry, frontend, id };
    let mut costs = Vec::new();
    let mut codes = vec![Exit::Pass.code()];
    let mut failed = None;
    for entry in entries {
        match all.of(entry, &mut codes) {
            Ok(cost) => costs.extend(cost),
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        }
    }
    if failed.is_some() {
        frontend.steer.interrupt.leave_screen();
    }
    frontend.close();
    if let Some(failure) = failed {
        return Err(failure);
    }
    codes.extend(frontend.steer.interrupt.exit().map(Exit::code));
    let kept = costs.iter().map(keep).collect::<Result<Vec<_>, _>>()?;
    match load.format.choice {
        FormatChoice::Json => drop(print_document(&costs)?),
        FormatChoice::Text if costs.is_empty() => {}
        FormatChoice::Text => {
            let kept = kept.last().map(|file| format!("\nkept for the reports of later runs: {}\n", file.display()));
            print(&format!("{}{}", lockbench_output::own_cost::text(&costs), kept.unwrap_or_default()))?;
        }
    }
    Ok(worst(codes.into_iter()))
}

/// The systems that are named, each with a bare loop; or all that have one.
fn entries(names: &[String], registry: &Registry) -> Result<Vec<&'static Entry>, Failure> {
    let offered: Vec<&'static Entry> = registry.entries().filter(|entry| entry.bare.is_some()).collect();
    if names.is_empty() {
        return Ok(offered);
    }
    let one = |name: &String| {
        let entry = registry.find(name.trim()).map_err(|error| Failure::usage(format!("-b: {error}")))?;
        if entry.bare.is_none() {
            let names: Vec<&str> = offered.iter().map(|entry| entry.name).collect();
            return Err(Failure::usage(format!("-b {name}: there is a bare loop for {}", names.join(", "))));
        }
        Ok(entry)
    };
    names.iter().map(one).collect()
}

struct Turns<'a> {
    args: &'a OverheadArgs,
    given: Endpoints,
    plan: Plan,
    source: Source,
    registry: &'a Registry,
    frontend: &'a Frontend,
    id: String,
}

impl Turns<'_> {
    /// All turns of a system, on servers that stay the same. `None`: they were interrupted, or a run did not pass.
    fn of(&self, entry: &'static Entry, codes: &mut Vec<u8>) -> Result<Option<OwnCost>, Failure> {
        let interrupt = &self.frontend.steer.interrupt;
        let options = self.args.load.servers(self.given.clone(), &interrupt.stop);
        let servers = Servers::prepare(&[entry], &options, &Clusters::of(&self.plan, None), self.frontend);
        let turns = self.on(entry, &servers, codes);
        servers.stop(self.frontend);
        let turns = turns?;
        let here = Environment::read(humantime::format_rfc3339_seconds(SystemTime::now()).to_string(), "", "");
        Ok((turns.len() == self.args.rounds as usize).then(|| OwnCost {
            backend: entry.name.to_owned(),
            clients: self.plan.clients,
            measured_at: here.started_at,
            lockbench: env!("CARGO_PKG_VERSION").to_owned(),
            build: BUILD.to_owned(),
            cpu: here.cpu,
            cores: here.cores,
            turns,
        }))
    }

    fn on(&self, entry: &'static Entry, servers: &Servers, codes: &mut Vec<u8>) -> Result<Vec<Turn>, Failure> {
        let (endpoints, _) = servers.endpoints(entry).map_err(Failure::unavailable)?;
        let target = Target {
            options: self.plan.options.clone(),
            ..Target::new(endpoints, &namespace(&format!("{}-bare", self.id), SystemTime::now()))
        };
        let mut turns = Vec::new();
        for round in 1..=self.args.rounds {
            // Whoever is second finds the servers as the other left them.
            let bare_first = round % 2 == 1;
            let early = bare_first.then(|| self.bare(entry, &target)).transpose()?;
            if self.frontend.steer.interrupt.came() {
                break;
            }
            let (code, result) = self.run(entry, &target, round)?;
            if self.frontend.steer.interrupt.came() {
                break;
            }
            let Some((run, recorder_cpu_ns)) = result.as_ref().and_then(pace) else {
                let say = "a run has too few grants, or did not come to its end: lengthen --duration";
                self.frontend.display.insist(&format!("lockbench: {}: {say}", entry.name));
                codes.push(code.max(Exit::Inconclusive.code()));
                break;
            };
            let bare = match early {
                Some(bare) => bare,
                None => self.bare(entry, &target)?,
            };
            turns.push(Turn { bare, run, recorder_cpu_ns });
        }
        Ok(turns)
    }

    fn bare(&self, entry: &'static Entry, target: &Target) -> Result<Pace, Failure> {
        let Plan { clients, warmup_ns, duration_ns, .. } = self.plan;
        self.frontend.display.say(&format!("{}: a bare loop over its client library", entry.name));
        let load = BareLoad { clients, workers: workers(&self.plan), warmup_ns, measured_ns: duration_ns };
        let target = Target { clock: Clock::monotonic(), ..target.clone() };
        bare_pace(entry, &target, load).map_err(Failure::unavailable)
    }

    fn run(&self, entry: &'static Entry, target: &Target, round: u32) -> Result<(u8, Option<TrialResult>), Failure> {
        let plan = Plan { backends: vec![entry.name.to_owned()], ..self.plan.clone() };
        let selection = Selection { entries: vec![entry], by_name: true };
        let gates = gates::read(&plan, &self.source, &selection, Some(&self.args.load), self.registry)?;
        let endpoints = entry.server.into_iter().map(|kind| (kind, target.endpoints.clone())).collect();
        let (args, frontend, source) = (&self.args.load, self.frontend, self.source.clone());
        let run_id = Some(format!("{}-{}-{round}", self.id, entry.name.replace(':', "-")));
        let report = execute(Job { plan, source, selection, endpoints, gates, args, run_id, frontend })?.report;
        Ok((report.verdict.exit_code, report.results.into_iter().next()))
    }
}

/// The pace of a run, and the processor time of its recorder per cycle.
fn pace(result: &TrialResult) -> Option<(Pace, Option<f64>)> {
    let cycles_per_s = result.throughput_per_s.filter(|rate| *rate > 0.0)?;
    let (waits, cycles) = (&result.latency.acquire_service, cycles_per_s * result.measured_s);
    let pace = Pace {
        cycles_per_s,
        p50_ns: waits.p50_ns? as f64,
        p99_ns: waits.p99_ns.map(|ns| ns as f64),
        cpu_ns: result.resources.client_cpu_s? * 1e9 / cycles,
    };
    Some((pace, result.resources.recorder_cpu_s.map(|cpu| cpu * 1e9 / cycles)))
}
