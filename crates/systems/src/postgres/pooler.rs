//! PgBouncer before a PostgreSQL server, with the settings that it ships with but for the mode, the numbers of sessions
//! and clients, and how long it refuses clients after its server was away (<https://www.pgbouncer.org/config.html>).
//!
//! It runs as the server's user, as it refuses to run as root, and takes clients by the password of the server alone.

use super::start::{USER, at, log_in};
use crate::stack::error::StartError;
use crate::stack::front::Front;
use crate::stack::home::write_private;
use crate::stack::search::{Search, native};
use crate::stack::start_recipe::{Call, Program, Site};
use lockbench_core::workload::SystemOptions;

/// Names its program.
pub(super) const VARIABLE: &str = "LOCKBENCH_PGBOUNCER";

/// As many clients as the server itself would take.
const MOST_CLIENTS: u32 = 1_100;

pub(super) static FRONT: Front = Front {
    name: "PgBouncer",
    planned: |options| {
        let settings = super::options::pooler(options);
        (!settings.is_empty()).then(|| settings.join(", "))
    },
    install: "apt-get install pgbouncer",
    find,
    launch,
    answers: |site| log_in(site.front_port(), &site.password).map(drop),
    endpoint: |site| at(site.front_port(), &site.password),
};

fn find(search: &Search) -> Result<Program, String> {
    // "PgBouncer 1.18.0"
    let program = native(search.executable("pgbouncer", VARIABLE)?, "PgBouncer", 1);
    if program.version == "unknown" {
        return Err(format!("pgbouncer ({} does not say by --version that it is one)", program.path.display()));
    }
    Ok(program)
}

fn launch(site: &Site, program: &Program, options: &SystemOptions) -> Result<Call, StartError> {
    let (users, file) = (site.dir.join("pgbouncer.users"), site.dir.join("pgbouncer.ini"));
    write_private(&users, &format!("\"{USER}\" \"{}\"\n", site.password), site.user.as_ref())?;
    let (server, port, users) = (site.port(), site.front_port(), users.display());
    let planned = super::options::pooler(options).join("\n");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={server}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = plain\nauth_file = {users}\nmax_client_conn = {MOST_CLIENTS}\n{planned}\n"
    );
    write_private(&file, &text, site.user.as_ref())?;
    Ok(Call::new(&program.path).arg(file))
}
