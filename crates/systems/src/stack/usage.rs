//! What a process group uses, from /proc (proc(5)), and what a container uses, from
//! its control group. All files read here are open to every user.

use std::fs;

use rustix::process::Pid;

/// Linux tells process times in `USER_HZ`, 100 a second on every architecture
/// that Rust's tier 1 and 2 Linux targets cover (time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Resources of a server so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time, user and system, in seconds since the start, ended and reaped
    /// children included (Postgres forks one a connection).
    pub cpu_s: f64,
    /// Memory in bytes: anonymous pages of every process, plus the largest
    /// file and shared-memory share among them, which the processes of a group
    /// share (Postgres' buffers must not count once a connection).
    pub rss_bytes: u64,
}

impl Usage {
    /// Sum over independent groups.
    pub(super) fn plus(self, other: Self) -> Self {
        Self { cpu_s: self.cpu_s + other.cpu_s, rss_bytes: self.rss_bytes + other.rss_bytes }
    }
}

/// When a process began, in ticks since the machine did; `None` if there is none, or
/// it is not ours to see.
pub(super) fn born(pid: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat(pid, &line)?;
    // starttime is field 22.
    line.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Returns whether a process is stopped: state `T` of /proc/PID/stat (proc_pid_stat(5)).
pub(super) fn is_stopped(pid: u32) -> bool {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    line.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

/// What the control group of a process uses: that of its container. `None` where the
/// groups are not ours to see.
pub(super) fn of_cgroup(pid: u32) -> Option<Usage> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    version_2(&groups).or_else(|| version_1(&groups))
}

/// <https://docs.kernel.org/admin-guide/cgroup-v2.html>: one group, `0::/path`.
fn version_2(groups: &str) -> Option<Usage> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let read = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup{path}/{file}")).ok();
    let (cpu, memory) = (read("cpu.stat")?, read("memory.stat")?);
    Some(Usage {
        cpu_s: field(&cpu, "usage_usec")? as f64 / 1e6,
        rss_bytes: field(&memory, "anon")? + field(&memory, "file_mapped")?,
    })
}

/// <https://docs.kernel.org/admin-guide/cgroup-v1/memory.html>: a group a controller,
/// `5:memory:/path`.
fn version_1(groups: &str) -> Option<Usage> {
    let read = |controller: &str, file: &str| {
        let path = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|one| one == controller).then_some(path)
        })?;
        fs::read_to_string(format!("/sys/fs/cgroup/{controller}{path}/{file}")).ok()
    };
    let (cpu, memory) = (read("cpuacct", "cpuacct.usage")?, read("memory", "memory.stat")?);
    Some(Usage {
        cpu_s: cpu.trim().parse::<f64>().ok()? / 1e9,
        rss_bytes: field(&memory, "total_rss")? + field(&memory, "total_mapped_file")?,
    })
}

/// A line `name value`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Live processes of a group.
pub(super) fn members(group: Pid) -> Vec<u32> {
    stats(group).into_iter().map(|stat| stat.pid).collect()
}

/// CPU seconds of a process that leads a group of its own, with all of that group; `None` when it has ended.
#[must_use]
pub fn cpu_s_of(leader: u32) -> Option<f64> {
    of_group(Pid::from_raw(leader as i32)?).map(|usage| usage.cpu_s)
}

/// What a group uses; `None` when it has no live process.
pub(super) fn of_group(group: Pid) -> Option<Usage> {
    let stats = stats(group);
    if stats.is_empty() {
        return None;
    }
    let ticks: u64 = stats.iter().map(|stat| stat.ticks).sum();
    let (mut anonymous, mut shared) = (0, 0);
    for stat in &stats {
        // A process that ended meanwhile uses nothing.
        let status = fs::read_to_string(format!("/proc/{}/status", stat.pid)).unwrap_or_default();
        anonymous += kilobytes(&status, "RssAnon:");
        shared = shared.max(kilobytes(&status, "RssFile:") + kilobytes(&status, "RssShmem:"));
    }
    Some(Usage { cpu_s: ticks as f64 / TICKS_PER_SECOND, rss_bytes: (anonymous + shared) * 1_024 })
}

struct Stat {
    pid: u32,
    parent: u32,
    group: i32,
    ticks: u64,
}

/// The group's processes and all their descendants: each Postgres backend calls
/// `setsid` and so leaves the postmaster's group.
fn stats(group: Pid) -> Vec<Stat> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let all = processes.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    });
    let (mut members, mut others): (Vec<Stat>, Vec<Stat>) = all.partition(|stat| stat.group == group.as_raw_pid());
    loop {
        let (children, rest): (Vec<Stat>, Vec<Stat>) =
            others.into_iter().partition(|stat| members.iter().any(|member| member.pid == stat.parent));
        if children.is_empty() {
            return members;
        }
        members.extend(children);
        others = rest;
    }
}

/// `pid (name) state ppid pgrp ... utime stime cutime cstime`: fields 3, 4, 5 and
/// 14 to 17; the name may contain anything. Zombies and the dead do not count.
fn stat(pid: u32, line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, group: fields.get(2)?.parse().ok()?, ticks })
}

fn kilobytes(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|value| value.split_ascii_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rustix::process::getpgrp;

    use super::{kilobytes, members, of_group, stat};

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = "7 (a) R 1 2) S 1 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99";
        let read = stat(7, line).unwrap();
        assert_eq!((read.parent, read.group, read.ticks), (1, 42, 100));
        assert!(stat(7, &line.replace(") S ", ") Z ")).is_none());
    }

    #[test]
    fn our_own_group_uses_memory() {
        assert!(members(getpgrp()).contains(&std::process::id()));
        assert!(of_group(getpgrp()).unwrap().rss_bytes > 100_000);
        assert_eq!(kilobytes("VmRSS:\t 1 kB\nRssAnon:\t  17 kB\n", "RssAnon:"), 17);
    }
}
