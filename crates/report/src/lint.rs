//! Lints: named findings on a run that limit how far its figures can be trusted.
//! Adding one is one entry in [`LINTS`] and its check in one of the files below:
//! `service` (attempts and clients that were not served), `tool` (lockbench and its machine
//! as the limit), `sampling` (too few, cut, unsteady or paused), `setting` (how servers and
//! plan are set up).

mod evidence;
mod interim;
mod level;
mod sampling;
mod service;
mod setting;
mod tool;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use evidence::{Evidence, Sighting};
pub use interim::{Ground, interim};
pub use level::LintLevels;

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LintLevel {
    /// Not shown.
    Allow,
    /// Shown.
    #[default]
    Warn,
    /// Shown, and the run does not pass.
    Deny,
}

impl LintLevel {
    /// As flags and workloads name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// One finding of a lint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LintFinding {
    /// Name of the lint (`lockbench lints` lists them).
    pub name: String,
    /// Its level in this run.
    pub level: LintLevel,
    /// The backend that it is about; `null`: several, or the run.
    pub backend: Option<String>,
    /// What was found, with the figure.
    pub message: String,
    /// What to do about it, one line.
    pub advice: String,
}

/// One lint.
pub struct Lint {
    /// Its name.
    pub name: &'static str,
    /// Its level unless flags or the plan say otherwise.
    pub default: LintLevel,
    /// What it looks for, a sentence without the final stop.
    pub looks_for: &'static str,
    /// What to do about a finding, one line.
    pub advice: &'static str,
    check: fn(&Evidence<'_>) -> Vec<Sighting>,
}

/// Every lint. What is true of every run on one machine is allowed by default, so that
/// a finding is news.
pub static LINTS: &[Lint] = &[
    Lint {
        name: "unserved-attempts",
        default: LintLevel::Warn,
        looks_for: "1 % of the attempts or more were not served or not answered, or one was under way in a whole second that granted nothing",
        advice: "see when in the charts over time (red shade), and the server's log: the waits are those of the attempts that were served",
        check: service::unserved_attempts,
    },
    Lint {
        name: "clients-without-a-turn",
        default: LintLevel::Warn,
        looks_for: "a client was granted nothing in a whole trial, while others were",
        advice: "lengthen duration or lower clients; where each should have had many turns, the system starves some",
        check: service::clients_without_a_turn,
    },
    Lint {
        name: "window-below-one-turn",
        default: LintLevel::Warn,
        looks_for: "fewer grants were measured than there are clients: too short for one turn of each",
        advice: "lengthen duration to what is named here, or lower clients or hold: rates and waits are of those that came first",
        check: service::window_below_one_turn,
    },
    Lint {
        name: "generator-saturated",
        default: LintLevel::Warn,
        looks_for: "lockbench held clients back, ended holds late, or a system reached half of the cycles per second that lockbench can make here",
        advice: "use a machine with more processors for the load, or fewer clients: the figures are a floor of the system",
        check: tool::generator_saturated,
    },
    Lint {
        name: "tool-costs",
        default: LintLevel::Warn,
        looks_for: "lockbench made less than nine tenths of the grants/s of a bare loop over the same client library on this \
                    machine, or had a p99 wait longer by more than a tenth, as `lockbench overhead` measured it",
        advice: "take these figures for those of lockbench and the system together; give lockbench more processors, or \
                 fewer clients",
        check: tool::tool_costs,
    },
    Lint {
        name: "client-cpu-bound",
        default: LintLevel::Warn,
        looks_for: "lockbench itself used more than 60 % of all processors while measuring, a system inside it at under a tenth of its ceiling",
        advice: "put the servers on another machine, or lower clients: waits include waiting for a processor",
        check: tool::client_cpu_bound,
    },
    Lint {
        name: "ceiling-on-busy-machine",
        default: LintLevel::Warn,
        looks_for: "other processes used more than a fifth of all processors while lockbench measured what it can make here at most",
        advice: "end what else runs here and run again: the ceiling is too low, and the figures may be",
        check: tool::ceiling_on_busy_machine,
    },
    Lint {
        name: "too-few-samples",
        default: LintLevel::Warn,
        looks_for: "fewer than the 1 000 grants that a 99th percentile needs",
        advice: "lengthen duration or raise trials",
        check: sampling::too_few_samples,
    },
    Lint {
        name: "percentiles-censored",
        default: LintLevel::Warn,
        looks_for: "so many attempts ended without a grant that high percentiles of the wait are unknown",
        advice: "lengthen acquire.timeout, or lower clients or hold, until nearly all attempts are granted",
        check: sampling::percentiles_censored,
    },
    Lint {
        name: "fsync-off",
        default: LintLevel::Warn,
        looks_for: "a system answered before the grant was synchronised to a disk",
        advice: "do not rank these beside systems that wait for the disk; to compare alike set appendfsync always, fsync on",
        check: setting::fsync_off,
    },
    Lint {
        name: "single-node",
        default: LintLevel::Allow,
        looks_for: "a system ran on one node: no quorum was paid for, and none survives its loss",
        advice: "give --endpoint of a cluster of three or more to measure what production would pay",
        check: setting::single_node,
    },
    Lint {
        name: "nodes-lost",
        default: LintLevel::Warn,
        looks_for: "a node of a system was away before the load or after it, and the others served",
        advice: "find out why it is away: the figures are those of fewer nodes, and fewer may fail from now on",
        check: setting::nodes_lost,
    },
    Lint {
        name: "standby",
        default: LintLevel::Warn,
        looks_for: "a server is a copy of another one: a lock granted there excludes no client of the primary",
        advice: "give the --endpoint of the primary, for Postgres with target_session_attrs=read-write",
        check: setting::standby,
    },
    Lint {
        name: "pooled-connection",
        default: LintLevel::Warn,
        looks_for: "statements of one connection reach different sessions of the server: a pooler in transaction mode",
        advice: "give the --endpoint of the server itself, or set pool_mode = session: session locks need one session",
        check: setting::pooled_connection,
    },
    Lint {
        name: "same-server-twice",
        default: LintLevel::Warn,
        looks_for: "addresses that were given as several nodes are one server",
        advice: "give each node once; one server under several names survives no loss of a node",
        check: setting::same_server_twice,
    },
    Lint {
        name: "ttl-below-hold",
        default: LintLevel::Warn,
        looks_for: "a hold may outlast its lease, or did, and nothing renews it",
        advice: "raise ttl, shorten hold, or set renewal = \"on\"; expect = [\"outside\"] says that it is meant",
        check: setting::ttl_below_hold,
    },
    Lint {
        name: "nagle-on",
        default: LintLevel::Warn,
        looks_for: "a client library leaves Nagle's algorithm on (no TCP_NODELAY) towards servers on another machine; \
                    over loopback it changes nothing that can be measured, and is not reported",
        advice: "read its waits as those of this client library: another one may be faster on the same server",
        check: setting::nagle_on,
    },
    Lint {
        name: "loopback",
        default: LintLevel::Allow,
        looks_for: "servers ran on the machine of the load, over loopback",
        advice: "give --endpoint of servers on other machines before you read waits as those of production",
        check: setting::loopback,
    },
    Lint {
        name: "clock-step",
        default: LintLevel::Warn,
        looks_for: "the wall clock moved by 10 ms or more against the monotonic clock during the run: it was set, or the machine slept",
        advice: "let the clock settle (chronyc tracking), keep the machine awake and run again: leases may have ended early or late",
        check: tool::clock_step,
    },
    Lint {
        name: "warm-up-not-steady",
        default: LintLevel::Warn,
        looks_for: "the first quarter of measuring granted over 20 % more or less than the rest, beyond its own noise",
        advice: "lengthen warmup until both agree",
        check: sampling::warm_up_not_steady,
    },
    Lint {
        name: "load-paused",
        default: LintLevel::Warn,
        looks_for: "the load was paused by hand: no figure holds that time, but caches and connections cooled meanwhile",
        advice: "run again without a pause before you publish the figures",
        check: sampling::load_paused,
    },
    Lint {
        name: "self-stall",
        default: LintLevel::Warn,
        looks_for: "lockbench was kept from running for longer than a quarter of the ttl while measuring",
        advice: "free the machine, or use more processors; a stalled client overstays its lease without any fault of the system",
        check: tool::self_stall,
    },
    Lint {
        name: "history-lost-events",
        default: LintLevel::Warn,
        looks_for: "events were lost before the oracle saw them: the safety verdict is unknown",
        advice: "lower clients, or raise think: the recorder could not keep up",
        check: tool::history_lost_events,
    },
];

/// What all lints said of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Linted {
    /// What was found; of allowed lints nothing is.
    pub findings: Vec<LintFinding>,
    /// Denied lints that could not be judged, and why: such a run does not pass.
    pub undecided: Vec<(&'static str, String)>,
}

/// Runs every lint that is not allowed: one finding a lint, which names its systems.
#[must_use]
pub fn lint(evidence: &Evidence<'_>, levels: &LintLevels) -> Linted {
    let mut linted = Linted::default();
    for lint in LINTS {
        let level = levels.of(lint.name);
        if level == LintLevel::Allow {
            continue;
        }
        let (found, unsure): (Vec<Sighting>, Vec<Sighting>) =
            (lint.check)(evidence).into_iter().partition(|sighting| sighting.certain);
        if !found.is_empty() {
            linted.findings.push(LintFinding {
                name: lint.name.to_owned(),
                level,
                backend: if let [one] = found.as_slice() { one.backend.clone() } else { None },
                message: told(&found),
                advice: lint.advice.to_owned(),
            });
        }
        if level == LintLevel::Deny && !unsure.is_empty() {
            linted.undecided.push((lint.name, told(&unsure)));
        }
    }
    linted
}

/// `redis, redlock: what both show; etcd: something else`.
fn told(sightings: &[Sighting]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for sighting in sightings {
        let backend = sighting.backend.as_deref();
        match groups.iter_mut().find(|(detail, _)| *detail == sighting.detail) {
            Some((_, backends)) => backends.extend(backend),
            None => groups.push((&sighting.detail, backend.into_iter().collect())),
        }
    }
    let line = |(detail, backends): (&str, Vec<&str>)| {
        if backends.is_empty() { detail.to_owned() } else { format!("{}: {detail}", backends.join(", ")) }
    };
    groups.into_iter().map(line).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
