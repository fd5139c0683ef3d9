//! Which servers are meant by the URLs on the command line.

use super::super::Failure;
use super::super::endpoints::{first_of, kind_of, schemes, several};
use lockbench_core::lock::Endpoint;
use lockbench_systems::stack::{Project, Register};
use lockbench_systems::{Nodes, ServerKind};

/// The system and its servers: by `--as`, else by the scheme; several Redis URLs are
/// Redlock's nodes. The bare name of a kind means what `lockbench up` left running, programs
/// of this machine or containers of this project: their addresses and passwords need not be
/// looked up.
pub fn read(
    urls: &[String],
    system: Option<ServerKind>,
    project: &str,
) -> Result<(ServerKind, Vec<Endpoint>), Failure> {
    if let ([name], None) = (urls, system)
        && let Some(kind) = ServerKind::from_name(name)
    {
        return Ok((kind, left_running(kind, project)?));
    }
    let (system, urls) = asked_for(urls, system)?;
    let kind = match (system, urls.first()) {
        (Some(system), _) => system,
        (None, Some(first)) => by_scheme(first)?,
        (None, None) => return Err(Failure::usage("no URL given")),
    };
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for url in urls {
        // `etcds://a b`: both are meant.
        let secure = endpoints.first().is_some_and(|first| first.scheme() == "etcds") && !url.contains("://");
        let url = if secure { format!("etcds://{url}") } else { url };
        endpoints.extend(several(kind, &url).map_err(Failure::usage)?);
    }
    let several = kind.several().filter(|_| system.is_none() && endpoints.len() > 1);
    let kind = several.unwrap_or(kind);
    for endpoint in &endpoints {
        if !kind.schemes().contains(&endpoint.scheme()) {
            let schemes = kind.schemes().join(":// or ");
            return Err(Failure::usage(format!("{endpoint}: {kind} needs {schemes}://; inspect looks at one system")));
        }
        if endpoint.host_port().is_empty() {
            return Err(Failure::usage(format!("{endpoint} has no host: write {}://HOST:PORT", kind.schemes()[0])));
        }
    }
    check(kind, &endpoints)?;
    Ok((kind, endpoints))
}

/// The URLs, and the system that `--as` or the `SYSTEM=` of `--endpoint` names.
fn asked_for(urls: &[String], system: Option<ServerKind>) -> Result<(Option<ServerKind>, Vec<String>), Failure> {
    let mut system = system;
    let mut bare = Vec::new();
    for url in urls {
        let named = url.split_once('=').and_then(|(name, rest)| Some((ServerKind::from_name(name)?, rest)));
        bare.push(named.map_or(url.as_str(), |(_, rest)| rest).to_owned());
        match (system, named) {
            (Some(one), Some((other, _))) if one != other => {
                return Err(Failure::usage(format!("{one} or {other}? inspect looks at one system")));
            }
            (_, Some((named, _))) => system = Some(named),
            (_, None) => {}
        }
    }
    Ok((system, bare))
}

fn left_running(kind: ServerKind, project: &str) -> Result<Vec<Endpoint>, Failure> {
    let register = Register::from_env().map_err(Failure::unavailable)?;
    if let Some(left) = register.of(kind).filter(|left| left.died.is_none()) {
        return Ok(left.endpoints());
    }
    // Those that are not well too: what the others say of the locks is wanted now. Where no
    // engine answers there are no containers.
    let containers = Project::find(project).and_then(|project| project.seen()).unwrap_or_default();
    let ours = containers.into_iter().filter(|container| container.kind == kind);
    let endpoints: Vec<Endpoint> = ours.filter_map(|container| container.endpoint).collect();
    if endpoints.is_empty() {
        let scheme = kind.schemes()[0];
        return Err(Failure::unavailable(format!(
            "no {kind} that `lockbench up` started is running, and none in containers of the project {project}; \
             give the address instead: lockbench inspect {scheme}://HOST:PORT"
        )));
    }
    Ok(endpoints)
}

/// What is not surely no secret is not repeated.
fn by_scheme(first: &str) -> Result<ServerKind, Failure> {
    let endpoint = first_of(first).map_err(|unclear| match unclear.scheme() {
        "" => Failure::usage(format!("{unclear}; known schemes are {}; or say --as SYSTEM", schemes())),
        _ => Failure::usage(unclear),
    })?;
    if let Some(kind) = kind_of(&endpoint) {
        return Ok(kind);
    }
    let is_word = first.len() <= 16 && first.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | ':'));
    match endpoint.scheme() {
        "" if is_word => {
            let names = ServerKind::all().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!("{first} is neither a URL nor the name of a system: {names}")))
        }
        "" => Err(Failure::usage(format!("a URL begins with its scheme: {}; or say --as SYSTEM", schemes()))),
        scheme => {
            Err(Failure::usage(format!("unknown scheme {scheme}://; known are {}; or say --as SYSTEM", schemes())))
        }
    }
}

fn check(kind: ServerKind, endpoints: &[Endpoint]) -> Result<(), Failure> {
    let count = endpoints.len();
    match kind.servers().nodes {
        Nodes::One if count > 1 => Err(Failure::usage(format!("{kind} is one server, got {count} URLs"))),
        Nodes::Independent { .. } if count < 2 => {
            Err(Failure::usage(format!("{kind}: give every node's URL, or lockbench cannot tell what a quorum is")))
        }
        _ => match endpoints.iter().enumerate().find(|(place, one)| endpoints[..*place].contains(one)) {
            Some((_, twice)) => Err(Failure::usage(format!("{twice} is given twice"))),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use lockbench_systems::ServerKind;

    fn of(urls: &[&str], system: Option<ServerKind>) -> Result<(ServerKind, usize), String> {
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        read(&urls, system, "lockbench")
            .map(|(kind, endpoints)| (kind, endpoints.len()))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn the_scheme_tells_the_system_and_several_redis_urls_are_redlock() {
        assert_eq!(of(&["redis://a:1"], None), Ok((lockbench_systems::redis::KIND, 1)));
        assert_eq!(of(&["redis://a:1,redis://b:2", "rediss://c:3"], None), Ok((lockbench_systems::redlock::KIND, 3)));
        assert_eq!(of(&["zookeeper://a:1,b:2/x"], None), Ok((lockbench_systems::zookeeper::KIND, 1)));
        for list in ["etcd://a:1,b:2,c:3", "etcd://a:1,etcd://b:2,etcd://c:3", "etcds://a:1,b:2,etcds://c:3"] {
            assert_eq!(of(&[list], None), Ok((lockbench_systems::etcd::KIND, 3)), "{list}");
            assert_eq!(of(&[&format!("etcd={list}")], None), Ok((lockbench_systems::etcd::KIND, 3)), "{list}");
        }
        assert_eq!(of(&["etcd://a:1", "etcd://b:2"], None), Ok((lockbench_systems::etcd::KIND, 2)));
        assert_eq!(
            of(&["zookeeper=zookeeper://a:1,zookeeper://b:2"], None),
            Ok((lockbench_systems::zookeeper::KIND, 2))
        );
        assert_eq!(of(&["redlock=redis://a:1,redis://b:2"], None), Ok((lockbench_systems::redlock::KIND, 2)));
        assert_eq!(of(&["a:1,b:2"], Some(lockbench_systems::etcd::KIND)), Ok((lockbench_systems::etcd::KIND, 2)));
        assert_eq!(of(&["a:1"], Some(lockbench_systems::etcd::KIND)), Ok((lockbench_systems::etcd::KIND, 1)));
        assert_eq!(of(&["postgresql://u:p@h/x"], None), Ok((lockbench_systems::postgres::KIND, 1)));
    }

    #[test]
    fn a_comma_within_a_password_splits_nothing() {
        assert_eq!(of(&["redis://:a,b@h:1,redis://:c@i:2"], None), Ok((lockbench_systems::redlock::KIND, 2)));
        assert_eq!(of(&["postgres://me:a,b@h:1/db"], None), Ok((lockbench_systems::postgres::KIND, 1)));
    }

    #[test]
    fn forms_of_the_systems_own_clients_are_taken() {
        assert_eq!(
            of(&["postgres:///db?host=/run/postgresql&user=me"], None),
            Ok((lockbench_systems::postgres::KIND, 1))
        );
        assert_eq!(of(&["host=h user=me password='a b'"], None), Ok((lockbench_systems::postgres::KIND, 1)));
        assert_eq!(of(&["etcds://a", "b"], None), Ok((lockbench_systems::etcd::KIND, 2)));
        assert_eq!(of(&["unix:///run/redis.sock"], None), Ok((lockbench_systems::redis::KIND, 1)));
    }

    #[test]
    fn mistakes_are_named_without_their_secrets() {
        for (urls, system, problem) in [
            (&["mysql://u:s3cret@a:1"][..], None, "unknown scheme"),
            (&["redis://u:s3cret@a:1", "etcd://a:1"], None, "one system"),
            (&["redis://u:s3cret@a:1", "redis://u:s3cret@a:1"], None, "twice"),
            (&["redis://a:1", "redis://b:1"], Some(lockbench_systems::redis::KIND), "one server"),
            (&["redis://u:s3cret@a:1"], Some(lockbench_systems::redlock::KIND), "every node"),
            (&["postgres://u:s3cret@a", "postgres://b"], None, "one server"),
            (&["redis://"], None, "no host"),
            (&["redis:"], None, "known schemes are redis,"),
            (&["redis://u:s3cret"], None, "redis://*** has a port"),
            (&["u:s3cret@h"], None, "no scheme"),
            (&["redis://:s3/cret@h"], None, "%2F"),
            (&["reddis"], None, "reddis is neither a URL nor the name of a system: redis, redlock"),
            (&["etcd=etcd://u:s3cret@a:1"], Some(lockbench_systems::redis::KIND), "one system"),
            (&["redis://u:s3cret@a:1"], Some(lockbench_systems::etcd::KIND), "etcd needs etcd://"),
        ] {
            let message = of(urls, system).unwrap_err();
            assert!(message.contains(problem) && !message.contains("cret"), "{message}");
        }
    }
}
