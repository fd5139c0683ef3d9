//! Which attempts are to give up, to break a deadlock: who finds it tells the client that waits, in another process too.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::shared::{BlockName, Place, Words};

/// The chosen attempt of each client, if any.
pub struct Victims {
    words: Words,
}

/// One attempt, as the one that waits for its lock sees them.
#[derive(Clone)]
pub struct Chance {
    victims: Arc<Victims>,
    client: u32,
    number: u32,
}

impl Victims {
    /// Nanoseconds from one look of a client that waits to the next.
    pub const LOOK_NS: u64 = 1_000_000;

    /// None is chosen yet, of so many clients.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn new(clients: u32, place: Place) -> io::Result<Self> {
        Ok(Self { words: Words::new(clients as usize, 1, place)? })
    }

    /// Those that another process made.
    ///
    /// # Errors
    /// They are gone.
    pub fn open(name: &BlockName) -> io::Result<Self> {
        Ok(Self { words: Words::open(name, 1)? })
    }

    /// How another process finds them; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<BlockName> {
        self.words.name()
    }

    /// An attempt is to give up.
    pub fn choose(&self, client: u32, number: u32) {
        self.word(client).store(u64::from(number), Ordering::Release);
    }

    fn word(&self, client: u32) -> &AtomicU64 {
        self.words.word(client as usize, 0)
    }
}

impl Chance {
    /// Of an attempt of a client.
    #[must_use]
    pub fn new(victims: Arc<Victims>, client: u32, number: u32) -> Self {
        Self { victims, client, number }
    }

    /// Its client and its number.
    #[must_use]
    pub fn attempt(&self) -> (u32, u32) {
        (self.client, self.number)
    }

    /// Is it chosen?
    #[must_use]
    pub fn chosen(&self) -> bool {
        self.victims.word(self.client).load(Ordering::Acquire) == u64::from(self.number)
    }
}
