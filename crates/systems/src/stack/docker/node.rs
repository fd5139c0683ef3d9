//! A node that is a container.

use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::claim::{Claim, DOWN_WITHIN};
use super::container::Container;
use super::engine::{Engine, SOON};
use super::error::DockerError;
use crate::stack::node::{Node, NodeError};
use crate::stack::usage::{self, Usage};
use lockbench_core::lock::Endpoint;
use lockbench_forgetful::Told;

/// Longest wait for a restarted container to get healthy.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const NO_DISK: &str = "containers have the disk of the host; use --stack local";

/// One container.
pub(super) struct ContainerNode {
    engine: Engine,
    id: String,
    name: String,
    endpoint: Endpoint,
    /// Name of the network of its peers, if it has one.
    peers: Option<String>,
    /// `None`: it ran before us.
    claim: Option<Arc<Claim>>,
    state: Mutex<State>,
}

struct State {
    /// Its first process; 0 while it has none.
    pid: u32,
    /// Of the process; another one may get the same pid.
    born: Option<u64>,
    /// CPU seconds of the processes before the present one.
    spent_s: f64,
    paused: bool,
    /// Told to end, or being restarted: its end is no death.
    told: bool,
    /// Names on the network of its peers, while it is cut off.
    cut: Option<Vec<String>>,
    /// `docker rm`, under way.
    removal: Option<Child>,
    removed: bool,
}

impl ContainerNode {
    /// A node of this container, which is healthy now.
    pub(super) fn new(
        engine: &Engine,
        container: &Container,
        peers: Option<&str>,
        claim: Option<Arc<Claim>>,
    ) -> Result<Self, DockerError> {
        let peers = peers.filter(|network| container.aliases(network).is_some()).map(str::to_owned);
        let mut state = State {
            pid: 0,
            born: None,
            spent_s: 0.0,
            paused: false,
            told: false,
            cut: None,
            removal: None,
            removed: false,
        };
        state.runs_as(container);
        Ok(Self {
            engine: engine.clone(),
            id: container.id.clone(),
            name: container.service().to_owned(),
            endpoint: container.endpoint()?,
            peers,
            claim,
            state: Mutex::new(state),
        })
    }

    /// Is it taken down with us?
    fn ours(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| !claim.released())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, problem: impl ToString) -> NodeError {
        NodeError { action, node: self.name.clone(), problem: problem.to_string() }
    }

    fn tell(&self, action: &'static str, words: &[&str]) -> Result<(), NodeError> {
        let arguments: Vec<&str> = words.iter().copied().chain([self.id.as_str()]).collect();
        self.engine.run(&arguments, SOON).map(drop).map_err(|error| self.failed(action, error))
    }

    /// Waits until its health check passes and its address is what it was.
    fn await_health(&self, action: &'static str) -> Result<Container, NodeError> {
        let limit = Instant::now() + BACK_WITHIN;
        loop {
            let container = self.engine.container(&self.id).map_err(|error| self.failed(action, error))?;
            match container.healthy() {
                Ok(true) => {
                    let endpoint = container.endpoint().map_err(|error| self.failed(action, error))?;
                    if endpoint != self.endpoint {
                        return Err(
                            self.failed(action, format!("its address is now {endpoint}, no longer {}", self.endpoint))
                        );
                    }
                    return Ok(container);
                }
                // A check of before the restart may still be what is told.
                Ok(false) => {}
                Err(_) if container.state.running => {}
                Err(what) => return Err(self.failed(action, format!("it {what}{}", self.log_tail()))),
            }
            if Instant::now() >= limit {
                let problem = format!("not healthy within {} s{}", BACK_WITHIN.as_secs(), container.last_check());
                return Err(self.failed(action, problem));
            }
            sleep(Duration::from_millis(100));
        }
    }

    /// Mends what was done to it.
    fn mend(&self) {
        // Whoever reads the log sees why a container that is not ours stays disturbed.
        for mended in [self.resume(), self.connect()] {
            if let Err(error) = mended {
                tracing::warn!(target: super::start::LOG, "{error}");
            }
        }
    }
}

impl State {
    fn runs_as(&mut self, container: &Container) {
        self.pid = u32::try_from(container.state.pid).unwrap_or(0);
        self.born = usage::born(self.pid);
        self.paused = container.state.paused;
        self.told = false;
    }

    /// Adds up what the present process has used; it is about to end.
    fn settle(&mut self) {
        if let Some(usage) = usage::of_cgroup(self.pid) {
            self.spent_s += usage.cpu_s;
        }
        self.told = true;
    }
}

impl Node for ContainerNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn pids(&self) -> Vec<u32> {
        let state = self.state();
        if state.removed || state.pid == 0 || usage::born(state.pid) != state.born {
            Vec::new()
        } else {
            vec![state.pid]
        }
    }

    fn died(&self) -> Option<String> {
        // Held for as long as a restart takes: that is no death.
        let state = self.state.try_lock().ok()?;
        // Where the engine's processes are not ours to see, only clients notice.
        if state.told || state.removed || state.born.is_none() || usage::born(state.pid) == state.born {
            return None;
        }
        let how = match self.engine.container(&self.id) {
            Ok(container) if container.state.running => return None,
            Ok(container) => container.healthy().err().unwrap_or_else(|| "has ended".to_owned()),
            Err(_) => "is gone".to_owned(),
        };
        Some(format!("{} {how}; its last lines:{}", self.name, self.log_tail()))
    }

    fn usage(&self) -> Option<Usage> {
        let state = self.state.try_lock().ok()?;
        let now = usage::of_cgroup(state.pid)?;
        Some(Usage { cpu_s: state.spent_s + now.cpu_s, ..now })
    }

    fn log_tail(&self) -> String {
        self.engine.log_tail(&self.id)
    }

    fn pause(&self) -> Result<(), NodeError> {
        let mut state = self.state();
        if !state.paused {
            self.tell("pause", &["pause"])?;
            state.paused = true;
        }
        Ok(())
    }

    fn resume(&self) -> Result<(), NodeError> {
        let mut state = self.state();
        if state.paused {
            self.tell("resume", &["unpause"])?;
            state.paused = false;
        }
        Ok(())
    }

    fn kill(&self) -> Result<(), NodeError> {
        let mut state = self.state();
        if state.paused {
            // The engine refuses to kill what is frozen.
            self.tell("kill", &["unpause"])?;
            state.paused = false;
        }
        state.settle();
        self.tell("kill", &["kill", "--signal", "KILL"])?;
        let limit = Instant::now() + SOON;
        while state.born.is_some() && usage::born(state.pid) == state.born && Instant::now() < limit {
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn restart_empty(&self) -> Result<(), NodeError> {
        let problem = "the data of a container is in its volumes, which stay; use --stack local".to_owned();
        Err(NodeError { action: "empty", node: self.name.clone(), problem })
    }

    fn cut_power(&self) -> Result<(), NodeError> {
        Err(self.failed("cut the power of", NO_DISK))
    }

    fn slow_disk(&self, _: u64) -> Result<(), NodeError> {
        Err(self.failed("slow the disk of", NO_DISK))
    }

    fn disk(&self) -> Option<Told> {
        None
    }

    fn is_paused(&self) -> bool {
        self.state().paused
    }

    fn restart(&self) -> Result<(), NodeError> {
        const ACTION: &str = "restart";
        let mut state = self.state();
        if state.paused {
            self.tell(ACTION, &["unpause"])?;
            state.paused = false;
        }
        if !state.told {
            state.settle();
        }
        self.tell(ACTION, &["restart", "--time", "10"])?;
        let container = self.await_health(ACTION)?;
        state.runs_as(&container);
        Ok(())
    }

    fn disconnect(&self) -> Result<(), NodeError> {
        const ACTION: &str = "disconnect";
        let mut state = self.state();
        let network = self.peers.as_ref().ok_or_else(|| self.failed(ACTION, "it has no network of its peers"))?;
        if state.cut.is_none() {
            let container = self.engine.container(&self.id).map_err(|error| self.failed(ACTION, error))?;
            let aliases =
                container.aliases(network).ok_or_else(|| self.failed(ACTION, format!("it is not in {network}")))?;
            self.tell(ACTION, &["network", "disconnect", network])?;
            state.cut = Some(aliases);
        }
        Ok(())
    }

    fn connect(&self) -> Result<(), NodeError> {
        let mut state = self.state();
        if let (Some(aliases), Some(network)) = (&state.cut, &self.peers) {
            let named = aliases.iter().flat_map(|alias| ["--alias", alias.as_str()]);
            let words: Vec<&str> = ["network", "connect"].into_iter().chain(named).chain([network.as_str()]).collect();
            self.tell("connect", &words)?;
            state.cut = None;
        }
        Ok(())
    }

    fn set_clock(&self, _offset_ns: i64) -> Result<(), NodeError> {
        Err(self.failed("move the clock of", "a container has the clock of the machine; use --stack local"))
    }

    fn ask_to_stop(&self) {
        if !self.ours() {
            return self.mend();
        }
        let mut state = self.state();
        if !state.removed && state.removal.is_none() {
            state.told = true;
            let mut removal = self.engine.command(&["rm", "--force", "--volumes", &self.id]);
            removal.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // The claim removes what this does not.
            state.removal = removal.spawn().ok();
        }
    }

    fn finish(&self) {
        let mut state = self.state();
        if let Some(mut removal) = state.removal.take() {
            let limit = Instant::now() + DOWN_WITHIN;
            while matches!(removal.try_wait(), Ok(None)) && Instant::now() < limit {
                sleep(Duration::from_millis(5));
            }
            state.removed = true;
        }
    }
}

impl Drop for ContainerNode {
    fn drop(&mut self) {
        self.ask_to_stop();
        self.finish();
        // A client that hangs is nobody's business any more.
        if let Some(mut removal) = self.state().removal.take() {
            let _ = removal.kill();
        }
    }
}

/// The network of a project that compose knows as `peers`, if it has one.
pub(super) fn peers_network(engine: &Engine, project: &str) -> Result<Option<String>, DockerError> {
    let (of, named) = (format!("label=com.docker.compose.project={project}"), "label=com.docker.compose.network=peers");
    let names = engine.run(&["network", "ls", "--filter", &of, "--filter", named, "--format", "{{.Name}}"], SOON)?;
    Ok(names.lines().next().map(str::to_owned))
}

/// Is anybody listening there? What a client library would meet first.
pub(super) fn answers(address: &str) -> Result<(), String> {
    use std::net::{TcpStream, ToSocketAddrs};
    let mut addresses = address.to_socket_addrs().map_err(|error| error.to_string())?;
    let first = addresses.next().ok_or("no such host")?;
    TcpStream::connect_timeout(&first, Duration::from_secs(5)).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::answers;

    #[test]
    fn an_address_without_a_listener_does_not_answer() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap().to_string();
        assert_eq!(answers(&address), Ok(()));
        drop(held);
        assert!(answers(&address).is_err() && answers("nothing").is_err());
    }
}
