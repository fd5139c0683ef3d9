//! PostgreSQL, a fresh cluster. Settings as `initdb` writes them (fsync and
//! synchronous_commit on); see
//! <https://www.postgresql.org/docs/15/runtime-config-connection.html>.
//!
//! It gets a password: its superuser may run programs (`COPY ... PROGRAM`) as
//! the server's user, who on some machines owns real databases, and every
//! local user can reach a loopback port.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::options::STANDBY_NAMES;
use crate::stack::error::StartError;
use crate::stack::home::write_private;
use crate::stack::search::{Search, is_executable, native};
use crate::stack::start_recipe::{Call, Launch, OtherVersion, Program, Site, StartRecipe, connect};
use lockbench_core::lock::Endpoint;

/// Its superuser.
pub(super) const USER: &str = "lockbench";

pub(super) static RECIPE: StartRecipe = StartRecipe {
    variables: &["LOCKBENCH_POSTGRES_BIN", super::pooler::VARIABLE],
    // The lease recipe inserts `on conflict`.
    other: OtherVersion { variable: "LOCKBENCH_POSTGRES_BIN", program: "postgres", by_directory: true, oldest: "9.5" },
    nodes: |options| 1 + usize::from(super::options::has_standby(options)),
    ports: 1,
    peers_from: 1,
    users: &["postgres", "nobody"],
    install: "apt-get install postgresql",
    // Its user is a superuser: the three reserved places are open to it, and left for looking.
    most_clients: Some(("max_connections", 1_097, 0)),
    planned: super::options::settings,
    settings: &["max_connections=1100 (shipped: 100)", "no Unix socket"],
    // "Fast" shutdown: does not wait for clients.
    stop: Signal::INT,
    find,
    launch,
    answers,
    endpoint,
    front: Some(&super::pooler::FRONT),
    introduces: None,
    // A server without its data comes back as a standby, for which the other makes room by itself.
    replace: Some(|_| Ok(())),
};

/// Debian keeps the programs out of `PATH`, one directory a version.
fn find(search: &Search) -> Result<Program, String> {
    let complete = |dir: &Path| is_executable(&dir.join("postgres")) && is_executable(&dir.join("initdb"));
    let dir = match search.given("LOCKBENCH_POSTGRES_BIN") {
        Some(given) => Some(PathBuf::from(given)).filter(|dir| complete(dir)),
        None => search.dirs().iter().cloned().chain(versions()).find(|dir| complete(dir)),
    };
    let dir = dir.ok_or(
        "postgres and initdb (searched in PATH and /usr/lib/postgresql/*/bin; LOCKBENCH_POSTGRES_BIN can name the directory)",
    )?;
    // "postgres (PostgreSQL) 15.18 (Debian ...)"
    Ok(native(dir.join("postgres"), "postgres (PostgreSQL)", 2))
}

/// Installed versions, newest first.
fn versions() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let data = site.dir.join("data");
    let follows = site.has_peers() && (site.joins || site.number > 0);
    let prepare = if follows { super::standby::copy(site, &data)? } else { init(site, &data)? };
    let server = Call::new(&site.program.path).arg("-D").arg(data).arg("-p").arg(site.port().to_string()).args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=1100",
    ]);
    let settings = site.settings.iter().filter(|setting| !setting.starts_with(STANDBY_NAMES));
    Ok(Launch { prepare: Some(prepare), server: server.args(settings.flat_map(|setting| ["-c", setting])) })
}

/// Makes a fresh cluster.
fn init(site: &Site, data: &Path) -> Result<Call, StartError> {
    let secret = site.dir.join("password");
    write_private(&secret, &site.password, site.user.as_ref())?;
    let init = Call::new(&site.program.path.with_file_name("initdb"))
        .arg("-D")
        .arg(data)
        .args(["-U", USER, "--auth=password", "--encoding=UTF8", "--locale=C", "--no-instructions"])
        // Only initdb itself does not sync: the server does, as shipped.
        .arg("--no-sync")
        .arg("--pwfile")
        .arg(secret);
    // A failover sets it anew, which it could not where it stands on the command line.
    let Some(setting) = site.settings.iter().find(|setting| setting.starts_with(STANDBY_NAMES)) else {
        return Ok(init);
    };
    let setting = setting.replacen('=', " = '", 1) + "'";
    let script = "file=$1/postgresql.auto.conf; line=$2; shift 2; \"$@\" && printf '%s\\n' \"$line\" >> \"$file\"";
    Ok(Call::new(Path::new("/bin/sh"))
        .args(["-c", script, "sh"])
        .arg(data)
        .arg(setting)
        .arg(init.program)
        .args(init.arguments))
}

/// One of two that follows the other serves when it receives: what a fault takes from it then, it would have had.
fn answers(site: &Site) -> Result<(), String> {
    let mut stream = log_in(site.port(), &site.password)?;
    if !site.has_peers() {
        return Ok(());
    }
    stream.write_all(&message(Some(b'Q'), RECEIVES.as_bytes())).map_err(|error| error.to_string())?;
    match until_ready(&mut stream, "")?.as_deref() {
        Some([.., b't']) => Ok(()),
        _ => Err("it is a standby, and receives nothing yet".to_owned()),
    }
}

/// Asks whether it leads, or receives.
const RECEIVES: &str =
    "select not pg_is_in_recovery() or exists (select from pg_stat_wal_receiver where status = 'streaming')";

/// Logs in and waits for ReadyForQuery
/// (<https://www.postgresql.org/docs/15/protocol-flow.html>).
pub(super) fn log_in(port: u16, password: &str) -> Result<TcpStream, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut stream = connect(port)?;
    stream.write_all(&startup()).map_err(text)?;
    until_ready(&mut stream, password)?;
    Ok(stream)
}

/// Reads until the server is ready, giving the password where it asks for one; returns the last row, as it came.
fn until_ready(stream: &mut TcpStream, password: &str) -> Result<Option<Vec<u8>>, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut row = None;
    loop {
        let mut head = [0_u8; 5];
        stream.read_exact(&mut head).map_err(text)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]).saturating_sub(4);
        let mut body = vec![0_u8; length.min(65_536) as usize];
        stream.read_exact(&mut body).map_err(text)?;
        match (head[0], body.as_slice()) {
            (b'Z', _) => return Ok(row),
            (b'D', fields) => row = Some(fields.to_vec()),
            (b'E', fields) => return Err(String::from_utf8_lossy(fields).replace('\0', " ")),
            (b'R', [0, 0, 0, 3]) => stream.write_all(&message(Some(b'p'), password.as_bytes())).map_err(text)?,
            _ => {}
        }
    }
}

/// StartupMessage of protocol 3.0.
fn startup() -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    for word in ["user", USER, "database"] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    body.extend_from_slice(b"postgres\0");
    message(None, &body)
}

/// Type byte (none for a startup), length including itself, body, final zero.
fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 5).unwrap_or(u32::MAX);
    kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).chain([0]).collect()
}

fn endpoint(site: &Site) -> Endpoint {
    at(site.port(), &site.password)
}

/// The address of a port by which the server is reached.
pub(super) fn at(port: u16, password: &str) -> Endpoint {
    Endpoint::new(format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"))
}
