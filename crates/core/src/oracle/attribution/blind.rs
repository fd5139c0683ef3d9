//! How long a holder did not know that the servers had its lock no more.

use super::party::Party;
use super::timeline::Timeline;

/// Holds that were lost on the servers before their clients were told, or left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blind {
    /// Holds that were looked at: of keys that the servers were asked about.
    pub looked_at: u64,
    /// Of these: lost so.
    pub holds: u64,
    /// The longest time, at least: from the first answer of the servers that had the lock no more, to the lost
    /// signal of the client or the end of its hold. 0 without one.
    pub longest_ns: u64,
    /// Key and client of that.
    pub of: Option<(u32, u32)>,
    /// The same of a client that ignores every signal, until the end of its hold.
    pub ignoring_ns: u64,
    /// The same of a client that stops where its lease is over by its own clock, or its session is told before.
    pub careful_ns: u64,
}

impl Blind {
    /// A hold that is over; all answers around its end are there.
    pub(super) fn look(&mut self, key: u32, party: &Party, truth: &[Timeline]) {
        self.looked_at += 1;
        let knew = party.lost.map_or(party.end, |lost| lost.min(party.end));
        let Some(gone) = lost_at(party, truth) else { return };
        self.ignoring_ns = self.ignoring_ns.max(party.end.saturating_sub(gone));
        self.careful_ns = self.careful_ns.max(knew.min(party.promise).saturating_sub(gone));
        if gone >= knew {
            return;
        }
        self.holds += 1;
        if knew - gone > self.longest_ns {
            (self.longest_ns, self.of) = (knew - gone, Some((key, party.client)));
        }
    }
}

/// When fewer servers than a majority surely had the lock of a hold, of which a majority had it.
fn lost_at(party: &Party, truth: &[Timeline]) -> Option<u64> {
    let mut gone: Vec<u64> = truth
        .iter()
        .filter_map(|timeline| timeline.last_showing(party, party.end))
        .filter(|(span, _)| span.until >= party.start)
        .map(|(span, _)| span.gone)
        .collect();
    let majority = truth.len() / 2 + 1;
    gone.sort_unstable();
    gone.get(gone.len().checked_sub(majority)?).copied()
}
