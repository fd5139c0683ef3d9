//! `lockbench run` and `lockbench quick`.

use super::Failure;
use super::args::{LoadArgs, QuickArgs, RunArgs, StackChoice};
use super::endpoints::{Endpoints, bare, named};
use super::execute::{Job, execute};
use super::select::{all, select};
use crate::workload::{load, quickstart};

/// Quick's lengths: about a minute for eight systems.
const QUICK: [&str; 2] = ["warmup=1s", "duration=5s"];

/// Runs a workload file.
pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    let (plan, source) = load(&args.workload, &sets(&args.load, &[])).map_err(Failure::usage)?;
    let selection = select(&args.load.backends, &plan, &source)?;
    let endpoints = named(&args.load.endpoint)?;
    no_contradiction(&args.load, &endpoints)?;
    execute(Job { plan, source, selection, endpoints, args: &args.load })
}

/// Runs the built-in workload on every default system that can run here.
pub fn quick(args: &QuickArgs) -> Result<u8, Failure> {
    let (plan, source) = quickstart(&sets(&args.load, &QUICK)).map_err(Failure::usage)?;
    let mut endpoints = named(&args.load.endpoint)?;
    endpoints.extend(bare(&args.urls)?);
    no_contradiction(&args.load, &endpoints)?;
    let mut selection = if args.all { all() } else { select(&args.load.backends, &plan, &source)? };
    if !args.urls.is_empty() && !selection.by_name {
        // Somebody who names servers asks about these.
        selection.entries.retain(|entry| entry.server.is_none_or(|kind| endpoints.contains_key(&kind)));
    }
    execute(Job { plan, source, selection, endpoints, args: &args.load })
}

/// Servers started here, or the given ones: both cannot be meant.
fn no_contradiction(args: &LoadArgs, endpoints: &Endpoints) -> Result<(), Failure> {
    match endpoints.keys().next() {
        Some(kind) if args.stack == StackChoice::Local => Err(Failure::usage(format!(
            "--stack local starts every server here, but an endpoint of {kind} is given: leave out one of the two"
        ))),
        _ => Ok(()),
    }
}

/// The overrides, in order: built-in ones, `--set`, then the flags of their own.
fn sets(args: &LoadArgs, built_in: &[&str]) -> Vec<String> {
    let mut sets: Vec<String> = built_in.iter().map(|set| (*set).to_owned()).collect();
    sets.extend(args.sets.iter().cloned());
    sets.extend(args.trials.map(|trials| format!("trials={trials}")));
    sets.extend(args.seed.map(|seed| format!("seed={seed}")));
    sets
}
