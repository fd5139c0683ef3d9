//! Starts the containers of some kinds, or finds them running, and waits until
//! their health checks pass.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::claim::Claim;
use super::compose::{Compose, Refusal, Services, complaint};
use super::container::Container;
use super::engine::{Engine, SOON};
use super::error::DockerError;
use super::found::server;
use super::holder;
use super::turn::{Turn, turn};
use crate::ServerKind;
use crate::stack::register::Register;
use crate::stack::server::Server;
use lockbench_core::stop::Stop;

/// What the log calls this part; the same as for local servers.
pub(super) const LOG: &str = "lockbench::servers";
/// Images may have to be pulled before containers start: that takes longer than a
/// start, and no health tells of it.
const PULL_WITHIN: Duration = Duration::from_secs(600);
/// Between two questions for health.
const POLL: Duration = Duration::from_millis(200);
/// Between two lines that tell what is waited for.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Which containers, and how.
#[derive(Clone, Debug)]
pub struct DockerOptions {
    /// Compose files; none: docker/compose.yaml here or above.
    pub files: Vec<PathBuf>,
    /// Name of the compose project.
    pub project: String,
    /// Value of `LOCKBENCH_DURABILITY` for the files; `None`: as they have it.
    pub durability: Option<String>,
    /// Longest wait for health.
    pub within: Duration,
    /// Ends the start early.
    pub stop: Stop,
}

/// An engine, a compose and files that fit them.
#[derive(Debug)]
pub struct DockerStack {
    engine: Engine,
    compose: Compose,
    services: Services,
    options: DockerOptions,
}

/// How it went, kind by kind.
pub type Started = Vec<(ServerKind, Result<Server, DockerError>)>;

impl DockerStack {
    /// Looks whether containers can be had; starts nothing.
    ///
    /// # Errors
    /// What is missing, or that files or project are somebody else's.
    pub fn find(options: &DockerOptions) -> Result<Self, DockerError> {
        let engine = Engine::find()?;
        let compose = Compose::find(&engine, &options.files, &options.project, options.durability.as_deref())?;
        let services = compose.services()?;
        let stack = Self { engine, compose, services, options: options.clone() };
        stack.ours()?;
        Ok(stack)
    }

    /// Engine, compose and files in a line.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("engine {}, {}, {}", self.engine.version, self.compose.version, self.compose.names())
    }

    /// Has the compose file a server of this kind?
    #[must_use]
    pub fn offers(&self, kind: ServerKind) -> bool {
        self.services.contains_key(&kind)
    }

    /// Starts these kinds, one after the other, and waits for the health of all
    /// together; one that fails does not stop the others. What already runs is used and
    /// left. `told` hears what is waited for.
    #[must_use]
    pub fn start(&self, kinds: &[ServerKind], told: &dyn Fn(&str)) -> Started {
        if kinds.is_empty() {
            return Vec::new();
        }
        // Held until all are healthy: what is half made would look broken to another start.
        let _turn = match self.turn(told) {
            Err(DockerError::Interrupted) => {
                return kinds.iter().map(|kind| (*kind, Err(DockerError::Interrupted))).collect();
            }
            turn => turn.inspect_err(|error| warn!(target: LOG, "starting out of turn: {error}")).ok(),
        };
        let begun: Vec<_> = kinds.iter().map(|kind| (*kind, self.begin(*kind))).collect();
        let limit = Instant::now() + self.options.within;
        let mut last_told = Instant::now();
        let ended = begun.into_iter().map(|(kind, begun)| {
            let server = begun.and_then(|begun| self.complete(kind, begun, limit, &mut last_told, told));
            if let Err(error) = &server {
                warn!(target: LOG, "{kind} was not started in a container: {error}");
            }
            (kind, server)
        });
        ended.collect()
    }

    /// Waits until no other lockbench of this user starts containers of the project.
    fn turn(&self, told: &dyn Fn(&str)) -> Result<Turn, DockerError> {
        let register = Register::from_env()
            .map_err(|error| DockerError::Call { call: "waiting".to_owned(), problem: error.to_string() })?;
        let limit = Instant::now() + PULL_WITHIN + self.options.within;
        turn(register.directory(), &self.options.project, limit, &self.options.stop, told)
    }

    /// Containers of the project, all made from our files.
    fn ours(&self) -> Result<Vec<Container>, DockerError> {
        let containers = self.engine.containers(&self.options.project)?;
        let ours = self.compose.directory();
        let foreign = containers.iter().find_map(|container| {
            let dir = container.made_in()?;
            (dir != ours).then(|| dir.display().to_string())
        });
        match foreign {
            Some(theirs) => Err(DockerError::ForeignProject {
                project: self.options.project.clone(),
                theirs,
                ours: ours.display().to_string(),
            }),
            None => Ok(containers),
        }
    }

    /// Has compose start what does not run yet. `None`: all of it runs already.
    fn begin(&self, kind: ServerKind) -> Result<Option<Arc<Claim>>, DockerError> {
        let services = self.services_of(kind)?;
        let there: Vec<Container> = self
            .ours()?
            .into_iter()
            .filter(|container| services.iter().any(|name| name == container.service()))
            .collect();
        for container in &there {
            self.fits(kind, container)?;
        }
        if there.len() == services.len() {
            return Ok(None);
        }
        if let Some(first) = there.first() {
            return Err(self.left_broken(
                kind,
                first,
                format!("runs without its {} others", services.len() - there.len()),
            ));
        }
        let claim = Claim::new(&self.engine, &self.options.project, services)?;
        info!(target: LOG, "{kind}: compose starts {}", services.join(", "));
        let before = self.volumes()?;
        let up = self.compose.up(&claim, services, PULL_WITHIN, &self.options.stop);
        self.tidy(&before)?;
        match up {
            Ok(()) => Ok(Some(Arc::new(claim))),
            Err(Refusal::Interrupted) => Err(DockerError::Interrupted),
            Err(Refusal::Said(said)) => Err(self.refused(services, &said)),
        }
    }

    fn volumes(&self) -> Result<Vec<String>, DockerError> {
        self.engine.names_of("volume", &self.options.project)
    }

    /// docker-compose 1.29 makes every volume of its files whatever is started. Those
    /// that it made just now and nobody uses would stay behind.
    fn tidy(&self, before: &[String]) -> Result<(), DockerError> {
        for volume in self.volumes()?.iter().filter(|volume| !before.contains(volume)) {
            // The engine refuses one that is used.
            let _ = self.engine.run(&["volume", "rm", volume], SOON);
        }
        Ok(())
    }

    fn services_of(&self, kind: ServerKind) -> Result<&[String], DockerError> {
        self.services.get(&kind).map(Vec::as_slice).ok_or_else(|| DockerError::NoService {
            file: self.compose.names(),
            kind,
            has: self.services.keys().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Can a container that is there be used as it is?
    fn fits(&self, kind: ServerKind, container: &Container) -> Result<(), DockerError> {
        if let Err(state) = container.healthy() {
            return Err(self.left_broken(kind, container, state));
        }
        match (&self.options.durability, container.durability()) {
            (Some(wanted), Some(has)) if wanted != has => {
                Err(self.left_broken(kind, container, format!("runs with durability {has}, asked for is {wanted}")))
            }
            _ => Ok(()),
        }
    }

    fn left_broken(&self, kind: ServerKind, container: &Container, state: String) -> DockerError {
        let project = self.options.project.clone();
        let remedy = format!("lockbench down {kind} --stack docker --project {project}");
        DockerError::LeftBroken { service: container.service().to_owned(), project, state, remedy }
    }

    /// What compose's complaint means.
    fn refused(&self, services: &[String], said: &str) -> DockerError {
        debug!(target: LOG, "compose said: {said}");
        let Some(port) = holder::taken_port(said) else {
            return DockerError::NotStarted { services: services.join(", "), problem: complaint(said) };
        };
        let containers = self.engine.containers(&self.options.project).unwrap_or_default();
        let wanting = containers.iter().find(|container| container.wanted_ports().contains(&port));
        let service = wanting.map_or_else(|| services.join(", "), |container| container.service().to_owned());
        let variable = wanting.map_or_else(|| "its port's variable".to_owned(), |_| holder::variable(&service));
        DockerError::PortTaken { service, port, by: holder::by(&self.engine, port), variable }
    }

    /// Waits for health, and makes the handle.
    fn complete(
        &self,
        kind: ServerKind,
        claim: Option<Arc<Claim>>,
        limit: Instant,
        last_told: &mut Instant,
        told: &dyn Fn(&str),
    ) -> Result<Server, DockerError> {
        let (services, begin) = (self.services_of(kind)?, Instant::now());
        loop {
            let containers = self.engine.containers(&self.options.project)?;
            let waiting = self.unhealthy(&containers, services, limit)?;
            if waiting.is_empty() {
                let ours: Vec<&Container> = containers
                    .iter()
                    .filter(|container| services.iter().any(|name| name == container.service()))
                    .collect();
                let server = server(&self.engine, &self.options.project, kind, &ours, claim)?;
                info!(target: LOG, "{kind} is healthy in {} containers after {} ms", services.len(), begin.elapsed().as_millis());
                return Ok(server);
            }
            if self.options.stop.draining() {
                return Err(DockerError::Interrupted);
            }
            if last_told.elapsed() >= TELL_EVERY {
                *last_told = Instant::now();
                told(&format!("waiting for the health of {}", waiting.join(", ")));
            }
            sleep(POLL);
        }
    }

    /// Services that are not healthy yet.
    fn unhealthy(
        &self,
        containers: &[Container],
        services: &[String],
        limit: Instant,
    ) -> Result<Vec<String>, DockerError> {
        let mut waiting = Vec::new();
        for service in services {
            let container = containers.iter().find(|container| container.service() == service);
            let container = container.ok_or_else(|| DockerError::NotStarted {
                services: service.clone(),
                problem: "its container is gone".to_owned(),
            })?;
            let (health, log) = (container.last_check(), || self.engine.log_tail(&container.id));
            match container.healthy() {
                Ok(true) => {}
                Err(what) => {
                    return Err(DockerError::Unhealthy { service: service.clone(), what, health, log: log() });
                }
                Ok(false) if Instant::now() >= limit => {
                    let limit_s = self.options.within.as_secs();
                    return Err(DockerError::Late { service: service.clone(), limit_s, health, log: log() });
                }
                Ok(false) => waiting.push(service.clone()),
            }
        }
        Ok(waiting)
    }
}
