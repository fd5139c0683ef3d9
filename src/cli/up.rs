//! `lockbench up`: servers that stay, until `lockbench down`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::args::{StackChoice, UpArgs};
use super::keeper::Said;
use super::kinds::{named, no_external};
use super::listing::{Row, State, shown};
use super::signal::{HangUp, Interrupt};
use super::{Failure, tell};
use lockbench_core::workload::SystemOptions;
use lockbench_engine::neither_program_nor_container;
use lockbench_report::Exit;
use lockbench_systems::stack::{DockerError, DockerStack, Probe, Project, Register, Server, probe};
use lockbench_systems::{Registry, ServerKind};

/// Pause before a kind that another call keeps is asked for again.
const TAKEN_PAUSE: Duration = Duration::from_millis(200);
/// Time that a keeper has beyond the wait for its servers: to start and to stop.
const SLACK: Duration = Duration::from_secs(30);

/// Starts what does not run; all of it or nothing.
pub fn up(args: &UpArgs, registry: &Registry) -> Result<u8, Failure> {
    no_external(args.stack, "up")?;
    args.docker.idle(args.stack).map_or(Ok(()), |problem| Err(Failure::usage(problem)))?;
    let by_name = named(&args.backends, registry)?;
    let interrupt = Interrupt::listen(HangUp::Ends, || tell("lockbench: stopping what was started"))?;
    let mut work = Work {
        args,
        interrupt: &interrupt,
        rows: Vec::new(),
        containers: Vec::new(),
        keepers: Vec::new(),
        skipped: Vec::new(),
    };
    // Without a name, those that runs would use.
    let of_use = |kind: &ServerKind| kind.started_only(&SystemOptions::default()).is_none();
    let usual = ServerKind::all().iter().copied().filter(of_use).collect();
    let kinds = if by_name.is_empty() { usual } else { by_name.clone() };
    let done = work.all(&kinds, !by_name.is_empty());
    if let Some(exit) = interrupt.exit() {
        work.undo();
        return Ok(exit.code());
    }
    if let Err(failure) = done {
        work.undo();
        return Err(failure);
    }
    for server in &work.containers {
        server.leave();
    }
    for skipped in &work.skipped {
        tell(&format!("not started: {skipped}"));
    }
    if work.rows.is_empty() {
        return Err(Failure::unavailable("no server can be started here; `lockbench doctor` says what is missing"));
    }
    work.rows.sort_by_key(|row| row.kind);
    shown(&work.rows, args.format.choice, "")?;
    Ok(Exit::Pass.code())
}

struct Work<'a> {
    args: &'a UpArgs,
    interrupt: &'a Interrupt,
    rows: Vec<Row>,
    /// Started by this call.
    containers: Vec<Server>,
    /// Kinds whose keepers were started by this call.
    keepers: Vec<ServerKind>,
    /// Cannot be started here, and were not asked for by name.
    skipped: Vec<String>,
}

impl Work<'_> {
    fn all(&mut self, kinds: &[ServerKind], by_name: bool) -> Result<(), Failure> {
        let (mut wanted, mut failed) = (self.running(kinds)?, BTreeMap::new());
        if self.args.stack != StackChoice::Docker {
            let here: Vec<ServerKind> =
                wanted.iter().copied().filter(|kind| matches!(probe(*kind), Probe::Found { .. })).collect();
            failed = self.programs(&here)?;
            if self.args.stack != StackChoice::Auto || self.interrupt.stop.draining() {
                refused(failed.values())?;
            }
            wanted.retain(|kind| !here.contains(kind) || failed.contains_key(kind));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        match (self.args.stack, DockerStack::find(&self.args.docker.options(&self.interrupt.stop))) {
            (StackChoice::Docker, Err(error)) => Err(Failure::unavailable(error)),
            (StackChoice::Docker | StackChoice::Auto, Ok(docker)) => {
                for problem in failed.values() {
                    tell(&format!("lockbench: {problem}\nlockbench: a container is tried instead"));
                }
                self.in_containers(&docker, &wanted, by_name, &failed)
            }
            (_, Err(error)) if !failed.is_empty() => {
                let problems: Vec<String> = failed
                    .values()
                    .map(|problem| neither_program_nor_container(Some(problem), &error.to_string()))
                    .collect();
                refused(problems.iter())
            }
            (StackChoice::Local | StackChoice::External, _) => self.missing(&wanted, by_name, None),
            (StackChoice::Auto, Err(error)) => self.missing(&wanted, by_name, Some(&error)),
        }
    }

    /// Takes what runs already; returns what does not.
    fn running(&mut self, kinds: &[ServerKind]) -> Result<Vec<ServerKind>, Failure> {
        let mut wanted = kinds.to_vec();
        if self.args.stack != StackChoice::Docker {
            let register = Register::from_env().map_err(Failure::internal)?;
            for left in register.left().iter().filter(|left| left.kind().is_some_and(|kind| kinds.contains(&kind))) {
                if left.died.is_some() {
                    // It serves no client any more: begin anew.
                    left.stop().map_err(Failure::internal)?;
                    continue;
                }
                self.rows.extend(Row::of_left(left, State::RanAlready));
            }
        }
        if self.args.stack == StackChoice::Auto {
            let running = Project::find(&self.args.docker.project.name()).and_then(|project| project.running());
            for server in running.unwrap_or_default() {
                let new = self.rows.iter().all(|row| row.kind != server.kind());
                if new && kinds.contains(&server.kind()) {
                    self.rows.push(Row::of_server(&server, State::RanAlready));
                }
            }
        }
        wanted.retain(|kind| self.rows.iter().all(|row| row.kind != *kind));
        Ok(wanted)
    }

    /// Starts a keeper for each, and waits for all; returns why some do not serve.
    fn programs(&mut self, kinds: &[ServerKind]) -> Result<BTreeMap<ServerKind, String>, Failure> {
        let within = self.args.docker.within;
        let begun: Vec<_> = kinds.iter().map(|kind| (*kind, begin(*kind, within))).collect();
        let limit = Instant::now() + within + SLACK;
        let register = Register::from_env().map_err(Failure::internal)?;
        let (mut failed, mut busy) = (BTreeMap::new(), Vec::new());
        for (kind, begun) in begun {
            let cannot = |error: std::io::Error| Failure::internal(format!("cannot start a keeper: {error}"));
            let mut keeper = begun.map_err(cannot)?;
            let mut answer = keeper.answer(limit, self.interrupt);
            // Another call is starting or stopping it: it runs then, or is free to be started here.
            while answer == Said::Taken && register.of(kind).is_none() && Instant::now() < limit {
                thread::sleep(TAKEN_PAUSE);
                keeper = begin(kind, within).map_err(cannot)?;
                answer = keeper.answer(limit, self.interrupt);
            }
            match answer {
                said @ (Said::Ready | Said::Taken) => {
                    let state = if said == Said::Ready { State::Started } else { State::RanAlready };
                    if said == Said::Ready {
                        self.keepers.push(kind);
                    }
                    match register.of(kind) {
                        Some(left) => self.rows.extend(Row::of_left(&left, state)),
                        // No container is tried: there would be two servers in the end.
                        None => {
                            busy.push(format!("{kind}: another `lockbench up` is starting or stopping it; try again"));
                        }
                    }
                }
                Said::Failed(problem) => {
                    keeper.end();
                    failed.insert(kind, problem);
                }
            }
        }
        refused(busy.iter())?;
        Ok(failed)
    }

    /// `here`: why programs of this machine do not serve.
    fn in_containers(
        &mut self,
        docker: &DockerStack,
        kinds: &[ServerKind],
        by_name: bool,
        here: &BTreeMap<ServerKind, String>,
    ) -> Result<(), Failure> {
        let must = |kind: &ServerKind| by_name || here.contains_key(kind) || docker.offers(*kind);
        let offered: Vec<ServerKind> = kinds.iter().copied().filter(must).collect();
        let mut failed = Vec::new();
        for (kind, server) in docker.start(&offered, &|text| tell(text)) {
            match server {
                Ok(server) => {
                    let state = if server.is_ours() { State::Started } else { State::RanAlready };
                    self.rows.push(Row::of_server(&server, state));
                    self.containers.push(server);
                }
                Err(DockerError::Interrupted) => {}
                Err(error) => failed.push(match here.get(&kind) {
                    Some(problem) => neither_program_nor_container(Some(problem), &error.to_string()),
                    None => format!("{kind}: {error}"),
                }),
            }
        }
        refused(failed.iter())
    }

    /// Neither programs nor containers.
    fn missing(&mut self, kinds: &[ServerKind], by_name: bool, docker: Option<&DockerError>) -> Result<(), Failure> {
        let docker = docker.map_or_else(String::new, |error| format!("; and no container: {error}"));
        for kind in kinds {
            if let Probe::Missing { what, install } = probe(*kind) {
                self.skipped.push(format!("{kind}: {what} was not found; install it with `{install}`{docker}"));
            }
        }
        if by_name && !self.skipped.is_empty() {
            return Err(Failure::unavailable(std::mem::take(&mut self.skipped).join("\nlockbench: ")));
        }
        Ok(())
    }

    /// Takes down what this call started.
    fn undo(&mut self) {
        self.containers.clear();
        let Ok(register) = Register::from_env() else { return };
        for left in self.keepers.drain(..).filter_map(|kind| register.of(kind)) {
            if let Err(error) = left.stop() {
                tell(&format!("lockbench: {error}"));
            }
        }
    }
}

/// All or nothing: one that does not serve is the end.
fn refused<'a>(problems: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    let problems: Vec<&str> = problems.map(String::as_str).collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::unavailable(problems.join("\nlockbench: "))) }
}

/// A keeper that has not answered yet.
struct Keeper {
    child: Child,
    line: mpsc::Receiver<String>,
}

fn begin(kind: ServerKind, within: Duration) -> std::io::Result<Keeper> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["keeper", kind.name(), "--within", &format!("{}ms", within.as_millis())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (sender, line) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        thread::spawn(move || {
            let mut text = String::new();
            let _ = BufReader::new(out).read_line(&mut text);
            let _ = sender.send(text);
        });
    }
    Ok(Keeper { child, line })
}

impl Keeper {
    /// Waits for its line; why there is none is a failure.
    fn answer(&mut self, limit: Instant, interrupt: &Interrupt) -> Said {
        let failed = |problem: &str| Said::Failed(problem.to_owned());
        loop {
            return match self.line.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => serde_json::from_str(&line).unwrap_or_else(|_| {
                    failed("the process that was to keep it ended without a word; is memory short?")
                }),
                Err(mpsc::RecvTimeoutError::Disconnected) => failed("the keeper said nothing"),
                Err(mpsc::RecvTimeoutError::Timeout) if interrupt.came() => failed("stopped while it was starting"),
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() >= limit => {
                    failed("the process that was to keep it does not answer")
                }
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
            };
        }
    }

    /// Has it stop what it started, and waits for that.
    fn end(&mut self) {
        let _ =
            rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM);
        let limit = Instant::now() + SLACK;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < limit {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
