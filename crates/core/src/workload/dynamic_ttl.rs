//! A lease length that follows the holds: long enough for nearly all of them, and no longer, so that a holder that dies does
//! not keep its lock for longer than it must.

use super::document::Value;
use super::item::Item;
use super::plan::Plan;
use super::schema::{Field, Kind, Tagged};
use super::tagged::tagged;
use super::write::{duration, real};
use crate::lock::{Guarantees, RenewalKind};

/// How the lease length follows the holds. Each client asks for `factor` times the quantile of the last holds that it and
/// its neighbours on the same thread have seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DynamicTtl {
    /// Which quantile of the holds, 0 to 1.
    pub quantile: f64,
    /// The margin: how many times that quantile, 1 or more.
    pub factor: f64,
    /// Never shorter, in nanoseconds; nor shorter than the floor of the system.
    pub min_ns: u64,
    /// Never longer, in nanoseconds.
    pub max_ns: u64,
}

/// A lease length: where it starts, and how it goes on; `None`: it stays.
type Ttl = (u64, Option<DynamicTtl>);

/// A lease length that is a table.
pub(super) static TTL: Tagged<Ttl> = Tagged {
    tag: "kind",
    kinds: &[Kind {
        name: "dynamic",
        fields: &[
            Field::required("start", "duration", "until twenty holds have ended"),
            Field::default("quantile", "number", "0.99", "which quantile of the last 1 000 holds, above 0, up to 1"),
            Field::default("factor", "number", "3.0", "how many times that, 1 to 1 000"),
            Field::default("min", "duration", "\"100ms\"", "never shorter; nor shorter than the floor of the system"),
            Field::default("max", "duration", "\"60s\"", "never longer"),
        ],
        meaning: "follows the holds: a lease is as long as nearly all of them take, times a margin; where each grant has a lease of \
                  its own",
        build: |cursor| {
            let start = cursor.take("start").and_then(|item| item.positive_duration());
            let quantile = cursor
                .take("quantile")
                .and_then(|item| item.real(|q| q > 0.0 && q <= 1.0, "a number above 0, up to 1"));
            let factor = cursor
                .take("factor")
                .and_then(|item| item.real(|f| (1.0..=1_000.0).contains(&f), "a number from 1 to 1 000"));
            let (min, max) = (cursor.take("min"), cursor.take("max"));
            let min_ns = min.and_then(|item| item.positive_duration());
            let max = max?;
            let max_ns = max.positive_duration()?;
            if min_ns? > max_ns {
                return max.refuse("is shorter than \"min\"; raise one or lower the other");
            }
            Some((start?, Some(DynamicTtl { quantile: quantile?, factor: factor?, min_ns: min_ns?, max_ns })))
        },
        written: |(start_ns, dynamic)| {
            let DynamicTtl { quantile, factor, min_ns, max_ns } = (*dynamic)?;
            let numbers = [duration(*start_ns), real(quantile), real(factor), duration(min_ns), duration(max_ns)];
            Some(numbers.into_iter().map(Some).collect())
        },
    }],
};

/// Reads a lease length: a duration, or a table of a kind.
pub(super) fn ttl(item: &Item<'_>) -> Option<Ttl> {
    match &item.node.value {
        Value::Table(_) => tagged(item, &TTL),
        _ => Some((item.positive_duration()?, None)),
    }
}

/// Refuses a system whose leases are not of single grants.
pub(super) fn offered(plan: &Plan, system: &str, guarantees: &Guarantees) -> Result<(), String> {
    if plan.dynamic_ttl.is_none() || guarantees.renewal != RenewalKind::Heartbeat {
        return Ok(());
    }
    Err(format!(
        "{system} keeps one lease per session, whose length does not change from grant to grant: leave it out, or write \
         a ttl that stays, such as ttl = {}",
        duration(plan.ttl_ns)
    ))
}
