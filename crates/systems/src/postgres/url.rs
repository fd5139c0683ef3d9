//! An address of PostgreSQL into what the client library needs. The library knows neither
//! certificate files nor the two verifying modes, so these parameters are read here and
//! taken out first.
//! Meaning of the modes: <https://www.postgresql.org/docs/15/libpq-ssl.html>.

use std::path::PathBuf;

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

use lockbench_core::lock::Endpoint;

/// What is checked of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verification {
    /// Nothing: encrypted, but to whoever answers (`prefer`, `require`).
    Nothing,
    /// Signed by a trusted authority (`verify-ca`, or `require` with a root file).
    Chain(Roots),
    /// Signed by a trusted authority for this host name (`verify-full`).
    Full(Roots),
}

/// Which authorities are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The machine's trust store.
    System,
    /// The certificates of one PEM file.
    File(PathBuf),
}

/// The certificate that we show, where the server asks for one (`sslcert`, `sslkey`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// PEM file of the certificate, with those between it and its authority.
    pub(super) cert: PathBuf,
    /// PEM file of its key, without a pass phrase.
    pub(super) key: PathBuf,
}

/// How a connection is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) verification: Verification,
    pub(super) identity: Option<Identity>,
}

/// A parsed address.
pub(super) struct Parsed {
    /// For the client library, with `sslmode` set.
    pub(super) config: Config,
    /// `None`: no TLS at all.
    pub(super) tls: Option<Tls>,
}

/// Read here.
const SSL: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];
/// Read by the client library
/// (<https://docs.rs/tokio-postgres/0.7/tokio_postgres/config/struct.Config.html>).
const LIBRARYS: [&str; 12] = [
    "options",
    "hostaddr",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];

/// Reads the address.
///
/// # Errors
/// One sentence that names the parameter, and no value but those of `sslmode` and of files.
pub(super) fn parse(endpoint: &Endpoint) -> Result<Parsed, String> {
    endpoint.usable()?;
    if endpoint.parameter("application_name").is_some() {
        return Err("application_name: lockbench names its connections itself; leave it out".to_owned());
    }
    let known: Vec<&str> = SSL.into_iter().chain(LIBRARYS).collect();
    endpoint.only(&known)?;
    let mut config: Config = endpoint.without(&SSL).secret_url().parse().map_err(|error| {
        format!(
            "not a usable address ({}): write postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            super::connect::text_of(&error)
        )
    })?;
    match config.get_hosts() {
        [] if config.get_hostaddrs().is_empty() => return Err("has no host: for a socket write ?host=/PATH".to_owned()),
        [] | [_] => {}
        // The one of them that writes is one server at any time.
        _ if config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite => {}
        _ => {
            return Err("several hosts: give one server, or lockbench cannot say which one it measured; with \
                        target_session_attrs=read-write it is the primary of them"
                .to_owned());
        }
    }
    // libpq ignores sslmode on a Unix socket; the library would ask for a host name.
    let local = !config.get_hosts().is_empty() && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    let (mode, tls) = secured(endpoint, local)?;
    config.ssl_mode(mode);
    Ok(Parsed { config, tls })
}

/// Adds a server of which one at a time writes: clients find that one.
///
/// # Errors
/// As [`parse`].
pub(super) fn add(config: &mut Config, other: &Endpoint) -> Result<(), String> {
    let parsed = parse(other)?.config;
    for (host, port) in parsed.get_hosts().iter().zip(parsed.get_ports()) {
        match host {
            Host::Tcp(name) => config.host(name.as_str()),
            Host::Unix(path) => config.host_path(path),
        };
        config.port(*port);
    }
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(())
}

/// What is asked of TLS; a file that would not be used is refused.
fn secured(endpoint: &Endpoint, local: bool) -> Result<(SslMode, Option<Tls>), String> {
    let file = |name: &str| endpoint.parameter(name).map(PathBuf::from);
    let roots = endpoint.parameter("sslrootcert");
    let roots = roots.map(|path| if path == "system" { Roots::System } else { Roots::File(path.into()) });
    let identity = match (file("sslcert"), file("sslkey")) {
        (Some(cert), Some(key)) => Some(Identity { cert, key }),
        (None, None) => None,
        _ => return Err("sslcert and sslkey belong together: give both, as PEM files".to_owned()),
    };
    let unused = match (&roots, &identity) {
        (Some(_), _) => Some("sslrootcert"),
        (None, Some(_)) => Some("sslcert"),
        (None, None) => None,
    };
    let sslmode = endpoint.parameter("sslmode").unwrap_or("prefer");
    let mode = match sslmode {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" | "verify-ca" | "verify-full" => SslMode::Require,
        _ => return Err("sslmode: use disable, prefer, require, verify-ca or verify-full".to_owned()),
    };
    match unused {
        Some(name) if local => return Err(format!("{name}: a Unix socket has no TLS; leave it out")),
        Some(name) if mode == SslMode::Disable => {
            return Err(format!("{name} is not used with sslmode=disable: leave one of them out"));
        }
        Some(name) if mode == SslMode::Prefer && roots.is_some() => {
            return Err(format!(
                "{name} is checked with sslmode=verify-full, verify-ca or require only: add one of them"
            ));
        }
        Some(_) | None => {}
    }
    let verification = match sslmode {
        _ if local || mode == SslMode::Disable => return Ok((SslMode::Disable, None)),
        // As libpq does: a root certificate turns `require` into `verify-ca`.
        "require" => roots.map_or(Verification::Nothing, Verification::Chain),
        "verify-ca" => Verification::Chain(roots.unwrap_or(Roots::System)),
        "verify-full" => Verification::Full(roots.unwrap_or(Roots::System)),
        _ => Verification::Nothing,
    };
    Ok((mode, Some(Tls { verification, identity })))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::SslMode;

    use super::{Identity, Parsed, Roots, Tls, Verification};
    use lockbench_core::lock::Endpoint;

    fn parse(url: &str) -> Result<Parsed, String> {
        super::parse(&Endpoint::new(url))
    }

    #[test]
    fn every_sslmode_means_what_libpq_means() {
        let root = || Roots::File("/etc/ssl/my ca.pem".into());
        for (query, mode, tls) in [
            ("", SslMode::Prefer, Some(Verification::Nothing)),
            ("?sslmode=disable", SslMode::Disable, None),
            ("?sslmode=require", SslMode::Require, Some(Verification::Nothing)),
            ("?sslmode=require&sslrootcert=/etc/ssl/my%20ca.pem", SslMode::Require, Some(Verification::Chain(root()))),
            ("?sslmode=verify-ca", SslMode::Require, Some(Verification::Chain(Roots::System))),
            (
                "?sslrootcert=/etc/ssl/my%20ca.pem&sslmode=verify-full",
                SslMode::Require,
                Some(Verification::Full(root())),
            ),
            ("?sslmode=verify-full&sslrootcert=system", SslMode::Require, Some(Verification::Full(Roots::System))),
        ] {
            let parsed = parse(&format!("postgres://me:secret@db.example:5433/x{query}")).unwrap();
            let tls = tls.map(|verification| Tls { verification, identity: None });
            assert_eq!((parsed.config.get_ssl_mode(), parsed.tls), (mode, tls), "{query}");
            assert_eq!(parsed.config.get_ports(), [5433]);
        }
    }

    #[test]
    fn other_parameters_reach_the_library_and_wrong_ones_are_refused() {
        let parsed = parse("postgres://h/db?options=-c%20geqo%3Doff&sslmode=disable").unwrap();
        assert_eq!(parsed.config.get_options(), Some("-c geqo=off"));
        for (url, problem) in [
            ("postgres://h/db?sslmode=allow", "verify-full"),
            ("postgres://h/db?sslmod=require", "unknown URL parameter \"sslmod\"; there are: sslmode"),
            ("postgres://h/db?connect_timeout=soon", "not a usable address"),
            ("postgres://h/db?application_name=x", "application_name"),
            ("postgres:///db", "?host=/PATH"),
            ("postgres://h/db?sslrootcert=/x", "verify-full"),
            ("postgres://h/db?sslrootcert=/x&sslmode=disable", "sslmode=disable"),
            ("postgres:///db?host=/run/pg&sslrootcert=/x", "Unix socket"),
            ("postgres://h/db?sslcert=/x", "belong together"),
            ("host=h password=s3 cret=x", "unknown URL parameter beside the password"),
            ("postgres://a,b/db", "several hosts"),
            ("postgres://h/db?sslrootcert=%zz&sslmode=require", "percent"),
        ] {
            let error = parse(url).err().unwrap();
            assert!(error.contains(problem) && !error.contains("cret"), "{error}");
        }
    }

    #[test]
    fn a_socket_directory_needs_no_tls() {
        let parsed = parse("postgres://me@%2Frun%2Fpostgresql/db?sslmode=require").unwrap();
        assert_eq!((parsed.config.get_ssl_mode(), parsed.tls), (SslMode::Disable, None));
    }

    #[test]
    fn forms_of_the_systems_own_client_are_taken() {
        let socket = parse("postgres:///db?host=/run/postgresql&user=me&port=5433").unwrap().config;
        let by_dsn = parse("host=/run/postgresql user=me port=5433 dbname=db").unwrap().config;
        assert_eq!((socket.get_hosts(), socket.get_ports()), (by_dsn.get_hosts(), by_dsn.get_ports()));
        assert_eq!((socket.get_user(), socket.get_dbname()), (Some("me"), Some("db")));
        let v6 = parse("postgresql://me:a,b@[::1]:5433/my%20db").unwrap().config;
        assert_eq!((v6.get_password(), v6.get_dbname()), (Some(&b"a,b"[..]), Some("my db")));
        let primary = parse("postgres://a:1,b:2/db?target_session_attrs=read-write").unwrap().config;
        assert_eq!(primary.get_ports(), [1, 2]);
        let shown =
            parse("postgres://h/db?sslmode=verify-full&sslcert=/my%20c.pem&sslkey=/k.pem").unwrap().tls.unwrap();
        assert_eq!(shown.identity, Some(Identity { cert: "/my c.pem".into(), key: "/k.pem".into() }));
    }
}
