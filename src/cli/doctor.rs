//! `lockbench doctor`: whether this machine can give honest results, and what is missing.

use super::args::{DoctorArgs, StackChoice};
use super::endpoints::{named, usable};
use super::fits::{Fit, fit_of, looking, on_this_machine};
use super::select::select;
use super::{Failure, print, runtime, tell};
use lockbench_core::clock::Clock;
use lockbench_core::stop::Stop;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_core::workload::{Plan, SystemOptions, load};
use lockbench_report::{Environment, Exit};
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{DockerStack, LocalStack, Options, Probe, Server, StartError, probe};
use lockbench_systems::{Entry, Registry};

/// Looks at the machine, starts each server once to read back what it says of
/// itself, and stops it again.
pub fn doctor(args: &DoctorArgs, registry: &Registry) -> Result<u8, Failure> {
    let endpoints = named(&args.endpoint)?;
    usable(&endpoints, &registry.entries().collect::<Vec<_>>())?;
    let asked = asked(args, registry)?;
    let clock = Clock::monotonic();
    let machine = Environment::read(String::new(), clock.source(), "");
    let mut text = format!(
        "machine   {}, kernel {}\n          {} ({} cores, {} GiB), governor {}\n",
        machine.os,
        machine.kernel,
        machine.cpu,
        machine.cores,
        three_digits(machine.memory_bytes as f64 / 1_073_741_824.0),
        machine.governor.as_deref().unwrap_or("not reported by the kernel"),
    );
    text.push_str(&format!(
        "clock     {}, a reading costs {}\n",
        machine.clock,
        human_duration(reading_cost_ns(clock))
    ));
    text.push_str(&format!("limits    {}\n", limits()));
    print(&text)?;
    let runtime = runtime().map_err(Failure::internal)?;
    let mut problems = 0;
    if let Some((plan, entries)) = &asked {
        // Every server is asked below, or named there as not started.
        let fit = on_this_machine(plan, entries, |_| 1);
        problems += print_fit(&fit)?;
    }
    let docker = DockerStack::find(&args.docker.options(&Stop::new()));
    print(&match &docker {
        Ok(docker) => format!("{:<10}{}\n", "docker", docker.describe()),
        Err(error) => format!("{:<10}cannot be used: {error}\n", "docker"),
    })?;
    let started = match (args.stack, docker) {
        (StackChoice::External, _) => Vec::new(),
        (StackChoice::Auto | StackChoice::Local, _) => programs(),
        (StackChoice::Docker, Ok(docker)) => containers(&docker),
        (StackChoice::Docker, Err(error)) => return Err(Failure::unavailable(error)),
    };
    for kind in ServerKind::all().iter().copied() {
        let mut line = format!("{:<10}", kind.name());
        match started.iter().find(|(started, _)| *started == kind) {
            Some((_, Ok(server))) => {
                let facts = facts(kind, server.endpoints(), server.is_ours(), (&runtime, registry));
                problems += u32::from(facts.is_err());
                line.push_str(&format!("{} ({})\n", facts.unwrap_or_else(|error| error.to_string()), server.program()));
            }
            Some((_, Err(problem))) => {
                problems += 1;
                line.push_str(&format!("{problem}\n"));
            }
            None => line.push_str("not started\n"),
        }
        if let Some(given) = endpoints.get(&kind) {
            let facts = facts(kind, given.clone(), false, (&runtime, registry));
            problems += u32::from(facts.is_err());
            line.push_str(&format!("{:<10}given: {}\n", "", facts.unwrap_or_else(|error| error.to_string())));
        }
        print(&line)?;
        if let Some((plan, entries)) = &asked {
            let here =
                started.iter().find(|(started, _)| *started == kind).and_then(|(_, server)| server.as_ref().ok());
            let here = here.map(|server| (server.endpoints(), server.is_ours()));
            let given = endpoints.get(&kind).map(|given| (given.clone(), false));
            for entry in entries.iter().filter(|entry| entry.server == Some(kind)) {
                for (endpoints, ours) in here.iter().chain(&given).cloned() {
                    // A server that does not answer was named, and counted, with its facts.
                    let fit = fit_of(entry, endpoints, ours, plan.clients, &runtime).unwrap_or_default();
                    problems += print_fit(&fit)?;
                }
            }
        }
    }
    drop(started);
    let closing = match (problems, args.stack) {
        (0, _) => "\neverything can be run here\n".to_owned(),
        (_, StackChoice::Docker) => format!("\n{problems} problems\n"),
        _ => format!("\n{problems} problems: `./scripts/setup` installs what is missing on Debian and Ubuntu\n"),
    };
    print(&closing)?;
    Ok(if problems == 0 { Exit::Pass } else { Exit::Backend }.code())
}

/// The workload whose needs are compared, and its systems.
fn asked(args: &DoctorArgs, registry: &Registry) -> Result<Option<(Plan, Vec<&'static Entry>)>, Failure> {
    let Some(path) = &args.workload else { return Ok(None) };
    let (plan, source) = load(path, &[], &registry.options()).map_err(Failure::usage)?;
    let entries = select(&[], &plan, &source, registry)?.entries;
    Ok(Some((plan, entries)))
}

/// Prints a comparison; returns how many of its lines say no.
fn print_fit(fit: &Fit) -> Result<u32, Failure> {
    let lines: String = fit.lines.iter().map(|line| format!("{:<10}{line}\n", "")).collect();
    print(&lines)?;
    Ok(fit.misfits.len() as u32)
}

/// A server, or why there is none.
type Started = Vec<(ServerKind, Result<Server, String>)>;

/// Every kind from this machine's programs.
fn programs() -> Started {
    let found = |kind: &ServerKind| matches!(probe(*kind), Probe::Found { .. });
    let startable: Vec<ServerKind> = ServerKind::all().iter().copied().filter(found).collect();
    let mut started: Started = LocalStack::start(&startable, &Options::default())
        .into_iter()
        .map(|(kind, server)| (kind, server.map_err(|error| does_not_start(kind, &error))))
        .collect();
    for kind in ServerKind::all().iter().copied() {
        if let Probe::Missing { what, install } = probe(kind) {
            let problem = format!("cannot be started here: {what} was not found; install it with `{install}`");
            started.push((kind, Err(problem)));
        }
    }
    started
}

fn does_not_start(kind: ServerKind, error: &StartError) -> String {
    match probe(kind) {
        Probe::Found { binary, version } => format!("{} {version} does not start: {error}", binary.display()),
        Probe::Missing { .. } => error.to_string(),
    }
}

/// Every kind from the compose file, but those that only programs of this machine can be.
fn containers(docker: &DockerStack) -> Started {
    let has_one = |kind: &ServerKind| kind.started_only(&SystemOptions::default()).is_none();
    let kinds: Vec<ServerKind> = ServerKind::all().iter().copied().filter(has_one).collect();
    let started = docker.start(&kinds, &|text| tell(text)).into_iter();
    started.map(|(kind, server)| (kind, server.map_err(|error| error.to_string()))).collect()
}

/// What a running server says of itself.
fn facts(
    kind: ServerKind,
    endpoints: Vec<lockbench_core::lock::Endpoint>,
    ours: bool,
    (runtime, registry): (&tokio::runtime::Runtime, &Registry),
) -> Result<String, Box<dyn std::error::Error>> {
    let entry = registry.entries().find(|entry| entry.server == Some(kind)).ok_or("no recipe uses it")?;
    let system = (entry.connect)(looking(endpoints, ours))?;
    let facts = runtime.block_on(system.facts())?;
    Ok(format!("{}; durability: {}; quorum {}", facts.version, facts.durability, facts.quorum))
}

fn reading_cost_ns(clock: Clock) -> u64 {
    const READINGS: u64 = 10_000;
    let start = clock.now();
    for _ in 0..READINGS {
        std::hint::black_box(clock.now());
    }
    (clock.now() - start) / READINGS
}

/// Limits that a run with many clients meets first.
fn limits() -> String {
    let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let files = open_files.map_or_else(|| "unlimited".to_owned(), grouped);
    let enough = open_files.is_none_or(|files| files >= 4_096);
    let advice = if enough { "" } else { " (few: `ulimit -n 65536` before runs with many clients)" };
    format!("{files} open files{advice}")
}
