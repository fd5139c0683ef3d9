//! `postgres://user:pass@host:port/db?sslmode=...&sslrootcert=...` into what the
//! client library needs. The library knows neither `sslrootcert` nor the two
//! verifying modes, so these two parameters are read here and taken out first.
//! Meaning of the modes: <https://www.postgresql.org/docs/15/libpq-ssl.html>.

use std::path::PathBuf;

use tokio_postgres::config::{Config, Host, SslMode};

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

/// A parsed address.
pub(super) struct Parsed {
    /// For the client library, with `sslmode` set.
    pub(super) config: Config,
    /// `None`: no TLS at all.
    pub(super) tls: Option<Verification>,
}

/// Reads the URL.
///
/// # Errors
/// One sentence that names the parameter; it may quote the URL, so the caller redacts it.
pub(super) fn parse(url: &str) -> Result<Parsed, String> {
    let (plain, sslmode, rootcert) = take_ssl(url)?;
    let mut config: Config = plain.parse().map_err(|error| {
        format!(
            "not a usable address ({}): write postgres://user:password@host:port/database",
            super::connect::text_of(&error)
        )
    })?;
    match config.get_hosts() {
        [] => config.host("127.0.0.1"),
        [_] => &mut config,
        _ => return Err("several hosts: give one server, or lockbench cannot say which one it measured".to_owned()),
    };
    let local = matches!(config.get_hosts(), [Host::Unix(_)]);
    let roots = rootcert.map(|path| if path == "system" { Roots::System } else { Roots::File(path.into()) });
    let (mode, tls) = match sslmode.as_deref().unwrap_or("prefer") {
        "disable" => (SslMode::Disable, None),
        "prefer" => (SslMode::Prefer, Some(Verification::Nothing)),
        // As libpq does: a root certificate turns `require` into `verify-ca`.
        "require" => (SslMode::Require, Some(roots.map_or(Verification::Nothing, Verification::Chain))),
        "verify-ca" => (SslMode::Require, Some(Verification::Chain(roots.unwrap_or(Roots::System)))),
        "verify-full" => (SslMode::Require, Some(Verification::Full(roots.unwrap_or(Roots::System)))),
        other => {
            return Err(format!("sslmode \"{other}\": use disable, prefer, require, verify-ca or verify-full"));
        }
    };
    // libpq ignores sslmode on a Unix socket; the library would ask for a host name.
    let (mode, tls) = if local { (SslMode::Disable, None) } else { (mode, tls) };
    config.ssl_mode(mode);
    Ok(Parsed { config, tls })
}

/// Splits off `sslmode` and `sslrootcert`; everything else stays as written.
fn take_ssl(url: &str) -> Result<(String, Option<String>, Option<String>), String> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), None, None)) };
    let (mut sslmode, mut rootcert, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => sslmode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => rootcert = Some(decoded(value)?),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    Ok((plain, sslmode, rootcert))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, String> {
    let broken = || format!("sslrootcert={text}: broken percent-encoding");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(broken)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| broken())?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::SslMode;

    use super::{Roots, Verification, parse};

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
            ("postgres://h/db?sslmod=require", "not a usable address"),
            ("postgres://a,b/db", "several hosts"),
            ("postgres://h/db?sslrootcert=%zz&sslmode=require", "percent"),
        ] {
            let error = parse(url).err().unwrap();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_socket_directory_needs_no_tls() {
        let parsed = parse("postgres://me@%2Frun%2Fpostgresql/db?sslmode=require").unwrap();
        assert_eq!((parsed.config.get_ssl_mode(), parsed.tls), (SslMode::Disable, None));
    }
}
