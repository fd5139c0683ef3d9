//! How many double grants of each kind there were, in one phrase for every report.

use super::schema::{Aggregate, Safety};
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::record::history::Judged;
use lockbench_core::units::grouped;

/// Double grants, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// All.
    pub all: u64,
    /// Under a running promise.
    pub inside: u64,
    /// Under a promise that the service took back and said so.
    pub withdrawn: u64,
    /// After the lease had lawfully ended.
    pub outside: u64,
    /// Of all: the server itself admitted both holds.
    pub admitted: u64,
}

impl Kinds {
    /// `5 double grants (1 inside, 1 withdrawn, 3 outside a lease; 2 of them admitted by the server itself)`.
    #[must_use]
    pub fn told(&self) -> String {
        let plural = if self.all == 1 { "" } else { "s" };
        format!("{} double grant{plural} ({})", grouped(self.all), self.parts())
    }

    /// The same without their number.
    #[must_use]
    pub fn parts(&self) -> String {
        let admitted = match self.admitted {
            0 => String::new(),
            admitted => format!("; {} of them admitted by the server itself", grouped(admitted)),
        };
        let (inside, withdrawn, outside) = (grouped(self.inside), grouped(self.withdrawn), grouped(self.outside));
        format!("{inside} inside, {withdrawn} withdrawn, {outside} outside a lease{admitted}")
    }
}

impl Kinds {
    /// How many of one kind.
    #[must_use]
    pub fn of(&self, kind: DoubleGrantKind) -> u64 {
        match kind {
            DoubleGrantKind::Inside => self.inside,
            DoubleGrantKind::Withdrawn => self.withdrawn,
            DoubleGrantKind::Outside => self.outside,
        }
    }
}

impl From<&Judged> for Kinds {
    fn from(judged: &Judged) -> Self {
        let Judged { double_grants, inside, withdrawn, outside, evidence, .. } = *judged;
        Self { all: double_grants, inside, withdrawn, outside, admitted: evidence }
    }
}

impl From<&Safety> for Kinds {
    fn from(safety: &Safety) -> Self {
        let Safety { double_grants_certain, inside, withdrawn, outside, .. } = *safety;
        Self { all: double_grants_certain, inside, withdrawn, outside, admitted: safety.policies.evidence }
    }
}

impl From<&Aggregate> for Kinds {
    fn from(all: &Aggregate) -> Self {
        let Aggregate { double_grants_certain, inside, withdrawn, outside, admitted, .. } = *all;
        Self { all: double_grants_certain, inside, withdrawn, outside, admitted }
    }
}

#[cfg(test)]
mod tests {
    use super::Kinds;

    #[test]
    fn what_the_server_admitted_is_told_only_where_it_did() {
        let mut kinds = Kinds { all: 1, withdrawn: 1, ..Kinds::default() };
        assert_eq!(kinds.told(), "1 double grant (0 inside, 1 withdrawn, 0 outside a lease)");
        (kinds.all, kinds.outside, kinds.admitted) = (1_201, 1_200, 3);
        assert_eq!(
            kinds.told(),
            "1 201 double grants (0 inside, 1 withdrawn, 1 200 outside a lease; 3 of them admitted by the server itself)"
        );
    }
}
