//! From text to an endpoint. The grammar is RFC 3986's, with a list of hosts where systems
//! have one; passwords may hold what that grammar wants encoded, as long as there is one
//! reading only: `@` and `,` are fine, `/`, `?` and `#` would end the host.

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use super::{Endpoint, Host, Secret, dsn};
use crate::lock::HIDDEN;

/// An address that cannot be read surely. It shows no part of it but the scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    scheme: String,
    problem: &'static str,
}

impl Unclear {
    pub(super) fn new(scheme: &str, problem: &'static str) -> Self {
        Self { scheme: scheme.to_owned(), problem }
    }

    /// Scheme of what was typed; empty if it has none.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What is wrong, and how to write it.
    #[must_use]
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme.as_str() {
            "" => write!(f, "the address {}", self.problem),
            scheme => write!(f, "{scheme}://{HIDDEN} {}", self.problem),
        }
    }
}

impl std::error::Error for Unclear {}

const AT_SIGN: &str = "has an @ after its host: in a password write / as %2F, ? as %3F and # as %23; elsewhere write \
                       @ as %40";
const FRAGMENT: &str = "has a #, which means nothing here: in a password, a path or a parameter write it as %23";
const NO_SCHEME: &str = "has a user or a password and no scheme: write SCHEME://USER:PASSWORD@HOST:PORT, for example \
                         redis://:PASSWORD@HOST";
const TWO_USERS: &str = "has a user or a password for more than one host: write a whole URL for each server, divided \
                         by commas, or the credentials once before the first host; in a password write @ as %40 and \
                         , as %2C";
const PORT: &str = "has a port that is no number from 1 to 65535; after a user and a password comes @ and the host";
const HOST: &str = "has a host that is none: write HOST:PORT, an IPv6 address in brackets as [::1]:PORT";
const COMMA: &str = "has a comma too many between its hosts";
const CONTROL: &str = "has a control character in it: write it percent-encoded";
const PARAMETER: &str = "has a parameter without a value: write NAME=VALUE, and & in a value as %26";
const ENCODING: &str = "has broken percent-encoding, or one that is no UTF-8, in its path or its parameters";
pub(super) const TWICE: &str = "says the same twice: as a part of the URL and as a parameter, or in two parameters";
const SOCKET: &str = "needs the path of a socket: write unix:///PATH/redis.sock";

pub(super) fn endpoint(text: &str) -> Result<Endpoint, Unclear> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ if dsn::is_one(text) => return dsn::endpoint(text),
        // As some clients write it.
        _ => match text.strip_prefix("unix:") {
            Some(path) => ("unix".to_owned(), path),
            None => (String::new(), text),
        },
    };
    let unclear = |problem| Unclear::new(&scheme, problem);
    if text.chars().any(char::is_control) {
        return Err(unclear(CONTROL));
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if tail.contains('@') {
        return Err(unclear(AT_SIGN));
    }
    if tail.contains('#') {
        return Err(unclear(FRAGMENT));
    }
    let (userinfo, hosts) = match authority.rsplit_once('@') {
        Some((userinfo, hosts)) => (Some(userinfo), hosts),
        None => (None, authority),
    };
    if userinfo.is_some() && scheme.is_empty() {
        return Err(unclear(NO_SCHEME));
    }
    if userinfo.is_some_and(two_readings) {
        return Err(unclear(TWO_USERS));
    }
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let mut endpoint = Endpoint { scheme: scheme.clone(), ..Endpoint::nowhere() };
    if let Some(userinfo) = userinfo {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        endpoint.user = given(leniently(user));
        endpoint.password = given(leniently(password)).map(Secret);
    }
    if !hosts.is_empty() {
        endpoint.hosts = hosts.split(',').map(host).collect::<Result<_, _>>().map_err(&unclear)?;
    }
    if matches!(scheme.as_str(), "unix" | "redis+unix") {
        let socket = decoded(path).filter(|path| path.len() > 1 && endpoint.hosts.is_empty());
        endpoint.hosts = vec![Host { name: socket.ok_or_else(|| unclear(SOCKET))?, port: None }];
    } else {
        endpoint.path = decoded(path.trim_matches('/')).ok_or_else(|| unclear(ENCODING))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| unclear(PARAMETER))?;
        let (name, value) = decoded(name).zip(decoded(value)).ok_or_else(|| unclear(ENCODING))?;
        parameter(&mut endpoint, name, value).map_err(&unclear)?;
    }
    dsn::ports(&mut endpoint).map_err(&unclear)?;
    Ok(endpoint.completed())
}

/// RFC 3986, section 3.1. A longer one is none that anybody has.
fn is_scheme(text: &str) -> bool {
    let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.len() <= 16 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(signs)
}

/// Might what stands before the last `@` be the hosts of a list, each with its own password?
fn two_readings(userinfo: &str) -> bool {
    let Some((first, rest)) = userinfo.split_once(',') else { return false };
    let port = first.rsplit_once(':').map(|(_, port)| port);
    let is_host = port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    userinfo.contains('@') || (is_host && rest.contains(':'))
}

/// Takes in a parameter: to its part of the address, or to the rest.
pub(super) fn parameter(endpoint: &mut Endpoint, name: String, value: String) -> Result<(), &'static str> {
    let postgres = matches!(endpoint.scheme.as_str(), "postgres" | "postgresql");
    let redis = matches!(endpoint.scheme.as_str(), "redis" | "rediss" | "unix" | "redis+unix");
    match name.as_str() {
        "user" | "username" if redis || (postgres && name == "user") => once(&mut endpoint.user, given(value)),
        "password" | "pass" if redis || (postgres && name == "password") => {
            endpoint.secret_parameter = true;
            once(&mut endpoint.password, given(value).map(Secret))
        }
        "db" if redis => only_path(endpoint, value),
        "dbname" if postgres => only_path(endpoint, value),
        "host" if postgres && endpoint.hosts.is_empty() => {
            endpoint.hosts = value.split(',').map(bare_host).collect::<Result<_, _>>()?;
            Ok(())
        }
        "host" if postgres => Err(TWICE),
        _ if endpoint.parameter(&name).is_some() => Err(TWICE),
        _ => {
            endpoint.parameters.push((name, value));
            Ok(())
        }
    }
}

fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), &'static str> {
    if place.is_some() && value.is_some() {
        return Err(TWICE);
    }
    *place = value.or(place.take());
    Ok(())
}

fn only_path(endpoint: &mut Endpoint, value: String) -> Result<(), &'static str> {
    if endpoint.path.is_empty() {
        endpoint.path = value;
        return Ok(());
    }
    Err(TWICE)
}

/// A host as a value: without a port, an IPv6 address without brackets, a socket directory as
/// it is.
fn bare_host(name: &str) -> Result<Host, &'static str> {
    let known = name.starts_with('/') || name.parse::<Ipv6Addr>().is_ok() || is_name(name);
    if known { Ok(Host { name: name.to_owned(), port: None }) } else { Err(HOST) }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// `host`, `host:port`, `[v6]:port`, or a percent-encoded socket directory.
fn host(text: &str) -> Result<Host, &'static str> {
    if text.is_empty() {
        return Err(COMMA);
    }
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, after) = rest.split_once(']').ok_or(HOST)?;
            let name = name.replacen("%25", "%", 1);
            let address = name.split_once('%').map_or(name.as_str(), |(address, _)| address);
            address.parse::<Ipv6Addr>().map_err(|_| HOST)?;
            (
                name,
                after.strip_prefix(':').map_or(if after.is_empty() { Ok(None) } else { Err(HOST) }, |p| Ok(Some(p)))?,
            )
        }
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            (decoded(name).ok_or(HOST)?, port)
        }
    };
    if !text.starts_with('[') && !name.starts_with('/') && !is_name(&name) {
        return Err(HOST);
    }
    let port = port.map(|port| port.parse().ok().filter(|port| *port > 0).ok_or(PORT)).transpose()?;
    Ok(Host { name, port })
}

/// Nothing where there is nothing.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Percent-decoded; what is no escape stays as it is, as every client reads a password.
fn leniently(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Percent-decoded; `None` where an escape is broken, or the result is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let escapes = text.match_indices('%').map(|(at, _)| text.get(at + 1..at + 3));
    let broken =
        |digits: Option<&str>| !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if escapes.into_iter().any(broken) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}
