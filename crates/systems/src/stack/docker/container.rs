//! What the engine says of one container (`docker container inspect`), and what
//! of that means something to us.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::DockerError;
use crate::ServerKind;
use lockbench_core::lock::Endpoint;

/// The label that makes a service one of ours.
pub(super) const KIND: &str = "lockbench.kind";

/// A container, in the engine's words.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) state: State,
    config: Config,
    network_settings: NetworkSettings,
    #[serde(default)]
    host_config: HostConfig,
    /// What the file of its label `lockbench.secret` has; the engine's answer does not.
    #[serde(skip)]
    pub(super) secret: Option<Secret>,
}

/// A password that a container made for itself.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hidden")
    }
}

/// How it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    pub(super) status: String,
    pub(super) pid: i64,
    pub(super) exit_code: i64,
    pub(super) paused: bool,
    pub(super) running: bool,
    #[serde(default)]
    pub(super) error: String,
    pub(super) health: Option<Health>,
}

/// What its health check says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Health {
    pub(super) status: String,
    log: Option<Vec<Check>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Check {
    output: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default)]
    ports: Option<Ports>,
    #[serde(default)]
    networks: BTreeMap<String, Network>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    port_bindings: Option<Ports>,
}

type Ports = BTreeMap<String, Option<Vec<Binding>>>;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    aliases: Option<Vec<String>>,
}

impl Container {
    /// A label's value; empty counts as none.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.config.labels.as_ref()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Name of its compose service.
    pub(super) fn service(&self) -> &str {
        self.label("com.docker.compose.service").unwrap_or(&self.id)
    }

    /// Which kind of server it is, if it is one of ours.
    pub(super) fn kind(&self) -> Option<ServerKind> {
        ServerKind::from_name(self.label(KIND)?)
    }

    /// The image that it was made from.
    pub(super) fn image(&self) -> &str {
        &self.config.image
    }

    /// What its settings are meant for.
    pub(super) fn durability(&self) -> Option<&str> {
        self.label("lockbench.durability")
    }

    /// Sorts `redlock-10` after `redlock-9`.
    pub(super) fn order(&self) -> (String, u32) {
        let name = self.service();
        let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (stem, number) = name.split_at(name.len() - digits);
        (stem.to_owned(), number.parse().unwrap_or(0))
    }

    /// Directory of the compose file that it was made from.
    pub(super) fn made_in(&self) -> Option<PathBuf> {
        let dir = Path::new(self.label("com.docker.compose.project.working_dir")?);
        Some(dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))
    }

    /// Does it run, and does its health check say so? `Some` if it never will.
    pub(super) fn healthy(&self) -> Result<bool, String> {
        let state = &self.state;
        match (state.status.as_str(), state.health.as_ref().map(|health| health.status.as_str())) {
            ("running", Some("healthy")) => Ok(true),
            ("running", Some("unhealthy")) => Err("is unhealthy".to_owned()),
            ("running", None | Some("none")) => {
                Err("has no health check, so that nobody knows when it serves".to_owned())
            }
            ("running" | "created" | "restarting", _) => Ok(false),
            ("paused", _) => Err("is paused".to_owned()),
            (other, _) => {
                let why = if state.error.is_empty() { String::new() } else { format!(": {}", state.error) };
                let verb = if other == "exited" { "has" } else { "is" };
                Err(format!("{verb} {other} (exit status {}{why})", state.exit_code))
            }
        }
    }

    /// `; its health check said: x`, or nothing.
    pub(super) fn last_check(&self) -> String {
        let checks = self.state.health.as_ref().and_then(|health| health.log.as_ref());
        let said = checks.and_then(|checks| checks.last()).map_or("", |check| check.output.trim());
        let said = said.lines().next_back().unwrap_or_default();
        if said.is_empty() { String::new() } else { format!("; its health check said: {said}") }
    }

    /// `host:port` at which clients reach it.
    pub(super) fn address(&self) -> Result<String, DockerError> {
        let odd = |problem: String| DockerError::Odd { service: self.service().to_owned(), problem };
        let port = self.label("lockbench.port").ok_or_else(|| odd("it has no label lockbench.port".to_owned()))?;
        let published = self.network_settings.ports.as_ref().and_then(|ports| ports.get(&format!("{port}/tcp")));
        let binding = published.and_then(Option::as_ref).and_then(|bindings| bindings.first());
        let binding = binding.ok_or_else(|| odd(format!("its port {port} is not published")))?;
        let host = match binding.host_ip.as_str() {
            "" | "0.0.0.0" | "::" => "127.0.0.1",
            given => given,
        };
        Ok(format!("{host}:{}", binding.host_port))
    }

    /// Its endpoint for clients.
    pub(super) fn endpoint(&self) -> Result<Endpoint, DockerError> {
        let template = self.label("lockbench.url").ok_or_else(|| DockerError::Odd {
            service: self.service().to_owned(),
            problem: "it has no label lockbench.url".to_owned(),
        })?;
        let whole = self.filled(template).ok_or_else(|| DockerError::Odd {
            service: self.service().to_owned(),
            problem: "its password cannot be read from the file that the label lockbench.secret names".to_owned(),
        })?;
        Ok(Endpoint::new(whole.replace("{address}", &self.address()?)))
    }

    /// The template of an endpoint with the password in it, where it wants one.
    fn filled(&self, template: &str) -> Option<String> {
        match &self.secret {
            Some(Secret(secret)) => Some(template.replace("{secret}", secret)),
            None => (!template.contains("{secret}")).then(|| template.to_owned()),
        }
    }

    /// The file of it that has its password.
    pub(super) fn secret_file(&self) -> Option<&str> {
        self.label("lockbench.secret").filter(|path| path.starts_with('/'))
    }

    /// Where clients reach it while it runs, also while it does not: published ports are kept.
    /// `None` where the engine chooses the port at each start, or by another name.
    pub(super) fn endpoint_when_up(&self) -> Option<Endpoint> {
        if let Ok(endpoint) = self.endpoint() {
            return Some(endpoint);
        }
        let (template, port) = (self.filled(self.label("lockbench.url")?)?, self.label("lockbench.port")?);
        let bindings = self.host_config.port_bindings.as_ref()?.get(&format!("{port}/tcp"))?.as_ref()?;
        let binding = bindings.iter().find(|binding| !matches!(binding.host_port.as_str(), "" | "0"))?;
        Some(Endpoint::new(template.replace("{address}", &format!("127.0.0.1:{}", binding.host_port))))
    }

    /// Host ports that it wants, whether or not it got them.
    pub(super) fn wanted_ports(&self) -> Vec<u16> {
        let bindings = self.host_config.port_bindings.iter().flat_map(BTreeMap::values).flatten().flatten();
        bindings.filter_map(|binding| binding.host_port.parse().ok()).collect()
    }

    /// Names that others on this network know it by, but for its own number, which the
    /// engine adds by itself; `None` if it is not there.
    pub(super) fn aliases(&self, network: &str) -> Option<Vec<String>> {
        let aliases = self.network_settings.networks.get(network)?.aliases.clone().unwrap_or_default();
        Some(aliases.into_iter().filter(|alias| !self.id.starts_with(alias.as_str())).collect())
    }
}

#[cfg(test)]
#[cfg(all(feature = "redis", feature = "etcd", feature = "zookeeper"))]
mod tests {
    use super::Container;

    /// What an engine 20.10 says, shortened.
    const SAID: &str = r#"{
        "Id": "605ef48eb46e1a48f0c3", "Name": "/x_etcd-1_1",
        "State": { "Status": "running", "Running": true, "Paused": false, "Pid": 31227, "ExitCode": 0, "Error": "",
                   "Health": { "Status": "starting", "Log": [ { "ExitCode": 1, "Output": "a\nno leader\n" } ] } },
        "HostConfig": { "PortBindings": { "2379/tcp": [ { "HostIp": "127.0.0.1", "HostPort": "31234" } ] } },
        "Config": { "Image": "etcd:1", "Labels": { "com.docker.compose.service": "etcd-1",
            "lockbench.kind": "etcd", "lockbench.port": "2379", "lockbench.url": "etcd://{address}" } },
        "NetworkSettings": { "Ports": { "2379/tcp": [ { "HostIp": "0.0.0.0", "HostPort": "31234" } ], "2380/tcp": null },
            "Networks": { "x_peers": { "Aliases": ["etcd-1", "etcd-1.peers", "605ef48eb46e"] }, "x_clients": { "Aliases": null } } }
    }"#;

    fn said(from: &str, to: &str) -> Container {
        assert!(SAID.contains(from), "{from}");
        serde_json::from_str(&SAID.replace(from, to)).unwrap()
    }

    #[test]
    fn an_endpoint_is_made_of_labels_and_of_the_port_that_is_published() {
        let container = said("", "");
        assert_eq!((container.service(), container.kind()), ("etcd-1", Some(crate::etcd::KIND)));
        assert_eq!(container.endpoint().unwrap().secret_url(), "etcd://127.0.0.1:31234");
        assert_eq!(container.wanted_ports(), [31_234]);
        assert_eq!(container.aliases("x_peers").unwrap(), ["etcd-1", "etcd-1.peers"]);
        assert_eq!((container.aliases("x_clients"), container.aliases("y")), (Some(Vec::new()), None));
        assert_eq!(container.endpoint_when_up(), container.endpoint().ok());
        // It does not run: nothing is published now.
        let stopped = said(r#""2379/tcp": [ { "HostIp": "0.0.0.0", "HostPort": "31234" } ], "#, "");
        assert!(stopped.endpoint().is_err());
        assert_eq!(stopped.endpoint_when_up().unwrap().secret_url(), "etcd://127.0.0.1:31234");
        let odd = said(r#""lockbench.port": "2379""#, r#""lockbench.port": "2380""#).address().unwrap_err().to_string();
        assert!(odd.contains("etcd-1: its port 2380 is not published"), "{odd}");
    }

    #[test]
    fn what_never_gets_healthy_is_told_from_what_may() {
        assert_eq!(said("", "").healthy(), Ok(false));
        assert_eq!(said("starting", "healthy").healthy(), Ok(true));
        assert_eq!(said("starting", "unhealthy").healthy(), Err("is unhealthy".to_owned()));
        assert_eq!(said("running", "exited").healthy(), Err("has exited (exit status 0)".to_owned()));
        assert_eq!(said("", "").last_check(), "; its health check said: no leader");
    }

    #[test]
    fn services_are_in_the_order_of_their_numbers() {
        assert!(said("etcd-1\",", "etcd-9\",").order() < said("etcd-1\",", "etcd-10\",").order());
    }
}
