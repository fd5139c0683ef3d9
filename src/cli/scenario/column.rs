//! The columns of a matrix: a system each, with its servers of one version.

use std::path::Path;

use crate::cli::Failure;
use lockbench_core::workload::{Expected, Scenario, ServerVersion};
use lockbench_systems::stack::{GivenServer, Search};
use lockbench_systems::{Registry, ServerKind};

/// A system, on this machine's own servers or on given ones.
pub struct Column {
    /// Registry name.
    pub system: String,
    /// Version of its servers; `None`: it has none, or they do not say.
    pub version: Option<ServerVersion>,
    pub given: Option<GivenServer>,
    /// What is expected of its family is not meant of it: the family's name is that of another recipe.
    apart: bool,
}

impl Column {
    /// What a scenario expects of it.
    pub fn expected<'a>(&self, scenario: &'a Scenario) -> Option<&'a Expected> {
        let found = scenario.of(&self.system, self.version.as_ref())?;
        (!self.apart || found.systems.contains(&self.system)).then_some(found)
    }

    /// Its head: with the version where its servers are given.
    pub fn name(&self) -> String {
        match &self.given {
            Some(given) => format!("{} {}", self.system, given.version),
            None => self.system.clone(),
        }
    }
}

/// The columns of these systems. Where servers are given of one it has a column for each of them, and none for this
/// machine's own.
pub fn columns(systems: &[String], servers: &[String], registry: &Registry) -> Result<Vec<Column>, Failure> {
    let search = Search::from_env();
    let given = servers.iter().map(|text| given(text, registry, &search)).collect::<Result<Vec<_>, _>>()?;
    let mut columns = Vec::new();
    for system in systems {
        let family = system.split(':').next().unwrap_or(system);
        let own: Vec<&GivenServer> = given
            .iter()
            .filter(|(name, _)| [system.as_str(), family].contains(&name.as_str()))
            .map(|(_, g)| g)
            .collect();
        let kind = kind_of(system, registry);
        let apart = family != system && registry.entries().any(|entry| entry.name == family);
        if own.is_empty() {
            let version = kind.and_then(|kind| search.own_version(kind));
            columns.push(Column { system: system.clone(), version, given: None, apart });
        }
        for one in own {
            let version = Some(one.version.clone());
            columns.push(Column { system: system.clone(), version, given: Some(one.clone()), apart });
        }
    }
    for (name, one) in &given {
        let used = |column: &Column| column.given.as_ref() == Some(one);
        if !columns.iter().any(used) {
            return Err(Failure::usage(format!(
                "--server {name}=...: {name} is none of the systems to run ({}); name it with -b",
                systems.join(", ")
            )));
        }
    }
    if let Some(twice) =
        columns.iter().find(|one| columns.iter().filter(|other| other.name() == one.name()).count() > 1)
    {
        return Err(Failure::usage(format!(
            "--server: two of the given servers are {}; keep one of them",
            twice.name()
        )));
    }
    Ok(columns)
}

fn kind_of(system: &str, registry: &Registry) -> Option<ServerKind> {
    registry.find(system).ok().and_then(|entry| entry.server)
}

/// Of `NAME=PATH` the name and what is there.
fn given(text: &str, registry: &Registry, search: &Search) -> Result<(String, GivenServer), Failure> {
    let Some((name, path)) = text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty()) else {
        return Err(Failure::usage(format!("--server {text}: write NAME=PATH, as etcd=/opt/etcd-3.5/etcd")));
    };
    let entry = registry.find(name).map_err(|error| Failure::usage(format!("--server {text}: {error}")))?;
    let Some(kind) = entry.server else {
        return Err(Failure::usage(format!("--server {text}: {name} has no servers")));
    };
    let found = search.given_server(kind, Path::new(path));
    found.map(|given| (name.to_owned(), given)).map_err(|why| Failure::usage(format!("--server {text}: {why}")))
}
