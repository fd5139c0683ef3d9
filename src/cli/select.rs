//! Which workload runs, and which entries of the registry take part.

use std::path::Path;

use super::Failure;
use lockbench_core::workload::{EffectiveTtl, Plan, Source, WorkloadError, askable, load, offered, resolve_ttl};
use lockbench_systems::{Entry, Registry};

/// The plan of a workload's file or name.
///
/// # Errors
/// What is wrong with it; where a lock system or its address was typed in its place, what to type.
pub fn workload(path: &Path, sets: &[String], registry: &Registry) -> Result<(Plan, Source), Failure> {
    load(path, sets, &registry.options()).map_err(|error| {
        let typed = path.to_string_lossy();
        match &error {
            WorkloadError::Read { .. } if typed.contains("://") => {
                Failure::usage("an address is no workload: write WORKLOAD -b SYSTEM --endpoint SYSTEM=URL")
            }
            WorkloadError::Read { .. } if registry.find(&typed).is_ok() => {
                Failure::usage(format!("{typed} is a lock system, and no workload: write WORKLOAD -b {typed}"))
            }
            _ => Failure::usage(error),
        }
    })
}

/// The entries to run, and whether they were asked for by name.
pub struct Selection {
    pub entries: Vec<&'static Entry>,
    pub by_name: bool,
}

impl Selection {
    /// The names of the systems.
    pub fn names(&self) -> Vec<&'static str> {
        self.entries.iter().map(|entry| entry.name).collect()
    }

    /// The lease length of each system; a floor that the plan refuses is exit 2.
    /// What it does not offer as well.
    pub fn ttls(&self, plan: &Plan, source: &Source) -> Result<Vec<EffectiveTtl>, Failure> {
        let one = |entry: &&Entry| {
            offered(plan, entry.name, &entry.guarantees)
                .map_err(|problem| Failure::usage(format!("{}: {problem}", source.place_of("access"))))?;
            askable(plan, entry.name, &entry.guarantees)
                .map_err(|problem| Failure::usage(format!("{}: {problem}", source.place_of("acquire"))))?;
            resolve_ttl(plan, entry.name, &entry.guarantees)
                .map_err(|problem| Failure::usage(format!("{}: {problem}", source.place_of("ttl"))))
        };
        self.entries.iter().map(one).collect()
    }
}

/// `-b` decides, else the file's `backends`, else quick's set.
pub fn select(flags: &[String], plan: &Plan, source: &Source, registry: &Registry) -> Result<Selection, Failure> {
    let named = |name: &str, place: &str| {
        registry.find(name.trim()).map_err(|error| Failure::usage(format!("{place}: {error}")))
    };
    for name in plan.prices.monthly.keys() {
        named(name, &source.place_of(&format!("prices.{name}")))?;
    }
    let mut entries = Vec::new();
    if !flags.is_empty() {
        for name in flags {
            entries.push(named(name, "-b")?);
        }
    } else {
        for (i, name) in plan.backends.iter().enumerate() {
            entries.push(named(name, &source.place_of_backend(i))?);
        }
    }
    let by_name = !entries.is_empty();
    if !by_name {
        entries = registry.entries().filter(|entry| entry.quick && plan.access.offered_by(&entry.guarantees)).collect();
    }
    let mut seen = Vec::new();
    entries.retain(|entry| {
        let new = !seen.contains(&entry.name);
        seen.push(entry.name);
        new
    });
    Ok(Selection { entries, by_name })
}

/// Every recipe that claims exclusion and can be asked as the plan asks: one that only claims is in no chart of waits.
pub fn all(registry: &Registry, plan: &Plan) -> Selection {
    let fits = |entry: &&Entry| entry.excludes() && askable(plan, entry.name, &entry.guarantees).is_ok();
    Selection { entries: registry.entries().filter(fits).collect(), by_name: false }
}
