//! The servers of a run: given endpoints, else what runs already, else started here.

mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use source::neither_program_nor_container;
use source::{Hearer, Place, Source, containers, data, handle, left_running, place, started};

use super::fault::Peers;
use super::process::Program;
use super::server_poll::Gauge;
use super::watcher::{Topic, Watcher};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Persistence};
use lockbench_core::record::LogLevel;
use lockbench_core::stop::Stop;
use lockbench_core::workload::{FaultKind, Plan, SystemOptions};
use lockbench_report::Resources;
use lockbench_systems::Entry;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{DiskProgram, DockerOptions, Server};

/// Endpoints by kind of server.
pub type Endpoints = BTreeMap<ServerKind, Vec<Endpoint>>;

/// Where servers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerSource {
    /// A given endpoint, else what runs already, else started here, else in containers.
    #[default]
    Auto,
    /// Started here from installed programs.
    Local,
    /// Containers of a compose file.
    Docker,
    /// Only given endpoints.
    External,
}

/// How a run comes to its servers.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where they come from.
    pub source: ServerSource,
    /// Those that are given.
    pub endpoints: Endpoints,
    /// How containers are had; with [`ServerSource::External`] its durability is what the user
    /// says of the given servers.
    pub docker: DockerOptions,
    /// Whether the data and logs of the servers that are started here stay.
    pub keep_directory: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            source: ServerSource::default(),
            endpoints: Endpoints::new(),
            docker: DockerOptions {
                files: Vec::new(),
                project: "lockbench".to_owned(),
                durability: None,
                within: Duration::from_secs(120),
                stop: Stop::new(),
            },
            keep_directory: false,
        }
    }
}

/// How the clusters of a run are laid out.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    /// How many members each has.
    pub systems: SystemOptions,
    /// What stands between them.
    pub peers: Option<Arc<Peers>>,
    /// Whether the wall clocks of servers are to be moved.
    pub clocks: bool,
    /// What serves the disks that forget, where there are some.
    pub disk: Option<DiskProgram>,
}

impl Clusters {
    /// As planned: with proxies between the members only where one is to be cut off, and with disks that forget only
    /// where a fault is of the disk.
    #[must_use]
    pub fn of(plan: &Plan, disk: Option<&Program>) -> Self {
        let cut = plan.faults.iter().any(|fault| fault.kind == FaultKind::ServerCut);
        let peers = cut.then(|| Arc::new(Peers::new(Clock::monotonic(), plan.seed)));
        let clocks = plan.faults.iter().any(|fault| matches!(fault.kind, FaultKind::ServerClock { .. }));
        let disk = disk.filter(|_| plan.faults.iter().any(|fault| fault.kind.needs_a_disk()));
        let disk =
            disk.map(|Program { file, arguments }| DiskProgram { file: file.clone(), arguments: arguments.clone() });
        Self { systems: plan.options.clone(), peers, clocks, disk }
    }
}

/// Why an entry has no servers.
#[derive(Debug, thiserror::Error)]
pub enum NoServers {
    /// None was given, found or started, for this reason.
    #[error("{0}")]
    Missing(String),
    /// Nothing of this run asked for servers of this kind.
    #[error("no {0} server was prepared")]
    Unprepared(ServerKind),
}

/// All servers of a run. Dropping it stops those that we started.
pub struct Servers {
    kinds: BTreeMap<ServerKind, Source>,
    /// What given servers were made for, where the user says so.
    declared: Option<String>,
    /// Which servers were found and did not answer, and what was used instead.
    fell_back: Vec<String>,
    /// How clusters are laid out.
    clusters: Clusters,
}

impl Servers {
    /// Takes given endpoints and what runs already, and starts what else the entries need, with the members that the
    /// plan asks for. The watcher hears what is waited for.
    pub fn prepare(
        entries: &[&'static Entry],
        options: &ServerOptions,
        clusters: &Clusters,
        watcher: &dyn Watcher,
    ) -> Self {
        let mut kinds: BTreeMap<ServerKind, Source> = BTreeMap::new();
        for kind in entries.iter().filter_map(|entry| entry.server) {
            if let Some(endpoints) = options.endpoints.get(&kind) {
                kinds.insert(kind, Source::Given(endpoints.clone()));
            } else if options.source == ServerSource::External {
                let problem = format!("--stack external and no --endpoint {kind}=URL");
                kinds.insert(kind, Source::Missing(problem));
            }
        }
        let mut wanted: Vec<ServerKind> = Vec::new();
        for kind in entries.iter().filter_map(|entry| entry.server) {
            if !kinds.contains_key(&kind) && !wanted.contains(&kind) {
                wanted.push(kind);
            }
        }
        let hearer = Hearer { watcher, told: &|text| watcher.step(text) };
        kinds.extend(left_running(&wanted, options, clusters, hearer));
        wanted.retain(|kind| !kinds.contains_key(kind));
        let mut fell_back = Vec::new();
        kinds.extend(started(&wanted, options, clusters, hearer, &mut fell_back));
        // With servers of its own, lockbench sees the labels instead.
        let declared = options.docker.durability.clone().filter(|_| options.source == ServerSource::External);
        Self { kinds, declared, fell_back, clusters: clusters.clone() }
    }

    /// Servers that were found, and do not answer an entry: takes the next ones that
    /// `auto` would take without them, and says so. False where nothing was found, or
    /// the user said which servers to use.
    pub fn fall_back(&mut self, entry: &Entry, reason: &str, options: &ServerOptions, watcher: &dyn Watcher) -> bool {
        let (Some(kind), ServerSource::Auto) = (entry.server, options.source) else { return false };
        let Some(Source::LeftRunning(left)) = self.kinds.get(&kind) else { return false };
        let programs = left.containers.is_none();
        let found = if programs { "what `lockbench up` started" } else { "the containers that run already" };
        let said = format!("{kind}: {found} cannot be used, and is left as it is: {reason}; the next is tried");
        watcher.log(Topic::Servers, LogLevel::Warn, &said);
        watcher.say(&said);
        self.fell_back.push(said);
        let next = if programs { containers(&[kind], options).remove(&kind) } else { None };
        let hearer = Hearer { watcher, told: &|text| watcher.say(text) };
        let next =
            next.or_else(|| started(&[kind], options, &self.clusters, hearer, &mut self.fell_back).remove(&kind));
        let next = match next {
            Some(Source::Missing(problem)) => Source::Missing(format!("{found}: {reason}; and no other: {problem}")),
            Some(next) => next,
            None => Source::Missing(format!("{found}: {reason}")),
        };
        self.kinds.insert(kind, next);
        true
    }

    /// Endpoints for an entry, and whether the servers are ours.
    ///
    /// # Errors
    /// Why there is none.
    pub fn endpoints(&self, entry: &Entry) -> Result<(Vec<Endpoint>, bool), NoServers> {
        let Some(kind) = entry.server else { return Ok((Vec::new(), true)) };
        match self.kinds.get(&kind) {
            Some(Source::Ours(server)) => Ok((server.endpoints(), true)),
            Some(Source::LeftRunning(left)) => Ok((left.endpoints.clone(), false)),
            Some(Source::Given(endpoints)) => Ok((endpoints.clone(), false)),
            Some(Source::Missing(problem)) => Err(NoServers::Missing(problem.clone())),
            None => Err(NoServers::Unprepared(kind)),
        }
    }

    /// Are the entry's servers ours?
    pub fn started_here(&self, entry: &Entry) -> bool {
        entry.server.is_some_and(|kind| matches!(self.kinds.get(&kind), Some(Source::Ours(_))))
    }

    /// The entry's servers, if they were started for this run.
    pub fn ours(&self, entry: &Entry) -> Option<Arc<Server>> {
        match self.kinds.get(&entry.server?) {
            Some(Source::Ours(server)) => Some(Arc::clone(server)),
            _ => None,
        }
    }

    /// What stands between the members of clusters that were started for this run.
    pub fn peers(&self) -> Option<Arc<Peers>> {
        self.clusters.peers.clone()
    }

    /// Every server's, of whatever kind.
    pub fn all_endpoints(&self) -> Vec<Endpoint> {
        let of = |source: &Source| match source {
            Source::Ours(server) => server.endpoints(),
            Source::LeftRunning(left) => left.endpoints.clone(),
            Source::Given(endpoints) => endpoints.clone(),
            Source::Missing(_) => Vec::new(),
        };
        self.kinds.values().flat_map(of).collect()
    }

    /// Which servers are used that a reader may not expect, each in a line.
    pub fn origins(&self) -> Vec<String> {
        let origin = |(kind, source): (&ServerKind, &Source)| match source {
            Source::LeftRunning(left) if left.containers.is_some() => {
                Some(format!("{kind}: containers that run already are used, and left running"))
            }
            Source::LeftRunning(_) => Some(format!("{kind}: what `lockbench up` started is used, and left running")),
            Source::Ours(server) if server.in_containers() => Some(format!("{kind}: started in containers")),
            Source::Ours(_) | Source::Given(_) | Source::Missing(_) => None,
        };
        self.kinds.iter().filter_map(origin).collect()
    }

    /// Which servers were started here, each in a line: no one else uses them.
    pub fn started(&self) -> Vec<String> {
        let ours =
            self.kinds.iter().filter(|(_, source)| matches!(source, Source::Ours(server) if !server.in_containers()));
        ours.map(|(kind, _)| {
            format!("{kind}: a server of its own was started for this; --endpoint {kind}=URL watches another")
        })
        .collect()
    }

    /// Did so many of the entry's servers end by themselves that the rest cannot serve? Then how.
    pub fn died(&self, entry: &Entry) -> Option<String> {
        self.handle(entry)?.out_of_service()
    }

    /// Processor seconds and memory of the entry's servers, if we can see them.
    pub fn usage(&self, entry: &Entry) -> Resources {
        self.handle(entry).map_or_else(Resources::default, |server| used(server))
    }

    /// The same for another thread, for as long as the servers live.
    pub fn gauge(&self, entry: &Entry) -> Option<Gauge> {
        let server = Arc::downgrade(self.handle(entry)?);
        Some(Box::new(move || server.upgrade().map_or_else(Resources::default, |server| used(&server))))
    }

    /// What the servers said of their durability, what it is worth where their data lie, and what their containers were
    /// made for: not every server can be asked.
    pub fn durability(&self, entry: &Entry, read_back: Persistence) -> Persistence {
        let given = entry.server.is_some_and(|kind| matches!(self.kinds.get(&kind), Some(Source::Given(_))));
        let declared = self.declared.as_deref().filter(|_| given);
        match (self.handle(entry).and_then(|server| server.durability()), declared) {
            (Some(label), _) => read_back.made_for(label, "the label lockbench.durability"),
            (None, Some(declared)) => read_back.made_for(declared, "--durability"),
            (None, None) => {
                let data = entry.server.and_then(|kind| self.kinds.get(&kind)).and_then(data);
                data.map_or(read_back.clone(), |data| read_back.kept_in(&data))
            }
        }
    }

    /// What a reader must know of the servers: how they differ from what ships.
    pub fn remarks(&self) -> Vec<String> {
        let of = |server: &Arc<Server>| {
            let kind = server.kind();
            server.remarks().iter().map(|remark| format!("{kind}: {remark}")).collect::<Vec<_>>()
        };
        self.fell_back.iter().cloned().chain(self.handles().flat_map(of)).collect()
    }

    /// The directory of the servers that we started.
    pub fn directory(&self) -> Option<&Path> {
        self.handles().find_map(|server| server.directory())
    }

    /// Where the servers are relative to the load.
    pub fn placement(&self) -> &'static str {
        let places: Vec<Place> = self.kinds.values().filter_map(place).collect();
        let is = |place: Place| places.contains(&place);
        match (is(Place::Here), is(Place::Containers), is(Place::Given)) {
            (false, false, false) => "no servers",
            (false, false, true) => "servers at given endpoints",
            (true, false, false) => {
                "servers on the same machine as the load, over loopback: no network delay, shared processors and disk"
            }
            (false, true, false) => {
                "servers on the same machine as the load, in Docker containers behind ports published on loopback: \
                 no real network, shared processors and disk"
            }
            (true, true, false) => {
                "servers on the same machine as the load, some as programs over loopback, some in Docker containers \
                 behind ports published on loopback: no real network, shared processors and disk"
            }
            (true, false, true) => "some servers on this machine over loopback, some at given endpoints",
            (_, true, true) => {
                "some servers on this machine over loopback (Docker containers), some at given endpoints"
            }
        }
    }

    /// Stops what we started; all at once.
    pub fn stop(self, watcher: &dyn Watcher) {
        let ours = || {
            self.kinds.values().filter_map(|source| if let Source::Ours(server) = source { Some(server) } else { None })
        };
        let begin = Instant::now();
        ours().for_each(|server| server.ask_to_stop());
        for server in ours() {
            server.stop();
            let after = begin.elapsed().as_millis();
            let text = format!("{} is stopped, {after} ms after all were asked to", server.kind());
            watcher.log(Topic::Servers, LogLevel::Info, &text);
        }
    }

    /// What can be looked at from outside of the protocol.
    fn handle(&self, entry: &Entry) -> Option<&Arc<Server>> {
        self.kinds.get(&entry.server?).and_then(handle)
    }

    fn handles(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.kinds.values().filter_map(handle)
    }
}

/// What a server uses so far.
fn used(server: &Server) -> Resources {
    let usage = server.usage();
    Resources {
        server_cpu_s: usage.map(|usage| usage.cpu_s),
        server_rss_bytes: usage.map(|usage| usage.rss_bytes),
        ..Resources::default()
    }
}
