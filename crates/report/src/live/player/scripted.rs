//! For tests: time that passes only where somebody waits for it, with what the user
//! does meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::pace::Wall;
use super::tempo::{Moment, Tempo};

type Deed = Box<dyn Fn(&Tempo)>;

/// The time.
#[derive(Default)]
pub struct Scripted {
    now: Cell<u64>,
    deeds: RefCell<VecDeque<(u64, Deed)>>,
}

#[allow(dead_code)] // for the tests of the crates above its passing time is enough
impl Scripted {
    /// At that instant, later than those before it, the user does this.
    pub fn then(&self, at: u64, deed: impl Fn(&Tempo) + 'static) {
        self.deeds.borrow_mut().push_back((at, Box::new(deed)));
    }

    /// Time that has passed.
    pub fn passed(&self) -> u64 {
        self.now.get()
    }

    /// Lets time pass.
    pub fn pass(&self, ns: u64) {
        self.now.set(self.now.get() + ns);
    }
}

impl Wall for Scripted {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn wait(&self, tempo: &Tempo, _seen: &Moment, longest_ns: Option<u64>) {
        let end = longest_ns.map(|longest| self.now.get() + longest);
        let mut deeds = self.deeds.borrow_mut();
        match deeds.front().map(|(at, _)| *at) {
            Some(at) if end.is_none_or(|end| at <= end) => {
                self.now.set(at);
                if let Some((_, deed)) = deeds.pop_front() {
                    deed(tempo);
                }
            }
            _ => self.now.set(end.unwrap_or_else(|| panic!("it is held for ever"))),
        }
    }
}
