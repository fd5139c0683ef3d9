//! Starts servers: all kinds at once, each on its own thread.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tracing::{debug, info, warn};

use super::clock::{Clock, Faketime};
use super::disk::DiskProgram;
use super::error::StartError;
use super::front::FrontProcess;
use super::home::{Home, no_random, random_hex};
use super::local_node::LocalNode;
use super::node::{Node, NodeError};
use super::port;
use super::process::{Process, describe};
use super::search::Search;
use super::server::{Place, Server};
use super::start_recipe::{Call, Member, PeerLinks, PeerPort, Program, Site, StartRecipe};
use super::user::{self, User};
use crate::ServerKind;
use crate::levers::Lever;
use lockbench_core::stop::Stop;
use lockbench_core::workload::SystemOptions;

/// What the log calls this part, so that a filter can name it.
const LOG: &str = "lockbench::servers";

/// How long a preparing step may take to end when the start is interrupted: it does so between two parts of its work.
const STEP_PATIENCE: Duration = Duration::from_secs(10);

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the temporary directory is made. Default: the system's (`TMPDIR` if set).
    pub parent: PathBuf,
    /// Leave the directory, with data and logs, for inspection.
    pub keep: bool,
    /// Longest wait for a server to answer. Default 30 s: a loaded machine may
    /// need seconds for a JVM.
    pub ready_within: Duration,
    /// Where programs are looked for.
    pub search: Search,
    /// What the plan says of single systems: how many members a cluster has.
    pub systems: SystemOptions,
    /// Serves a disk under the data of each node that forgets what was not synced, and can be slow; `None`: data lie on
    /// the disk of the host.
    pub disk: Option<DiskProgram>,
    /// Stands between the members of a cluster, if anything does.
    pub peers: Option<Arc<dyn PeerLinks>>,
    /// Start servers so that their wall clocks can be moved, where that can be.
    pub clocks: bool,
    /// Ends the start early.
    pub stop: Stop,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parent: std::env::temp_dir(),
            keep: false,
            ready_within: Duration::from_secs(30),
            search: Search::from_env(),
            systems: SystemOptions::default(),
            disk: None,
            peers: None,
            clocks: false,
            stop: Stop::new(),
        }
    }
}

/// Servers of this machine, started for one run.
pub struct LocalStack;

impl LocalStack {
    /// Starts one server (Redlock: five; of a cluster its members) of each kind, in parallel, and waits
    /// until each answers or has failed: one that fails does not stop the
    /// others. Blocks up to `ready_within`. The servers share one temporary
    /// directory, which goes with the last of them.
    #[must_use]
    pub fn start(kinds: &[ServerKind], options: &Options) -> Vec<(ServerKind, Result<Server, StartError>)> {
        if kinds.is_empty() {
            return Vec::new();
        }
        let prepared = Home::create(&options.parent, options.keep).map(Arc::new);
        let (home, ports) = match prepared.and_then(|home| Ok((home, reserve(kinds, &options.systems)?))) {
            Ok(prepared) => prepared,
            Err(error) => return kinds.iter().map(|kind| (*kind, Err(error.clone()))).collect(),
        };
        thread::scope(|scope| {
            let starts: Vec<_> = kinds
                .iter()
                .zip(ports)
                .map(|(kind, ports)| {
                    let start = Start { home: &home, options, kind: *kind, recipe: kind.servers().start };
                    (*kind, scope.spawn(move || start.logged(ports)))
                })
                .collect();
            starts.into_iter().map(|(kind, start)| (kind, joined(start.join()))).collect()
        })
    }
}

fn joined(result: thread::Result<Result<Server, StartError>>) -> Result<Server, StartError> {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Ports for all kinds at once, so that no two servers of ours get the same.
fn reserve(kinds: &[ServerKind], systems: &SystemOptions) -> Result<Vec<Vec<u16>>, StartError> {
    let needs: Vec<usize> = kinds.iter().map(|kind| need(kind.servers().start, systems)).collect();
    let mut all = choose(needs.iter().sum())?;
    Ok(needs.into_iter().map(|need| all.drain(..need).collect()).collect())
}

fn need(recipe: &StartRecipe, systems: &SystemOptions) -> usize {
    (recipe.nodes)(systems) * recipe.ports_of(systems)
}

fn choose(count: usize) -> Result<Vec<u16>, StartError> {
    port::free(count).map_err(|source| StartError::system("find a free port on 127.0.0.1", source))
}

/// The start of one kind.
struct Start<'a> {
    home: &'a Arc<Home>,
    options: &'a Options,
    kind: ServerKind,
    recipe: &'static StartRecipe,
}

/// The processes of a node, as the log has them.
fn told(pids: &[u32]) -> String {
    match pids {
        [one] => format!("pid {one}"),
        several => format!("pids {}", several.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

impl Start<'_> {
    /// Starts the servers of the kind; the log has how it went.
    fn logged(&self, ports: Vec<u16>) -> Result<Server, StartError> {
        let begin = Instant::now();
        let started = self.with_a_second_try(ports);
        let (kind, took) = (self.kind, begin.elapsed().as_millis());
        match &started {
            Ok(server) => {
                for node in &server.nodes {
                    let (version, pids) = (&server.version, node.pids());
                    info!(target: LOG, "{kind} {version} answers at {} after {took} ms, {}", node.endpoint(), told(&pids));
                }
                debug!(target: LOG, "{kind} runs {}, its data and logs are in {}",
                    server.program,
                    self.home.path().display()
                );
            }
            Err(error) => warn!(target: LOG, "{kind} was not started, after {took} ms: {error}"),
        }
        started
    }

    fn with_a_second_try(&self, ports: Vec<u16>) -> Result<Server, StartError> {
        let program = self.options.search.program(self.kind)?;
        match self.try_on(&program, &ports, "") {
            Err(error) if error.lost_the_port() => {
                let ports = choose(need(self.recipe, &self.options.systems))?;
                self.try_on(&program, &ports, "-again")
                    .map_err(|error| if error.lost_the_port() { error.named_as_port_race() } else { error })
            }
            outcome => outcome,
        }
    }

    fn try_on(&self, program: &Program, ports: &[u16], suffix: &str) -> Result<Server, StartError> {
        let limit = Instant::now() + self.options.ready_within;
        let mut started = Vec::new();
        let members = self.members(ports)?;
        // One for all: a copy of a server has the password of the original.
        let password = random_hex(16).map_err(no_random)?;
        for number in 0..members.len() {
            let name = format!("{}-{number}{suffix}", self.kind);
            started.push(self.node(&name, program, (number, &members, &password), limit)?);
        }
        // Some are started only when others have done their part: what that took is not taken from those.
        let limit = Instant::now() + self.options.ready_within;
        for node in &mut started {
            node.await_answer(self.options.ready_within, limit, &self.options.stop)?;
            let failed = |error: NodeError| StartError::system(error.action, io::Error::other(error.to_string()));
            node.settle_disk().map_err(failed)?;
            node.front = self.front(node, limit)?;
        }
        let front = started.iter().find_map(|node| node.front.as_ref()).map(FrontProcess::remark);
        Ok(Server {
            kind: self.kind,
            program: program.path.display().to_string(),
            version: program.version.clone(),
            remarks: self.remarks().into_iter().chain(front).collect(),
            durability: None,
            nodes: started.into_iter().map(|node| Box::new(node) as Box<dyn Node>).collect(),
            place: Place::Local(Arc::clone(self.home)),
        })
    }

    /// The members of these ports, with what stands between them.
    fn members(&self, ports: &[u16]) -> Result<Arc<[Member]>, StartError> {
        let links = self.options.peers.as_ref().filter(|_| self.kind.cluster(&self.options.systems).is_some());
        let failed = |source| StartError::system("put a proxy between members", source);
        let mut members = Vec::new();
        for (member, ports) in ports.chunks(self.recipe.ports_of(&self.options.systems)).enumerate() {
            let mut by_peers = ports.to_vec();
            if let Some(links) = links {
                let (kind, introduces) = (self.kind, self.recipe.introduces);
                for port in by_peers.iter_mut().skip(self.recipe.peers_from) {
                    *port = links.before(PeerPort { kind, member, port: *port, introduces }).map_err(failed)?;
                }
            }
            members.push(Member { ports: ports.to_vec(), by_peers });
        }
        Ok(members.into())
    }

    /// Prepares and spawns one node; does not wait until it answers.
    fn node(
        &self,
        name: &str,
        program: &Program,
        (number, members, password): (usize, &Arc<[Member]>, &str),
        limit: Instant,
    ) -> Result<LocalNode, StartError> {
        let user = self.user()?;
        let dir = self.home.node(name, user.as_ref())?;
        let disk = self.options.disk.as_ref().map(|program| self.home.disk(&dir, program)).transpose()?;
        let password = password.to_owned();
        let (program, members) = (program.clone(), Arc::clone(members));
        let ports = members[number].ports.clone();
        let settings = (self.recipe.planned)(&self.options.systems);
        let site = Site { dir, ports, number, members, joins: false, program, user, settings, password };
        let launch = (self.recipe.launch)(&site)?;
        if let Some(step) = &launch.prepare {
            self.complete(step, &site, name, limit)?;
        }
        let clock = self.clock(name)?;
        let process = match &clock {
            Some(clock) => self.spawn(&clock.before(&launch.server), &site, name)?,
            None => self.spawn(&launch.server, &site, name)?,
        };
        Ok(LocalNode {
            clock,
            name: name.to_owned(),
            kind: self.kind,
            recipe: self.recipe,
            endpoint: (self.recipe.endpoint)(&site),
            call: RwLock::new(launch.server),
            log: self.log(name),
            disk,
            home: Arc::clone(self.home),
            process: RwLock::new(process),
            spent_s: Mutex::new(0.0),
            front: None,
            site,
        })
    }

    /// Starts what stands between a node and its clients, if the plan asks for something, and waits until it answers.
    fn front(&self, node: &LocalNode, limit: Instant) -> Result<Option<FrontProcess>, StartError> {
        let options = self.options;
        let Some(front) = self.recipe.front_of(&options.systems) else { return Ok(None) };
        let log = self.log(&format!("{}-front", node.name));
        let process = FrontProcess::start(front, (self.kind, &node.site), self.home, &log, options)?;
        process.await_answer(options.ready_within, limit, &options.stop)?;
        Ok(Some(process))
    }

    /// How its figures differ from those of a server as it ships.
    fn remarks(&self) -> Vec<String> {
        let planned = (self.recipe.planned)(&self.options.systems);
        let settings = self.recipe.settings.iter().map(|setting| (*setting).to_owned()).chain(planned);
        let settings = settings.map(|setting| format!("not stock: {setting}"));
        let clock = self.options.clocks && self.kind.servers().levers.clock.refused().is_none();
        let clock =
            clock.then(|| "not stock: under libfaketime, where every look at the clock reads a file".to_owned());
        let disk = self.options.disk.as_ref().map(|_| {
            "its data lie on a disk in the memory of a process of lockbench, which forgets on a power cut what was not \
             synced: its waits do not compare with those on the disk of the host"
                .to_owned()
        });
        settings.chain(clock).chain(disk).collect()
    }

    /// What moves its wall clock, if that is wanted and can be.
    fn clock(&self, name: &str) -> Result<Option<Clock>, StartError> {
        let (true, Lever::Offered(clock)) = (self.options.clocks, self.kind.servers().levers.clock) else {
            return Ok(None);
        };
        let failed = |source| StartError::system("make the clock of a server", source);
        let faketime = Faketime::find(&self.options.search).map_err(|why| failed(io::Error::other(why)))?;
        Clock::new(&faketime, clock.threaded, self.home.path(), name).map(Some).map_err(failed)
    }

    /// Whom to run as: as ourselves unless we are root.
    fn user(&self) -> Result<Option<User>, StartError> {
        if !user::is_root() {
            return Ok(None);
        }
        let users = self.recipe.users;
        let missing = || StartError::NoUser { kind: self.kind, users: users.join(", ") };
        user::first_of(users).map(Some).ok_or_else(missing)
    }

    fn spawn(&self, call: &Call, site: &Site, name: &str) -> Result<Process, StartError> {
        Process::spawn(self.home, call, &site.dir, &self.log(name), site.user.as_ref())
            .map_err(|source| StartError::system(format!("start {}", call.program.display()), source))
    }

    /// Runs a preparing step to its end.
    fn complete(&self, step: &Call, site: &Site, name: &str, limit: Instant) -> Result<(), StartError> {
        let process = self.spawn(step, site, &format!("{name}-prepare"))?;
        match process.wait(limit, || self.options.stop.draining()) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.died(&step.program, site, &process, &describe(status))),
            None if self.options.stop.draining() => {
                // Killed in the middle it would leave files and shared memory.
                process.ask_to_stop(Signal::TERM);
                process.finish_within(STEP_PATIENCE);
                Err(StartError::Interrupted { kind: self.kind })
            }
            None => Err(self.not_ready(site, &process, "still preparing".to_owned())),
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("{name}.log"))
    }

    fn died(&self, program: &std::path::Path, site: &Site, process: &Process, status: &str) -> StartError {
        StartError::Died {
            kind: self.kind,
            program: program.to_owned(),
            status: status.to_owned(),
            port: site.port(),
            log: process.log_tail(),
        }
    }

    fn not_ready(&self, site: &Site, process: &Process, answer: String) -> StartError {
        StartError::NotReady {
            kind: self.kind,
            program: site.program.path.clone(),
            port: site.port(),
            limit_s: self.options.ready_within.as_secs(),
            answer,
            log: process.log_tail(),
        }
    }
}
