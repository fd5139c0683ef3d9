//! How many connections a PostgreSQL server takes of this role, read from its catalogs.

use tokio_postgres::Client;

use super::connect::Server;
use lockbench_core::lock::{Capacity, Limit, SystemError};

/// What lets a role see every session.
pub const NOT_SHOWN: &str = "grant pg_monitor to this role, or give one that may see them";

/// max_connections less what is reserved for superusers where this role is none, all client backends but our
/// own; the limits of the role and of the database (-1: none) with the backends that count for them
/// (<https://www.postgresql.org/docs/15/runtime-config-connection.html>, `InitPostgres` in
/// src/backend/utils/init/postinit.c).
const LIMITS: &str = "select current_setting('max_connections')::bigint, \
       case when r.rolsuper then 0 else current_setting('superuser_reserved_connections')::bigint end, \
       (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()), \
       case when r.rolsuper then -1 else r.rolconnlimit::bigint end, \
       (select count(*) from pg_stat_activity where usesysid = r.oid and pid <> pg_backend_pid()), \
       case when r.rolsuper then -1 else d.datconnlimit::bigint end, \
       (select count(*) from pg_stat_activity where datid = d.oid and pid <> pg_backend_pid()), \
       r.rolname::text, d.datname::text, \
       (select count(*) from pg_stat_activity where backend_type is null) \
     from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()";

/// Limits of server, role and database.
///
/// # Errors
/// The server cannot be reached or refuses us.
pub async fn capacity(server: &Server) -> Result<Capacity, SystemError> {
    let (limits, hidden) = server.control(async |client| read(server, client).await).await?;
    let mut capacity = Capacity { limits, ..Capacity::default() };
    if hidden > 0 {
        let problem =
            format!("{}: {hidden} sessions of other roles, which are not shown here; {NOT_SHOWN}", server.address());
        capacity.not_asked.push(problem);
    }
    Ok(capacity)
}

async fn read(server: &Server, client: &Client) -> Result<(Vec<Limit>, u64), tokio_postgres::Error> {
    let row = client.query_typed_one(LIMITS, &[]).await?;
    let number = |place: usize| row.try_get::<_, i64>(place).map(|number| u64::try_from(number).ok());
    let (reserved, used) = (number(1)?.unwrap_or(0), number(2)?.unwrap_or(0));
    let (role, database): (String, String) = (row.try_get(7)?, row.try_get(8)?);
    let hidden = number(9)?.unwrap_or(0);
    let limit = |setting: String, most: u64, taken: u64| Limit { server: server.address(), setting, most, taken };
    let mut limits = vec![limit("max_connections".to_owned(), number(0)?.unwrap_or(0), used + hidden + reserved)];
    if let Some(most) = number(3)? {
        limits.push(limit(format!("connection limit of role {role}"), most, number(4)?.unwrap_or(0)));
    }
    if let Some(most) = number(5)? {
        limits.push(limit(format!("connection limit of database {database}"), most, number(6)?.unwrap_or(0)));
    }
    Ok((limits, hidden))
}
