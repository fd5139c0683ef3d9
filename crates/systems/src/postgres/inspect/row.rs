//! One line of `pg_locks` with what `pg_stat_activity` says of its process
//! (<https://www.postgresql.org/docs/15/view-pg-locks.html>).

use tokio_postgres::Error;

use lockbench_core::lock::inspection::{escaped, readable};

/// Advisory locks, and everything that somebody waits for. `waitstart` is there since
/// version 14; asked for as JSON it is merely absent before. `pg_locks` is read once.
/// What clients write comes as the bytes that it is.
pub const LOCKS: &str = "
with shown as materialized (
    select l.*, (to_jsonb(l) ->> 'waitstart')::timestamptz as waits_since
    from pg_locks l where l.pid is distinct from pg_backend_pid()
)
select l.locktype, textsend(coalesce(d.datname::text, '')), l.relation is null or l.database in (0, c.oid),
    textsend(case when l.database in (0, c.oid) then l.relation::regclass::text else l.relation::text end),
    l.page, l.tuple::int4, l.transactionid::text, l.virtualxid, l.classid::int8, l.objid::int8, l.objsubid::int4,
    l.mode, l.granted, l.pid, l.virtualtransaction,
    (extract(epoch from clock_timestamp() - l.waits_since) * 1000)::int8,
    case when l.granted then null else pg_blocking_pids(l.pid) end,
    textsend(a.application_name), coalesce(host(a.client_addr), case when a.pid is not null then 'local' end), a.client_port,
    textsend(a.usename::text), substr(textsend(a.query), 1, 4000), a.state, a.wait_event_type || ' ' || a.wait_event,
    (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::int8,
    coalesce(a.query = '<insufficient privilege>', false)
from shown l
    cross join (select oid from pg_database where datname = current_database()) c
    left join pg_database d on d.oid = l.database
    left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
    or (l.locktype = 'tuple' and exists (select 1 from shown w where w.pid = l.pid and not w.granted))
    or exists (select 1 from shown w where not w.granted and w.locktype = l.locktype
        and (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
        is not distinct from
        (l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid))
order by l.waits_since nulls last, l.pid";

/// A lock of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What is locked, in words.
    pub object: String,
    /// Its kind as the server calls it.
    pub kind: String,
    /// `AccessShareLock` and the like.
    pub mode: String,
    /// Held, or waited for?
    pub granted: bool,
    /// The process; `None`: a prepared transaction.
    pub pid: Option<i32>,
    /// Its transaction.
    pub transaction: String,
    /// Milliseconds of its wait.
    pub waits_ms: Option<i64>,
    /// Processes that block it.
    pub blockers: Vec<i32>,
    /// Its name, as it gave it.
    pub application: Option<String>,
    /// Where it comes from.
    pub from: Option<String>,
    /// Who it is.
    pub user: Option<String>,
    /// What it runs, or ran last.
    pub query: Option<String>,
    /// `active`, `idle in transaction` and the like.
    pub state: Option<String>,
    /// What it waits for.
    pub waits_on: Option<String>,
    /// Milliseconds since its transaction began.
    pub transaction_ms: Option<i64>,
    /// Is it hidden from us what it does?
    pub hidden: bool,
}

impl Row {
    /// Reads a line of [`LOCKS`], asked for in this database.
    pub fn read(row: &tokio_postgres::Row, database: &str, encoding: &str) -> Result<Self, Error> {
        let bytes = |place: usize| {
            let bytes = row.try_get::<_, Option<&[u8]>>(place);
            bytes.map(|bytes| bytes.map(|bytes| encoded(bytes, encoding)))
        };
        let kind: String = row.try_get(0)?;
        let there = bytes(1)?.unwrap_or_default();
        let elsewhere = if there.is_empty() || there == database { String::new() } else { format!(" in {there}") };
        let relation = bytes(3)?.unwrap_or_default();
        let text =
            |place: usize| row.try_get::<_, Option<String>>(place).map(|text| text.map(|text| readable_whole(&text)));
        let of_client = |place: usize| bytes(place).map(|text| text.map(|text| readable_whole(&text)));
        let number = |place: usize| row.try_get::<_, Option<i64>>(place).map(Option::unwrap_or_default);
        let small = |place: usize| row.try_get::<_, Option<i32>>(place).map(Option::unwrap_or_default);
        let object = match kind.as_str() {
            "advisory" => advisory(number(8)?, number(9)?, row.try_get::<_, Option<i32>>(10)?.unwrap_or_default()),
            "relation" => format!("table {relation}"),
            "tuple" => format!("row ({},{}) of {relation}", small(4)?, small(5)?),
            "page" => format!("page {} of {relation}", small(4)?),
            "extend" => format!("growth of {relation}"),
            "transactionid" => format!("transaction {}", text(6)?.unwrap_or_default()),
            "virtualxid" => format!("virtual transaction {}", text(7)?.unwrap_or_default()),
            other => format!("{other} {relation} {} {}", number(8)?, number(9)?),
        };
        let hidden: bool = row.try_get(25)?;
        let from: Option<String> = row.try_get(18)?;
        let port: Option<i32> = row.try_get(19)?;
        Ok(Self {
            object: format!("{object}{elsewhere}"),
            kind,
            mode: row.try_get(11)?,
            granted: row.try_get(12)?,
            pid: row.try_get(13)?,
            transaction: row.try_get(14)?,
            waits_ms: row.try_get(15)?,
            blockers: row.try_get::<_, Option<Vec<i32>>>(16)?.unwrap_or_default(),
            application: of_client(17)?.filter(|name| !name.is_empty()),
            from: from.filter(|_| !hidden).map(|from| match port {
                Some(port) if port > 0 => format!("{from}:{port}"),
                _ => from,
            }),
            user: of_client(20)?,
            query: of_client(21)?.filter(|query| !hidden && !query.is_empty()).map(|query| without_passwords(&query)),
            state: text(22)?,
            waits_on: text(23)?,
            transaction_ms: row.try_get(24)?,
            hidden,
        })
    }
}

/// A text of the server in whatever encoding it is: UTF-8 where it is that, else that of a
/// database in Latin-1, else with its bytes as numbers.
pub fn encoded(bytes: &[u8], encoding: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Its characters are the first 256 of Unicode.
        Err(_) if encoding == "LATIN1" => bytes.iter().copied().map(char::from).collect(),
        Err(_) => escaped(bytes),
    }
}

/// The number, or the two, that `pg_advisory_lock` was given: `pg_locks` has the halves of
/// the one in `classid` and `objid` with `objsubid` 1, the two with `objsubid` 2.
fn advisory(classid: i64, objid: i64, objsubid: i32) -> String {
    let signed = |half: i64| (half as u32).cast_signed();
    match objsubid {
        1 => format!("advisory {}", (classid << 32) | (objid & 0xffff_ffff)),
        _ => format!("advisory ({}, {})", signed(classid), signed(objid)),
    }
}

/// A query on one line, at its whole length.
fn readable_whole(text: &str) -> String {
    text.split_whitespace().map(readable_word).collect::<Vec<_>>().join(" ")
}

fn readable_word(word: &str) -> String {
    match word.len() {
        0..=200 => readable(word.as_bytes()),
        _ => word.chars().filter(|c| !c.is_control()).collect(),
    }
}

/// A query may set a password: what follows that word, quoted or after `=`, is not shown,
/// nor what stands before the host of a URL. Rather too much is hidden than too little: up
/// to the last quotation mark.
fn without_passwords(query: &str) -> String {
    let query = without_users_of_urls(query);
    let mut shown = String::new();
    let mut rest = query.as_str();
    while let Some(at) = rest.to_ascii_lowercase().find("password") {
        let (before, after) = rest.split_at(at + "password".len());
        shown.push_str(before);
        let value = after.trim_start_matches([' ', '=', ':', '>']);
        let given = after[..after.len() - value.len()].contains('=');
        if given && !value.starts_with('\'') {
            // As in the address of another server.
            let end = value.find(|c: char| c.is_whitespace() || "';),".contains(c)).unwrap_or(value.len());
            shown.push_str(&after[..after.len() - value.len()]);
            shown.push_str("***");
            rest = &value[end..];
        } else if let Some(open) = after.find('\'').filter(|quote| after.find('$').is_none_or(|dollar| *quote < dollar))
        {
            // Cut off by the server, it has no end.
            let close = after.rfind('\'').filter(|close| *close > open).map_or(after.len(), |close| close + 1);
            shown.push_str(&after[..open]);
            shown.push_str("'***'");
            rest = &after[close..];
        } else if let Some(open) = after.find('$') {
            // `$$secret$$`, `$tag$secret$tag$`.
            let close = after.rfind('$').filter(|close| *close > open).map_or(after.len(), |close| close + 1);
            shown.push_str(&after[..open]);
            shown.push_str("$***$");
            rest = &after[close..];
        } else {
            rest = after;
        }
    }
    shown + rest
}

/// `postgres://user:secret@host` as `postgres://***@host`.
fn without_users_of_urls(query: &str) -> String {
    let mut shown = String::new();
    let mut rest = query;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"".contains(c)).unwrap_or(after.len());
        shown.push_str(before);
        rest = match after[..end].rfind('@') {
            Some(host) => {
                shown.push_str("***");
                &after[host..]
            }
            None => after,
        };
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::{advisory, encoded, readable_whole, without_passwords};

    #[test]
    fn a_text_in_any_encoding_is_told() {
        assert_eq!(encoded("zoë".as_bytes(), "LATIN1"), "zoë");
        assert_eq!(encoded(b"zo\xeb", "LATIN1"), "zoë");
        assert_eq!(encoded(b"zo\xeb", "UTF8"), "zo\\xeb");
    }

    #[test]
    fn an_advisory_lock_is_named_by_what_was_locked() {
        for number in [0, 42, -1, i64::MIN, i64::MAX, 1 << 32] {
            let bits = i64::cast_unsigned(number);
            assert_eq!(advisory((bits >> 32) as i64, (bits & 0xffff_ffff) as i64, 1), format!("advisory {number}"));
        }
        assert_eq!(advisory(1, 0xffff_fff9, 2), "advisory (1, -7)");
    }

    #[test]
    fn a_query_is_one_line_without_passwords() {
        assert_eq!(readable_whole("select 1,\n\t  2"), "select 1, 2");
        for (query, shown) in [
            ("alter role a PASSWORD 's3''cret' login", "alter role a PASSWORD '***' login"),
            ("create role a password 's3cret'; create role b password 's3cret'", "create role a password '***'"),
            ("set password = 's3cret cut off", "set password = '***'"),
            ("select dblink('host=h password=s3cret user=u')", "select dblink('host=h password=*** user=u')"),
            ("select 'password ''s3cret'''", "select 'password '***'"),
            ("alter role a password $$s3cret$$", "alter role a password $***$"),
            ("alter role a password $x$s3cret$x$ login", "alter role a password $***$ login"),
            ("select dblink('postgres://u:s3cret@h/d')", "select dblink('postgres://***@h/d')"),
            ("select 'http://h/x', 'a@b', '://'", "select 'http://h/x', 'a@b', '://'"),
        ] {
            assert_eq!(without_passwords(query), shown);
        }
        assert_eq!(without_passwords("select password from t"), "select password from t");
    }
}
