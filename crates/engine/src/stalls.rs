//! When this process itself did not run: stopped, suspended, or short of a processor. What
//! was due then says nothing of a server.

/// Stalls that are remembered. Older ones are forgotten first, and the server is blamed then: that
/// needs thousands of them within one wait.
const MOST: usize = 4_096;

/// Spans of time, by their ends.
#[derive(Debug, Default)]
pub struct Stalls {
    spans: Vec<(u64, u64)>,
}

impl Stalls {
    /// It did not run from `from` to before `to`.
    pub fn add(&mut self, from: u64, to: u64) {
        match self.spans.last_mut() {
            // Clients that were late together say so one after the other.
            Some(last) if from <= last.1 && last.0 <= to => *last = (last.0.min(from), last.1.max(to)),
            _ => self.spans.push((from, to)),
        }
        if self.spans.len() > MOST {
            self.spans.remove(0);
        }
    }

    /// Was it so at that instant?
    pub fn covers(&self, instant: u64) -> bool {
        self.spans.iter().any(|(from, to)| (*from..*to).contains(&instant))
    }

    /// Nobody asks for instants before this one any more.
    pub fn forget(&mut self, before: u64) {
        self.spans.retain(|(_, to)| *to > before);
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Stalls};

    #[test]
    fn an_instant_is_in_a_stall_or_not() {
        let mut stalls = Stalls::default();
        stalls.add(20, 30);
        stalls.add(10, 25);
        stalls.add(50, 60);
        let covered = |stalls: &Stalls| (0..70_u64).filter(|at| stalls.covers(*at)).collect::<Vec<_>>();
        assert_eq!(covered(&stalls), (10..30).chain(50..60).collect::<Vec<_>>());
        stalls.forget(30);
        assert_eq!(covered(&stalls), (50..60).collect::<Vec<_>>());
        (0..2 * MOST as u64).for_each(|n| stalls.add(100 + 10 * n, 105 + 10 * n));
        assert!(stalls.spans.len() <= MOST);
    }
}
