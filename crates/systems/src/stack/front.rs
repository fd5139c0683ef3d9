//! A program that stands between a server and its clients where the plan asks for one, such as a pooler of connections.
//! It is started after its server, on a port of its own and as the server's user, and is stopped with it. Faults of a
//! node are of its server alone: what stands before it runs on, as it does where the two are deployed apart.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::error::StartError;
use super::home::Home;
use super::local::Options;
use super::port;
use super::process::{Process, describe};
use super::search::Search;
use super::start_recipe::{Call, Program, Site};
use super::usage::Usage;
use crate::ServerKind;
use lockbench_core::lock::Endpoint;
use lockbench_core::stop::Stop;
use lockbench_core::workload::SystemOptions;

/// How such a program is started: the contract that each kind of it fills in.
pub(crate) struct Front {
    /// Its name, as in a sentence.
    pub(crate) name: &'static str,
    /// The settings that the plan asks for, as the program reads them; `None`: the plan wants no such program.
    pub(crate) planned: fn(&SystemOptions) -> Option<String>,
    /// What installs it on Debian and Ubuntu.
    pub(crate) install: &'static str,
    /// Finds the program, or says what is missing.
    pub(crate) find: fn(&Search) -> Result<Program, String>,
    /// Writes what it reads at start and says what to run; the file is for the settings of the plan.
    pub(crate) launch: fn(&Site, &Program, &SystemOptions) -> Result<Call, StartError>,
    /// Asks once whether it passes a client on to the server.
    pub(crate) answers: fn(&Site) -> Result<(), String>,
    /// The address for clients.
    pub(crate) endpoint: fn(&Site) -> Endpoint,
}

/// One that runs. Dropping it stops it.
pub(super) struct FrontProcess {
    kind: ServerKind,
    front: &'static Front,
    program: Program,
    settings: String,
    site: Site,
    endpoint: Endpoint,
    process: Process,
}

impl FrontProcess {
    /// Starts it before a node of that kind; does not wait until it answers.
    ///
    /// # Errors
    /// The program is not there or cannot be run, or its files cannot be written.
    pub(super) fn start(
        front: &'static Front,
        (kind, site): (ServerKind, &Site),
        home: &Arc<Home>,
        log: &Path,
        options: &Options,
    ) -> Result<Self, StartError> {
        let missing = |what| StartError::Missing { kind, what, install: front.install };
        let program = (front.find)(&options.search).map_err(missing)?;
        let call = (front.launch)(site, &program, &options.systems)?;
        let failed = |source| StartError::system(format!("start {}", call.program.display()), source);
        let process = Process::spawn(home, &call, &site.dir, log, site.user.as_ref()).map_err(failed)?;
        let settings = (front.planned)(&options.systems).unwrap_or_default();
        let (site, endpoint) = (site.clone(), (front.endpoint)(site));
        Ok(Self { kind, front, program, settings, site, endpoint, process })
    }

    /// Asks until it answers, and makes sure that it is ours that did.
    ///
    /// # Errors
    /// It ended, another program has its port, or it did not answer until `limit`.
    pub(super) fn await_answer(&self, within: Duration, limit: Instant, stop: &Stop) -> Result<(), StartError> {
        let (kind, port, program) = (self.kind, self.site.front_port(), &self.program.path);
        loop {
            let answer = (self.front.answers)(&self.site);
            if let Some(status) = self.process.died() {
                let (status, log) = (describe(status), self.process.log_tail());
                return Err(StartError::Died { kind, program: program.clone(), status, port, log });
            }
            match answer {
                Ok(()) if port::belongs_to(port, &self.process.pids()) == Some(false) => {
                    return Err(StartError::PortTaken { kind, port, log: self.process.log_tail() });
                }
                Ok(()) => return Ok(()),
                Err(_) if stop.draining() => return Err(StartError::Interrupted { kind }),
                Err(answer) if Instant::now() >= limit => {
                    let (program, limit_s, log) = (program.clone(), within.as_secs(), self.process.log_tail());
                    return Err(StartError::NotReady { kind, program, port, limit_s, answer, log });
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The address for clients.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What a reader of the figures must know of it.
    pub(super) fn remark(&self) -> String {
        let Self { front: Front { name, .. }, program: Program { version, .. }, settings, .. } = self;
        format!("not stock: clients reach it through {name} {version}, {settings}")
    }

    /// Did it end without being told to? Then how, with its last log lines.
    pub(super) fn died(&self) -> Option<String> {
        let status = describe(self.process.died_now()?);
        let (name, kind, address) = (self.front.name, self.kind, self.endpoint.host_port());
        Some(format!(
            "{name} before {kind}, on {address}, ended ({status}); its last lines:{}",
            self.process.log_tail()
        ))
    }

    /// CPU time and memory; `None` when it has ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }

    /// Begins to stop it, without waiting for its clients.
    pub(super) fn ask_to_stop(&self) {
        self.process.ask_to_stop(Signal::TERM);
    }

    /// Waits until it has ended, kills it after a while.
    pub(super) fn finish(&self) {
        self.process.finish();
    }
}
