//! Endpoints as typed by the user: `redis=URL`, `redlock=URL,URL,URL`, or for
//! `quick` bare URLs whose scheme tells the system.

use std::collections::BTreeMap;

use super::Failure;
use crate::lock::{Endpoint, ServerKind};

/// Endpoints by kind of server.
pub type Endpoints = BTreeMap<ServerKind, Vec<Endpoint>>;

/// Reads `SYSTEM=URL[,URL...]` texts.
pub fn named(texts: &[String]) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let (name, urls) = text.split_once('=').ok_or_else(|| {
            Failure::usage("--endpoint: write SYSTEM=URL, for example redis=redis://127.0.0.1:6379".to_owned())
        })?;
        // `postgres:lease=URL` is understood: the server is the same for every recipe.
        let system = name.split(':').next().unwrap_or(name);
        let kind = ServerKind::from_name(system).ok_or_else(|| {
            let known: Vec<&str> = ServerKind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(format!("--endpoint: unknown system \"{system}\"; known are {}", known.join(", ")))
        })?;
        let parsed = several(kind, urls);
        for endpoint in &parsed {
            scheme_fits(kind, endpoint)?;
        }
        if kind == ServerKind::Redlock && parsed.len() < 3 {
            return Err(Failure::usage(format!(
                "--endpoint: redlock needs at least 3 independent nodes, got {}: redlock=URL,URL,URL",
                parsed.len()
            )));
        }
        if endpoints.insert(kind, parsed).is_some() {
            return Err(Failure::usage(format!("--endpoint {kind} is given twice: which one is meant?")));
        }
    }
    only_one_server(&endpoints)?;
    Ok(endpoints)
}

/// The URLs of a list. Servers of one ensemble may share a scheme or have one each, as
/// the users of either client write them: `etcd://a:1,b:2`, `zookeeper://a:1,zookeeper://b:2`.
pub fn several(kind: ServerKind, urls: &str) -> Vec<Endpoint> {
    match kind {
        // One URL may name several servers, and its password may contain a comma.
        ServerKind::Zookeeper => {
            let parts = urls.split(",zookeeper://").enumerate();
            parts
                .map(|(place, part)| match place {
                    0 => Endpoint::new(part),
                    _ => Endpoint::new(format!("zookeeper://{part}")),
                })
                .collect()
        }
        ServerKind::Etcd => {
            let scheme = urls.split_once("://").map(|(scheme, _)| scheme);
            let url = |part: &str| match scheme {
                Some(scheme) if !part.contains("://") && !part.is_empty() => {
                    Endpoint::new(format!("{scheme}://{part}"))
                }
                _ => Endpoint::new(part),
            };
            urls.split(',').map(url).collect()
        }
        _ => urls.split(',').map(Endpoint::new).collect(),
    }
}

/// One Redis and one Postgres are one server each: a second URL means something else.
fn only_one_server(endpoints: &Endpoints) -> Result<(), Failure> {
    let several = |kind: ServerKind| endpoints.get(&kind).map(Vec::len).filter(|count| *count > 1);
    if let Some(count) = several(ServerKind::Redis) {
        let hint = "several independent nodes are --endpoint redlock=URL,URL,URL";
        return Err(Failure::usage(format!("redis takes one URL, got {count}; {hint}")));
    }
    if let Some(count) = several(ServerKind::Postgres) {
        return Err(Failure::usage(format!("postgres takes one URL, got {count}")));
    }
    Ok(())
}

/// Reads bare URLs, as `quick` takes them.
pub fn bare(urls: &[String]) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::new();
    for url in urls {
        let endpoint = Endpoint::new(url);
        let kind = ServerKind::ALL.into_iter().find(|kind| kind.schemes().contains(&endpoint.scheme()));
        let kind = kind.ok_or_else(|| {
            Failure::usage(format!(
                "unknown scheme in {endpoint}; known are redis, rediss, etcd, etcds, zookeeper, postgres"
            ))
        })?;
        let parsed = match kind {
            ServerKind::Zookeeper | ServerKind::Etcd => several(kind, url),
            _ => vec![endpoint],
        };
        for endpoint in parsed {
            scheme_fits(kind, &endpoint)?;
            endpoints.entry(kind).or_default().push(endpoint);
        }
    }
    only_one_server(&endpoints)?;
    Ok(endpoints)
}

fn scheme_fits(kind: ServerKind, endpoint: &Endpoint) -> Result<(), Failure> {
    if !kind.schemes().contains(&endpoint.scheme()) {
        let schemes = kind.schemes().join(":// or ");
        return Err(Failure::usage(format!("--endpoint {kind}: {endpoint} should start with {schemes}://")));
    }
    if endpoint.host_port().is_empty() {
        return Err(Failure::usage(format!("--endpoint {kind}: {endpoint} has no host")));
    }
    Ok(())
}

/// A command line without its secrets.
pub fn redacted(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let hide = |url: &str| if url.contains("://") { Endpoint::new(url).to_string() } else { url.to_owned() };
    arguments
        .map(|argument| match argument.split_once('=') {
            Some((name, urls)) if urls.contains("://") && !name.contains("://") => {
                format!("{name}={}", urls.split(',').map(hide).collect::<Vec<_>>().join(","))
            }
            _ => hide(&argument),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bare, named, redacted};
    use crate::lock::{Endpoint, ServerKind};

    #[test]
    fn endpoints_are_read_by_name_and_by_scheme() {
        let endpoints =
            named(&["redlock=redis://a:1,redis://b:2,redis://c:3".to_owned(), "etcd=etcd://d:4".to_owned()]).unwrap();
        assert_eq!(endpoints[&ServerKind::Redlock].len(), 3);
        assert_eq!(endpoints[&ServerKind::Etcd][0].host_port(), "d:4");
        let endpoints = bare(&["postgres://u:p@h:5/x".to_owned()]).unwrap();
        assert_eq!(endpoints[&ServerKind::Postgres][0].to_string(), "postgres://h:5");
    }

    #[test]
    fn servers_of_an_ensemble_share_a_scheme_or_have_one_each() {
        for (name, kind) in [("etcd", ServerKind::Etcd), ("zookeeper", ServerKind::Zookeeper)] {
            for list in ["S://a:1,b:2,c:3", "S://a:1,S://b:2,S://c:3", "S://a:1,b:2,S://c:3"] {
                let list = list.replace('S', name);
                let hosts = |endpoints: &[Endpoint]| {
                    endpoints.iter().flat_map(|one| one.host_port().split(',').map(str::to_owned)).collect::<Vec<_>>()
                };
                let read = named(&[format!("{name}={list}")]).unwrap();
                assert_eq!(hosts(&read[&kind]), ["a:1", "b:2", "c:3"], "{list}");
                assert_eq!(hosts(&bare(&[list]).unwrap()[&kind]), ["a:1", "b:2", "c:3"]);
            }
        }
        let secret = named(&["zookeeper=zookeeper://me:p,w@a:1,zookeeper://me:p,w@b:2/x".to_owned()]).unwrap();
        assert_eq!(secret[&ServerKind::Zookeeper][1].credentials(), Some(("me".to_owned(), "p,w".to_owned())));
        assert!(named(&["etcd=etcd://a:1,".to_owned()]).is_err(), "a comma too many");
        assert!(named(&["etcd=etcd://a:1,redis://b:2".to_owned()]).is_err());
    }

    #[test]
    fn mistakes_are_named_without_their_secrets() {
        let failure = bare(&["redis:".to_owned()]).unwrap_err();
        assert!(failure.message.starts_with("unknown scheme in redis:; known are redis,"), "{}", failure.message);
        // The fourth forgets the name: what stands before its first "=" is most of a URL.
        for text in [
            "redis",
            "redsi=redis://a:1",
            "etcd=redis://u:s3cret@a:1",
            "mysql://u:s3cret@a:1/x?y=z",
            "redlock=redis://a:1",
            "redis=redis://",
        ] {
            let failure = named(&[text.to_owned()]).unwrap_err();
            assert!(!failure.message.contains("s3cret"), "{}", failure.message);
        }
    }

    #[test]
    fn a_command_line_is_kept_without_passwords() {
        let line = [
            "lockbench",
            "--endpoint",
            "redlock=redis://:pw1@a:1,redis://:pw2@b:2",
            "postgres://me:pw3@h/x?password=pw4",
        ];
        let kept = redacted(line.into_iter().map(str::to_owned)).join(" ");
        assert_eq!(kept, "lockbench --endpoint redlock=redis://a:1,redis://b:2 postgres://h");
    }
}
