//! What a follower notes of attempts that are open.

use std::collections::BTreeMap;

use super::Attempt;

/// A value per open attempt, which is the default one until it is noted.
#[derive(Clone, Debug, Default)]
pub struct PerAttempt<T> {
    /// By client: of its only attempt, or of the first one of its transaction.
    of_client: Vec<T>,
    /// Of the further attempts of transactions, by client and number.
    further: BTreeMap<(u32, u32), T>,
}

impl<T: Clone + Default> PerAttempt<T> {
    /// Nothing noted yet, for the attempts of so many clients.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self { of_client: vec![T::default(); clients as usize], further: BTreeMap::new() }
    }

    /// The note of an attempt.
    #[inline]
    pub fn of(&mut self, attempt: &Attempt) -> &mut T {
        if attempt.is_further() {
            return self.further.entry((attempt.client, attempt.number)).or_default();
        }
        let at = attempt.client as usize;
        if at >= self.of_client.len() {
            self.of_client.resize(at + 1, T::default());
        }
        &mut self.of_client[at]
    }

    /// Takes the note of an attempt that is over.
    #[inline]
    pub fn take(&mut self, attempt: &Attempt) -> T {
        if attempt.is_further() {
            return self.further.remove(&(attempt.client, attempt.number)).unwrap_or_default();
        }
        std::mem::take(self.of(attempt))
    }

    /// All notes, those of clients without an attempt too.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.of_client.iter().chain(self.further.values())
    }
}
