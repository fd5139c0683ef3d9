//! What attempts ask for: a lock of their own, one that readers share, or a permit of a semaphore.

use rand::{Rng, RngExt};

use super::dynamic_ttl;
use super::item::Item;
use super::kinds::share;
use super::plan::{AcquireMode, Locks, Plan, Section};
use super::schema::{Field, Kind, Tagged};
use crate::lock::{Guarantees, Mode, Ways};

/// Most permits of a key.
const MOST_PERMITS: u32 = 65_535;

/// What attempts ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Access {
    /// A lock that excludes all others.
    #[default]
    Exclusive,
    /// Some to read beside others that read, the others to write alone.
    ReadWrite {
        /// Share of the attempts that read, 0 to 1.
        reads: f64,
    },
    /// One of the permits that each key has.
    Permits {
        /// Permits of a key.
        count: u32,
    },
}

impl Access {
    /// What one attempt asks for. Draws only where there is a choice.
    pub(super) fn draw(self, rng: &mut impl Rng) -> Mode {
        match self {
            Self::Exclusive => Mode::Exclusive,
            Self::ReadWrite { reads } => {
                if rng.random::<f64>() < reads {
                    Mode::Shared
                } else {
                    Mode::Exclusive
                }
            }
            Self::Permits { count } => Mode::Permits { of: count },
        }
    }

    /// Returns whether a system with these guarantees offers it.
    #[must_use]
    pub fn offered_by(self, guarantees: &Guarantees) -> bool {
        match self {
            Self::Exclusive => true,
            Self::ReadWrite { .. } => guarantees.shared,
            Self::Permits { .. } => guarantees.permits,
        }
    }
}

/// Refuses a system that does not offer what the attempts of a plan ask for: modes, or leases of another length from grant to
/// grant.
///
/// # Errors
/// Why, and what to do.
pub fn offered(plan: &Plan, system: &str, guarantees: &Guarantees) -> Result<(), String> {
    dynamic_ttl::offered(plan, system, guarantees)?;
    if plan.access.offered_by(guarantees) {
        return Ok(());
    }
    let what = if matches!(plan.access, Access::Permits { .. }) { "semaphores" } else { "locks that readers share" };
    Err(format!(
        "{system} does not offer {what}; leave it out, or set access = \"exclusive\" (`lockbench backends` tells who offers \
         them)"
    ))
}

/// Refuses a system whose clients cannot ask as those of a plan do.
///
/// # Errors
/// Why, and what to do.
pub fn askable(plan: &Plan, system: &str, guarantees: &Guarantees) -> Result<(), String> {
    match (guarantees.ways, &plan.acquire) {
        (Ways::Once, AcquireMode::Wait { .. }) => Err(format!(
            "{system} claims a lock or goes on, and does not wait; leave it out, or set acquire.mode = \"try\""
        )),
        (Ways::Waiting, AcquireMode::Try) => Err(format!(
            "{system} cannot be asked once: whoever asks stays in its queue; leave it out, or set acquire.mode = \"wait\""
        )),
        _ => Ok(()),
    }
}

/// What attempts ask for.
pub(super) static ACCESS: Tagged<Access> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "exclusive",
            fields: &[],
            meaning: "a lock that excludes all others",
            build: |_| Some(Access::Exclusive),
            written: |access| (*access == Access::Exclusive).then(Vec::new),
        },
        Kind {
            name: "read-write",
            fields: &[Field::required("reads", "number", "share of the attempts that read, 0 to 1")],
            meaning: "a lock that readers share and writers have alone",
            build: |cursor| Some(Access::ReadWrite { reads: share(&cursor.take("reads")?)? }),
            written: |access| match access {
                Access::ReadWrite { reads } => Some(vec![Some(super::write::real(*reads))]),
                _ => None,
            },
        },
        Kind {
            name: "permits",
            fields: &[Field::required("count", "whole number", "permits of each key, 1 to 65 535")],
            meaning: "one of some permits: a semaphore",
            build: |cursor| Some(Access::Permits { count: cursor.take("count")?.whole32(1..=MOST_PERMITS)? }),
            written: |access| match access {
                Access::Permits { count } => Some(vec![Some(count.to_string())]),
                _ => None,
            },
        },
    ],
};

/// Refuses it beside what needs a lock that excludes all others; these are `None` if they are wrong, which is reported
/// already.
pub(super) fn fitting(
    item: &Item<'_>,
    access: Access,
    locks: Option<Locks>,
    section: Option<Section>,
) -> Option<Access> {
    let (locks, section) = (locks?, section?);
    if access == Access::Exclusive {
        return Some(access);
    }
    if locks.are_several() {
        return item.refuse("has no place beside several locks per attempt; leave out one of both");
    }
    if section.acts() {
        return item.refuse("has no place beside a critical_section that acts, which needs its resource for itself");
    }
    Some(access)
}
