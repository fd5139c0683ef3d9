//! Semaphores: a key has so many permits, and as many may hold one at once. A double grant is a grant that starts inside
//! as many holds of the key as there are permits, or more. Its kind is the worst of which so many holds remain: inside,
//! where those under a promise that nothing took back suffice; withdrawn, where those under a promise do; else outside.

use super::exclusion::{DoubleGrant, Ends, Held, HoldFacts};
use super::kind::DoubleGrantKind;
use crate::record::history::Judged;

/// A hold that later grants may start inside of.
struct Taken {
    start: u64,
    ends: Ends,
    lost: bool,
    facts: HoldFacts,
}

/// The holders of the permits of a key.
#[derive(Default)]
pub(super) struct Permits {
    /// In order of start: those that reach the last start.
    taken: Vec<Taken>,
}

/// Does an interval start inside of an earlier one? As of [`super::cover`]: one of no length overlaps one that has its
/// instant in its inside.
fn starts_inside(start: u64, end: u64, earlier: (u64, u64)) -> bool {
    start < earlier.1 && earlier.0 < end
}

impl Permits {
    /// Are all permits taken where this hold starts, though some of them may be given back in that instant?
    pub fn all_taken(&self, of: u32, held: &Held) -> bool {
        self.taken.iter().filter(|one| one.ends.naive >= held.hold.start).count() >= of as usize
    }

    /// Judges a hold; they come in order of start.
    pub fn judge(&mut self, (key, of): (u32, u32), held: &Held, judged: &mut Judged) -> Option<DoubleGrant> {
        let (start, ends, later) = (held.hold.start, held.ends(), held.facts());
        self.taken.retain(|one| one.ends.naive >= start);
        let inside = |until: fn(&Ends) -> Option<u64>| {
            let own = until(&ends);
            let meets = move |one: &&Taken| {
                let earlier = until(&one.ends).map(|end| (one.start, end));
                own.zip(earlier).is_some_and(|(end, earlier)| starts_inside(start, end, earlier))
            };
            self.taken.iter().filter(meets).count() >= of as usize
        };
        judged.deadline += u64::from(inside(|ends| ends.deadline));
        let admitted = inside(|ends| ends.evidence);
        let promised =
            |one: &&Taken| one.ends.promised.is_some_and(|end| starts_inside(start, ends.naive, (one.start, end)));
        let naive = |one: &&Taken| starts_inside(start, ends.naive, (one.start, one.ends.naive));
        let enough = |ones: Vec<&Taken>| (ones.len() >= of as usize).then(|| ones[0].facts);
        let kept = self.taken.iter().filter(promised).filter(|one| !one.lost).collect();
        let found = enough(kept).map(|earlier| (DoubleGrantKind::Inside, earlier));
        let found = found.or_else(|| {
            // One of those that the service took back is what made room.
            let all: Vec<&Taken> = self.taken.iter().filter(promised).collect();
            let lost = all.iter().find(|one| one.lost).map(|one| one.facts);
            enough(all).map(|earlier| (DoubleGrantKind::Withdrawn, lost.unwrap_or(earlier)))
        });
        let found = found.or_else(|| {
            let all: Vec<&Taken> = self.taken.iter().filter(naive).collect();
            let over = all.iter().find(|one| !promised(one)).map(|one| one.facts);
            enough(all).map(|earlier| (DoubleGrantKind::Outside, over.unwrap_or(earlier)))
        });
        self.taken.push(Taken { start, ends, lost: held.hold.lost.is_some(), facts: later });
        let (kind, earlier) = found?;
        Some(DoubleGrant { key, kind, admitted, earlier, later })
    }
}
