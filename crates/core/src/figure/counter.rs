//! What is counted of a trial.

use super::{FIGURES, Figure, Merge, Source};
use crate::oracle::DoubleGrantKind;
use crate::record::figures::Counts;
use crate::record::history::Judged;

/// Declares the counts, each with the field of the fold of a trial or of its oracle that it is; a
/// count without a field is of what was not attempted, of which there is no event.
macro_rules! counters {
    (|$counts:ident, $judged:ident| { $($(#[$doc:meta])* $name:ident $(= $of:ident.$field:ident)?,)+ }) => {
        /// A count that is added up over the trials of a system.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Counter {
            $($(#[$doc])* $name,)+
        }

        impl Counter {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What the fold of a trial and its oracle have counted; `None` for what they do not count.
            #[must_use]
            pub fn counted(self, $counts: &Counts, $judged: &Judged) -> Option<u64> {
                match self {
                    $(Self::$name => [$($of.$field)?].first().copied(),)+
                }
            }
        }
    };
}

counters!(|counts, judged| {
    /// Attempts of the measure phase with an outcome.
    Attempts = counts.attempts,
    /// Of these: acquired.
    Grants = counts.grants,
    /// Of these: refused.
    Refused = counts.refused,
    /// Of these: timed out.
    TimedOut = counts.timed_out,
    /// Of these: not served.
    Unavailable = counts.unavailable,
    /// Of these: with a lost answer.
    Unknown = counts.unknown,
    /// Of these: given up to break a deadlock.
    Deadlocked = counts.deadlocked,
    /// Of these: not granted by their first request.
    Waited = counts.waited,
    /// Of these: at whose call another client held the key.
    FoundHeld = counts.found_held,
    /// Due, and no client could take it: all were busy.
    Dropped,
    /// Due while the system did not answer.
    Missed,
    /// Due while this process itself did not run.
    Stalled,
    /// Grants to a later arrival while an earlier one waited.
    Overtakes = counts.overtakes,
    /// Grants of which the client learned that they were lost.
    LostLeases = counts.lost_leases,
    /// Certain double grants, of all phases.
    DoubleGrants = judged.double_grants,
    /// Of these: while the earlier lease was valid.
    Inside = judged.inside,
    /// Of these: after the service took the lock back early and said so.
    TakenBack = judged.withdrawn,
    /// Of these: after the lease had lawfully ended.
    Outside = judged.outside,
    /// Double grants that the server itself admitted.
    Admitted = judged.evidence,
    /// Double grants where a hold is cut at the end of its lease as its holder knew it.
    Deadline = judged.deadline,
    /// Grants of all phases.
    GrantsAll = judged.grants,
    /// Grants that overlap an uncertain hold.
    OverlapsPossible = judged.overlaps_possible,
    /// Fencing tokens that went back.
    TokenRegressions = judged.token_regressions,
    /// Fencing tokens out of order between grants that were under way at once.
    TokenInversions = judged.token_inversions,
    /// Writes with a token below the highest written one.
    StaleWritesSeen = judged.stale_writes_seen,
    /// Writes that fencing refuses.
    StaleWritesRefused = judged.stale_writes_refused,
    /// Writes over a change made since the read, without fencing.
    LostUpdates = judged.lost_updates,
    /// Critical sections that acted on what they had read.
    Acts = judged.acts,
    /// Of these: another client had done the same since.
    HarmfulActs = judged.harmful_acts,
    /// Of these: fencing did not keep them from it.
    HarmfulActsFenced = judged.harmful_acts_fenced,
    /// Releases of the measure phase that the server confirmed.
    Confirmed = counts.confirmed,
    /// Deadlocks among the clients, of all phases.
    Deadlocks = judged.deadlocks,
});

impl Counter {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Of double grants of a kind.
    #[must_use]
    pub fn of_kind(kind: DoubleGrantKind) -> Self {
        match kind {
            DoubleGrantKind::Inside => Self::Inside,
            DoubleGrantKind::Withdrawn => Self::TakenBack,
            DoubleGrantKind::Outside => Self::Outside,
        }
    }

    /// Counts that the oracle notes where a bounded history is cut, and their places in a result of
    /// the report, which can be no smaller.
    pub const AT_THE_CUT: [(Self, &'static str); 7] = [
        (Self::GrantsAll, "safety.grants_all_phases"),
        (Self::DoubleGrants, "safety.double_grants_certain"),
        (Self::Inside, "safety.inside"),
        (Self::TakenBack, "safety.withdrawn"),
        (Self::Outside, "safety.outside"),
        (Self::LostUpdates, "safety.harm.lost_updates"),
        (Self::TokenRegressions, "safety.token_regressions"),
    ];

    /// Returns whether it counts what surely happened, also where the rest of a trial is not known.
    #[must_use]
    pub fn is_certain(self) -> bool {
        let certain = |figure: &&Figure| figure.merge == Merge::Certain;
        FIGURES.iter().filter(certain).any(|figure| figure.source == Source::Count(self))
    }

    /// Does it exist only where the lock system has fencing tokens?
    #[must_use]
    pub fn is_of_tokens(self) -> bool {
        matches!(
            self,
            Self::TokenRegressions | Self::TokenInversions | Self::StaleWritesSeen | Self::StaleWritesRefused
        )
    }
}
