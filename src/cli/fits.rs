//! Whether a plan fits: what it needs of connections and open files, beside what this machine and the servers allow.

use tokio::runtime::Runtime;

use lockbench_core::limits;
use lockbench_core::lock::{Capacity, Endpoint, Limit, SystemError};
use lockbench_core::units::grouped;
use lockbench_core::workload::Plan;
use lockbench_engine::files_needed;
use lockbench_systems::stack::most_clients;
use lockbench_systems::{Entry, Target};

/// A comparison in lines, and those that say no.
#[derive(Debug, Default)]
pub struct Fit {
    pub lines: Vec<String>,
    pub misfits: Vec<String>,
}

impl Fit {
    fn compare(&mut self, what: &str, left: u64, need: u64, advice: &str) {
        let needs = format!("{what}; this plan needs {}", grouped(need));
        if need <= left {
            self.lines.push(format!("{needs}: fits"));
        } else {
            let line = format!("{needs}: does not fit; {advice}");
            self.lines.push(line.clone());
            self.misfits.push(line);
        }
    }

    /// Adds the limits of one system.
    fn add(&mut self, system: &str, capacity: &Capacity, clients: u32) {
        for limit in &capacity.limits {
            let advice = "run fewer clients, or raise it";
            self.compare(&format!("{system} at {}", limit.in_words()), limit.left(), u64::from(clients), advice);
        }
        for trouble in &capacity.troubles {
            self.lines.push(format!("{system}: {trouble}"));
            self.misfits.push(format!("{system}: {trouble}"));
        }
        self.lines.extend(capacity.not_asked.iter().map(|what| format!("{system}: not asked: {what}")));
        if *capacity == Capacity::default() {
            self.lines.push(format!("{system}: no limit on connections"));
        }
    }
}

/// Compares what is known without a server: of this machine, and of servers that would be started here. `given`: how many
/// servers of that entry are given, 0 where none is.
pub fn on_this_machine(plan: &Plan, entries: &[&'static Entry], given: impl Fn(&Entry) -> u64) -> Fit {
    let mut fit = Fit::default();
    let clients = u64::from(plan.clients);
    let servers = |entry: &Entry| match given(entry) {
        0 => entry.server.map_or(0, |kind| kind.started_here(&plan.options) as u64),
        count => count,
    };
    let hungriest = entries.iter().map(|entry| (files_needed(entry, plan, servers(entry)), entry.name)).max();
    if let (Some((need, name)), Some(files)) = (hungriest, limits::open_files()) {
        let enough = need.next_power_of_two();
        let what = format!("open files of this process (`ulimit -n`): {}; most on {name}", grouped(files));
        fit.compare(&what, files, need, &format!("`ulimit -n {enough}` first, or run fewer clients"));
    }
    if let (Some(ports), true) = (limits::ports(), entries.iter().any(|entry| entry.server.is_some())) {
        let what = format!("ports to one server (net.ipv4.ip_local_port_range): {}", grouped(ports));
        fit.compare(&what, ports, clients, "run fewer clients, or widen the range");
    }
    for entry in entries.iter().filter(|entry| given(entry) == 0) {
        let Some(limit) = entry.server.and_then(|kind| most_clients(kind, limits::open_files())) else { continue };
        let (setting, most) = limit;
        let limit = Limit { server: "a server started here".to_owned(), setting: setting.to_owned(), most, taken: 0 };
        fit.add(entry.name, &Capacity { limits: vec![limit], ..Capacity::default() }, plan.clients);
    }
    fit
}

/// Compares the limits of given or started servers, as the servers state them.
pub fn fit_of(
    entry: &Entry,
    endpoints: Vec<Endpoint>,
    ours: bool,
    clients: u32,
    runtime: &Runtime,
) -> Result<Fit, SystemError> {
    let capacity = runtime.block_on((entry.connect)(looking(endpoints, ours))?.capacity())?;
    let mut fit = Fit::default();
    fit.add(entry.name, &capacity, clients);
    Ok(fit)
}

/// Returns a target for a command that only looks.
pub fn looking(endpoints: Vec<Endpoint>, ours: bool) -> Target {
    Target { ours, ..Target::new(endpoints, "doctor") }
}

#[cfg(test)]
mod tests {
    use super::{Fit, on_this_machine};
    use lockbench_core::lock::{Capacity, Limit};
    use lockbench_core::workload::parse;
    use lockbench_systems::Registry;

    fn limit(most: u64) -> Limit {
        Limit { server: "a:1".to_owned(), setting: "maxclients".to_owned(), most, taken: 1 }
    }

    #[test]
    fn a_limit_is_compared_with_what_is_left_of_it() {
        let mut fit = Fit::default();
        fit.add("redis", &Capacity { limits: vec![limit(65), limit(64)], ..Capacity::default() }, 64);
        assert_eq!(fit.misfits.len(), 1, "{fit:?}");
        assert!(fit.lines[0].ends_with("maxclients 65, 1 of them taken; this plan needs 64: fits"), "{fit:?}");
        assert!(fit.misfits[0].contains("does not fit"));
        let trouble = Capacity { troubles: vec!["alarm".to_owned()], ..Capacity::default() };
        fit.add("etcd", &trouble, 1);
        assert_eq!(fit.misfits.len(), 2);
    }

    #[test]
    fn without_a_server_this_machine_and_the_servers_started_here_are_compared() {
        let text = "clients = 2000\nkeys = \"single\"\nduration = \"1s\"\n";
        let plan = parse("fits.toml", text, &[]).unwrap().0;
        let entries = ["redlock", "postgres"].map(|name| Registry::builtin().find(name).unwrap());
        let fit = on_this_machine(&plan, &entries, |_| 0);
        let has = |part: &str| fit.lines.iter().any(|line| line.contains(part));
        assert!(has("most on redlock; this plan needs 10 100"), "{fit:?}");
        assert!(has("max_connections 1097; this plan needs 2 000: does not fit"), "{fit:?}");
        assert!(!on_this_machine(&plan, &entries, |_| 3).lines.iter().any(|line| line.contains("max_connections")));
    }
}
