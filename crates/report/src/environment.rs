//! The machine that a run was made on: a figure without it cannot be repeated.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What we can read of the machine without any privilege.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Start of the run, UTC, RFC 3339.
    pub started_at: String,
    /// Operating system by its own name.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor model.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: u32,
    /// Memory of the machine.
    pub memory_bytes: u64,
    /// Frequency governor of the first processor, if the kernel tells.
    pub governor: Option<String>,
    /// The kernel's time source, and ours.
    pub clock: String,
    /// Where servers run relative to the load: figures over loopback flatter every system.
    pub placement: String,
    /// How far the wall clock moved against `CLOCK_MONOTONIC` from the start of the run to
    /// its end, in nanoseconds: it was set, or the machine slept. `null`: not compared.
    #[serde(default)]
    pub clock_step_ns: Option<i64>,
}

impl Environment {
    /// Reads it. `clock` is what stamps come from; `placement` is the caller's knowledge.
    #[must_use]
    pub fn read(started_at: String, clock: &str, placement: &str) -> Self {
        let kernel_clock = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
        Self {
            started_at,
            os: os_name(),
            kernel: first_line("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: cores(),
            memory_bytes: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()))
                .map_or(0, |kib| kib * 1024),
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            clock: format!("{clock} ({})", kernel_clock.unwrap_or_else(|| "time source unknown".to_owned())),
            placement: placement.to_owned(),
            clock_step_ns: None,
        }
    }
}

/// Processors that this process may use.
#[must_use]
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u32)
}

fn os_name() -> String {
    field("/etc/os-release", "PRETTY_NAME")
        .map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The value after `name` and a separator in a file of such lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once([':', '=']).map(|(_, value)| value.trim().to_owned())
}
