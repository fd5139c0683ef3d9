//! How it was measured, on what, and how to do it again.

use crate::command::{PROGRAM, repeat_line};
use crate::table::quorum;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::{Report, TrialResult};

/// Method and environment.
pub struct Method {
    /// In prose.
    pub paragraphs: Vec<String>,
    /// The command line, quoted for a shell.
    pub command: String,
    /// Names and facts of the machine.
    pub machine: Vec<(&'static str, String)>,
    /// Settings that every client had.
    pub clients: Vec<(&'static str, String)>,
    /// What was read back of each system.
    pub systems: Vec<SystemFacts>,
    /// The plan as a workload file.
    pub plan: String,
}

/// One system.
pub struct SystemFacts {
    /// Registry name.
    pub backend: String,
    /// Its columns.
    pub cells: Vec<String>,
}

/// Of a report.
pub fn method(report: &Report) -> Method {
    Method {
        paragraphs: paragraphs(report),
        command: repeat_line(PROGRAM, &report.tool.command),
        machine: machine(report),
        clients: clients(report),
        systems: report.aggregates.iter().filter_map(|all| facts(report, &all.backend)).collect(),
        plan: plan(report),
    }
}

fn paragraphs(report: &Report) -> Vec<String> {
    let setting = |key: &str| report.plan.get(key).map(inline);
    let mut paragraphs = Vec::new();
    let counted = |trials: String| if trials == "1" { "one trial".to_owned() } else { format!("{trials} trials") };
    if let (Some(warmup), Some(duration), Some(trials), Some(seed)) =
        (setting("warmup"), setting("duration"), setting("trials").map(counted), setting("seed"))
    {
        paragraphs.push(format!(
            "The systems ran one after another under the same plan: {trials} each, on fresh keys, with {warmup} of warm-up \
             and {duration} measured. Every random choice follows from the seed {seed}.",
        ));
    }
    let flattered = if report.environment.placement.contains("loopback") {
        ". Every system looks better, or worse, than across a network"
    } else {
        ""
    };
    paragraphs.push(format!(
        "Placement: {}{flattered}. All instants are of one monotonic clock, {}.",
        report.environment.placement, report.environment.clock
    ));
    if report.results.iter().any(|result| result.durability.shares_host()) {
        paragraphs.push(
            "The nodes of redlock share one host here, so one clock and one disk: they do not fail independently."
                .to_owned(),
        );
    }
    if let (Some(overhead), Some(ceiling)) = (report.tool.overhead_ns_per_cycle, report.tool.ceiling_cycles_per_s) {
        paragraphs.push(format!(
            "lockbench itself spends {} ns of processor time per attempt cycle; on this machine no system can show more \
             than {} cycles per second.",
            three_digits(overhead),
            three_digits(ceiling)
        ));
    }
    paragraphs
}

fn machine(report: &Report) -> Vec<(&'static str, String)> {
    let machine = &report.environment;
    vec![
        ("system", machine.os.clone()),
        ("kernel", machine.kernel.clone()),
        ("processor", format!("{}, {} cores for this process", machine.cpu, machine.cores)),
        ("frequency governor", machine.governor.clone().unwrap_or_else(|| "the kernel does not report it".to_owned())),
        ("memory", format!("{} GiB", three_digits(machine.memory_bytes as f64 / 1_073_741_824.0))),
        ("lockbench", format!("{}, {} worker threads", report.tool.version, report.tool.workers)),
    ]
}

/// Settings of the plan that shape a client, with the names that the plan gives them.
const CLIENT_SETTINGS: &[&str] =
    &["clients", "keys", "acquire", "hold", "think", "ttl", "renewal", "retry", "request_timeout", "ttl_below_floor"];

fn clients(report: &Report) -> Vec<(&'static str, String)> {
    let setting = |key: &&'static str| report.plan.get(*key).map(|value| (*key, inline(value)));
    CLIENT_SETTINGS.iter().filter_map(setting).collect()
}

/// A value of the plan on one line.
fn inline(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(fields) => {
            // The kind comes first, and needs no name.
            let tag = |key: &str| key == "kind" || key == "mode";
            let kind = fields.iter().filter(|(key, _)| tag(key)).map(|(_, kind)| inline(kind));
            let rest =
                fields.iter().filter(|(key, _)| !tag(key)).map(|(key, value)| format!("{key} {}", inline(value)));
            kind.chain(rest).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn facts(report: &Report, backend: &str) -> Option<SystemFacts> {
    let ran = |result: &&TrialResult| result.backend == backend && result.error.is_none();
    let first = report.results.iter().find(ran)?;
    let promise = |key: &str| first.guarantees[key].as_str().unwrap_or("-").replace('-', " ");
    let ttl = first.effective_ttl_ms.map_or_else(|| "no lease".to_owned(), |ms| human_duration((ms * 1e6) as u64));
    Some(SystemFacts {
        backend: backend.to_owned(),
        cells: vec![
            first.server_version.clone(),
            first.durability.to_string(),
            quorum(first),
            if first.ttl_raised { format!("{ttl} (raised to the system's floor)") } else { ttl },
            promise("waiting"),
            promise("renewal"),
            first.guarantees["source"].as_str().unwrap_or("-").to_owned(),
        ],
    })
}

fn plan(report: &Report) -> String {
    if report.plan.is_null() {
        return "not recorded".to_owned();
    }
    let as_toml = toml::Value::try_from(&report.plan).ok().and_then(|value| toml::to_string(&value).ok());
    as_toml.unwrap_or_else(|| format!("{:#}", report.plan))
}

#[cfg(test)]
mod tests {
    use super::method;
    use crate::sample::report;

    #[test]
    fn the_plan_is_shown_as_toml_and_its_settings_in_words() {
        let mut report = report();
        report.plan = serde_json::json!({
            "clients": 4, "hold": { "kind": "constant", "value": "1ms" }, "warmup": "1s", "duration": "5s", "trials": 3,
            "seed": 7, "prices": { "redis": 12.5 },
        });
        let method = method(&report);
        assert_eq!(method.clients, [("clients", "4".to_owned()), ("hold", "constant, value 1ms".to_owned())]);
        insta::assert_snapshot!(method.plan, @r#"
clients = 4
duration = "5s"
seed = 7
trials = 3
warmup = "1s"

[hold]
kind = "constant"
value = "1ms"

[prices]
redis = 12.5
"#);
        assert!(method.paragraphs[0].contains("3 trials each") && method.paragraphs[0].contains("seed 7"));
    }
}
