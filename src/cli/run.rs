//! `lockbench run` and `lockbench quick`.

use super::Failure;
use super::args::{LoadArgs, QuickArgs, RunArgs, StackChoice, UiChoice, overrides};
use super::endpoints::{Endpoints, all_used, bare, joined, named};
use super::execute::execute;
use super::frontend::Frontend;
use super::gates;
use super::job::Job;
use super::select::{Selection, all, select, workload};
use super::sweep::{self, asked};
use lockbench_core::workload::{Plan, quickstart};

/// Quick's lengths: about a minute for eight systems.
const QUICK: [&str; 2] = ["warmup=1s", "duration=5s"];

/// Runs a workload file.
pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    let endpoints = named(&args.load.endpoint)?;
    no_contradiction(&args.load, &endpoints)?;
    let frontend = &Frontend::open(&args.load, &endpoints)?;
    carry_out(&args.load, frontend, |more| {
        let (mut plan, source) = workload(&args.workload, &sets(&args.load, &[], more)?)?;
        let selection = select(&args.load.backends, &plan, &source)?;
        all_used(&endpoints, &selection.entries)?;
        named_in(&mut plan, &selection);
        let endpoints = endpoints.clone();
        let gates = gates::read(&plan, &source, &selection, Some(&args.load))?;
        Ok(Job { plan, source, selection, endpoints, gates, args: &args.load, run_id: None, frontend })
    })
}

/// Runs the built-in workload on every default system that can run here.
pub fn quick(args: &QuickArgs) -> Result<u8, Failure> {
    let endpoints = joined(named(&args.load.endpoint)?, bare(&args.urls)?)?;
    no_contradiction(&args.load, &endpoints)?;
    let frontend = &Frontend::open(&args.load, &endpoints)?;
    carry_out(&args.load, frontend, |more| {
        let (mut plan, source) =
            quickstart(&sets(&args.load, &QUICK, more)?, &lockbench_systems::Registry::builtin().options())
                .map_err(Failure::usage)?;
        let mut selection = if args.all { all() } else { select(&args.load.backends, &plan, &source)? };
        if !args.urls.is_empty() && !selection.by_name {
            // Somebody who names servers asks about these.
            selection.entries.retain(|entry| entry.server.is_none_or(|kind| endpoints.contains_key(&kind)));
        }
        all_used(&endpoints, &selection.entries)?;
        named_in(&mut plan, &selection);
        let endpoints = endpoints.clone();
        let gates = gates::read(&plan, &source, &selection, Some(&args.load))?;
        Ok(Job { plan, source, selection, endpoints, gates, args: &args.load, run_id: None, frontend })
    })
}

/// The stored plan names the systems that were asked for, so that it runs again as it is.
fn named_in(plan: &mut Plan, selection: &Selection) {
    if selection.by_name {
        plan.backends = selection.entries.iter().map(|entry| entry.name.to_owned()).collect();
    }
}

/// Once, or once a value of a sweep. `job` makes the job from an override more.
fn carry_out<'a>(
    args: &'a LoadArgs,
    frontend: &'a Frontend,
    job: impl Fn(Option<&str>) -> Result<Job<'a>, Failure>,
) -> Result<u8, Failure> {
    let code = match args.sweep.as_deref().map(asked).transpose()? {
        None => {
            let job = job(None)?;
            frontend.show(args.ui);
            let concluded = execute(job);
            if concluded.is_err() {
                frontend.leave_screen();
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
fn sets(args: &LoadArgs, built_in: &[&str], more: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut flags: Vec<(&str, String)> = args.short.given().map(|(key, value)| (key, value.to_owned())).collect();
    flags.extend(args.trials.map(|trials| ("trials", trials.to_string())));
    flags.extend(args.seed.map(|seed| ("seed", seed.to_string())));
    let mut sets: Vec<String> = built_in.iter().map(|set| (*set).to_owned()).collect();
    sets.extend(overrides(&args.sets, &flags)?);
    if let Some(set) = more {
        let swept = set.split('=').next().unwrap_or_default();
        if let Some((key, value)) = flags.iter().find(|(key, _)| *key == swept) {
            return Err(Failure::usage(format!("--sweep and --{key} {value} both set {key}: give one of the two")));
        }
        sets.push(set.to_owned());
    }
    Ok(sets)
}
