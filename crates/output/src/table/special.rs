//! Tables of what only some workloads have: several locks, readers and permits, groups of clients, no lock.

use super::{NONE, Table, duration};
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::figure::find;
use lockbench_report::{GroupResult, ModeFigures, Report, TrialResult};

/// How far the figures of one trial may be from those of a longer one; empty where trials are too short to tell.
pub(super) fn within(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let (mean, within) = (result.throughput_per_s?, result.throughput_within?);
        let share =
            |end: f64| if mean > 0.0 { format!("{:+.1} %", 100.0 * (end / mean - 1.0)) } else { NONE.to_owned() };
        Some(vec![
            result.backend.clone(),
            three_digits(mean),
            three_digits(within.low),
            three_digits(within.high),
            format!("{} / {}", share(within.low), share(within.high)),
            format!("{:.0}", within.effective_steps),
            result.fairness.jain_held.map_or_else(|| NONE.to_owned(), |jain| format!("{jain:.3}")),
        ])
    };
    Table {
        title: "Within a trial",
        head: vec!["system", "grants/s", "from", "to", "95 % interval", "independent\nsteps", "Jain of\ntime held"],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial: how far the grants per second of a longer trial may be from these, told from steps of 100 ms or more \
               whose neighbours resemble each other (effective number by Geyer, 1992). What differs from trial to trial is \
               not in it: for that repeat the trial (--trials). Jain's index of how long each client held locks: 1 is even.",
        prose: false,
    }
}

/// What a grant costs clients, network and servers; empty for runs that were stored before wake-ups were counted.
pub(super) fn cost(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let figure = |name: &str| {
            let value = find(name).and_then(|figure| figure.of_trial(result));
            value.map_or_else(|_| NONE.to_owned(), three_digits)
        };
        result.wakeups_per_grant?;
        let grants = result.throughput_per_s? * result.measured_s;
        let bytes = |bytes: Option<u64>| match bytes {
            Some(bytes) if grants > 0.0 => three_digits(bytes as f64 / grants),
            _ => NONE.to_owned(),
        };
        Some(vec![
            result.backend.clone(),
            result.guarantees["waiting"].as_str().unwrap_or(NONE).to_owned(),
            figure("requests_per_grant"),
            figure("wakeups_per_grant"),
            figure("wasted_wakeups_per_grant"),
            bytes(result.resources.sent_bytes),
            bytes(result.resources.received_bytes),
        ])
    };
    Table {
        title: "What a grant costs",
        head: vec![
            "system",
            "waits by",
            "requests",
            "wake-ups",
            "of these\nwasted",
            "bytes to\nservers",
            "bytes from\nservers",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial and grant; a release is part of it. wake-ups: a client that waits looks again, because the server told \
               of a change or a delay was over; wasted: it went on waiting, or gave up. A server that answers only when it \
               grants wakes nobody in vain. bytes: over TCP, renewals and heartbeats included, as the kernel counts them.",
        prose: false,
    }
}

/// Holds as asked for and as they were; empty where no hold was asked for.
pub(super) fn holds(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let (holds, achieved) = (result.holds.as_ref()?, &result.latency.hold);
        Some(vec![
            result.backend.clone(),
            duration(holds.asked.p50_ns),
            duration(achieved.p50_ns),
            duration(holds.asked.p99_ns),
            duration(achieved.p99_ns),
            duration(holds.longer.p50_ns),
            duration(holds.longer.p99_ns),
        ])
    };
    Table {
        title: "Holds, asked and achieved",
        head: vec![
            "system",
            "asked\np50",
            "achieved\np50",
            "asked\np99",
            "achieved\np99",
            "longer by\np50",
            "longer by\np99",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. longer by: what the load generator adds to a hold of its own, by a timer and a wake-up of the thread; \
               on an idle machine under 0.2 ms for 99 of 100. A hold that a stop cut short is not in it.",
        prose: false,
    }
}

/// Leases whose length follows the holds; empty where it does not.
pub(super) fn leases(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let leases = result.leases.as_ref()?;
        Some(vec![
            result.backend.clone(),
            duration(leases.min_ns),
            duration(leases.p50_ns),
            duration(leases.max_ns),
            duration(result.latency.hold.p99_ns),
            duration(result.latency.hold.max_ns),
            grouped(result.safety.lost_leases),
            grouped(result.safety.outside),
        ])
    };
    Table {
        title: "Leases that follow the holds",
        head: vec![
            "system",
            "lease left\nshortest",
            "lease left\nhalf",
            "lease left\nlongest",
            "hold\np99",
            "hold\nlongest",
            "lost\nleases",
            "granted again\nin a hold",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. lease left: at the grant. A holder that dies keeps its lock for as long as its lease; one that holds \
               for longer than it loses the lock: lost leases are those of which it heard, granted again those that another \
               client got while it was still inside.",
        prose: false,
    }
}

/// What became of attempts that take several locks each; empty where each takes one.
pub(super) fn transactions(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let all = result.transactions.as_ref()?;
        let endings: Vec<String> =
            all.endings.iter().map(|(ending, count)| format!("{} {}", ending.in_words(), grouped(*count))).collect();
        Some(vec![
            result.backend.clone(),
            three_digits(all.completed_per_s),
            grouped(all.completed),
            grouped(all.given_up),
            duration(all.acquire.p50_ns),
            duration(all.acquire.p99_ns),
            grouped(result.deadlocks),
            if result.deadlocks > 0 { human_duration(all.longest_deadlock_ns) } else { NONE.to_owned() },
            if endings.is_empty() { NONE.to_owned() } else { endings.join(", ") },
        ])
    };
    Table {
        title: "Transactions of several locks",
        head: vec![
            "system",
            "all\nlocks/s",
            "got\nall",
            "gave\nup",
            "all locks\np50",
            "all locks\np99",
            "dead-\nlocks",
            "stood\nlongest",
            "broken by",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. all locks: from the due instant to the grant of the last lock. gave up: did not get one of them, and \
               gave the others back. deadlock: clients that wait for each other in a circle, found in the order of calls and \
               grants; of all phases.",
        prose: false,
    }
}

/// How the service came back from what was done to it, and how long holders did not know that they had lost their lock; empty
/// without faults, and for runs that were stored before the latter was told for each policy.
pub(super) fn coming_back(report: &Report) -> Table {
    let seconds = |seconds: Option<f64>| seconds.map_or_else(|| NONE.to_owned(), |s| human_duration((s * 1e9) as u64));
    let at_least = |at_least: bool| if at_least { "> " } else { "" };
    let of_trials = |result: &TrialResult| {
        let recovery = result.recovery.as_ref()?;
        recovery.blind_ignoring_s?;
        let gap = recovery.gaps.iter().max_by(|one, other| one.gap_s.total_cmp(&other.gap_s));
        let gap = gap.map(|gap| format!("{}{}", at_least(gap.at_least), seconds(Some(gap.gap_s))));
        let stuck = recovery.stuck.map(|stuck| format!("{}{}", at_least(stuck.at_least), seconds(Some(stuck.stuck_s))));
        Some(vec![
            result.backend.clone(),
            gap.unwrap_or_else(|| NONE.to_owned()),
            stuck.unwrap_or_else(|| NONE.to_owned()),
            seconds(recovery.stuck.and_then(|stuck| stuck.detect_s)),
            seconds(recovery.stuck.and_then(|stuck| stuck.wake_s)),
            seconds(recovery.blind_ignoring_s),
            seconds(recovery.blind_s),
            seconds(recovery.blind_careful_s),
        ])
    };
    Table {
        title: "Coming back",
        head: vec![
            "system",
            "longest\nwithout grant",
            "longest\nstuck key",
            "of that:\nto notice",
            "then to\ngrant",
            "blind:\nignores",
            "blind:\nuntil told",
            "blind:\ncareful",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial, the longest of each. without grant: around a fault, of any key. stuck key: asked for while no living client \
               held it; to notice: until a server said so. blind: the servers had lost the lock of a holder, until a client that \
               ignores every signal left, until its session was told, and until a careful one stops, which believes in its lease by \
               its own clock.",
        prose: false,
    }
}

/// What became of sagas; empty where there are none.
pub(super) fn sagas(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let all = result.sagas.as_ref()?;
        Some(vec![
            result.backend.clone(),
            three_digits(all.completed_per_s),
            grouped(all.completed),
            grouped(all.undone),
            grouped(all.half_done),
            grouped(all.not_begun),
            duration(all.whole.p50_ns),
            duration(all.whole.p99_ns),
            grouped(all.seen_between),
        ])
    };
    Table {
        title: "Sagas",
        head: vec![
            "system",
            "all\nsteps/s",
            "did\nall",
            "undone",
            "half\ndone",
            "not\nbegun",
            "whole\np50",
            "whole\np99",
            "steps between\nanother's",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. undone: a step did not get its lock, and those before it were undone, each under its lock again; half done: \
               not all of it could be undone. whole: from the due instant to the end of the last step. steps between another's: \
               they found a saga that was not over, whose steps may yet be undone; a transaction that holds its locks lets nobody \
               see that.",
        prose: false,
    }
}

/// Grants by what attempts asked for; empty where all locks are exclusive.
pub(super) fn modes(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let all = result.modes.as_ref()?;
        let of = [("read", &all.reads), ("write", &all.writes), ("permit", &all.permits)];
        let rows = of.into_iter().filter_map(|(mode, figures)| Some((mode, figures.as_ref()?)));
        let row = |(mode, figures): (&str, &ModeFigures)| {
            vec![
                result.backend.clone(),
                mode.to_owned(),
                three_digits(figures.grants_per_s),
                grouped(figures.grants),
                duration(figures.acquire.p50_ns),
                duration(figures.acquire.p99_ns),
                grouped(u64::from(all.most_at_once)),
            ]
        };
        Some(rows.map(row).collect::<Vec<_>>())
    };
    Table {
        title: "Readers and writers, or permits",
        head: vec!["system", "asked\nfor", "grants/s", "grants", "wait\np50", "wait\np99", "held at\nonce, most"],
        rows: report.results.iter().filter_map(of_trials).flatten().collect(),
        note: "per trial. wait: from the call to the grant. held at once: clients that held one key at the same time.",
        prose: false,
    }
}

/// What came of each group of clients; empty where all do the same.
pub(super) fn groups(report: &Report) -> Table {
    let row = |result: &TrialResult, group: &GroupResult| {
        vec![
            result.backend.clone(),
            group.name.clone(),
            grouped(u64::from(group.clients)),
            three_digits(group.grants_per_s),
            percent(group.denied, group.attempts),
            duration(group.acquire_response.p50_ns),
            duration(group.acquire_response.p99_ns),
            duration(group.acquire_service.p99_ns),
        ]
    };
    let of_trials = |result: &TrialResult| result.groups.iter().map(|group| row(result, group)).collect::<Vec<_>>();
    Table {
        title: "Groups of clients",
        head: vec![
            "system",
            "group",
            "clients",
            "grants/s",
            "no lock\nin time",
            "response\np50",
            "response\np99",
            "service\np99",
        ],
        rows: report.results.iter().flat_map(of_trials).collect(),
        note: "per trial. response: from the due instant to the grant; service: from the call. No lock in time: ended by the \
               deadline, or refused; of attempts that have an outcome. What was dropped is in no group's figures.",
        prose: false,
    }
}

/// Does a system of a report exclude nobody?
fn excludes_nobody(result: &TrialResult) -> bool {
    result.guarantees["exclusion"] == false
}

/// What a lock costs beside no lock; empty where every system is a lock.
pub(super) fn optimism(report: &Report) -> Table {
    let compares = report.results.iter().any(excludes_nobody);
    let of_trials = |result: &TrialResult| {
        let per_s = |count: Option<f64>| count.map_or_else(|| NONE.to_owned(), three_digits);
        let lost =
            if excludes_nobody(result) { percent(result.safety.lost_leases, result.grants) } else { NONE.to_owned() };
        let confirmed = result.confirmed.filter(|confirmed| *confirmed > 0);
        let requests = result.requests_per_grant.zip(confirmed);
        let requests = requests.map(|(each, confirmed)| each * result.grants as f64 / confirmed as f64);
        vec![
            result.backend.clone(),
            per_s((result.measured_s > 0.0).then(|| result.grants as f64 / result.measured_s)),
            per_s(result.goodput_per_s),
            lost,
            requests.map_or_else(|| NONE.to_owned(), three_digits),
            duration(result.latency.acquire_service.p50_ns),
            duration(result.latency.acquire_service.p99_ns),
        ]
    };
    Table {
        title: "A lock or none",
        head: vec![
            "system",
            "tries/s",
            "goodput/s",
            "conflicts",
            "requests per\nsuccess",
            "acquire\np50",
            "acquire\np99",
        ],
        rows: report.results.iter().filter(|result| compares && result.error.is_none()).map(of_trials).collect(),
        note: "per trial. tries: grants, or without a lock reads of a version. goodput: critical sections per second whose release or commit the server confirmed. conflicts: tries \
               without a lock that were refused, because another client had written since the read: their work was for \
               nothing. acquire: of a try without a lock the read of the version, and nobody waits for it.",
        prose: false,
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { NONE.to_owned() } else { format!("{:.2} %", 100.0 * part as f64 / whole as f64) }
}
