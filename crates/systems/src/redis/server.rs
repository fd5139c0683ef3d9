//! One Redis server as an address: how its URL is read and how a connection to
//! it is made. The crate's defaults are not a benchmark's: Nagle is on
//! (redis-rs#2195) and answers are cut off after 500 ms.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, TlsCertificates, cmd,
};

use super::door;
use super::naming::sign;
use super::near_miss;
use super::script::Script;
use lockbench_core::lock::{Endpoint, SystemError};

/// Query parameters of a URL that mean something.
const PARAMETERS: [&str; 4] = ["ca", "cert", "key", "protocol"];
/// Port where none is written.
const DEFAULT_PORT: u16 = 6379;

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
    /// Reads `redis://[user:password@]host:port[/db]`, `unix:///path`, or `rediss://` for
    /// TLS, where `?ca=/path.pem` names a certificate authority of one's own, `cert` and
    /// `key` what we show. Contacts nobody.
    ///
    /// # Errors
    /// The URL or the certificate file cannot be used.
    pub fn new(system: &'static str, endpoint: &Endpoint) -> Result<Self, SystemError> {
        let client = client(endpoint).map_err(|problem| {
            SystemError::new(system, endpoint.to_string(), endpoint.redact(&problem)).hinted(near_miss::hint)
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

    /// Its address with whatever opens it.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Host as written, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.endpoint.hosts().first().map_or("", |host| host.name.as_str())
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

    /// The server as the client library has it, for other crates that use that.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A connection that is told what is published.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn subscriber(&self, limits: Limits) -> Result<redis::aio::PubSub, String> {
        match tokio::time::timeout(limits.connect, self.client.get_async_pubsub()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(format!("no connection within {} ms", limits.connect.as_millis())),
        }
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
        SystemError::new(self.system, self.address(), self.endpoint.redact(&problem)).hinted(near_miss::hint)
    }
}

fn client(endpoint: &Endpoint) -> Result<Client, String> {
    let hint = "write redis://[USER:PASSWORD@]HOST:PORT[/DB], rediss:// for TLS, or unix:///PATH";
    endpoint.usable()?;
    let [host] = endpoint.hosts() else { return Err(format!("is not the URL of one Redis server; {hint}")) };
    let (name, port) = (host.name.clone(), host.port.unwrap_or(DEFAULT_PORT));
    let address = match endpoint.scheme() {
        "redis" => ConnectionAddr::Tcp(name, port),
        "rediss" => ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None },
        "unix" | "redis+unix" => ConnectionAddr::Unix(name.into()),
        _ => return Err(format!("is not a Redis URL; {hint}")),
    };
    endpoint.only(&PARAMETERS)?;
    let info = "redis://localhost".into_connection_info().map_err(|error| error.to_string())?;
    let info = info.set_addr(address).set_redis_settings(settings(endpoint)?);
    match certificates(endpoint)? {
        None => Client::open(info).map_err(|error| error.to_string()),
        Some(_) if endpoint.scheme() != "rediss" => {
            Err("ca, cert and key are for TLS, and this URL is not: write rediss:// or leave them out".to_owned())
        }
        Some(certificates) => Client::build_with_tls(info, certificates).map_err(|error| format!("TLS: {error}")),
    }
}

/// Who we are there, and which database is meant.
fn settings(endpoint: &Endpoint) -> Result<RedisConnectionInfo, String> {
    let mut settings = RedisConnectionInfo::default();
    match (endpoint.user(), endpoint.secret_password()) {
        (user, Some(password)) => {
            settings = settings.set_password(password);
            if let Some(user) = user {
                settings = settings.set_username(user);
            }
        }
        (Some(_), None) => {
            return Err("has a user and no password: write redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST for \
                        the default user"
                .to_owned());
        }
        (None, None) => {}
    }
    let number = "Invalid database number: write /0, /1 and so on after the host";
    if !endpoint.path().is_empty() {
        settings = settings.set_db(endpoint.path().parse::<u32>().map_err(|_| number.to_owned())?.into());
    }
    match endpoint.parameter("protocol") {
        None | Some("resp2" | "2") => {}
        Some("resp3" | "3") => settings = settings.set_protocol(ProtocolVersion::RESP3),
        Some(_) => return Err("protocol: there are resp2 and resp3".to_owned()),
    }
    Ok(settings)
}

/// An authority of one's own, and the certificate that we show.
fn certificates(endpoint: &Endpoint) -> Result<Option<TlsCertificates>, String> {
    let file = |name: &str| {
        let path = endpoint.parameter(name);
        path.map(|path| std::fs::read(path).map_err(|error| format!("{name} file {path}: {error}"))).transpose()
    };
    let client_tls = match (file("cert")?, file("key")?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err("cert and key belong together: give both".to_owned()),
    };
    let root_cert = file("ca")?;
    Ok((client_tls.is_some() || root_cert.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}

#[cfg(test)]
mod tests {
    use super::Server;
    use lockbench_core::lock::Endpoint;

    fn problem(url: &str) -> String {
        Server::new("redis", &Endpoint::new(url)).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn urls_are_checked_before_anybody_is_contacted() {
        assert_eq!(problem("redis://user:pass@127.0.0.1:6379/3"), "");
        assert_eq!(problem("rediss://127.0.0.1:6380?protocol=resp3"), "");
        assert!(problem("http://127.0.0.1").contains("not a Redis URL"));
        assert!(problem("redis://127.0.0.1/x").contains("Invalid database number"));
        assert!(problem("redis://127.0.0.1?nosuch=x").contains("unknown URL parameter \"nosuch\""));
        assert!(problem("rediss://127.0.0.1?ca=/no/such%20one.pem").contains("/no/such one.pem"));
        assert!(problem("rediss://127.0.0.1?cert=/no/such.pem").contains("/no/such.pem"));
        assert_eq!(problem("unix:///run/redis.sock?db=2&password=x"), "");
        assert_eq!(problem("redis://:a,b@[::1]:1/0?protocol=resp3"), "");
    }

    #[test]
    fn what_would_not_be_used_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        assert!(problem(&format!("redis://127.0.0.1?ca={path}")).contains("rediss://"));
        assert!(problem(&format!("rediss://127.0.0.1?cert={path}")).contains("belong together"));
        assert!(problem("redis://s3cret@127.0.0.1").contains("no password"));
        assert!(!problem("redis://s3cret@127.0.0.1").contains("cret"));
        assert!(problem("redis://127.0.0.1?password=s3&cret=x").contains("unknown URL parameter beside the password"));
        assert!(problem("redis://a,b").contains("one Redis server"));
    }

    #[test]
    fn an_unusable_url_does_not_show_its_password() {
        let text = problem("redis://me:s3cret@127.0.0.1:6379/zero");
        assert!(text.contains("redis://127.0.0.1:6379") && !text.contains("s3cret"), "{text}");
    }
}
