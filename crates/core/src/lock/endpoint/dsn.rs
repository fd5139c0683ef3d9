//! PostgreSQL's `key=value` form of an address:
//! <https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING>.

use super::Endpoint;
use super::parse::{TWICE, Unclear, parameter};

const SCHEME: &str = "postgres";
const SHAPE: &str = "is no list of KEY=VALUE: write host=HOST user=USER password='PASSWORD' dbname=DATABASE, in quotes \
                     what has spaces, with \\ before ' and \\";
const PORTS: &str = "has a port that is no number from 1 to 65535, or other ports than hosts";

/// Does it begin as that form does?
pub(super) fn is_one(text: &str) -> bool {
    let key = text.split_once('=').map(|(key, _)| key.trim());
    key.is_some_and(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

pub(super) fn endpoint(text: &str) -> Result<Endpoint, Unclear> {
    let unclear = |problem| Unclear::new(SCHEME, problem);
    let mut endpoint = Endpoint { scheme: SCHEME.to_owned(), ..Endpoint::nowhere() };
    for (key, value) in pairs(text).ok_or_else(|| unclear(SHAPE))? {
        parameter(&mut endpoint, key, value).map_err(unclear)?;
    }
    ports(&mut endpoint).map_err(unclear)?;
    Ok(endpoint.completed())
}

/// Gives the hosts the ports of the parameter, if there is one: one for all, or one for each.
pub(super) fn ports(endpoint: &mut Endpoint) -> Result<(), &'static str> {
    let postgres = matches!(endpoint.scheme.as_str(), "postgres" | "postgresql");
    let Some(at) = endpoint.parameters.iter().position(|(name, _)| postgres && name == "port") else { return Ok(()) };
    let (_, text) = endpoint.parameters.remove(at);
    let ports: Vec<u16> = text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| PORTS)?;
    if ports.contains(&0) || (ports.len() != 1 && ports.len() != endpoint.hosts.len()) {
        return Err(PORTS);
    }
    for (host, port) in endpoint.hosts.iter_mut().zip(ports.iter().cycle()) {
        if host.port.replace(*port).is_some() {
            return Err(TWICE);
        }
    }
    Ok(())
}

/// The pairs, values without their quotes; `None` if it is none.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        let (value, left) = value(after.trim_start())?;
        pairs.push((key.to_owned(), value));
        rest = left.trim_start();
    }
    Some(pairs)
}

/// A value, and what is left after it.
fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut signs = text.char_indices().skip(usize::from(quoted));
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => value.push(signs.next()?.1),
            '\'' if quoted => return Some((value, &text[at + 1..])),
            sign if !quoted && sign.is_whitespace() => return Some((value, &text[at..])),
            sign => value.push(sign),
        }
    }
    (!quoted).then_some((value, ""))
}
