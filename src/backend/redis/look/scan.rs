//! Which keys are locks: by SCAN in pages, by TYPE for those whose name fits, and by what is
//! in the hashes that have a lease, as Redisson's locks are named as their users like.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisError, cmd, pipe};

use super::key::{Form, read};
use super::name::{IN_WORDS, PATTERN, Sign, sign};
use crate::clock::Clock;

/// Keys that the server looks at in one go: a millisecond of its time or so
/// (<https://redis.io/docs/latest/commands/scan/#the-count-option>).
const PAGE: usize = 1_000;

/// Longest search. A server with a great many keys is not searched to its end.
const LONGEST: Duration = Duration::from_secs(30);

/// Most hashes that are read to find Redisson's among them: a look must not read a whole server
/// whose data are hashes with a lease.
const MOST_HASHES: usize = 10_000;

/// Which names are looked at.
pub struct Matching {
    pattern: Vec<u8>,
    prefix: Option<Vec<u8>>,
    words: String,
}

/// What a search found.
#[derive(Default)]
pub struct Scanned {
    /// Names and forms.
    pub names: BTreeMap<Vec<u8>, Form>,
    /// Why it ended early.
    pub cut: Option<String>,
    /// What else was seen.
    pub notes: Vec<String>,
}

impl Matching {
    /// With this prefix, or what is usually a lock's.
    pub fn new(prefix: Option<&str>) -> Self {
        match prefix {
            Some(prefix) => Self {
                pattern: [escaped(prefix).as_bytes(), b"*"].concat(),
                prefix: Some(prefix.as_bytes().to_vec()),
                words: match prefix {
                    "" => "every key".to_owned(),
                    prefix => format!("keys that start with {prefix}"),
                },
            },
            // The server filters the most of it.
            None => Self { pattern: PATTERN.as_bytes().to_vec(), prefix: None, words: IN_WORDS.to_owned() },
        }
    }

    /// In words.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Was no prefix given?
    pub fn by_rule(&self) -> bool {
        self.prefix.is_none()
    }

    fn sign(&self, name: &[u8]) -> Sign {
        match &self.prefix {
            Some(prefix) if name.starts_with(prefix) => Sign::Sure,
            Some(_) => Sign::None,
            None => sign(name),
        }
    }
}

/// A text that MATCH takes literally.
fn escaped(prefix: &str) -> String {
    prefix.chars().flat_map(|c| "*?[]^\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Goes through the keys of the server until `limit` are found.
pub async fn scan(
    connection: &mut MultiplexedConnection,
    matching: &Matching,
    limit: usize,
    clock: Clock,
) -> Result<Scanned, RedisError> {
    let search = Search { limit, until: clock.now().saturating_add(LONGEST.as_nanos() as u64), clock };
    let mut scanned = Scanned::default();
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let mut cursor = Some(0);
    while let Some(from) = cursor.filter(|_| scanned.cut.is_none()) {
        let mut page = cmd("SCAN");
        page.arg(from).arg("MATCH").arg(&matching.pattern).arg("COUNT").arg(PAGE);
        let (next, names): (u64, Vec<Vec<u8>>) = page.query_async(connection).await?;
        let names: Vec<Vec<u8>> = names.into_iter().filter(|name| matching.sign(name) > Sign::None).collect();
        for (name, kind) in names.iter().zip(types(connection, &names).await?) {
            match Form::of(&kind) {
                Some(form) => drop(scanned.names.insert(name.clone(), form)),
                // Gone since.
                None if kind == "none" => {}
                None => *others.entry(kind).or_default() += 1,
            }
        }
        cursor = search.next(next, &mut scanned);
    }
    if matching.by_rule() {
        without_data(connection, &mut scanned).await?;
        redissons(connection, &search, &mut scanned).await?;
    }
    if !others.is_empty() {
        let told: Vec<String> = others.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        scanned.notes.push(format!("passed over, as no lock is of that type: {}", told.join(", ")));
    }
    Ok(scanned)
}

/// How long a search goes on.
struct Search {
    limit: usize,
    until: u64,
    clock: Clock,
}

impl Search {
    /// Where the next page begins; `None` at the end, or when it is enough.
    fn next(&self, cursor: u64, scanned: &mut Scanned) -> Option<u64> {
        if cursor == 0 {
            return None;
        }
        if scanned.names.len() > self.limit {
            scanned.cut = Some(format!("the search stopped at --limit {}", self.limit));
        } else if self.clock.now() > self.until {
            scanned.cut = Some(format!("the search stopped after {} s: the server has many keys", LONGEST.as_secs()));
        }
        Some(cursor)
    }
}

/// Takes out what has no lease and a name that may as well be that of data beside a lock.
async fn without_data(connection: &mut MultiplexedConnection, scanned: &mut Scanned) -> Result<(), RedisError> {
    let doubtful: Vec<Vec<u8>> = scanned.names.keys().filter(|name| sign(name) == Sign::Within).cloned().collect();
    for batch in doubtful.chunks(PAGE) {
        for (name, ttl) in batch.iter().zip(leases(connection, batch).await?) {
            if ttl < 0 {
                scanned.names.remove(name);
            }
        }
    }
    Ok(())
}

/// Finds Redisson's locks, which are named as their users like, among the hashes with a lease.
async fn redissons(
    connection: &mut MultiplexedConnection,
    search: &Search,
    scanned: &mut Scanned,
) -> Result<(), RedisError> {
    let (mut read_so_far, mut alike) = (0, 0_u64);
    let mut cursor = Some(0);
    while let Some(from) = cursor.filter(|_| scanned.cut.is_none()) {
        let mut page = cmd("SCAN");
        page.arg(from).arg("COUNT").arg(PAGE).arg("TYPE").arg("hash");
        let (next, mut names): (u64, Vec<Vec<u8>>) = match page.query_async(connection).await {
            Ok(page) => page,
            // TYPE is known since Redis 6 (<https://redis.io/docs/latest/commands/scan/#history>).
            Err(error) if error.code() == Some("ERR") => {
                let note =
                    "Redisson's locks with other names are not looked for: that needs Redis 6; --prefix names them";
                scanned.notes.push(note.to_owned());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        names.retain(|name| !scanned.names.contains_key(name));
        let leases = leases(connection, &names).await?;
        let leased: Vec<(Vec<u8>, Form)> =
            names.into_iter().zip(leases).filter(|(_, ttl)| *ttl >= 0).map(|(name, _)| (name, Form::Hash)).collect();
        read_so_far += leased.len();
        for (name, held) in read(connection, &leased).await? {
            match held.certain {
                true => drop(scanned.names.insert(name, Form::Hash)),
                false => alike += 1,
            }
        }
        if next != 0 && read_so_far > MOST_HASHES {
            scanned.notes.push(format!(
                "Redisson's locks were looked for among {read_so_far} hashes with a TTL, and there are more; --prefix \
                 names them"
            ));
            break;
        }
        cursor = search.next(next, scanned);
    }
    if alike > 0 {
        let hashes = if alike == 1 { "hash" } else { "hashes" };
        scanned.notes.push(format!(
            "{alike} {hashes} with a TTL may be Redisson's, of clients whose ids are no UUIDs, or counters; --prefix lists \
             such"
        ));
    }
    Ok(())
}

async fn types(connection: &mut MultiplexedConnection, names: &[Vec<u8>]) -> Result<Vec<String>, RedisError> {
    each(connection, "TYPE", names).await
}

/// Milliseconds left; negative without a lease or without the key.
async fn leases(connection: &mut MultiplexedConnection, names: &[Vec<u8>]) -> Result<Vec<i64>, RedisError> {
    each(connection, "PTTL", names).await
}

/// The same question about each name, in one round trip.
async fn each<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    question: &str,
    names: &[Vec<u8>],
) -> Result<Vec<T>, RedisError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut asking = pipe();
    for name in names {
        asking.cmd(question).arg(name);
    }
    asking.query_async(connection).await
}

#[cfg(test)]
mod tests {
    use super::{Matching, Sign};

    #[test]
    fn a_prefix_is_taken_literally_and_without_one_a_name_must_look_like_a_lock() {
        let stars = Matching::new(Some("a*[b]\\"));
        assert_eq!(String::from_utf8(stars.pattern.clone()).unwrap(), "a\\*\\[b\\]\\\\*");
        assert_eq!((stars.sign(b"a*[b]\\x"), stars.sign(b"ab")), (Sign::Sure, Sign::None));
        let usual = Matching::new(None);
        assert_eq!((usual.sign(b"lock:orders"), usual.sign(b"block:7")), (Sign::Sure, Sign::None));
        assert_eq!(Matching::new(Some("")).sign(b"anything"), Sign::Sure);
    }
}
