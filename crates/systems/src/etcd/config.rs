//! Where etcd is, who we are there, which keys are ours, and what an error of
//! its client library says about the effect of a request.

use std::future::Future;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};

use tokio::sync::watch;

use super::{NAME, near_miss};
use crate::Target;
use crate::planted::Planted;
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Host, Key, SystemError, digest};

/// Port where none is written (`--listen-client-urls`).
const DEFAULT_PORT: u16 = 2379;
/// Query parameters of a URL that mean something: PEM files, as etcdctl has them.
const PARAMETERS: [&str; 3] = ["ca", "cert", "key"];

/// What the names of all of our keys begin with.
pub const NAMES: &str = "lockbench-";

/// The entry's configuration, shared by all of its sessions.
pub struct Config {
    endpoints: Vec<Endpoint>,
    urls: Vec<String>,
    user: Option<(String, String)>,
    tls: Option<TlsOptions>,
    namespace: String,
    pub clock: Clock,
    /// Counts refused connections, for those who keep a list of members.
    refused: watch::Sender<u64>,
    /// A bug of its sessions, in tests only.
    pub planted: Planted,
}

/// A request that was not answered with success.
#[derive(Debug)]
pub struct Trouble {
    /// Did it surely have no effect?
    pub certain: bool,
    /// Does the server not know the lease or key that it named?
    pub not_found: bool,
    /// What was seen, without secrets.
    pub text: String,
}

impl Config {
    /// Reads the endpoints: `etcd://[user:password@]host:port`, `etcds://` for TLS with the
    /// machine's trust store or `?ca=/path/to/ca.pem`, and `&cert=` and `&key=` for servers
    /// that ask for a certificate.
    pub fn new(target: &Target) -> Result<Self, SystemError> {
        let mut config = Self {
            endpoints: target.endpoints.clone(),
            urls: Vec::new(),
            user: target.endpoints.iter().find_map(Endpoint::credentials),
            tls: None,
            namespace: format!("{NAMES}{}/", target.namespace),
            clock: target.clock,
            refused: watch::channel(0).0,
            planted: None,
        };
        config.agreed().map_err(|problem| config.error(&problem))?;
        for endpoint in &target.endpoints {
            let scheme = match endpoint.scheme() {
                "etcd" | "" => "http",
                "etcds" => "https",
                other => return Err(config.error(&format!("scheme {other}:// is not etcd:// or etcds://"))),
            };
            config.urls.extend(endpoint.hosts().iter().map(|host| format!("{scheme}://{}", with_port(host))));
            if scheme == "https" && config.tls.is_none() {
                config.tls = Some(trust(&target.endpoints).map_err(|problem| config.error(&problem))?);
            }
        }
        if config.urls.is_empty() {
            return Err(config.error("no endpoint given: use --endpoint etcd=etcd://HOST:2379"));
        }
        if config.tls.is_some() && config.urls.iter().any(|url| url.starts_with("http://")) {
            return Err(config.error("endpoints with and without TLS cannot be mixed"));
        }
        if config.tls.is_none() && !config.endpoints.iter().all(|endpoint| endpoint.parameters().is_empty()) {
            return Err(config.error("ca, cert and key are for TLS: write etcds://, or leave them out"));
        }
        Ok(config)
    }

    /// Is each address one of etcd, and do they say the same of user and certificates? What only
    /// one of them says is meant for all.
    fn agreed(&self) -> Result<(), String> {
        for endpoint in &self.endpoints {
            endpoint.usable()?;
            endpoint.only(&PARAMETERS)?;
            if !endpoint.path().is_empty() {
                return Err(format!(
                    "{endpoint}/...: etcd has no databases and no paths: leave out what follows the host"
                ));
            }
        }
        if !alike(self.endpoints.iter().map(Endpoint::credentials)) {
            return Err("one user, or password, is for all members, and different ones are given".to_owned());
        }
        for name in PARAMETERS {
            if !alike(self.endpoints.iter().map(|endpoint| endpoint.parameter(name))) {
                return Err(format!("one {name} is for all members, and different ones are given"));
            }
        }
        Ok(())
    }

    /// `host:port` of every member given.
    pub fn addresses(&self) -> Vec<String> {
        self.endpoints.iter().map(|endpoint| endpoint.host_port().to_owned()).collect()
    }

    /// URLs of every member given.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Changes whenever a member refused a connection.
    pub fn alarm(&self) -> watch::Receiver<u64> {
        self.refused.subscribe()
    }

    /// Prefix of everything of ours.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Prefix of the waiters' keys of one lock. Slashes in its name are escaped:
    /// the lock `a` must not see the waiters of `a/b`.
    pub fn prefix(&self, key: &Key) -> String {
        format!("{}{}/", self.namespace, key.name.replace('%', "%25").replace('/', "%2F"))
    }

    /// The number of the one lease that all clients of a run have who share it.
    pub fn shared_lease(&self) -> i64 {
        (digest(&self.namespace) >> 1).cast_signed()
    }

    /// A connection of its own to these members. Where credentials are given,
    /// they are checked now; otherwise nobody is contacted yet.
    pub async fn connect(&self, urls: &[String], limit_ns: u64) -> Result<Client, Trouble> {
        let mut options = ConnectOptions::new().with_connect_timeout(Duration::from_nanos(limit_ns));
        if let Some((user, password)) = &self.user {
            // Simple tokens lapse after 5 minutes without use (`--auth-token-ttl`).
            options = options.with_user(user, password).with_auto_token_refresh(true);
        }
        if let Some(tls) = &self.tls {
            options = options.with_tls(tls.clone());
        }
        self.bounded(limit_ns, Client::connect(urls, Some(options))).await
    }

    /// Awaits an answer for at most `limit_ns`.
    pub async fn bounded<T>(
        &self,
        limit_ns: u64,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Trouble> {
        match tokio::time::timeout(Duration::from_nanos(limit_ns), request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.trouble(&error)),
            Err(_) => Err(Trouble {
                certain: false,
                not_found: false,
                text: format!("no answer within {} ms", limit_ns / 1_000_000),
            }),
        }
    }

    /// What an error says. Only status codes that etcd gives before it proposes
    /// a request count as certain; `Unavailable` covers "request timed out" too,
    /// which may still be applied (`etcdserver/api/v3rpc/rpctypes/error.go`).
    fn trouble(&self, error: &Error) -> Trouble {
        const NOT_FOUND: i32 = 5;
        /// Invalid argument, not found, permission denied, resource exhausted, failed precondition, out of range,
        /// unimplemented, unauthenticated (gRPC's status codes).
        const CERTAIN: [i32; 8] = [3, NOT_FOUND, 7, 8, 9, 11, 12, 16];
        let (certain, not_found) = match error {
            Error::GRpcStatus(status) => {
                let code = status.code() as i32;
                let never_sent = never_sent(status);
                if never_sent {
                    self.refused.send_modify(|count| *count += 1);
                }
                (CERTAIN.contains(&code) || never_sent, code == NOT_FOUND)
            }
            Error::InvalidArgs(_) | Error::InvalidUri(_) | Error::InvalidMetadataValue(_) => (true, false),
            _ => (false, false),
        };
        Trouble { certain, not_found, text: self.redact(&describe(error)) }
    }

    /// A [`SystemError`] about these servers.
    pub fn error(&self, problem: &str) -> SystemError {
        SystemError::new(NAME, self.addresses().join(","), self.redact(problem)).hinted(near_miss::hint)
    }

    fn redact(&self, text: &str) -> String {
        self.endpoints.iter().fold(text.to_owned(), |text, endpoint| endpoint.redact(&text))
    }
}

/// What to do about a full database (<https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota>).
pub const NO_SPACE: &str = "compact and defragment it and disarm the alarm (`etcdctl compact`, `etcdctl defrag`, \
     `etcdctl alarm disarm`), or raise --quota-backend-bytes (stock: 2 GB)";

/// What to do about what the server said, where we know it.
pub fn advice(said: &str) -> Option<&'static str> {
    if said.contains("database space exceeded") {
        return Some(NO_SPACE);
    }
    said.contains("too many requests").then_some("its queue of requests is full: run fewer clients, or a lower rate")
}

fn with_port(host: &Host) -> String {
    Host { port: Some(host.port.unwrap_or(DEFAULT_PORT)), ..host.clone() }.to_string()
}

/// Is there at most one value of those that are given?
fn alike<T: PartialEq>(values: impl Iterator<Item = Option<T>>) -> bool {
    let mut given = values.flatten();
    let first = given.next();
    given.all(|other| first.as_ref() == Some(&other))
}

/// Did the connection fail before anything was sent? The library says so only in words.
fn never_sent(status: &(impl std::error::Error + ?Sized)) -> bool {
    causes(status).any(|text| text.contains("tcp connect error"))
}

/// The error with its causes: the library's own text often says just "transport error".
fn describe(error: &Error) -> String {
    let Error::GRpcStatus(status) = error else { return error.to_string() };
    let mut text = status.message().to_owned();
    for cause in causes(status).skip(1) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn causes(error: &(impl std::error::Error + ?Sized)) -> impl Iterator<Item = String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.into_iter()
}

/// Which authority is trusted, the machine's store or the CA certificate that is named, and
/// the certificate that we show, where one is named.
fn trust(endpoints: &[Endpoint]) -> Result<TlsOptions, String> {
    let file = |name: &str| {
        let path = endpoints.iter().find_map(|endpoint| endpoint.parameter(name));
        path.map(|path| std::fs::read(path).map_err(|error| format!("cannot read the {name} file {path}: {error}")))
            .transpose()
    };
    let options = match file("ca")? {
        Some(pem) => TlsOptions::new().ca_certificate(Certificate::from_pem(pem)),
        None => TlsOptions::new().with_native_roots(),
    };
    match (file("cert")?, file("key")?) {
        (Some(cert), Some(key)) => Ok(options.identity(Identity::from_pem(cert, key))),
        (None, None) => Ok(options),
        _ => Err("cert and key belong together: give both, as PEM files".to_owned()),
    }
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
    fn endpoints_become_urls_without_credentials() {
        let config = config(&["etcd://me:long%2Fs3cret@a:1", "b:2", "[::1]"]).unwrap();
        assert_eq!(config.urls(), ["http://a:1", "http://b:2", "http://[::1]:2379"]);
        assert_eq!(config.addresses(), ["a:1", "b:2", "[::1]"]);
        assert_eq!(config.user, Some(("me".to_owned(), "long/s3cret".to_owned())));
        assert!(!config.error("me:long%2Fs3cret or long/s3cret").to_string().contains("cret"));
    }

    #[test]
    fn what_is_not_etcd_is_refused_with_the_reason() {
        let refused = |urls: &[&str]| config(urls).err().unwrap();
        assert!(refused(&["redis://a:1"]).contains("redis://"));
        assert!(refused(&[]).contains("--endpoint"));
        assert!(refused(&["etcd://a:1", "etcds://b:2"]).contains("mixed"));
        assert!(refused(&["etcds://a:1?ca=/no/such%20one/ca.pem"]).contains("/no/such one/ca.pem"));
        assert!(refused(&["etcds://a:1?cert=/no/such/cert.pem&key=x"]).contains("/no/such/cert.pem"));
        assert!(
            refused(&["etcd://a:1?nosuch=1"]).contains("unknown URL parameter \"nosuch\"; there are: ca, cert, key")
        );
        assert!(refused(&["etcd://a:1?ca=/x"]).contains("etcds://"));
        assert!(refused(&["etcd://a:1/x"]).contains("no paths"));
        assert!(refused(&["etcd://me:one@a:1", "etcd://me:two@b:1"]).contains("different ones"));
        assert!(refused(&["etcds://a:1?ca=/x", "etcds://b:1?ca=/y"]).contains("one ca is for all"));
    }

    #[test]
    fn one_lock_never_contains_another() {
        let config = config(&["etcd://a:1"]).unwrap();
        let prefix = |name: &str| config.prefix(&Key { index: 0, name: name.into() });
        assert_eq!(prefix("a"), "lockbench-run-1/a/");
        assert!(!prefix("a/b").starts_with(&prefix("a")));
        assert_ne!(prefix("a/b"), prefix("a%2Fb"));
    }
}
