//! A compose project by its label alone: what there is of it, and the end of it,
//! where the compose file is gone too.

use std::collections::BTreeSet;

use super::claim;
use super::container::Container;
use super::engine::Engine;
use super::error::DockerError;
use super::found::server;
use crate::ServerKind;
use crate::stack::server::Server;
use lockbench_core::lock::Endpoint;

/// The containers of a project name.
#[derive(Debug)]
pub struct Project {
    engine: Engine,
    name: String,
}

/// One container of a lock system, as it is now.
#[derive(Clone, Debug)]
pub struct ContainerState {
    /// Which kind of server.
    pub kind: ServerKind,
    /// Name of its compose service.
    pub service: String,
    /// Does its health check pass?
    pub healthy: bool,
    /// Has it ended, or will it not get well by itself?
    pub dead: bool,
    /// `healthy`, `starting`, `has exited (exit status 1)`.
    pub state: String,
    /// Its address for clients while it runs, where it is published.
    pub endpoint: Option<Endpoint>,
    /// What its settings are meant for.
    pub durability: Option<String>,
}

impl Project {
    /// A project of this name on the engine that answers.
    ///
    /// # Errors
    /// There is no engine.
    pub fn find(name: &str) -> Result<Self, DockerError> {
        Ok(Self { engine: Engine::find()?, name: name.to_owned() })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every container of a lock system, in the order of kinds and numbers.
    ///
    /// # Errors
    /// The engine does not tell.
    pub fn seen(&self) -> Result<Vec<ContainerState>, DockerError> {
        let mut seen: Vec<ContainerState> = self
            .engine
            .containers(&self.name)?
            .iter()
            .filter_map(|container| Some(seen(container, container.kind()?)))
            .collect();
        seen.sort_by_key(|seen| seen.kind);
        Ok(seen)
    }

    /// Servers whose containers are all healthy, whoever started them; dropping them
    /// leaves them running.
    ///
    /// # Errors
    /// The engine does not tell.
    pub fn running(&self) -> Result<Vec<Server>, DockerError> {
        let containers = self.engine.containers(&self.name)?;
        let of = |kind: &ServerKind| -> Vec<&Container> {
            containers.iter().filter(|container| container.kind() == Some(*kind)).collect()
        };
        let up = |found: &[&Container]| found.iter().all(|container| container.healthy() == Ok(true));
        let kinds = ServerKind::all().iter().map(|kind| (*kind, of(kind)));
        let healthy = kinds.filter(|(_, found)| !found.is_empty() && up(found));
        healthy.map(|(kind, found)| server(&self.engine, &self.name, kind, &found, None)).collect()
    }

    /// Takes down the services of these kinds, or where none is named everything: all
    /// containers, networks and volumes. Returns the services that were there.
    ///
    /// # Errors
    /// The project is not ours, or the engine refuses.
    pub fn down(&self, kinds: &[ServerKind]) -> Result<Vec<String>, DockerError> {
        let containers = self.engine.containers(&self.name)?;
        if !containers.is_empty() && containers.iter().all(|container| container.kind().is_none()) {
            let names: Vec<&str> = containers.iter().take(3).map(Container::service).collect();
            return Err(DockerError::NotOurs { project: self.name.clone(), names: names.join(", ") });
        }
        let wanted =
            |container: &&Container| kinds.is_empty() || container.kind().is_some_and(|kind| kinds.contains(&kind));
        let there: BTreeSet<(String, u32, String)> = containers
            .iter()
            .filter(wanted)
            .map(|container| {
                let (stem, number) = container.order();
                (stem, number, container.service().to_owned())
            })
            .collect();
        let services: Vec<String> = there.into_iter().map(|(_, _, service)| service).collect();
        if !services.is_empty() {
            // All of it: what is left of containers that are gone, too.
            let named: &[String] = if kinds.is_empty() { &[] } else { &services };
            claim::down(&self.engine, &self.name, named)?;
        }
        Ok(services)
    }
}

fn seen(container: &Container, kind: ServerKind) -> ContainerState {
    let (healthy, dead, state) = match container.healthy() {
        Ok(true) => (true, false, "healthy".to_owned()),
        Ok(false) => (false, false, "starting".to_owned()),
        Err(what) => (false, true, what),
    };
    ContainerState {
        kind,
        service: container.service().to_owned(),
        healthy,
        dead,
        state,
        endpoint: container.endpoint_when_up(),
        durability: container.durability().map(str::to_owned),
    }
}
