//! The servers of a run: given endpoints, else started here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tracing::info;

use super::args::{LoadArgs, StackChoice};
use super::endpoints::Endpoints;
use super::lookout::Gauge;
use super::narrate::SERVERS;
use crate::backend::Entry;
use crate::lock::{Endpoint, ServerKind};
use crate::report::Resources;
use crate::stack::{LocalStack, Options, Probe, Server, probe};
use crate::stop::Stop;

/// One kind's servers.
pub enum Source {
    /// Started by us.
    Ours(Arc<Server>),
    /// Given by the user.
    Given(Vec<Endpoint>),
    /// None, and why.
    Missing(String),
}

/// All servers of a run. Dropping it stops those that we started.
pub struct Servers {
    kinds: BTreeMap<ServerKind, Source>,
}

impl Servers {
    /// Takes given endpoints and starts what else the entries need, in parallel.
    pub fn prepare(entries: &[&'static Entry], given: Endpoints, args: &LoadArgs, stop: &Stop) -> Self {
        let mut kinds: BTreeMap<ServerKind, Source> = BTreeMap::new();
        let mut to_start = Vec::new();
        let mut given = given;
        for kind in entries.iter().filter_map(|entry| entry.server) {
            if kinds.contains_key(&kind) || to_start.contains(&kind) {
                continue;
            }
            match (given.remove(&kind), args.stack, probe(kind)) {
                (Some(endpoints), _, _) => {
                    kinds.insert(kind, Source::Given(endpoints));
                }
                (None, StackChoice::External, _) => {
                    let problem = format!("--stack external and no --endpoint {kind}=URL");
                    kinds.insert(kind, Source::Missing(problem));
                }
                (None, _, Probe::Missing { what, install }) => {
                    let problem =
                        format!("{what} was not found; install it with `{install}`, or give --endpoint {kind}=URL");
                    kinds.insert(kind, Source::Missing(problem));
                }
                (None, _, Probe::Found { .. }) => to_start.push(kind),
            }
        }
        let options = Options { keep: args.keep_servers_dir, stop: stop.clone(), ..Options::default() };
        for (kind, started) in LocalStack::start(&to_start, &options) {
            let source = match started {
                Ok(server) => Source::Ours(Arc::new(server)),
                Err(error) => Source::Missing(error.to_string()),
            };
            kinds.insert(kind, source);
        }
        Self { kinds }
    }

    /// Endpoints for an entry, and whether the servers are ours.
    ///
    /// # Errors
    /// Why there is none.
    pub fn endpoints(&self, entry: &Entry) -> Result<(Vec<Endpoint>, bool), String> {
        let Some(kind) = entry.server else { return Ok((Vec::new(), true)) };
        match self.kinds.get(&kind) {
            Some(Source::Ours(server)) => Ok((server.endpoints(), true)),
            Some(Source::Given(endpoints)) => Ok((endpoints.clone(), false)),
            Some(Source::Missing(problem)) => Err(problem.clone()),
            None => Err(format!("no {kind} server was prepared")),
        }
    }

    /// Are the entry's servers ours?
    pub fn started_here(&self, entry: &Entry) -> bool {
        self.ours(entry).is_some()
    }

    /// Every server's, of whatever kind.
    pub fn all_endpoints(&self) -> Vec<Endpoint> {
        let of = |source: &Source| match source {
            Source::Ours(server) => server.endpoints(),
            Source::Given(endpoints) => endpoints.clone(),
            Source::Missing(_) => Vec::new(),
        };
        self.kinds.values().flat_map(of).collect()
    }

    /// Did the entry's server end by itself? Then how.
    pub fn died(&self, entry: &Entry) -> Option<String> {
        self.ours(entry)?.died()
    }

    /// Processor seconds and memory of the entry's servers, if they are ours.
    pub fn usage(&self, entry: &Entry) -> Resources {
        self.ours(entry).map_or_else(Resources::default, |server| used(server))
    }

    /// The same for another thread, for as long as the servers live.
    pub fn gauge(&self, entry: &Entry) -> Option<Gauge> {
        let server = Arc::downgrade(self.ours(entry)?);
        Some(Box::new(move || server.upgrade().map_or_else(Resources::default, |server| used(&server))))
    }

    /// How our servers differ from the settings that they ship with.
    pub fn remarks(&self) -> Vec<String> {
        let ours = self
            .kinds
            .values()
            .filter_map(|source| if let Source::Ours(server) = source { Some(server) } else { None });
        ours.flat_map(|server| {
            server.settings().iter().map(move |setting| format!("{}: not stock: {setting}", server.kind()))
        })
        .collect()
    }

    /// The directory of the servers that we started.
    pub fn directory(&self) -> Option<&Path> {
        self.kinds.values().find_map(|source| match source {
            Source::Ours(server) => Some(server.directory()),
            Source::Given(_) | Source::Missing(_) => None,
        })
    }

    /// Where the servers are relative to the load.
    pub fn placement(&self) -> &'static str {
        let (mut ours, mut given) = (false, false);
        for source in self.kinds.values() {
            ours |= matches!(source, Source::Ours(_));
            given |= matches!(source, Source::Given(_));
        }
        match (ours, given) {
            (true, true) => "some servers on this machine over loopback, some at given endpoints",
            (true, false) => {
                "servers on the same machine as the load, over loopback: no network delay, shared processors and disk"
            }
            (false, true) => "servers at given endpoints",
            (false, false) => "no servers",
        }
    }

    /// Stops what we started; all at once.
    pub fn stop(self) {
        let ours = || {
            self.kinds.values().filter_map(|source| if let Source::Ours(server) = source { Some(server) } else { None })
        };
        let begin = Instant::now();
        ours().for_each(|server| server.ask_to_stop());
        for server in ours() {
            server.stop();
            info!(target: SERVERS, "{} is stopped, {} ms after all were asked to", server.kind(), begin.elapsed().as_millis());
        }
    }

    fn ours(&self, entry: &Entry) -> Option<&Arc<Server>> {
        match self.kinds.get(&entry.server?)? {
            Source::Ours(server) => Some(server),
            Source::Given(_) | Source::Missing(_) => None,
        }
    }
}

/// What a server uses so far.
fn used(server: &Server) -> Resources {
    let usage = server.usage();
    Resources {
        client_cpu_s: None,
        server_cpu_s: usage.map(|usage| usage.cpu_s),
        server_rss_bytes: usage.map(|usage| usage.rss_bytes),
    }
}
