//! The addresses of a target: which of them are Sentinels, and which have the data.

use std::sync::Arc;

use super::NAME;
use crate::Target;
use crate::redis::{Server, near_miss};
use lockbench_core::lock::{Endpoint, SystemError};

/// The parameter of a data server's URL: the address by which the Sentinels know it, where clients reach it by another.
pub(super) const ANNOUNCED: &str = "announced";

/// Port of a Sentinel where none is written.
const SENTINEL_PORT: u16 = 26_379;

/// Returns whether an address is that of a Sentinel.
pub(super) fn is_sentinel(endpoint: &Endpoint) -> bool {
    endpoint.scheme() == NAME
}

/// Where everybody is. No one was contacted.
pub(super) struct Config {
    /// What the Sentinels call the primary.
    pub primary: String,
    /// In the order in which they are asked.
    pub sentinels: Vec<Server>,
    /// By the addresses that the Sentinels know; empty: those are used as they are.
    pub data: Vec<(String, Arc<Server>)>,
    /// An address of a Sentinel, whose credentials hold for servers that were not given, too.
    pub pattern: Endpoint,
    /// Of all, for messages.
    pub addresses: Vec<String>,
    pub system: &'static str,
    namespace: String,
}

impl Config {
    /// Reads the addresses.
    ///
    /// # Errors
    /// None of them is a Sentinel, they name different primaries, one is given twice, or one cannot be used.
    pub fn new(system: &'static str, target: &Target) -> Result<Self, SystemError> {
        let addresses: Vec<String> = target.endpoints.iter().map(ToString::to_string).collect();
        let refuse = |problem: String| {
            let all = if addresses.is_empty() { "(no address)".to_owned() } else { addresses.join(",") };
            SystemError::new(system, all, problem).hinted(near_miss::hint)
        };
        let (sentinels, data): (Vec<&Endpoint>, Vec<&Endpoint>) =
            target.endpoints.iter().partition(|endpoint| is_sentinel(endpoint));
        let Some(first) = sentinels.first() else {
            return Err(refuse(format!(
                "none of these is a Sentinel, which alone knows the primary: --endpoint {NAME}={NAME}://HOST:{SENTINEL_PORT},\
                 HOST:{SENTINEL_PORT},HOST:{SENTINEL_PORT}/NAME, with the name that the Sentinels have for it (without: {})",
                super::start::PRIMARY
            )));
        };
        if let Some(twice) = addresses.iter().enumerate().find(|(place, one)| addresses[..*place].contains(one)) {
            return Err(refuse(format!("{} is given twice", twice.1)));
        }
        if let Some(other) = sentinels.iter().find(|other| other.path() != first.path()) {
            return Err(refuse(format!("{other} names another primary than {first}: one run locks on one")));
        }
        for sentinel in &sentinels {
            sentinel.usable().and_then(|()| sentinel.only(&[])).map_err(refuse)?;
        }
        let primary = if first.path().is_empty() { super::start::PRIMARY } else { first.path() };
        let asked = |endpoint: &&Endpoint| Server::new(system, &as_redis(endpoint));
        let server = |endpoint: &&Endpoint| {
            let announced = endpoint.parameter(ANNOUNCED).unwrap_or_else(|| endpoint.host_port()).to_owned();
            let server = Server::new(system, &endpoint.without(&[ANNOUNCED]))?.of_run(&target.namespace);
            Ok((announced, Arc::new(server)))
        };
        Ok(Self {
            primary: primary.to_owned(),
            sentinels: sentinels.iter().map(asked).collect::<Result<_, _>>()?,
            data: data.iter().map(server).collect::<Result<_, SystemError>>()?,
            pattern: as_redis(first),
            namespace: target.namespace.clone(),
            addresses,
            system,
        })
    }

    /// The server that the Sentinels know by this address.
    ///
    /// # Errors
    /// It is none of the given ones, or no address.
    pub fn server(&self, announced: &str) -> Result<Arc<Server>, String> {
        if let Some((_, server)) = self.data.iter().find(|(known, _)| known == announced) {
            return Ok(Arc::clone(server));
        }
        if !self.data.is_empty() {
            return Err(format!(
                "the Sentinels name {announced}, and that is none of the given servers: add redis://{announced}, or \
                 ?{ANNOUNCED}={announced} to the address by which it is reached"
            ));
        }
        let endpoint = Endpoint::new(self.pattern.secret_url().replacen(self.pattern.host_port(), announced, 1));
        let server = Server::new(self.system, &endpoint).map_err(|error| error.problem)?;
        Ok(Arc::new(server.of_run(&self.namespace)))
    }
}

/// A Sentinel speaks Redis's protocol.
fn as_redis(sentinel: &Endpoint) -> Endpoint {
    let plain = sentinel.clone().with_scheme("redis").without_path();
    match plain.hosts() {
        [host] if host.port.is_none() => {
            let with_port = format!("{}:{SENTINEL_PORT}", plain.host_port());
            Endpoint::new(plain.secret_url().replacen(plain.host_port(), &with_port, 1))
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use crate::Target;
    use lockbench_core::lock::Endpoint;

    fn read(urls: &[&str]) -> Result<Config, String> {
        let endpoints = urls.iter().map(Endpoint::new).collect();
        Config::new("redis:sentinel", &Target::new(endpoints, "r1")).map_err(|error| error.to_string())
    }

    #[test]
    fn sentinels_and_servers_are_told_apart_by_their_schemes() {
        let all =
            read(&["sentinel://a:1/orders", "sentinel://b/orders", "redis://:pw@c:3?announced=10.0.0.3:6379"]).unwrap();
        assert_eq!((all.primary.as_str(), all.sentinels.len(), all.data.len()), ("orders", 2, 1));
        assert_eq!(all.sentinels[1].address(), "redis://b:26379");
        assert_eq!(all.server("10.0.0.3:6379").unwrap().address(), "redis://c:3");
        let Err(problem) = all.server("10.0.0.4:6379") else { panic!("it was not given") };
        assert!(problem.contains("?announced=10.0.0.4:6379"), "{problem}");
    }

    #[test]
    fn where_no_server_is_given_that_of_the_sentinels_is_used_as_they_name_it() {
        let alone = read(&["sentinel://:s3cret@a:1"]).unwrap();
        assert_eq!(alone.primary, "mymaster");
        let server = alone.server("10.0.0.4:6379").unwrap();
        assert_eq!(server.endpoint().secret_url(), "redis://:s3cret@10.0.0.4:6379");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_do() {
        for (urls, problem) in [
            (&[][..], "sentinel://HOST:26379"),
            (&["redis://a:1", "redis://b:2"], "none of these is a Sentinel"),
            (&["sentinel://a:1/x", "sentinel://b:2/y"], "another primary"),
            (&["sentinel://a:1", "sentinel://a:1"], "given twice"),
            (&["sentinel://a:1?db=3"], "unknown URL parameter"),
            (&["sentinel://a:1", "redis://b:1?nosuch=1"], "unknown URL parameter"),
        ] {
            let told = read(urls).err().unwrap_or_default();
            assert!(told.contains(problem), "{urls:?}: {told}");
        }
    }
}
