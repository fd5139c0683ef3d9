//! The open attempts of each key, oldest first: what bounds the oracle's memory.

use std::collections::VecDeque;

use crate::record::Sparse;

/// Attempts from invoke to their last event.
pub struct OpenAttempts {
    keys: Sparse<VecDeque<(u32, u64)>>,
    /// Per client: key of its open attempt.
    of_client: Vec<Option<u32>>,
}

impl OpenAttempts {
    /// None open yet.
    #[must_use]
    pub fn new(clients: u32, keys: u32) -> Self {
        Self { keys: Sparse::new(keys), of_client: vec![None; clients as usize] }
    }

    /// An attempt starts.
    pub fn start(&mut self, client: u32, key: u32, t: u64) {
        // Where the end of its last one was lost: an attempt that never ends would hold all memory.
        self.end(client);
        self.keys[key as usize].push_back((client, t));
        self.of_client[client as usize] = Some(key);
    }

    /// A client's attempt is over.
    pub fn end(&mut self, client: u32) {
        if let Some(key) = self.of_client[client as usize].take() {
            let attempts = &mut self.keys[key as usize];
            if let Some(place) = attempts.iter().position(|(other, _)| *other == client) {
                attempts.remove(place);
            }
        }
    }

    /// Invoke of the oldest open attempt on a key.
    #[must_use]
    pub fn oldest(&self, key: u32) -> Option<u64> {
        self.keys[key as usize].front().map(|(_, t)| *t)
    }
}
