//! What is counted of a trial.

use crate::oracle::DoubleGrantKind;
use crate::record::figures::Counts;
use crate::record::history::Judged;

/// A count that is added up over the trials of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Attempts of the measure phase with an outcome.
    Attempts,
    /// Of these: acquired.
    Grants,
    /// Of these: refused.
    Refused,
    /// Of these: timed out.
    TimedOut,
    /// Of these: not served.
    Unavailable,
    /// Of these: with a lost answer.
    Unknown,
    /// Of these: not granted by their first request.
    Waited,
    /// Of these: at whose call another client held the key.
    FoundHeld,
    /// Due, and no client could take it: all were busy.
    Dropped,
    /// Due while the system did not answer.
    Missed,
    /// Due while this process itself did not run.
    Stalled,
    /// Grants to a later arrival while an earlier one waited.
    Overtakes,
    /// Grants of which the client learned that they were lost.
    LostLeases,
    /// Certain double grants, of all phases.
    DoubleGrants,
    /// Of these: while the earlier lease was valid.
    Inside,
    /// Of these: after the service took the lock back early and said so.
    TakenBack,
    /// Of these: after the lease had lawfully ended.
    Outside,
    /// Double grants that the server itself admitted.
    Admitted,
    /// Double grants where a hold is cut at the end of its lease as its holder knew it.
    Deadline,
    /// Grants of all phases.
    GrantsAll,
    /// Grants that overlap an uncertain hold.
    OverlapsPossible,
    /// Fencing tokens that went back.
    TokenRegressions,
    /// Fencing tokens out of order between grants that were under way at once.
    TokenInversions,
    /// Writes with a token below the highest written one.
    StaleWritesSeen,
    /// Writes that fencing refuses.
    StaleWritesRefused,
    /// Writes over a change made since the read, without fencing.
    LostUpdates,
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = Self::LostUpdates as usize + 1;

    /// Every one.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Attempts,
        Self::Grants,
        Self::Refused,
        Self::TimedOut,
        Self::Unavailable,
        Self::Unknown,
        Self::Waited,
        Self::FoundHeld,
        Self::Dropped,
        Self::Missed,
        Self::Stalled,
        Self::Overtakes,
        Self::LostLeases,
        Self::DoubleGrants,
        Self::Inside,
        Self::TakenBack,
        Self::Outside,
        Self::Admitted,
        Self::Deadline,
        Self::GrantsAll,
        Self::OverlapsPossible,
        Self::TokenRegressions,
        Self::TokenInversions,
        Self::StaleWritesSeen,
        Self::StaleWritesRefused,
        Self::LostUpdates,
    ];

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

    /// Does it exist only where the lock system has fencing tokens?
    #[must_use]
    pub fn is_of_tokens(self) -> bool {
        matches!(
            self,
            Self::TokenRegressions | Self::TokenInversions | Self::StaleWritesSeen | Self::StaleWritesRefused
        )
    }

    /// What the fold of a trial and its oracle have counted; `None` for what they do not count.
    #[must_use]
    pub fn counted(self, counts: &Counts, judged: &Judged) -> Option<u64> {
        Some(match self {
            Self::Attempts => counts.attempts,
            Self::Grants => counts.grants,
            Self::Refused => counts.refused,
            Self::TimedOut => counts.timed_out,
            Self::Unavailable => counts.unavailable,
            Self::Unknown => counts.unknown,
            Self::Waited => counts.waited,
            Self::FoundHeld => counts.found_held,
            // Of what was not attempted there is no event.
            Self::Dropped | Self::Missed | Self::Stalled => return None,
            Self::Overtakes => counts.overtakes,
            Self::LostLeases => counts.lost_leases,
            Self::DoubleGrants => judged.double_grants,
            Self::Inside => judged.inside,
            Self::TakenBack => judged.withdrawn,
            Self::Outside => judged.outside,
            Self::Admitted => judged.evidence,
            Self::Deadline => judged.deadline,
            Self::GrantsAll => judged.grants,
            Self::OverlapsPossible => judged.overlaps_possible,
            Self::TokenRegressions => judged.token_regressions,
            Self::TokenInversions => judged.token_inversions,
            Self::StaleWritesSeen => judged.stale_writes_seen,
            Self::StaleWritesRefused => judged.stale_writes_refused,
            Self::LostUpdates => judged.lost_updates,
        })
    }
}
