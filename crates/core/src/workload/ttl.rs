//! The lease length that a plan gets on one system.

use super::plan::{BelowFloor, Plan};
use crate::lock::Guarantees;
use crate::units::{MILLISECOND, exact_duration};

/// A ttl as one system can grant it, by its documentation. What the server then
/// says is read back from each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveTtl {
    /// Lease length in nanoseconds. On a system without leases it is the plan's
    /// and limits nothing.
    pub ttl_ns: u64,
    /// Is it longer than the plan asks for? Its row must then be marked.
    pub raised: bool,
}

/// Fits the plan's ttl to a system: not below its floor, in whole steps, rounded
/// up (a shorter lease than asked for would be a different experiment).
///
/// # Errors
/// The ttl is below the floor and the plan does not allow to raise it.
pub fn resolve_ttl(plan: &Plan, system: &str, guarantees: &Guarantees) -> Result<EffectiveTtl, String> {
    let asked = plan.ttl_ns;
    let floor = guarantees.ttl_floor_ms.saturating_mul(MILLISECOND);
    if !guarantees.lease {
        return Ok(EffectiveTtl { ttl_ns: asked, raised: false });
    }
    if asked < floor && plan.ttl_below_floor == BelowFloor::Refuse {
        return Err(format!(
            "ttl = \"{}\" is below the floor of {system}, which is {} ({}); raise the ttl, or write \
             ttl_below_floor = \"raise\" to run {system} with its floor",
            exact_duration(asked),
            exact_duration(floor),
            guarantees.source
        ));
    }
    let step = guarantees.ttl_step_ms.saturating_mul(MILLISECOND);
    let wanted = asked.max(floor);
    let ttl_ns = if step == 0 { wanted } else { wanted.div_ceil(step).saturating_mul(step) };
    Ok(EffectiveTtl { ttl_ns, raised: ttl_ns > asked })
}

#[cfg(test)]
mod tests {
    use super::{EffectiveTtl, resolve_ttl};
    use crate::lock::{Guarantees, RenewalKind, WaitKind, Ways};
    use crate::units::{MILLISECOND, SECOND};
    use crate::workload::parse;
    use crate::workload::plan::Plan;

    const ETCD_LIKE: Guarantees = Guarantees {
        lease: true,
        token: None,
        fifo: true,
        waiting: WaitKind::Watch,
        ways: Ways::Both,
        renewal: RenewalKind::Heartbeat,
        ttl_floor_ms: 2_000,
        ttl_step_ms: 1_000,
        connection_frees: false,
        quorum: false,
        exclusion: true,
        shared: false,
        permits: false,
        source: "its manual",
    };

    fn plan(ttl: &str, below: &str) -> Plan {
        let sets = [format!("ttl={ttl}"), format!("ttl_below_floor={below}")];
        parse("x.toml", "clients = 2", &sets).unwrap().0
    }

    #[test]
    fn a_ttl_below_the_floor_is_refused_with_system_and_floor() {
        let message = resolve_ttl(&plan("1500ms", "refuse"), "etcd", &ETCD_LIKE).unwrap_err();
        for part in ["\"1500ms\"", "etcd", "2s", "ttl_below_floor"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_ttl_is_raised_to_the_floor_if_allowed_and_to_whole_steps_always() {
        for (ttl, below, expected, raised) in [
            ("1500ms", "raise", 2 * SECOND, true),
            ("2s", "refuse", 2 * SECOND, false),
            ("4500ms", "refuse", 5 * SECOND, true),
            ("5s", "refuse", 5 * SECOND, false),
        ] {
            let found = resolve_ttl(&plan(ttl, below), "etcd", &ETCD_LIKE);
            assert_eq!(found, Ok(EffectiveTtl { ttl_ns: expected, raised }), "{ttl}");
        }
    }

    #[test]
    fn a_system_without_leases_takes_any_ttl() {
        let none = Guarantees { lease: false, ..ETCD_LIKE };
        let found = resolve_ttl(&plan("7ms", "refuse"), "advisory", &none);
        assert_eq!(found, Ok(EffectiveTtl { ttl_ns: 7 * MILLISECOND, raised: false }));
    }
}
