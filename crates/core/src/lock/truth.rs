//! What the servers themselves say of who holds a key, asked beside a load: the truth that the cause of a double
//! grant is found by.

use super::{Holder, Local, SystemError};

/// Asks one server, or one service as a whole, who holds which key. It has connections of its own and keeps them
/// open: it is asked many times a second. What it says is of an instant between question and answer.
pub trait Truth {
    /// Asks who holds each of these keys now, in their order.
    fn ask<'a>(&'a mut self, keys: &'a [super::Key]) -> Local<'a, Result<Vec<Option<Owner>>, SystemError>>;
}

/// The holder of a key by the word of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which client of the trial that is; `None`: none of them.
    pub client: Option<u32>,
    /// Fencing token of the grant, if the server keeps it with the lock.
    pub token: Option<u64>,
    /// Milliseconds that the lease has left, rounded down; `None`: the server tells none.
    pub left_ms: Option<u64>,
}

impl Owner {
    /// One whose identity has the client's number as `client 7`.
    #[must_use]
    pub fn named(holder: Holder) -> Self {
        Self { client: number_in(&holder.identity), token: holder.token, left_ms: holder.ttl_ms }
    }
}

/// The number behind the word `client` in an identity, as the recipes write it.
fn number_in(identity: &str) -> Option<u32> {
    let (_, after) = identity.split_once("client ")?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).map_or(after, |end| &after[..end]);
    digits.parse().ok()
}

/// A number for an identity: equal for equal ones, in every process (FNV-1a,
/// <http://www.isthe.com/chongo/tech/comp/fnv/>).
#[must_use]
pub fn digest(identity: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    identity.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::{digest, number_in};

    #[test]
    fn the_number_is_found_as_the_recipes_write_it() {
        for (identity, number) in [
            ("client 7 (3f/12)", Some(7)),
            ("client 12, lease 694d", Some(12)),
            ("lockbench client 3 of 0a1b2c3d (pid 99)", Some(3)),
            ("psql (pid 7)", None),
            ("client ", None),
            ("client 99999999999", None),
        ] {
            assert_eq!(number_in(identity), number, "{identity}");
        }
        assert_ne!(digest("a"), digest("b"));
    }
}
