//! How a kind of server is come by: what runs already, else what is started here, else
//! containers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Clusters, ServerOptions, ServerSource, Topic, Watcher};
use lockbench_core::lock::Endpoint;
use lockbench_core::record::LogLevel;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{
    DockerError, DockerStack, LocalStack, Options, PeerLinks, Probe, Project, Register, Server, no_clocks, probe,
};

/// One kind's servers.
pub(super) enum Source {
    /// Started by us.
    Ours(Arc<Server>),
    /// They ran before us, and stay.
    LeftRunning(LeftRunning),
    /// Given by the user.
    Given(Vec<Endpoint>),
    /// None, and why.
    Missing(String),
}

/// Servers that `lockbench up` or compose left running.
pub(super) struct LeftRunning {
    pub(super) endpoints: Vec<Endpoint>,
    /// `None` for programs, which their keeper holds.
    pub(super) containers: Option<Arc<Server>>,
    /// Where the data of programs are.
    pub(super) data: Option<PathBuf>,
}

/// Where one kind's servers are, for the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Here,
    Containers,
    Given,
}

/// Hears of a start: the log, and what is waited for.
#[derive(Clone, Copy)]
pub(super) struct Hearer<'a> {
    pub(super) watcher: &'a dyn Watcher,
    pub(super) told: &'a dyn Fn(&str),
}

impl Hearer<'_> {
    fn info(self, text: &str) {
        self.watcher.log(Topic::Servers, LogLevel::Info, text);
    }

    fn warn(self, text: &str) {
        self.watcher.log(Topic::Servers, LogLevel::Warn, text);
    }
}

pub(super) fn handle(source: &Source) -> Option<&Arc<Server>> {
    match source {
        Source::Ours(server) => Some(server),
        Source::LeftRunning(left) => left.containers.as_ref(),
        Source::Given(_) | Source::Missing(_) => None,
    }
}

/// Where the data of programs of this machine are.
pub(super) fn data(source: &Source) -> Option<PathBuf> {
    match source {
        Source::Ours(server) => server.data().next(),
        Source::LeftRunning(left) => left.data.clone(),
        Source::Given(_) | Source::Missing(_) => None,
    }
}

pub(super) fn place(source: &Source) -> Option<Place> {
    match source {
        Source::Ours(server) if server.in_containers() => Some(Place::Containers),
        Source::LeftRunning(left) if left.containers.is_some() => Some(Place::Containers),
        Source::Ours(_) | Source::LeftRunning(_) => Some(Place::Here),
        Source::Given(_) => Some(Place::Given),
        Source::Missing(_) => None,
    }
}

/// What runs already, of the kinds wanted: programs of `lockbench up`, then healthy
/// containers. With `--stack docker` the start itself finds what runs.
pub(super) fn left_running(
    wanted: &[ServerKind],
    options: &ServerOptions,
    clusters: &Clusters,
    hearer: Hearer<'_>,
) -> BTreeMap<ServerKind, Source> {
    // What runs already has one member, the settings that it was started with, and the disk of the host.
    let wanted: Vec<ServerKind> = wanted.iter().copied().filter(|kind| own(*kind, clusters).is_none()).collect();
    let mut found = BTreeMap::new();
    if matches!(options.source, ServerSource::Auto | ServerSource::Local)
        && let Ok(register) = Register::from_env()
    {
        let programs = wanted.iter().filter_map(|kind| Some((*kind, register.of(*kind)?)));
        for (kind, left) in programs.filter(|(_, left)| left.died.is_none()) {
            hearer.info(&format!("{kind}: used as `lockbench up` left it, process {}", left.keeper()));
            found.insert(
                kind,
                Source::LeftRunning(LeftRunning {
                    endpoints: left.endpoints(),
                    containers: None,
                    data: Some(left.directory.clone()),
                }),
            );
        }
    }
    let others: Vec<ServerKind> = wanted.iter().copied().filter(|kind| !found.contains_key(kind)).collect();
    if options.source == ServerSource::Auto && !others.is_empty() {
        found.extend(containers(&others, options));
    }
    found
}

/// What the plan asks for that programs alone have which are started for the run.
fn own(kind: ServerKind, clusters: &Clusters) -> Option<String> {
    let disk = || clusters.disk.is_some().then(|| "a disk that knows what was synced".to_owned());
    kind.started_only(&clusters.systems).or_else(disk)
}

/// Healthy containers of the kinds wanted.
pub(super) fn containers(wanted: &[ServerKind], options: &ServerOptions) -> BTreeMap<ServerKind, Source> {
    let running = Project::find(&options.docker.project).and_then(|project| project.running());
    let wanted = running.unwrap_or_default().into_iter().filter(|server| wanted.contains(&server.kind()));
    wanted.map(|server| (server.kind(), source(server))).collect()
}

/// Starts what does not run, as chosen. `fell_back` has which programs did not start, where
/// containers are tried instead.
pub(super) fn started(
    wanted: &[ServerKind],
    options: &ServerOptions,
    clusters: &Clusters,
    hearer: Hearer<'_>,
    fell_back: &mut Vec<String>,
) -> BTreeMap<ServerKind, Source> {
    let (programs, stop) = (options.source != ServerSource::Docker, &options.docker.stop);
    let (here, mut elsewhere): (Vec<ServerKind>, Vec<ServerKind>) =
        wanted.iter().partition(|kind| programs && matches!(probe(**kind), Probe::Found { .. }));
    let systems = &clusters.systems;
    let links = clusters.peers.as_ref().map(|peers| Arc::clone(peers) as Arc<dyn PeerLinks>);
    let (plain, clocks) = (Options::default(), clusters.clocks && no_clocks().is_none());
    let local = Options {
        keep: options.keep_directory,
        stop: stop.clone(),
        systems: systems.clone(),
        disk: clusters.disk.clone(),
        peers: links,
        clocks,
        // A JVM that reads a file at every look at the clock starts three times as slowly.
        ready_within: plain.ready_within * if clocks { 3 } else { 1 },
        ..plain
    };
    let (mut all, mut failed) = (BTreeMap::new(), BTreeMap::new());
    // The same holds for containers.
    elsewhere.retain(|kind| {
        let Some(why) = own(*kind, clusters) else { return true };
        let problem = missing(*kind, None);
        let problem = format!("{problem}; the plan asks for {why}: programs of this machine alone (--stack local)");
        all.insert(*kind, Source::Missing(problem));
        false
    });
    for (kind, started) in LocalStack::start(&here, &local) {
        match started {
            Ok(server) => {
                let source = source(server);
                if let (Source::Ours(server), Some(peers)) = (&source, &clusters.peers) {
                    peers.know(server);
                }
                all.insert(kind, source);
            }
            // The user said where servers come from, or wants none any more.
            Err(error) if options.source != ServerSource::Auto || stop.draining() || own(kind, clusters).is_some() => {
                all.insert(kind, Source::Missing(error.to_string()));
            }
            Err(error) => drop(failed.insert(kind, error.to_string())),
        }
    }
    elsewhere.extend(failed.keys());
    if elsewhere.is_empty() {
        return all;
    }
    let containers = match options.source {
        ServerSource::Auto | ServerSource::Docker => DockerStack::find(&options.docker).map_err(Some),
        ServerSource::Local | ServerSource::External => Err(None),
    };
    match containers {
        Ok(docker) => {
            hearer.info(&format!("containers come from {}", docker.describe()));
            for (kind, error) in &failed {
                let reason = error.lines().next().unwrap_or_default();
                let said = format!("{kind}: its program here did not start, a container is tried instead: {reason}");
                hearer.warn(&said);
                (hearer.told)(&said);
                fell_back.push(said);
            }
            let started = docker.start(&elsewhere, hearer.told).into_iter();
            all.extend(started.map(|(kind, server)| {
                let problem = |error: DockerError| {
                    Source::Missing(neither_program_nor_container(failed.get(&kind), &error.to_string()))
                };
                (kind, server.map_or_else(problem, source))
            }));
        }
        Err(error) => {
            if let Some(error) = &error {
                hearer.warn(&format!("no containers: {error}"));
            }
            all.extend(elsewhere.iter().map(|kind| {
                let problem = match (failed.get(kind), &error) {
                    (failed @ Some(_), Some(error)) => neither_program_nor_container(failed, &error.to_string()),
                    (_, error) => missing(*kind, error.as_ref()),
                };
                (*kind, Source::Missing(problem))
            }));
        }
    }
    all
}

fn source(server: Server) -> Source {
    if server.is_ours() {
        return Source::Ours(Arc::new(server));
    }
    Source::LeftRunning(LeftRunning { endpoints: server.endpoints(), containers: Some(Arc::new(server)), data: None })
}

/// Why neither a program, if one was tried, nor a container serves. The last lines of the
/// program's log stay last.
pub fn neither_program_nor_container(program: Option<&String>, container: &str) -> String {
    let Some(program) = program else { return container.to_owned() };
    let (head, log) = program.split_once('\n').unwrap_or((program, ""));
    let gap = if log.is_empty() { "" } else { "\n" };
    format!("{head}; and no container: {container}{gap}{log}")
}

/// Why there is no server of this kind.
fn missing(kind: ServerKind, docker: Option<&DockerError>) -> String {
    match (probe(kind), docker) {
        // Docker was asked for, or is the only way.
        (Probe::Found { .. }, Some(error)) => error.to_string(),
        (Probe::Found { binary, .. }, None) => format!("{} was not asked to start", binary.display()),
        (Probe::Missing { what, install }, error) => {
            let docker = error.map_or_else(String::new, |error| format!("; and no container: {error}"));
            format!("{what} was not found; install it with `{install}`, or give --endpoint {kind}=URL{docker}")
        }
    }
}
