//! `lockbench scenario`: stories about failures, each with the verdict that is expected of every system.
//! A scenario on one system is a cell: a run of this program in a process of its own, with its own servers
//! and its own run directory, whose report is then compared with what was expected.

mod cell;
mod child;
mod column;
mod matrix;

use std::path::Path;

use super::args::{FormatChoice, ScenarioArgs, ScenarioCommand, ScenarioRunArgs};
use super::select::workload;
use super::signal::{HangUp, Interrupt};
use super::terminal::terminal_width;
use super::{Failure, print, print_document, tell};
use cell::Job;
use column::columns;
use lockbench_core::workload::{ExpectedVerdict, Plan, Scenario, scenarios};
use lockbench_output::matrix::{cells_text, stories_text};
use lockbench_report::worst;
use lockbench_systems::Registry;

/// Carries out one of its commands.
pub fn scenario(args: &ScenarioArgs, registry: &Registry) -> Result<u8, Failure> {
    match &args.command {
        ScenarioCommand::Ls(args) => ls(args.format.choice, registry),
        ScenarioCommand::Run(args) => run(args, registry),
        ScenarioCommand::Matrix(args) => matrix::matrix(args, registry),
    }
}

/// A scenario that was read.
struct Told {
    name: String,
    /// What `lockbench run` takes for it.
    path: String,
    plan: Plan,
    scenario: Scenario,
}

/// Reads a scenario, by its name or its file.
fn told(name: &str, registry: &Registry) -> Result<Told, Failure> {
    let own = name.strip_suffix(".toml").unwrap_or(name);
    let own = own.strip_prefix("workloads/").unwrap_or(own);
    let own = own.strip_prefix("scenarios/").unwrap_or(own);
    let shipped = scenarios().any(|(shipped, _)| shipped == own);
    let path = if shipped && !Path::new(name).exists() { format!("scenarios/{own}") } else { name.to_owned() };
    if !shipped && !Path::new(name).exists() {
        let names: Vec<&str> = scenarios().map(|(name, _)| name).collect();
        return Err(Failure::usage(format!("{name} is no scenario and no file; there are: {}", names.join(", "))));
    }
    let (plan, _) = workload(Path::new(&path), &[], registry)?;
    let Some(scenario) = plan.scenario.clone() else {
        return Err(Failure::usage(format!(
            "{name} expects no verdict: it has no [scenario]; `lockbench run` runs it"
        )));
    };
    for system in scenario.expected.iter().flat_map(|one| &one.systems) {
        registry.find(system).map_err(|error| Failure::usage(format!("{name}: scenario.expected: {error}")))?;
    }
    Ok(Told { name: plan.name.clone(), path, plan, scenario })
}

fn ls(format: FormatChoice, registry: &Registry) -> Result<u8, Failure> {
    let all = scenarios().map(|(name, _)| told(name, registry)).collect::<Result<Vec<_>, _>>()?;
    if format == FormatChoice::Json {
        let one = |told: &Told| {
            let expected = told.scenario.expected.iter().map(|one| {
                serde_json::json!({
                    "systems": one.systems,
                    "verdict": lockbench_report::scenario::expected_words(&one.verdict),
                    "reason": one.reason,
                    "source": one.source,
                })
            });
            serde_json::json!({
                "name": told.name,
                "title": told.scenario.title,
                "source": told.scenario.source,
                "expected": expected.collect::<Vec<_>>(),
            })
        };
        print_document(&serde_json::json!({ "scenarios": all.iter().map(one).collect::<Vec<_>>() }))?;
        return Ok(0);
    }
    let stories: Vec<(String, Scenario)> = all.into_iter().map(|told| (told.name, told.scenario)).collect();
    print(&stories_text(&stories, terminal_width()))?;
    Ok(0)
}

/// The systems that a scenario is for, in full names.
fn systems(told: &Told) -> Vec<String> {
    let offered = told.scenario.expected.iter().filter(|one| one.verdict != ExpectedVerdict::NotOffered);
    let mut named: Vec<String> = offered.flat_map(|one| one.systems.iter().cloned()).collect();
    // The file's own list has their order.
    named.sort_by_key(|name| told.plan.backends.iter().position(|other| other == name).unwrap_or(usize::MAX));
    named
}

/// The names of systems in full.
fn in_full(names: &[String], registry: &Registry) -> Result<Vec<String>, Failure> {
    let one = |name: &String| {
        let found = registry.find(name.trim()).map_err(|error| Failure::usage(format!("-b: {error}")))?;
        Ok(found.name.to_owned())
    };
    let mut full: Vec<String> = names.iter().map(one).collect::<Result<_, Failure>>()?;
    let mut seen = Vec::new();
    full.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    Ok(full)
}

fn run(args: &ScenarioRunArgs, registry: &Registry) -> Result<u8, Failure> {
    let told = told(&args.scenario, registry)?;
    let names =
        if args.backends.is_empty() { in_full(&systems(&told), registry)? } else { in_full(&args.backends, registry)? };
    let columns = columns(&names, &args.server, registry)?;
    let jobs = columns.iter().map(|column| Job::new(&told, column, args.trials)).collect::<Result<Vec<_>, _>>()?;
    let interrupt = Interrupt::listen(HangUp::Ends, || tell("lockbench: stopping: the run under way ends in order"))?;
    let mut cells = Vec::new();
    for job in &jobs {
        tell(&format!("{} on {}: expected {}", job.scenario, job.column, job.expected_words()));
        match job.run(&args.output, &interrupt)? {
            Some(cell) => cells.push(cell),
            None => break,
        }
    }
    match args.format.choice {
        FormatChoice::Json => drop(print_document(&serde_json::json!({ "cells": cells }))?),
        FormatChoice::Text => print(&cells_text(&cells, terminal_width()))?,
    }
    let interrupted = interrupt.exit().filter(|_| cells.len() < jobs.len()).map(lockbench_report::Exit::code);
    Ok(worst(cells.iter().map(|cell| cell.exit).chain(interrupted)))
}
