//! `lockbench run` and `lockbench quick`.

use super::Failure;
use super::args::{ArrivalArgs, LoadArgs, QuickArgs, RunArgs, StackChoice, UiChoice, flag, overrides};
use super::endpoints::{Endpoints, all_used, bare, joined, named};
use super::execute::execute;
use super::frontend::Frontend;
use super::gates;
use super::job::Job;
use super::select::{Selection, all, select, workload};
use super::signal::HangUp;
use super::sweep::{self, asked};
use lockbench_core::workload::{Plan, Source, quickstart};
use lockbench_systems::{Registry, ServerKind};

/// Quick's lengths: about a minute for eight systems.
const QUICK: [&str; 2] = ["warmup=1s", "duration=5s"];

/// Runs a workload file.
pub fn run(args: &RunArgs, registry: &Registry) -> Result<u8, Failure> {
    let endpoints = named(&args.load.endpoint)?;
    carry_out(&args.load, &endpoints, registry, |more| {
        let (plan, source) = workload(&args.workload, &sets(&args.load, &args.arrival, &[], more)?, registry)?;
        let selection = select(&args.load.backends, &plan, &source, registry)?;
        Ok((plan, source, selection))
    })
}

/// Runs the built-in workload on every default system that can run here.
pub fn quick(args: &QuickArgs, registry: &Registry) -> Result<u8, Failure> {
    if let Some(name) = args.urls.iter().find(|url| ServerKind::from_name(url).is_some()) {
        return Err(Failure::usage(format!("{name} is a lock system, and no URL: write -b {name}")));
    }
    let endpoints = joined(named(&args.load.endpoint)?, bare(&args.urls)?)?;
    carry_out(&args.load, &endpoints, registry, |more| {
        let (plan, source) =
            quickstart(&sets(&args.load, &args.arrival, &QUICK, more)?, &registry.options()).map_err(Failure::usage)?;
        let mut selection =
            if args.all { all(registry, &plan) } else { select(&args.load.backends, &plan, &source, registry)? };
        if !args.urls.is_empty() && !selection.by_name {
            // A user who names servers asks about these.
            selection.entries.retain(|entry| entry.server.is_none_or(|kind| endpoints.contains_key(&kind)));
        }
        Ok((plan, source, selection))
    })
}

/// Runs once, or once per value of a sweep. `chosen` reads what runs, with one more override.
fn carry_out(
    args: &LoadArgs,
    endpoints: &Endpoints,
    registry: &Registry,
    chosen: impl Fn(Option<&str>) -> Result<(Plan, Source, Selection), Failure>,
) -> Result<u8, Failure> {
    no_contradiction(args, endpoints)?;
    let frontend = &Frontend::open(args, endpoints, HangUp::Ends)?;
    let job = |more: Option<&str>| {
        let (mut plan, source, selection) = chosen(more)?;
        all_used(endpoints, &selection.entries)?;
        if selection.by_name {
            // The stored plan names the systems that were asked for, so that it runs again as it is.
            plan.backends = selection.names().into_iter().map(str::to_owned).collect();
        }
        let gates = gates::read(&plan, &source, &selection, Some(args), registry)?;
        Ok(Job { plan, source, selection, endpoints: endpoints.clone(), gates, args, run_id: None, frontend })
    };
    let code = match args.sweep.as_deref().map(asked).transpose()? {
        None => {
            let job = job(None)?;
            frontend.show(args.ui);
            let concluded = execute(job);
            if concluded.is_err() {
                frontend.steer.interrupt.leave_screen();
            }
            frontend.close();
            concluded?.print(args.format.choice, &frontend.ui)
        }
        Some(asked) => sweep::run(&asked, args, frontend, |set| job(Some(set)))?,
    };
    frontend.linger();
    Ok(code)
}

/// Servers started here, or the given ones: both cannot be meant.
fn no_contradiction(args: &LoadArgs, endpoints: &Endpoints) -> Result<(), Failure> {
    no_idle_flag(args)?;
    match endpoints.keys().next() {
        Some(kind) if matches!(args.stack, StackChoice::Local | StackChoice::Docker) => Err(Failure::usage(format!(
            "--stack {} starts every server here, but an endpoint of {kind} is given: leave out one of the two",
            if args.stack == StackChoice::Local { "local" } else { "docker" }
        ))),
        _ => Ok(()),
    }
}

/// A flag that would change nothing is a mistake: what was meant by it would not happen.
fn no_idle_flag(args: &LoadArgs) -> Result<(), Failure> {
    let stack = args.stack;
    let drawn = !matches!(args.ui, UiChoice::Plain | UiChoice::None);
    let idle = [
        (args.force && args.baseline.is_none(), "--force", "without --baseline there is nothing to compare with"),
        (args.stay && !drawn, "--stay", "without the dashboard there is nothing to stay for: leave out --ui"),
        (
            args.keep_servers_dir && matches!(stack, StackChoice::External | StackChoice::Docker),
            "--keep-servers-dir",
            "it is about servers that are started from programs of this machine, and --stack asks for others",
        ),
    ];
    let docker = args.docker.idle(stack);
    let first =
        idle.into_iter().find(|(idle, ..)| *idle).map(|(_, flag, why)| format!("{flag} changes nothing: {why}"));
    first.or(docker).map_or(Ok(()), |problem| Err(Failure::usage(problem)))
}

/// The overrides, in order: built-in ones, `--set`, the flags of their own, one of a sweep.
fn sets(args: &LoadArgs, arrival: &ArrivalArgs, built_in: &[&str], more: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut flags = args.short.given();
    flags.extend(arrival.given());
    flags.extend(args.trials.map(|trials| ("trials", trials.to_string())));
    flags.extend(args.seed.map(|seed| ("seed", seed.to_string())));
    let mut sets: Vec<String> = built_in.iter().map(|set| (*set).to_owned()).collect();
    sets.extend(overrides(&args.short.sets, &flags)?);
    if let Some(set) = more {
        let swept = set.split('=').next().unwrap_or_default();
        if let Some((key, value)) = flags.iter().find(|(key, _)| *key == swept) {
            return Err(Failure::usage(format!(
                "--sweep and --{} {value} both set {key}: give one of the two",
                flag(key)
            )));
        }
        sets.push(set.to_owned());
    }
    Ok(sets)
}
