//! What this machine allows one process: open files, and ports for connections. Both are met first as an
//! error of the operating system that names neither the limit nor what was needed.

use rustix::process::{Resource, getrlimit};

use crate::units::grouped;

/// Files that are open beside the clients' connections: standard streams, history, log, metrics, and those of
/// the runtime of each worker thread. Measured on a run of every default system, rounded up.
const BESIDES: u64 = 100;

/// Files and sockets that this process may have open; `None`: without limit.
#[must_use]
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Ports from which this machine connects to one address of a server
/// (<https://docs.kernel.org/networking/ip-sysctl.html>, `ip_local_port_range`); `None` where the kernel does
/// not tell.
#[must_use]
pub fn ports() -> Option<u64> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_ascii_whitespace().map(|end| end.parse::<u64>().ok());
    let (first, last) = (ends.next()??, ends.next()??);
    Some(last.checked_sub(first)? + 1)
}

/// Files that a run needs whose clients need so many together.
#[must_use]
pub fn files_needed(of_clients: u64) -> u64 {
    of_clients + BESIDES
}

/// The text, and after an error that a limit of this machine caused: which limit, and what to do. `need`:
/// open files that the plan needs, where there is a plan.
#[must_use]
pub fn explained(text: &str, need: Option<u64>) -> String {
    explained_by(text, need, open_files(), ports())
}

fn explained_by(text: &str, need: Option<u64>, files: Option<u64>, ports: Option<u64>) -> String {
    let limit = |limit: Option<u64>| limit.map_or_else(|| "an unknown number of".to_owned(), grouped);
    if is(text, "os error 24", "Too many open files") && !text.contains("ulimit -n") {
        let needed = need.map_or_else(String::new, |need| format!(", and this plan needs about {}", grouped(need)));
        let enough = need.unwrap_or(0).max(files.unwrap_or(0).saturating_mul(2)).max(4_096).next_power_of_two();
        let files = limit(files);
        return format!(
            "{text}: this process may have {files} files and sockets open (`ulimit -n`){needed}; \
             `ulimit -n {enough}` before the run raises that, or run fewer clients"
        );
    }
    if is(text, "os error 99", "Cannot assign requested address") && !text.contains("ip_local_port_range") {
        return format!(
            "{text}: this machine has {} ports for connections to one server (net.ipv4.ip_local_port_range), and a \
             closed connection keeps its port for a minute; run fewer clients, wait, or widen the range",
            limit(ports)
        );
    }
    if is(text, "os error 23", "Too many open files in system") && !text.contains("fs.file-max") {
        return format!("{text}: the whole machine is out of open files (fs.file-max)");
    }
    text.to_owned()
}

/// Is it this error of the operating system? Some libraries keep its number only, some its words only.
fn is(text: &str, number: &str, words: &str) -> bool {
    text.contains(&format!("{number})")) || text.ends_with(number) || text.ends_with(words)
}

#[cfg(test)]
mod tests {
    use super::{explained_by, ports};

    fn told(text: &str) -> String {
        explained_by(text, Some(164), Some(64), Some(28_232))
    }

    #[test]
    fn an_exhausted_limit_is_told_with_the_need_and_the_setting() {
        let text = told("redis at a:1: Too many open files (os error 24)");
        assert!(text.contains("may have 64 files and sockets open (`ulimit -n`)"), "{text}");
        assert!(text.contains("needs about 164; `ulimit -n 4096`"), "{text}");
        assert_eq!(explained_by(&text, None, None, None), text, "told once");
        let text = told("Cannot assign requested address (os error 99)");
        assert!(text.contains("28 232 ports") && text.contains("ip_local_port_range"), "{text}");
    }

    #[test]
    fn any_other_error_stays_as_it_is() {
        for text in ["Connection refused (os error 111)", "os error 241", "(os error 2)", ""] {
            assert_eq!(told(text), text);
        }
    }

    #[test]
    fn this_machine_tells_its_ports() {
        assert!(ports().is_some_and(|ports| ports > 0));
    }
}
