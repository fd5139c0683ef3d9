//! How long a client has been seen where it is, from look to look: the least that is known
//! where the server gives no time.

use std::collections::HashMap;

use lockbench_core::lock::inspection::{ClientSeen, Observation};
use lockbench_core::units::MILLISECOND;

/// When each client was first seen at its place.
#[derive(Default)]
pub struct FirstSeen {
    first_ns: HashMap<Place, u64>,
}

/// A lock, whether it is held or waited for, and the client with its token: a client that
/// let go and came back has another.
type Place = (String, bool, String, Option<u64>);

impl FirstSeen {
    /// Adds to a look what is known from those before; forgets clients that are gone.
    pub fn note(&mut self, look: &mut Observation, now_ns: u64) {
        let before = std::mem::take(&mut self.first_ns);
        for lock in &mut look.locks {
            let holders = lock.holders.iter_mut().map(|client| (true, client));
            for (holds, client) in holders.chain(lock.waiters.iter_mut().map(|client| (false, client))) {
                let place = place(&lock.name, holds, client);
                let first_ns = before.get(&place).copied().unwrap_or(now_ns);
                client.seen_ms = before.contains_key(&place).then(|| now_ns.saturating_sub(first_ns) / MILLISECOND);
                self.first_ns.insert(place, first_ns);
            }
        }
    }
}

fn place(lock: &str, holds: bool, client: &ClientSeen) -> Place {
    (lock.to_owned(), holds, client.client.clone(), client.token)
}

#[cfg(test)]
mod tests {
    use super::FirstSeen;
    use lockbench_core::lock::inspection::{ClientSeen, LockSeen, Observation};

    fn look(holder: &str, token: u64) -> Observation {
        let client = ClientSeen { client: holder.to_owned(), token: Some(token), ..ClientSeen::default() };
        let lock = LockSeen { name: "a".to_owned(), holders: vec![client], ..LockSeen::default() };
        Observation { locks: vec![lock], ..Observation::default() }
    }

    #[test]
    fn a_client_is_known_from_its_first_look_on_and_forgotten_when_it_is_gone() {
        let mut memory = FirstSeen::default();
        let mut at = |second: u64, mut look: Observation| {
            memory.note(&mut look, second * 1_000_000_000);
            look.locks.first().and_then(|lock| lock.holders[0].seen_ms)
        };
        assert_eq!(at(1, look("x", 1)), None);
        assert_eq!(at(3, look("x", 1)), Some(2_000));
        // The same client with another grant.
        assert_eq!(at(4, look("x", 2)), None);
        assert_eq!(at(5, Observation::default()), None);
        assert_eq!(at(6, look("x", 2)), None);
        assert_eq!(at(9, look("x", 2)), Some(3_000));
    }
}
