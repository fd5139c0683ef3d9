//! Where ZooKeeper is, who we are there, and which nodes are ours.

use std::time::Duration;

use zookeeper_client::{Acls, Client, Connector, CreateMode, CreateOptions};

use super::{NAME, near_miss};
use crate::Target;
use crate::planted::Planted;
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Host, Key, SystemError};

/// Port where none is written (`clientPort` in ZooKeeper's sample configuration).
const DEFAULT_PORT: u16 = 2181;

/// What the parent of everything of a run begins with.
pub const ROOT: &str = "lockbench-";

/// The entry's configuration, shared by all of its sessions.
pub struct Config {
    endpoints: Vec<Endpoint>,
    hosts: Vec<String>,
    chroot: String,
    /// `user:password` for digest authentication.
    auth: Option<String>,
    root: String,
    pub clock: Clock,
    /// A bug of its sessions, in tests only.
    pub planted: Planted,
}

impl Config {
    /// Reads the endpoints: `zookeeper://[user:password@]host[:port][,host[:port]][/chroot]`.
    pub fn new(target: &Target) -> Result<Self, SystemError> {
        let mut config = Self {
            endpoints: target.endpoints.clone(),
            hosts: Vec::new(),
            chroot: String::new(),
            auth: None,
            root: format!("/{ROOT}{}", target.namespace),
            clock: target.clock,
            planted: None,
        };
        for endpoint in &target.endpoints {
            config.checked(endpoint).map_err(|problem| config.error(&problem))?;
            config.hosts.extend(endpoint.hosts().iter().map(with_port));
            let chroot = format!("/{}", endpoint.path());
            if endpoint.path().is_empty() || config.chroot == chroot {
                continue;
            }
            if !config.chroot.is_empty() {
                return Err(config.error("one chroot is for all servers, and different ones are given"));
            }
            config.chroot = chroot;
        }
        let mut given = target.endpoints.iter().filter_map(Endpoint::credentials);
        let first = given.next();
        if given.any(|other| first.as_ref() != Some(&other)) {
            return Err(config.error("one user, or password, is for all servers, and different ones are given"));
        }
        config.auth = first.map(|(user, pass)| format!("{user}:{pass}"));
        if config.hosts.is_empty() {
            return Err(config.error("no endpoint given: use --endpoint zookeeper=zookeeper://HOST:2181"));
        }
        Ok(config)
    }

    /// Is it an address of ZooKeeper, with nothing in it that would not be used?
    fn checked(&self, endpoint: &Endpoint) -> Result<(), String> {
        endpoint.usable()?;
        if !matches!(endpoint.scheme(), "zookeeper" | "") {
            let scheme = endpoint.scheme();
            let offered = "use zookeeper://HOST:PORT (TLS to ZooKeeper is not offered)";
            return Err(format!("scheme {scheme}:// is not offered: {offered}"));
        }
        endpoint.only(&[])
    }

    /// `host:port` of every server given.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The crate's connect string.
    pub fn cluster(&self) -> String {
        self.cluster_of(&self.hosts)
    }

    /// The crate's connect string with some of the servers only.
    pub fn cluster_of(&self, hosts: &[String]) -> String {
        format!("{}{}", hosts.join(","), self.chroot)
    }

    /// How to open a session that lasts `ttl_ns` without a sign of life.
    pub fn connector(&self, ttl_ns: u64) -> Connector {
        let connector = Client::connector().with_session_timeout(Duration::from_nanos(ttl_ns)).with_fail_eagerly();
        match &self.auth {
            Some(auth) => connector.with_auth("digest", auth.as_bytes()),
            None => connector,
        }
    }

    /// How our nodes are created: for ourselves alone where we have a name.
    pub fn creating(&self, mode: CreateMode) -> CreateOptions<'static> {
        mode.with_acls(if self.auth.is_some() { Acls::creator_all() } else { Acls::anyone_all() })
    }

    /// Parent of everything of ours.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Parent of the waiters of one lock. A lock's name is one path element
    /// whatever is in it.
    pub fn parent(&self, key: &Key) -> String {
        let name = key.name.replace('%', "%25").replace('/', "%2F");
        let name = if name.chars().all(|c| c == '.') { name.replace('.', "%2E") } else { name };
        format!("{}/{name}", self.root)
    }

    /// A [`SystemError`] about these servers.
    pub fn error(&self, problem: &str) -> SystemError {
        let addresses: Vec<&str> = self.endpoints.iter().map(Endpoint::host_port).collect();
        let problem = self.endpoints.iter().fold(problem.to_owned(), |text, endpoint| endpoint.redact(&text));
        SystemError::new(NAME, addresses.join(","), problem).hinted(near_miss::hint)
    }
}

fn with_port(host: &Host) -> String {
    Host { port: Some(host.port.unwrap_or(DEFAULT_PORT)), ..host.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::Config;
    use crate::Target;
    use lockbench_core::lock::{Endpoint, Key};

    fn config(urls: &[&str]) -> Result<Config, String> {
        let target = Target::new(urls.iter().copied().map(Endpoint::new).collect(), "run-1");
        Config::new(&target).map_err(|error| error.to_string())
    }

    #[test]
    fn endpoints_become_a_connect_string() {
        for (urls, cluster) in [
            (&["zookeeper://a:1"][..], "a:1"),
            (&["zookeeper://a:1,b/x/y/"], "a:1,b:2181/x/y"),
            // As a list split at its commas gives it.
            (&["zookeeper://me:p@a:1", "b:2/x"], "a:1,b:2/x"),
            (&["zookeeper://[::1]"], "[::1]:2181"),
            (&["zookeeper://a:1/x%20y"], "a:1/x y"),
        ] {
            assert_eq!(config(urls).unwrap().cluster(), cluster);
        }
    }

    #[test]
    fn credentials_are_for_digest_authentication_and_never_shown() {
        let config = config(&["zookeeper://me:long%2Fs3cret@a:1"]).unwrap();
        assert_eq!(config.auth.as_deref(), Some("me:long/s3cret"));
        assert!(!config.error("auth me:long/s3cret, long%2Fs3cret").to_string().contains("cret"));
    }

    #[test]
    fn what_is_not_offered_is_refused_with_the_reason() {
        let refused = |urls: &[&str]| config(urls).err().unwrap();
        assert!(refused(&["zookeeper+tls://a:1"]).contains("TLS to ZooKeeper is not offered"));
        assert!(refused(&[]).contains("--endpoint"));
        assert!(refused(&["zookeeper://a:1?timeout=5"]).contains("unknown URL parameter \"timeout\""));
        assert!(refused(&["zookeeper://a:1/x", "zookeeper://b:1/y"]).contains("one chroot"));
        assert!(refused(&["zookeeper://me:one@a:1", "zookeeper://me:two@b:1"]).contains("different ones"));
    }

    #[test]
    fn every_lock_has_one_parent_below_our_root() {
        let config = config(&["zookeeper://a:1"]).unwrap();
        let parent = |name: &str| config.parent(&Key { index: 0, name: name.into() });
        assert_eq!(parent("hot-0"), "/lockbench-run-1/hot-0");
        assert_eq!(parent("a/../b"), "/lockbench-run-1/a%2F..%2Fb");
        assert_eq!(parent(".."), "/lockbench-run-1/%2E%2E");
    }
}
