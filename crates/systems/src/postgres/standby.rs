//! A standby beside a PostgreSQL server: a copy (pg_basebackup) that follows it by streaming replication
//! (<https://www.postgresql.org/docs/15/warm-standby.html#STREAMING-REPLICATION>), and what it can be told.
//!
//! What a standby has received it replays before it leads, so that a cut must end its receiving and not its replaying.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::{Client, Error};

use super::levers::asked;
use super::options::STANDBY_NAMES;
use super::start::USER;
use crate::levers::Standby;
use crate::stack::error::StartError;
use crate::stack::home::write_private;
use crate::stack::search::is_executable;
use crate::stack::start_recipe::{Call, Site};
use lockbench_core::lock::Endpoint;

pub(super) const STANDBY: Standby = Standby {
    planned: "there is no standby: start one with --set postgres.standby=asynchronous",
    cut,
    join,
    receives,
    promote,
    wait_for: |node, names| asked(node, async |client| set(client, STANDBY_NAMES, names).await),
};

/// Where it follows another server, and by which words.
const FOLLOWS: &str = "primary_conninfo";
/// Looks at whether its receiver has ended.
const LOOKS: u32 = 100;
/// Pause between two of them.
const PAUSE: Duration = Duration::from_millis(20);

/// Has it copied from the other server, which may be still starting. The copy follows that server.
pub(super) fn copy(site: &Site, data: &Path) -> Result<Call, StartError> {
    // In a file, as arguments can be read by every user of the machine; the server that follows reads it, too.
    let program = beside(&site.program.path)?;
    let secret = site.dir.join("passfile");
    let other = site.members.iter().enumerate().find(|(number, _)| *number != site.number);
    let port = other.and_then(|(_, member)| member.ports.first()).copied().unwrap_or_default();
    write_private(&secret, &format!("127.0.0.1:{port}:*:{USER}:{}\n", site.password), site.user.as_ref())?;
    let mut file = std::ffi::OsString::from("PGPASSFILE=");
    file.push(&secret);
    // It leaves nothing of a copy that failed. How long it may take is the business of whoever waits for it.
    Ok(Call::new(Path::new("/usr/bin/env"))
        .arg(file)
        .args(["/bin/sh", "-c", "until \"$@\"; do sleep 0.05; done", "sh"])
        .arg(program)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", USER, "-w", "-R", "-X", "stream", "-c", "fast"])
        .args(["--no-sync", "-D"])
        .arg(data))
}

/// The program that copies, beside the server; a link in `PATH` leads to where the others are.
fn beside(server: &Path) -> Result<PathBuf, StartError> {
    let found = server.canonicalize().unwrap_or_else(|_| server.to_owned()).with_file_name("pg_basebackup");
    if is_executable(&found) {
        return Ok(found);
    }
    let what = format!("pg_basebackup ({} is none)", found.display());
    Err(StartError::Missing { kind: super::KIND, what, install: "apt-get install postgresql" })
}

/// Returns whether it leads: follows none.
pub(super) fn leads(node: &Endpoint) -> Result<bool, String> {
    asked(node, async |client| client.query_typed_one("select not pg_is_in_recovery()", &[]).await?.try_get(0))
}

fn receives(node: &Endpoint) -> Result<bool, String> {
    asked(node, async |client| receiving(client).await)
}

async fn receiving(client: &Client) -> Result<bool, Error> {
    client.query_typed_one("select exists (select from pg_stat_wal_receiver)", &[]).await?.try_get(0)
}

fn cut(node: &Endpoint) -> Result<String, String> {
    let followed = asked(node, async |client| {
        let sql = "select current_setting('primary_conninfo'), pg_is_in_recovery()";
        let row = client.query_typed_one(sql, &[]).await?;
        let (followed, follows): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        if follows {
            set(client, FOLLOWS, "").await?;
            for _ in 0..LOOKS {
                if !receiving(client).await? {
                    return Ok(Some(followed));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(None)
    });
    followed?.ok_or_else(|| "it follows no other server, or does not cease to receive".to_owned())
}

fn join(node: &Endpoint, followed: &str) -> Result<(), String> {
    asked(node, async |client| set(client, FOLLOWS, followed).await)
}

fn promote(node: &Endpoint) -> Result<String, String> {
    asked(node, async |client| {
        let sql = "select current_setting('synchronous_standby_names')";
        let names: String = client.query_typed_one(sql, &[]).await?.try_get(0)?;
        if !names.is_empty() {
            set(client, STANDBY_NAMES, "").await?;
        }
        // Returns when it leads.
        client.simple_query("select pg_promote()").await?;
        Ok(names)
    })
}

/// Sets it for good, and has all processes read it.
async fn set(client: &Client, setting: &str, value: &str) -> Result<(), Error> {
    client.simple_query(&format!("alter system set {setting} = '{}'", value.replace('\'', "''"))).await?;
    client.simple_query("select pg_reload_conf()").await.map(drop)
}
