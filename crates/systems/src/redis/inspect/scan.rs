//! Which keys are locks: by SCAN in pages, by TYPE for those whose name fits, and by what is
//! in the hashes that have a lease, as Redisson's locks are named as their users like.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisError, Value, cmd, pipe};

use super::key::{Form, of_a_key, read};
use super::redisson::beside_a_lock;
use lockbench_core::clock::Clock;
use lockbench_core::lock::inspection::{IN_WORDS, Sign, sign};

/// What a search asks the server for: every word of a lock and more, in any case, in one pass.
const PATTERN: &str = "*[lLmM][oOuU][cCtT][kKeE]*";

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
    /// Names of locks that this user may not read.
    pub denied: BTreeSet<Vec<u8>>,
    /// Hashes, whatever their name, that this user may not read.
    denied_hashes: u64,
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
            None => Self {
                pattern: PATTERN.as_bytes().to_vec(),
                prefix: None,
                words: format!("keys with {IN_WORDS}, and Redisson's hashes; --prefix names others"),
            },
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
            _ if beside_a_lock(name) => Sign::None,
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
            match kind.as_deref().map(|kind| (Form::of(kind), kind)) {
                None => drop(scanned.denied.insert(name.clone())),
                Some((Some(form), _)) => drop(scanned.names.insert(name.clone(), form)),
                // Gone since.
                Some((None, "none")) => {}
                Some((None, kind)) => *others.entry(kind.to_owned()).or_default() += 1,
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
            if ttl.is_some_and(|ttl| ttl < 0) {
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
        scanned.denied_hashes += leases.iter().filter(|lease| lease.is_none()).count() as u64;
        let leased: Vec<(Vec<u8>, Form)> = names
            .into_iter()
            .zip(leases)
            .filter(|(_, ttl)| ttl.is_some_and(|ttl| ttl >= 0))
            .map(|(name, _)| (name, Form::Hash))
            .collect();
        read_so_far += leased.len();
        let reading = read(connection, &leased).await?;
        scanned.denied_hashes += reading.denied.len() as u64;
        for (name, held) in reading.held {
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

impl Scanned {
    /// A note on what this user may not read.
    pub fn unreadable(&self) -> Option<String> {
        let counted = |count: u64, one: &str, several: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {several}")),
        };
        let named = counted(self.denied.len() as u64, "key with the name of a lock", "keys with the name of a lock");
        let hashes = counted(self.denied_hashes, "hash", "hashes");
        let told: Vec<String> = named.into_iter().chain(hashes).collect();
        (!told.is_empty()).then(|| {
            format!("{} may not be read by this user: its key patterns leave them out (ACL)", told.join(" and "))
        })
    }
}

/// `None`: this user may not read that key.
async fn types(connection: &mut MultiplexedConnection, names: &[Vec<u8>]) -> Result<Vec<Option<String>>, RedisError> {
    each(connection, "TYPE", names).await
}

/// Milliseconds left; negative without a lease or without the key. `None`: as in [`types`].
async fn leases(connection: &mut MultiplexedConnection, names: &[Vec<u8>]) -> Result<Vec<Option<i64>>, RedisError> {
    each(connection, "PTTL", names).await
}

/// The same question about each name, in one round trip.
async fn each<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    question: &str,
    names: &[Vec<u8>],
) -> Result<Vec<Option<T>>, RedisError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut asking = pipe();
    for name in names {
        asking.cmd(question).arg(name);
    }
    // Not `query_async`: one key that may not be read would hide all of them.
    let answers = connection.send_packed_commands(&asking, 0, names.len()).await?;
    let each = |answer| match answer {
        Value::ServerError(error) if of_a_key(&error) => Ok(None),
        Value::ServerError(error) => Err(RedisError::from(error)),
        value => Ok(Some(T::from_redis_value(value)?)),
    };
    answers.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::{Matching, Scanned, Sign};

    #[test]
    fn a_prefix_is_taken_literally_and_without_one_a_name_must_look_like_a_lock() {
        let stars = Matching::new(Some("a*[b]\\"));
        assert_eq!(String::from_utf8(stars.pattern.clone()).unwrap(), "a\\*\\[b\\]\\\\*");
        assert_eq!((stars.sign(b"a*[b]\\x"), stars.sign(b"ab")), (Sign::Sure, Sign::None));
        let usual = Matching::new(None);
        assert_eq!((usual.sign(b"lock:orders"), usual.sign(b"block:7")), (Sign::Sure, Sign::None));
        assert_eq!(Matching::new(Some("")).sign(b"anything"), Sign::Sure);
        // What Redisson keeps beside a lock is none, by whichever way it is found.
        for matching in [Matching::new(Some("")), Matching::new(None)] {
            assert_eq!(matching.sign(b"redisson_lock_token:{order-lock}"), Sign::None);
        }
    }

    #[test]
    fn what_may_not_be_read_is_counted() {
        assert_eq!(Scanned::default().unreadable(), None);
        let mut scanned = Scanned::default();
        scanned.denied.insert(b"lock:a".to_vec());
        assert!(scanned.unreadable().unwrap().starts_with("1 key with the name of a lock may not be read"));
        scanned.denied_hashes = 2;
        assert!(scanned.unreadable().unwrap().contains("1 key with the name of a lock and 2 hashes may not"));
    }
}
