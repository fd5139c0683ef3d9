//! The table `[redis]` of a workload: what a Redis that lockbench starts writes to its disk.

use lockbench_core::workload::{OptionTable, SystemOption, SystemOptions};

/// <https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>, "How durable is the append only file?".
pub(super) static OPTIONS: OptionTable = OptionTable {
    name: super::NAME,
    meaning: "the Redis servers that lockbench starts, those of redlock, too",
    options: &[SystemOption::word(
        AOF,
        &[OFF, "always", "everysec", "no"],
        "\"off\"",
        "the append-only file: `\"off\"`, none, as shipped, or when it is synced (`appendfsync`): `\"always\"`, before the \
         answer, `\"everysec\"`, or `\"no\"`, when the kernel does",
    )],
    warning: |_| None,
};

const AOF: &str = "aof";
const OFF: &str = "off";

/// What the plan asks for beyond what is shipped.
pub(crate) fn settings(options: &SystemOptions) -> Vec<String> {
    match OPTIONS.word(options, AOF) {
        word if word == OFF => Vec::new(),
        word => vec!["appendonly yes".to_owned(), format!("appendfsync {word}")],
    }
}

/// Settings as arguments of the server.
pub(super) fn arguments(settings: &[String]) -> Vec<String> {
    let words = |setting: &String| format!("--{setting}").split(' ').map(str::to_owned).collect::<Vec<_>>();
    settings.iter().flat_map(words).collect()
}

/// Why a power cut takes nothing from it that a crash does not.
pub(crate) fn forgetful(options: &SystemOptions) -> Option<&'static str> {
    settings(options).is_empty().then_some(
        "it keeps its locks in memory and syncs no file: set redis.aof to \"always\", \"everysec\" or \"no\", or use \
         server-kill with data = \"lose\"",
    )
}

#[cfg(test)]
mod tests {
    use lockbench_core::workload::parse_with;

    use super::{OPTIONS, arguments, forgetful, settings};

    #[test]
    fn the_append_only_file_is_as_planned_and_else_as_shipped() {
        let planned = |aof: &str| {
            let sets = [format!("redis.aof={aof}")];
            parse_with("w.toml", "clients = 2", &sets, &[&OPTIONS]).map(|(plan, _)| plan.options)
        };
        let everysec = planned("everysec").unwrap();
        assert_eq!(arguments(&settings(&everysec)), ["--appendonly", "yes", "--appendfsync", "everysec"]);
        assert_eq!(forgetful(&everysec), None);
        let shipped = planned("off").unwrap();
        assert!(settings(&shipped).is_empty() && forgetful(&shipped).unwrap().contains("redis.aof"));
        assert!(planned("sometimes").unwrap_err().to_string().contains("everysec"));
    }
}
