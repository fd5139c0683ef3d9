//! Endpoints as typed by the user: `redis=URL`, `redlock=URL,URL,URL`, or for
//! `quick` bare URLs whose scheme names the system.

use super::Failure;
use super::fits::looking;
use lockbench_core::lock::{Endpoint, HIDDEN, Unclear};
pub use lockbench_engine::Endpoints;
use lockbench_systems::{Entry, Nodes, ServerKind};

/// Reads `SYSTEM=URL[,URL...]` texts; a text may hold several, divided by spaces.
pub fn named(texts: &[String]) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::new();
    for text in texts.iter().flat_map(|text| divided(text)) {
        let (kind, urls) = system_of(text)?;
        let parsed = several(kind, urls).map_err(|unclear| Failure::usage(format!("--endpoint {kind}: {unclear}")))?;
        for endpoint in &parsed {
            scheme_fits(kind, endpoint)?;
        }
        if let Nodes::Independent { fewest, .. } = kind.servers().nodes
            && parsed.len() < fewest
        {
            let (got, urls) = (parsed.len(), vec!["URL"; fewest].join(","));
            return Err(Failure::usage(format!(
                "--endpoint: {kind} needs at least {fewest} independent nodes, got {got}: {kind}={urls}"
            )));
        }
        if endpoints.insert(kind, parsed).is_some() {
            return Err(twice(kind));
        }
    }
    only_one_server(&endpoints)?;
    Ok(endpoints)
}

/// Adds endpoints that were given in another way.
pub fn joined(mut endpoints: Endpoints, more: Endpoints) -> Result<Endpoints, Failure> {
    for (kind, given) in more {
        if endpoints.insert(kind, given).is_some() {
            return Err(twice(kind));
        }
    }
    Ok(endpoints)
}

fn twice(kind: ServerKind) -> Failure {
    Failure::usage(format!("--endpoint {kind} is given twice, by flags, variables or URLs: which one is meant?"))
}

/// The texts of a list that is divided by spaces: a new one begins with the name of a system,
/// so that a space may be a part of a password or of a `key=value` address.
fn divided(text: &str) -> Vec<&str> {
    divided_where(text, |rest| kind_before_equals(rest).is_some())
}

/// Divides a list that may have bare URLs, too: a known scheme begins a new one.
pub fn divided_of_any(text: &str) -> Vec<&str> {
    let scheme =
        |rest: &str| rest.split_once("://").is_some_and(|(scheme, _)| ServerKind::from_scheme(scheme).is_some());
    divided_where(text, |rest| scheme(rest) || kind_before_equals(rest).is_some())
}

fn divided_where(text: &str, begins_here: impl Fn(&str) -> bool) -> Vec<&str> {
    let parts = parts(text, char::is_whitespace, begins_here).into_iter().map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

/// The parts of a list that is divided where, after a divider, another one begins.
fn parts(text: &str, divider: impl Fn(char) -> bool, begins_here: impl Fn(&str) -> bool) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, found) in text.match_indices(divider) {
        let next = at + found.len();
        if begins_here(&text[next..]) {
            parts.push(&text[start..at]);
            start = next;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `redis` of `redis=...`; `postgres` of `postgres:lease=...`, too: the server is the same for
/// every recipe, but where the recipe has servers of its own, as `sentinel` of `redis:sentinel=...`.
fn kind_before_equals(text: &str) -> Option<(ServerKind, &str)> {
    let (name, urls) = text.split_once('=')?;
    let (system, recipe) = name.split_once(':').unwrap_or((name, ""));
    let kind = ServerKind::from_name(recipe).or_else(|| ServerKind::from_name(system))?;
    Some((kind, urls)).filter(|_| !name.contains(['/', '@', ' ']))
}

/// The system that a text of `--endpoint` names, and the rest. What may be a part of a
/// misplaced URL is not repeated.
pub fn system_of(text: &str) -> Result<(ServerKind, &str), Failure> {
    if let Some(read) = kind_before_equals(text) {
        return Ok(read);
    }
    let name = text.split_once('=').map(|(name, _)| name);
    match name.filter(|name| is_word(name) && !text.contains("password=")) {
        Some(name) => {
            let known: Vec<&str> = ServerKind::all().iter().map(|kind| kind.name()).collect();
            Err(Failure::usage(format!("--endpoint: unknown system \"{name}\"; known are {}", known.join(", "))))
        }
        None => Err(Failure::usage(format!("--endpoint: write SYSTEM=URL, for example {}", example(text)))),
    }
}

/// An example of how an address of that scheme is given to a system.
fn example(text: &str) -> String {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    match ServerKind::from_scheme(scheme) {
        Some(kind) => format!("{kind}={scheme}://HOST:PORT"),
        None => "redis=redis://127.0.0.1:6379".to_owned(),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// The servers of a list. Those of one ensemble may share a scheme or have one each, as the
/// users of either client write them: `etcd://a:1,b:2`, `zookeeper://a:1,zookeeper://b:2`.
/// Where the system is known, hosts need no scheme.
pub fn several(kind: ServerKind, urls: &str) -> Result<Vec<Endpoint>, Unclear> {
    let mut endpoints = Vec::new();
    for url in split(urls) {
        let endpoint = Endpoint::parse(url)?;
        let alias = kind.servers().aliases.iter().find(|(alias, _)| *alias == endpoint.scheme());
        let endpoint = match (alias, endpoint.scheme()) {
            (Some((_, scheme)), _) => endpoint.with_scheme(scheme),
            (None, "") => endpoint.with_scheme(kind.schemes()[0]),
            _ => endpoint,
        };
        if kind.servers().hosts_are_one_address {
            endpoints.push(endpoint);
        } else {
            endpoints.extend(endpoint.each());
        }
    }
    Ok(endpoints)
}

/// A list is divided only where another URL begins: a comma may be a part of a password, and
/// of a list of hosts.
fn split(text: &str) -> Vec<&str> {
    let begins_url = |rest: &str| {
        let scheme = rest.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+'))
    };
    parts(text, |c| c == ',', begins_url)
}

/// Refuses several URLs of a system that is one server.
fn only_one_server(endpoints: &Endpoints) -> Result<(), Failure> {
    let is_one = |kind: ServerKind| matches!(kind.servers().nodes, Nodes::One);
    let Some((kind, given)) = endpoints.iter().find(|(kind, given)| is_one(**kind) && given.len() > 1) else {
        return Ok(());
    };
    let hint = kind.several().map_or_else(String::new, |several| {
        format!("; several independent nodes are --endpoint {several}=URL,URL,URL")
    });
    Err(Failure::usage(format!("{kind} takes one URL, got {}{hint}", given.len())))
}

/// The system whose URLs begin like this one. Several Redis URLs may be Redlock's nodes: that
/// is decided elsewhere.
pub fn kind_of(endpoint: &Endpoint) -> Option<ServerKind> {
    ServerKind::from_scheme(endpoint.scheme())
}

/// The first address of a list.
pub fn first_of(list: &str) -> Result<Endpoint, Unclear> {
    Endpoint::parse(split(list).first().copied().unwrap_or_default())
}

/// Reads bare URLs, as `quick` takes them.
pub fn bare(urls: &[String]) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::new();
    for url in urls {
        let endpoint = first_of(url).map_err(|unclear| match unclear.scheme() {
            "" => Failure::usage(format!("a URL begins with its scheme, SCHEME://HOST:PORT; known are {}", schemes())),
            _ => Failure::usage(unclear),
        })?;
        let kind = kind_of(&endpoint).ok_or_else(|| match endpoint.scheme() {
            "" => Failure::usage(format!("a URL begins with its scheme, SCHEME://HOST:PORT; known are {}", schemes())),
            scheme => Failure::usage(format!("unknown scheme {scheme}://; known are {}", schemes())),
        })?;
        for endpoint in several(kind, url).map_err(Failure::usage)? {
            scheme_fits(kind, &endpoint)?;
            endpoints.entry(kind).or_default().push(endpoint);
        }
    }
    only_one_server(&endpoints)?;
    Ok(endpoints)
}

/// The known schemes, for messages.
pub fn schemes() -> String {
    let mut schemes: Vec<&str> = Vec::new();
    for scheme in ServerKind::all().iter().flat_map(|kind| kind.schemes()) {
        if !schemes.contains(scheme) {
            schemes.push(scheme);
        }
    }
    schemes.join(", ")
}

/// Refuses a scheme that is not one of the system, and an address without a host.
pub fn scheme_fits(kind: ServerKind, endpoint: &Endpoint) -> Result<(), Failure> {
    if !kind.schemes().contains(&endpoint.scheme()) {
        let schemes = kind.schemes().join(":// or ");
        let other = match kind_of(endpoint) {
            Some(other) => format!("{endpoint} is an address of {other} and"),
            None => format!("{}://{HIDDEN}", endpoint.scheme()),
        };
        return Err(Failure::usage(format!("--endpoint {kind}: {other} should start with {schemes}://")));
    }
    if endpoint.host_port().is_empty() {
        let socket = kind.servers().no_host;
        let scheme = endpoint.scheme();
        return Err(Failure::usage(format!(
            "--endpoint {kind}: {scheme}:// has no host: write {scheme}://HOST:PORT{socket}"
        )));
    }
    Ok(())
}

/// Refuses endpoints that no system of the run uses, and those that none of its systems can use.
pub fn all_used(endpoints: &Endpoints, entries: &[&Entry]) -> Result<(), Failure> {
    let unused = endpoints.keys().find(|kind| entries.iter().all(|entry| entry.server != Some(**kind)));
    if let Some(kind) = unused {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        return Err(Failure::usage(format!(
            "an endpoint of {kind} is given, by --endpoint, a URL or LOCKBENCH_ENDPOINT, and no system of this run uses \
             it ({}): add -b {kind}, or leave the endpoint out",
            names.join(", ")
        )));
    }
    usable(endpoints, entries)
}

/// Refuses endpoints of which a system says, without contacting a server, that it cannot use
/// them: an unknown parameter, a certificate that cannot be read.
pub fn usable(endpoints: &Endpoints, entries: &[&Entry]) -> Result<(), Failure> {
    for entry in entries {
        let Some((kind, given)) = entry.server.and_then(|kind| endpoints.get_key_value(&kind)) else { continue };
        (entry.connect)(looking(given.clone(), false))
            .map_err(|error| Failure::usage(format!("--endpoint {kind}: {}", error.told())))?;
    }
    Ok(())
}

/// A command line without its secrets.
pub fn redacted(arguments: impl Iterator<Item = String>) -> Vec<String> {
    arguments.map(|argument| shown(&argument)).collect()
}

/// An argument without secrets: of what may be an address its scheme and hosts, where it can
/// be read surely, else nothing.
pub fn shown(argument: &str) -> String {
    let parts = divided(argument);
    if parts.len() > 1 {
        return parts.into_iter().map(shown).collect::<Vec<_>>().join(" ");
    }
    let start = argument.find("://").map(|at| {
        let scheme = argument[..at].rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
        scheme.map_or(0, |before| before + argument[before..].chars().next().map_or(1, char::len_utf8))
    });
    match start {
        Some(start) => {
            let one = |url: &str| {
                Endpoint::parse(url).map_or_else(|unclear| hidden(unclear.scheme()), |read| read.to_string())
            };
            let before = &argument[..start];
            let before = if may_be_secret(before) { HIDDEN } else { before };
            format!("{before}{}", split(&argument[start..]).into_iter().map(one).collect::<Vec<_>>().join(","))
        }
        None if may_be_secret(argument) => match argument.split_once('=') {
            Some((name, _)) if ServerKind::from_name(name).is_some() || name == "--endpoint" => {
                format!("{name}={HIDDEN}")
            }
            _ => HIDDEN.to_owned(),
        },
        None => argument.to_owned(),
    }
}

/// Credentials without a scheme, or a connection string.
fn may_be_secret(text: &str) -> bool {
    let before_at = text.rsplit_once('@').map(|(before, _)| before);
    text.contains("password") && text.contains('=') || before_at.is_some_and(|before| before.contains(':'))
}

fn hidden(scheme: &str) -> String {
    if scheme.is_empty() { HIDDEN.to_owned() } else { format!("{scheme}://{HIDDEN}") }
}

#[cfg(test)]
mod tests;
