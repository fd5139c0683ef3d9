//! Which names are those of locks, where no prefix is given. The parts of a name are what
//! stands between `:` `/` `.` and the like; a lock has one that is the word, or ends with it:
//! `lock:orders`, `hangfire:lock:job`, `shop:job-lock:nightly`, `orderLock`, `MUTEX/7`. Not
//! `block:7`, `clock`, `locked-users` or `user:7:lock-attempts`. One rule for all systems.

/// Parts that are a lock's as they are.
const WORDS: [&str; 5] = ["lock", "locks", "redlock", "mutex", "mutexes"];

/// The rule in words.
pub const IN_WORDS: &str = "lock, locks, redlock or mutex as a part of their name (lock:a, a:lock:b, a_lock, aLock)";

/// How far a name tells that the key is a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Not at all.
    None,
    /// Something about a lock is in the middle: it may be data beside one, which has no lease.
    Within,
    /// It begins or ends with the word.
    Sure,
}

/// What a name tells.
#[must_use]
pub fn sign(name: &[u8]) -> Sign {
    let name = String::from_utf8_lossy(name);
    let parts: Vec<&str> =
        name.split([':', '/', '.', '{', '}', '|', '#', '@']).filter(|part| !part.is_empty()).collect();
    let last = parts.len().saturating_sub(1);
    let of = |(place, part): (usize, &&str)| {
        let word = is_word(part) || place == 0 && part.to_ascii_lowercase().starts_with("lock_");
        match word {
            false => Sign::None,
            true if place == 0 || place == last => Sign::Sure,
            true => Sign::Within,
        }
    };
    parts.iter().enumerate().map(of).max().unwrap_or(Sign::None)
}

/// Is this the word, or does it end with it as a word of its own?
#[must_use]
pub fn is_word(part: &str) -> bool {
    // ASCII alone: the length stays what it is.
    let small = part.to_ascii_lowercase();
    WORDS.iter().any(|word| match small.strip_suffix(word).map(|before| part.split_at(before.len())) {
        None => false,
        // `job-lock`, `job_lock`, `jobLock`, but not `block`.
        Some((before, found)) => match before.chars().next_back() {
            None | Some('-' | '_') => true,
            Some(letter) => letter.is_lowercase() && found.starts_with(char::is_uppercase),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{Sign, sign};

    #[test]
    fn a_name_is_a_locks_if_a_part_of_it_is_the_word() {
        for name in [
            "lock:orders",
            "LOCK:orders",
            "locks/7",
            "lock_7",
            "lockbench:{r1:hot}:lock",
            "lockbench:{r1:hot}:lock",
            "{lockbench-1:hot}:lock",
            "redlock:x",
            "job_lock",
            "job-lock:prod:nightly",
            "orders:orderLock",
            "redbeat::lock",
            "mutex:7",
        ] {
            assert_eq!(sign(name.as_bytes()), Sign::Sure, "{name}");
        }
        for name in ["hangfire:lock:job", "shop:job-lock:nightly", "a/locks/b"] {
            assert_eq!(sign(name.as_bytes()), Sign::Within, "{name}");
        }
        for name in [
            "block:7",
            "clock",
            "lockbench:{r1:hot}:fence",
            "lockbench:{r1:hot}:fence",
            "{lockbench-1:hot}:fence",
            "locked-users",
            "unlocks",
            "/services/clock-api/10.0.0.7:80",
            "/blockchain/peers/node1",
            "/registry/unblocked/x",
            "user:7:lock-attempts",
            "redisson_lock_queue:{a}",
            "lock-signal:a",
            "ſlock",
            "",
        ] {
            assert_eq!(sign(name.as_bytes()), Sign::None, "{name}");
        }
    }
}
