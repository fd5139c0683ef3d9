//! From a key's name to the 64-bit number that PostgreSQL locks. Advisory locks
//! share one number space a database, with every other application in it, so
//! the namespace of the run is part of what is hashed.

use super::super::planted::{Flaw, Planted};
use lockbench_core::lock::Key;

/// FNV-1a, 64 bits (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>): stable across
/// versions and processes, which std's hasher does not promise.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The number of a key.
pub(super) fn number(namespace: &str, name: &str, planted: Planted) -> i64 {
    let hash = fnv1a(namespace.bytes().chain([0]).chain(name.bytes()));
    if planted == Some(Flaw::CutsTheHash) { (hash & 15).cast_signed() } else { hash.cast_signed() }
}

/// The number as `pg_locks` shows it: high half in `classid`, low half in `objid`
/// (<https://www.postgresql.org/docs/15/view-pg-locks.html>).
pub(super) fn halves(number: i64) -> (u32, u32) {
    let bits = number.cast_unsigned();
    ((bits >> 32) as u32, bits as u32)
}

/// Two keys of these that would be one lock.
pub(super) fn collision<'a>(namespace: &str, keys: &'a [Key], planted: Planted) -> Option<(&'a Key, &'a Key)> {
    let mut numbers: Vec<(i64, &Key)> = keys.iter().map(|key| (number(namespace, &key.name, planted), key)).collect();
    numbers.sort_unstable_by_key(|(number, _)| *number);
    numbers.windows(2).find_map(|pair| match pair {
        [(a, first), (b, second)] if a == b && first.name != second.name => Some((*first, *second)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{collision, fnv1a, halves, number};
    use lockbench_core::lock::Key;

    fn key(name: &str) -> Key {
        Key { index: 0, name: name.into() }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn namespace_and_name_are_kept_apart() {
        assert_ne!(number("ab", "c", None), number("a", "bc", None));
        assert_eq!(halves(-1), (u32::MAX, u32::MAX));
        assert_eq!(halves(1 << 32 | 7), (1, 7));
    }

    #[test]
    fn ten_thousand_keys_do_not_collide_and_a_repeated_name_is_no_collision() {
        let keys: Vec<Key> = (0..10_000).map(|n| key(&format!("run-t0-{n}"))).collect();
        assert!(collision("ns", &keys, None).is_none());
        assert!(collision("ns", &[key("a"), key("a")], None).is_none());
    }
}
