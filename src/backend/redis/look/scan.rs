//! Which keys are locks: by SCAN in pages, and by TYPE for those whose name fits.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd, pipe};

use super::key::Form;
use crate::clock::Clock;

/// Keys that the server looks at in one go: a millisecond of its time or so
/// (<https://redis.io/docs/latest/commands/scan/#the-count-option>).
const PAGE: usize = 1_000;

/// Longest search. A server with a great many keys is not searched to its end.
const LONGEST: Duration = Duration::from_secs(30);

/// What a name looks like that is a lock's where no prefix is given.
const STARTS: [&str; 5] = ["lock:", "lock_", "lock/", "locks:", "redlock:"];
/// Likewise.
const ENDS: [&str; 4] = [":lock", "_lock", "/lock", "-lock"];

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
            // One search for both; the server filters the most of it.
            None => Self {
                pattern: b"*lock*".to_vec(),
                prefix: None,
                words: format!(
                    "keys that start with {} or end with {}; --prefix names others",
                    STARTS.join(" "),
                    ENDS.join(" ")
                ),
            },
        }
    }

    /// In words.
    pub fn words(&self) -> &str {
        &self.words
    }

    fn fits(&self, name: &[u8]) -> bool {
        match &self.prefix {
            Some(prefix) => name.starts_with(prefix),
            None => {
                STARTS.iter().any(|start| name.starts_with(start.as_bytes()))
                    || ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
            }
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
    let mut scanned = Scanned::default();
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let until = clock.now().saturating_add(LONGEST.as_nanos() as u64);
    let mut cursor = 0_u64;
    loop {
        let mut page = cmd("SCAN");
        page.arg(cursor).arg("MATCH").arg(&matching.pattern).arg("COUNT").arg(PAGE);
        let (next, names): (u64, Vec<Vec<u8>>) = page.query_async(connection).await?;
        let names: Vec<Vec<u8>> = names.into_iter().filter(|name| matching.fits(name)).collect();
        for (name, kind) in names.iter().zip(types(connection, &names).await?) {
            match Form::of(&kind) {
                Some(form) => drop(scanned.names.insert(name.clone(), form)),
                // Gone since.
                None if kind == "none" => {}
                None => *others.entry(kind).or_default() += 1,
            }
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
        if scanned.names.len() > limit {
            scanned.cut = Some(format!("the search stopped at --limit {limit}"));
            break;
        }
        if clock.now() > until {
            scanned.cut = Some(format!("the search stopped after {} s: the server has many keys", LONGEST.as_secs()));
            break;
        }
    }
    if !others.is_empty() {
        let told: Vec<String> = others.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        scanned.notes.push(format!("passed over, as no lock is of that type: {}", told.join(", ")));
    }
    Ok(scanned)
}

async fn types(connection: &mut MultiplexedConnection, names: &[Vec<u8>]) -> Result<Vec<String>, RedisError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut asking = pipe();
    for name in names {
        asking.cmd("TYPE").arg(name);
    }
    asking.query_async(connection).await
}

#[cfg(test)]
mod tests {
    use super::Matching;

    #[test]
    fn a_prefix_is_taken_literally_and_without_one_a_name_must_look_like_a_lock() {
        let stars = Matching::new(Some("a*[b]\\"));
        assert_eq!(String::from_utf8(stars.pattern.clone()).unwrap(), "a\\*\\[b\\]\\\\*");
        assert!(stars.fits(b"a*[b]\\x") && !stars.fits(b"ab"));
        let usual = Matching::new(None);
        for name in ["lock:orders", "{lockbench-1:hot}:lock", "redlock:x", "job_lock"] {
            assert!(usual.fits(name.as_bytes()), "{name}");
        }
        for name in ["block:7", "clock", "{lockbench-1:hot}:fence", "locked-users"] {
            assert!(!usual.fits(name.as_bytes()), "{name}");
        }
        assert!(Matching::new(Some("")).fits(b"anything"));
    }
}
