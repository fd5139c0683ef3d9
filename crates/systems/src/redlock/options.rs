//! Parameters of the Redlock algorithm: the table `[redlock]` of a workload.

use lockbench_core::units::exact_duration;
use lockbench_core::workload::{OptionTable, Plan, SystemOption, SystemOptions};

/// The first two follow <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>.
pub(super) static OPTIONS: OptionTable = OptionTable {
    name: "redlock",
    meaning: "parameters of the redlock recipe",
    options: &[
        SystemOption::share(DRIFT_RATIO, "0.01", "share of the ttl that clocks may drift; 0 up to below 1"),
        SystemOption::duration(DRIFT_FIXED, "\"2ms\"", "constant part of the drift allowance"),
        SystemOption::positive_duration(NODE_TIMEOUT, "\"50ms\"", "longest wait for one node: small against the ttl"),
    ],
    warning: node_timeout_eats_the_ttl,
};

const DRIFT_RATIO: &str = "drift_ratio";
const DRIFT_FIXED: &str = "drift_fixed";
const NODE_TIMEOUT: &str = "node_timeout";

/// The parameters of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    /// Clock drift allowance as a share of the ttl.
    pub(super) drift_ratio: f64,
    /// Constant part of the allowance in nanoseconds.
    pub(super) drift_fixed_ns: u64,
    /// Longest wait for one node in nanoseconds: "small compared to the ttl".
    pub(super) node_timeout_ns: u64,
}

impl Parameters {
    /// As planned.
    pub(super) fn of(options: &SystemOptions) -> Self {
        Self {
            drift_ratio: OPTIONS.number(options, DRIFT_RATIO),
            drift_fixed_ns: OPTIONS.ns(options, DRIFT_FIXED),
            node_timeout_ns: OPTIONS.ns(options, NODE_TIMEOUT),
        }
    }
}

fn node_timeout_eats_the_ttl(plan: &Plan) -> Option<String> {
    let node_timeout_ns = Parameters::of(&plan.options).node_timeout_ns;
    (node_timeout_ns >= plan.shortest_ttl_ns()).then(|| {
        format!(
            "redlock.node_timeout = \"{}\" is not shorter than the ttl of {}: a slow node alone uses up a grant's \
             validity. Make it small against the ttl.",
            exact_duration(node_timeout_ns),
            exact_duration(plan.shortest_ttl_ns())
        )
    })
}

#[cfg(test)]
mod tests {
    use lockbench_core::workload::parse_with;

    use super::{OPTIONS, Parameters};

    #[test]
    fn a_plan_that_does_not_name_them_has_the_documented_parameters() {
        let documented = Parameters { drift_ratio: 0.01, drift_fixed_ns: 2_000_000, node_timeout_ns: 50_000_000 };
        let (plan, _) = parse_with("w.toml", "clients = 2", &[], &[&OPTIONS]).unwrap();
        assert_eq!([Parameters::of(&plan.options), Parameters::of(&Default::default())], [documented; 2]);
    }

    #[test]
    fn a_node_timeout_that_eats_the_ttl_is_told_so() {
        let warning = |node_timeout: &str| {
            let sets = ["ttl=50ms".to_owned(), format!("redlock.node_timeout={node_timeout}")];
            let (plan, _) = parse_with("w.toml", "clients = 2", &sets, &[&OPTIONS]).unwrap();
            (OPTIONS.warning)(&plan)
        };
        assert!(warning("50ms").unwrap().contains("redlock.node_timeout"));
        assert_eq!(warning("49ms"), None);
    }
}
