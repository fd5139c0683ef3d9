//! One Redis server as an address: how its URL is read and how a connection to
//! it is made. The crate's defaults are not a benchmark's: Nagle is on
//! (redis-rs#2195) and answers are cut off after 500 ms.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, TlsCertificates, cmd};

use super::door;
use super::naming::sign;
use super::script::Script;
use crate::lock::{Endpoint, SystemError};

/// Query parameters of a URL that mean something.
const PARAMETERS: [&str; 2] = ["ca", "protocol"];

/// How long to wait on a connection.
#[derive(Clone, Copy)]
pub struct Limits {
    /// For it to be made.
    pub connect: Duration,
    /// For each answer; `None`: the caller bounds that itself.
    pub answer: Option<Duration>,
}

impl Limits {
    /// Connection and answers within `ns` nanoseconds.
    #[must_use]
    pub fn within(ns: u64) -> Self {
        let limit = Duration::from_nanos(ns.max(1_000_000));
        Self { connect: limit, answer: Some(limit) }
    }
}

/// How long a full server is asked again for a place: at the change of trials it has not yet read that the
/// connections before are closed.
const PLACE_LIMIT: Duration = Duration::from_secs(1);
/// Pause between two such tries.
const PLACE_PAUSE: Duration = Duration::from_millis(50);

/// A server that we can connect to.
pub struct Server {
    system: &'static str,
    endpoint: Endpoint,
    client: Client,
    /// What the server lists our connections by.
    name: Option<String>,
}

impl Server {
    /// Reads `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS,
    /// where `?ca=/path.pem` names a certificate authority of one's own. Contacts
    /// nobody.
    ///
    /// # Errors
    /// The URL or the certificate file cannot be used.
    pub fn new(system: &'static str, endpoint: &Endpoint) -> Result<Self, SystemError> {
        let client = client(endpoint).map_err(|problem| SystemError {
            system,
            address: endpoint.to_string(),
            problem: endpoint.redact(&problem),
        })?;
        Ok(Self { system, endpoint: endpoint.clone(), client, name: None })
    }

    /// The same for a run, whose connections the server lists by its namespace: they are the sign that it lives.
    #[must_use]
    pub fn of_run(self, namespace: &str) -> Self {
        Self { name: Some(sign(namespace)), ..self }
    }

    /// Its address, without credentials.
    #[must_use]
    pub fn address(&self) -> String {
        self.endpoint.to_string()
    }

    /// Host as written, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        let address = self.endpoint.host_port();
        address.rsplit_once(':').map_or(address, |(host, _)| host)
    }

    /// Number of the database that the URL names.
    pub fn database(&self) -> i64 {
        self.client.get_connection_info().redis_settings().db()
    }

    /// A connection with our scripts loaded.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn connect(&self, limits: Limits) -> Result<MultiplexedConnection, String> {
        self.made(limits, true).await
    }

    /// A connection for whoever only reads: not even our scripts are left on the server.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn connect_to_read(&self, limits: Limits) -> Result<MultiplexedConnection, String> {
        self.made(limits, false).await
    }

    async fn made(&self, limits: Limits, with_scripts: bool) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.connect))
            .set_response_timeout(limits.answer);
        // The user timeout closes a connection whose peer acknowledges nothing for that long, where TCP alone
        // would go on for a quarter of an hour (tcp(7)). A stalled server's kernel still acknowledges.
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(limits.connect);
        let info = self.client.get_connection_info().clone().set_tcp_settings(tcp);
        // A server that accepts but does not answer holds up the loading too.
        let connecting = async || {
            let client = Client::open(info.clone())?;
            let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            if let Some(name) = &self.name {
                let named = cmd("CLIENT").arg("SETNAME").arg(name).query_async::<()>(&mut connection).await;
                // A user who may not name a connection may use locks; a connection that is lost shows next.
                drop(named);
            }
            if with_scripts {
                Script::load_all().query_async::<()>(&mut connection).await?;
            }
            Ok(connection)
        };
        let until = Instant::now() + PLACE_LIMIT.min(limits.connect);
        loop {
            let problem = match tokio::time::timeout(limits.connect, connecting()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => self.refused(&error).await,
                Err(_) => return Err(format!("no connection within {} ms", limits.connect.as_millis())),
            };
            if !problem.contains(door::FULL) || Instant::now() >= until {
                return Err(problem);
            }
            tokio::time::sleep(PLACE_PAUSE).await;
        }
    }

    /// Why a connection was not made: in the server's own words, where it said some before it closed.
    async fn refused(&self, error: &redis::RedisError) -> String {
        let told = error.to_string();
        if told.contains(door::FULL) || error.code().is_some() {
            return door::advice(&self.explain(error));
        }
        match door::refusal(self.client.get_connection_info().addr()).await {
            Some(said) => door::advice(&said),
            None => self.explain(error),
        }
    }

    /// The error in words that name no secret.
    pub fn explain(&self, error: &redis::RedisError) -> String {
        let text = self.endpoint.redact(&error.to_string());
        if error.is_connection_refusal() {
            return format!("{text}: is the server running?");
        }
        if text.contains("certificate") || text.contains("UnknownIssuer") {
            return format!(
                "{text}: add ?ca=/path/to/ca.pem to the URL if the server's certificate is from a CA of your own"
            );
        }
        if error.is_connection_dropped() {
            return format!("{text}: did the server close the connection (maxclients, its timeout, TLS expected)?");
        }
        text
    }

    /// The same as an error of the lock system.
    pub fn error(&self, problem: String) -> SystemError {
        SystemError { system: self.system, address: self.address(), problem: self.endpoint.redact(&problem) }
    }
}

fn client(endpoint: &Endpoint) -> Result<Client, String> {
    let hint = "write redis://[user:password@]host:port[/db], or rediss:// for TLS";
    let mut url = redis::parse_redis_url(endpoint.secret_url()).ok_or_else(|| format!("is not a Redis URL; {hint}"))?;
    let pairs: Vec<(String, String)> = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !PARAMETERS.contains(&name.as_str())) {
        return Err(format!("unknown URL parameter \"{name}\"; there are: {}", PARAMETERS.join(", ")));
    }
    let authority = pairs.iter().find(|(name, _)| name == "ca").map(|(_, path)| path.clone());
    let kept: Vec<String> =
        pairs.iter().filter(|(name, _)| name != "ca").map(|(name, value)| format!("{name}={value}")).collect();
    url.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    let info = url.into_connection_info().map_err(|error| format!("{error}; {hint}"))?;
    match authority {
        None => Client::open(info).map_err(|error| error.to_string()),
        Some(path) => {
            let root_cert = std::fs::read(&path).map_err(|error| format!("ca file {path}: {error}"))?;
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
            Client::build_with_tls(info, certificates).map_err(|error| format!("ca file {path}: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use crate::lock::Endpoint;

    fn problem(url: &str) -> String {
        Server::new("redis", &Endpoint::new(url)).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn urls_are_checked_before_anybody_is_contacted() {
        assert_eq!(problem("redis://user:pass@127.0.0.1:6379/3"), "");
        assert_eq!(problem("rediss://127.0.0.1:6380?protocol=resp3"), "");
        assert!(problem("http://127.0.0.1").contains("not a Redis URL"));
        assert!(problem("redis://127.0.0.1/x").contains("Invalid database number"));
        assert!(problem("redis://127.0.0.1?cert=x").contains("unknown URL parameter \"cert\""));
        assert!(problem("rediss://127.0.0.1?ca=/no/such.pem").contains("/no/such.pem"));
    }

    #[test]
    fn an_unusable_url_does_not_show_its_password() {
        let text = problem("redis://me:s3cret@127.0.0.1:6379/zero");
        assert!(text.contains("redis://127.0.0.1:6379") && !text.contains("s3cret"), "{text}");
    }
}
