//! Where one server, or one ensemble, is: read once from what the user typed, and from
//! then on a value of parts. No text of it shows a password: `Display`, `Debug` and
//! `Serialize` know scheme and hosts only, and what cannot be read surely is an
//! [`Unclear`], which repeats no more of it than the scheme.

mod dsn;
mod parse;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};

use super::redaction::{HIDDEN, distinctive, without_secrets};
pub use parse::Unclear;

/// Everything but the unreserved signs of RFC 3986, section 2.3.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same where a slash divides.
const PATH: &AsciiSet = &PLAIN.remove(b'/');

/// Address of one server, or of the servers of one ensemble, which may contain a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: String,
    user: Option<String>,
    password: Option<Secret>,
    hosts: Vec<Host>,
    /// Decoded, without slashes at its ends: a database, a chroot.
    path: String,
    /// Decoded; credentials, host and database that were given as parameters are not in it.
    parameters: Vec<(String, String)>,
    /// Was the password a parameter? Then the next one may be a rest of it.
    secret_parameter: bool,
    /// The whole of it in its plainest form: what is not unreserved is percent-encoded.
    url: Secret,
    host_port: String,
    unclear: Option<Unclear>,
}

/// One host of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name or address, an IPv6 one without brackets; of a Unix socket its path.
    pub name: String,
    /// As written; `None`: the system's usual one.
    pub port: Option<u16>,
}

/// A text that is for a client library only.
#[derive(Clone, PartialEq, Eq)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Endpoint {
    /// Reads an address: a URL, hosts without a scheme, or PostgreSQL's `key=value` form.
    ///
    /// # Errors
    /// It cannot be read surely; the error repeats no part of it but the scheme.
    pub fn parse(text: &str) -> Result<Self, Unclear> {
        parse::endpoint(text)
    }

    /// An endpoint from a URL that lockbench itself has made. One that cannot be read says so
    /// to every system that is given it ([`Self::usable`]).
    #[must_use]
    pub fn new(url: impl AsRef<str>) -> Self {
        Self::parse(url.as_ref()).unwrap_or_else(|unclear| {
            let scheme = unclear.scheme().to_owned();
            Self { scheme, unclear: Some(unclear), ..Self::nowhere() }
        })
    }

    fn nowhere() -> Self {
        Self {
            scheme: String::new(),
            user: None,
            password: None,
            hosts: Vec::new(),
            path: String::new(),
            parameters: Vec::new(),
            secret_parameter: false,
            url: Secret(String::new()),
            host_port: String::new(),
            unclear: None,
        }
    }

    /// Fills in what follows from the parts.
    fn completed(mut self) -> Self {
        self.host_port = self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.url = Secret(self.written_out());
        self
    }

    /// Was it read?
    ///
    /// # Errors
    /// Why not, without any part of it.
    pub fn usable(&self) -> Result<(), String> {
        self.unclear.as_ref().map_or(Ok(()), |unclear| Err(unclear.problem().to_owned()))
    }

    /// The full URL, for the client library only.
    #[must_use]
    pub fn secret_url(&self) -> &str {
        &self.url.0
    }

    /// Scheme of the URL, without `://`; empty where none was written.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The same place without some parameters.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let mut less = self.clone();
        less.parameters.retain(|(name, _)| !names.contains(&name.as_str()));
        less.completed()
    }

    /// The same place without what follows the host.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        self.path.clear();
        self.completed()
    }

    /// The same place by another scheme.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &str) -> Self {
        scheme.clone_into(&mut self.scheme);
        self.completed()
    }

    /// One endpoint for each host, with the same credentials and parameters.
    #[must_use]
    pub fn each(self) -> Vec<Self> {
        if self.hosts.len() < 2 {
            return vec![self];
        }
        let alone = |host: &Host| Self { hosts: vec![host.clone()], ..self.clone() }.completed();
        self.hosts.iter().map(alone).collect()
    }

    /// `host:port` as written, several joined by commas, without credentials, path and query.
    /// Of a Unix socket its path.
    #[must_use]
    pub fn host_port(&self) -> &str {
        &self.host_port
    }

    /// The hosts.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// What follows the host, decoded, without slashes at its ends; empty if nothing does.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Parameters, decoded, but for credentials and what belongs to the address.
    #[must_use]
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that mean nothing to the system.
    ///
    /// # Errors
    /// Names the first of them, without its value, and those that there are.
    pub fn only(&self, known: &[&str]) -> Result<(), String> {
        let Some((name, _)) = self.parameters.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let there_are = match known {
            [] => "there are none".to_owned(),
            known => format!("there are: {}", known.join(", ")),
        };
        if self.secret_parameter {
            return Err(format!(
                "unknown URL parameter beside the password (write & in a password as %26); {there_are}"
            ));
        }
        Err(format!("unknown URL parameter \"{name}\"; {there_are}"))
    }

    /// User, decoded, for the client library only: what was meant as a password may stand there.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Password, decoded, for the client library only.
    #[must_use]
    pub fn secret_password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.0.as_str())
    }

    /// User and password, decoded, for the client library only; an absent one is empty.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        if self.user.is_none() && self.password.is_none() {
            return None;
        }
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Some((text(self.user()), text(self.secret_password())))
    }

    /// Removes every secret of this endpoint from a text that may quote it: a client library's
    /// error message, for example. Ordinary words stay, whatever the password is: only where a
    /// URL or a password stands, and a password that is no ordinary word.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Also without a host (a socket): a parameter's name may be the rest of a password.
        if !self.host_port.is_empty() || !self.scheme.is_empty() {
            text = text.replace(self.secret_url(), &self.to_string());
        }
        if let Some(password) = self.secret_password() {
            let encoded = utf8_percent_encode(password, PLAIN).to_string();
            for secret in [password, encoded.as_str()] {
                text = distinctive(&text, secret);
            }
        }
        without_secrets(&text)
    }

    fn written_out(&self) -> String {
        let plain = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let socket = matches!(self.scheme.as_str(), "unix" | "redis+unix");
        let mut url = String::new();
        if !self.scheme.is_empty() {
            url = format!("{}://", self.scheme);
        }
        if let Some(user) = &self.user {
            url += &plain(user);
        }
        if let Some(password) = &self.password {
            url = format!("{url}:{}", plain(&password.0));
        }
        if self.user.is_some() || self.password.is_some() {
            url.push('@');
        }
        let host = |host: &Host| match host.name.starts_with('/') {
            true if socket => utf8_percent_encode(&host.name, PATH).to_string(),
            true => format!("{}{}", plain(&host.name), host.port_text()),
            false => host.to_string().replace('%', "%25"),
        };
        url += &self.hosts.iter().map(host).collect::<Vec<_>>().join(",");
        if !self.path.is_empty() {
            url = format!("{url}/{}", utf8_percent_encode(&self.path, PATH));
        }
        let pairs = self.parameters.iter().map(|(name, value)| format!("{}={}", plain(name), plain(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { url } else { format!("{url}?{query}") }
    }
}

impl Host {
    fn port_text(&self) -> String {
        self.port.map_or_else(String::new, |port| format!(":{port}"))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port_text();
        // A colon of a name is of an IPv6 address: of no other host it is accepted.
        if self.name.contains(':') && !self.name.starts_with('/') {
            write!(f, "[{}]{port}", self.name)
        } else {
            write!(f, "{}{port}", self.name)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.unclear.is_some() { HIDDEN } else { &self.host_port };
        if self.scheme.is_empty() { f.write_str(place) } else { write!(f, "{}://{place}", self.scheme) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
