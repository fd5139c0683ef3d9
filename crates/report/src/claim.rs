//! What guides on distributed locks claim of each kind of system, beside what this
//! run measured: confirmed, refuted, not comparable or not measured.
//!
//! The rules are meant to be fair to both sides. A claim on speed is compared only
//! where nobody had to wait for another holder; a single claimed value is of the right
//! order within a factor of three; a server that was not at its limit refutes no claim
//! on throughput; loopback, which leaves the network out, never makes a system faster
//! than claimed; and a property under faults needs a fault.

use super::decision::OVERTAKES_OF_A_QUEUE;
use super::figure::find;
use super::schema::{Report, TrialResult};
use lockbench_core::lock::Agreement;
use lockbench_core::units::{grouped, human_duration, three_digits};

/// How a claim came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// What was measured agrees with it.
    Confirmed,
    /// What was measured contradicts it.
    Refuted,
    /// Measured, but under conditions that the claim is not about.
    NotComparable,
    /// Not measured in this run.
    NotMeasured,
}

/// A claim judged for one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The backend, by registry name.
    pub backend: String,
    /// What the claim is about.
    pub property: &'static str,
    /// The claim.
    pub claim: &'static str,
    /// Who makes it: a title.
    pub source: &'static str,
    /// How it came out.
    pub judgement: Judgement,
    /// What was measured; "-" if nothing.
    pub measured: String,
    /// Why it came out so.
    pub because: String,
}

struct Claim {
    /// First part of the registry names that it is about.
    system: &'static str,
    property: &'static str,
    text: &'static str,
    source: &'static str,
    says: Says,
}

/// A claim as a rule.
enum Says {
    /// The acquire takes that long, in milliseconds, at this percentile.
    Wait { percentile: &'static str, low: f64, high: f64 },
    /// So many locks a second.
    Throughput { low: f64, high: f64 },
    /// Waiters are served in order, or in none.
    Order { kept: bool },
    /// Requests for an acquire; `true`: for each node.
    Requests { low: f64, high: f64, each_node: bool },
    /// Nothing that this run can show, and what it would take.
    Untested(&'static str),
}

/// What a single claimed value stands for: the right order of magnitude.
const ABOUT: f64 = 3.0;
/// Share of the holds that were challenged, above which waits are not a system's own.
const UNCONTENDED: f64 = 0.05;
/// Grants from which on an order can be told.
const ENOUGH_GRANTS: u64 = 100;
/// Share of a processor, or of all, from which on it counts as busy.
const BUSY: f64 = 0.8;

const TUTORIAL: &str = "Distributed Locks (tutorial)";
const PATTERN: &str = "Distributed Lock Pattern";
const PRODUCTION: &str = "Distributed Locking Pattern: Redlock vs Zookeeper in Production";
const VERSUS: &str = "Distributed Locking (Redis vs Zookeeper)";
/// Where several say it and none alone.
const GUIDES: &str = "guides on distributed locks";

const PARTITION: Says = Says::Untested("no network was cut in this run");
const CLOCK: Says = Says::Untested("no clock was moved in this run");
const NODE: Says = Says::Untested("no node was stopped in this run");
const DEATH: Says = Says::Untested("no holder died in this run");
const MEMORY: Says = Says::Untested("the memory of a single lock is not measured");

const fn about(value: f64) -> (f64, f64) {
    (value / ABOUT, value * ABOUT)
}

const fn wait(percentile: &'static str, (low, high): (f64, f64)) -> Says {
    Says::Wait { percentile, low, high }
}

const fn throughput((low, high): (f64, f64)) -> Says {
    Says::Throughput { low, high }
}

const fn claim(
    system: &'static str,
    property: &'static str,
    text: &'static str,
    source: &'static str,
    says: Says,
) -> Claim {
    Claim { system, property, text, source, says }
}

static CLAIMS: &[Claim] = &[
    claim("redis", "acquire p50", "about 1 ms", TUTORIAL, wait("p50", about(1.0))),
    claim("redis", "acquire p99", "about 10 ms", PATTERN, wait("p99", about(10.0))),
    claim("redis", "throughput", "about 100 000 locks/s", TUTORIAL, throughput(about(100_000.0))),
    claim("redis", "requests a lock", "1", PATTERN, Says::Requests { low: 1.0, high: 1.0, each_node: false }),
    claim("redis", "order", "none", VERSUS, Says::Order { kept: false }),
    claim("redis", "auto release", "TTL", VERSUS, DEATH),
    claim("redis", "fault tolerance", "none", TUTORIAL, NODE),
    claim("redis", "memory a lock", "about 1 KB", PRODUCTION, MEMORY),
    claim("redis", "network partition", "split brain possible", VERSUS, PARTITION),
    claim("redis", "clock jump", "unsafe", VERSUS, CLOCK),
    claim("redlock", "acquire p50", "1 to 10 ms", GUIDES, wait("p50", (1.0, 10.0))),
    claim("redlock", "throughput", "about 10 000 locks/s", TUTORIAL, throughput(about(10_000.0))),
    claim(
        "redlock",
        "requests a lock",
        "one a node",
        PRODUCTION,
        Says::Requests { low: 1.0, high: 1.0, each_node: true },
    ),
    claim("redlock", "order", "none", GUIDES, Says::Order { kept: false }),
    claim("redlock", "auto release", "TTL", TUTORIAL, DEATH),
    claim("redlock", "fault tolerance", "a minority of the nodes", PRODUCTION, NODE),
    claim("redlock", "memory a lock", "about 1 KB a node", PRODUCTION, MEMORY),
    claim("redlock", "network partition", "split brain possible", PRODUCTION, PARTITION),
    claim("redlock", "clock jump", "unsafe", PRODUCTION, CLOCK),
    claim("zookeeper", "acquire p99", "10 to 50 ms", PRODUCTION, wait("p99", (10.0, 50.0))),
    claim("zookeeper", "throughput", "1 000 to 2 000 locks/s", GUIDES, throughput((1_000.0, 2_000.0))),
    claim(
        "zookeeper",
        "requests a lock",
        "2 to 3",
        PRODUCTION,
        Says::Requests { low: 2.0, high: 3.0, each_node: false },
    ),
    claim("zookeeper", "order", "first come, first served", VERSUS, Says::Order { kept: true }),
    claim("zookeeper", "auto release", "end of the session", VERSUS, DEATH),
    claim("zookeeper", "fault tolerance", "a minority of the nodes", PRODUCTION, NODE),
    claim("zookeeper", "memory a lock", "about 10 KB", PRODUCTION, MEMORY),
    claim("zookeeper", "network partition", "safe", PRODUCTION, PARTITION),
    claim("zookeeper", "clock jump", "no effect", PRODUCTION, CLOCK),
    claim("postgres", "acquire p50", "5 to 20 ms", TUTORIAL, wait("p50", (5.0, 20.0))),
    claim("postgres", "throughput", "about 1 000 locks/s", TUTORIAL, throughput(about(1_000.0))),
    claim("postgres", "auto release", "lease row or end of the connection", TUTORIAL, DEATH),
    claim("postgres", "network partition", "single point of failure", PATTERN, PARTITION),
    claim("postgres", "clock jump", "follows the host's clock", GUIDES, CLOCK),
    claim("memory", "acquire p50", "about 0.001 ms (a local lock)", PATTERN, wait("p50", about(0.001))),
    claim("etcd", "acquire p50", "20 to 50 ms (consensus)", PATTERN, wait("p50", (20.0, 50.0))),
    claim("etcd", "order", "by revision", PATTERN, Says::Order { kept: true }),
    claim("etcd", "auto release", "lease", PATTERN, DEATH),
    claim("etcd", "fault tolerance", "a minority of the nodes", PATTERN, NODE),
    claim("etcd", "network partition", "safe", PATTERN, PARTITION),
    claim("etcd", "clock jump", "no effect", GUIDES, CLOCK),
];

/// Every claim on a system that took part, judged.
#[must_use]
pub fn claims(report: &Report) -> Vec<Judged> {
    let mut judged = Vec::new();
    for aggregate in &report.aggregates {
        let backend = &aggregate.backend;
        for claim in CLAIMS.iter().filter(|claim| backend.split(':').next() == Some(claim.system)) {
            let (judgement, measured, because) = Case { report, backend }.judge(&claim.says);
            judged.push(Judged {
                backend: backend.clone(),
                property: claim.property,
                claim: claim.text,
                source: claim.source,
                judgement,
                measured,
                because,
            });
        }
    }
    judged
}

type Outcome = (Judgement, String, String);

/// One backend of a run.
struct Case<'a> {
    report: &'a Report,
    backend: &'a str,
}

fn not_measured(because: impl Into<String>) -> Outcome {
    (Judgement::NotMeasured, "-".to_owned(), because.into())
}

impl Case<'_> {
    fn judge(&self, says: &Says) -> Outcome {
        if let Says::Untested(reason) = says {
            return not_measured(*reason);
        }
        if self.trials().next().is_none() {
            return not_measured("it did not run");
        }
        match says {
            Says::Wait { percentile, low, high } => self.wait(percentile, low * 1e6, high * 1e6),
            Says::Throughput { low, high } => self.throughput(*low, *high),
            Says::Order { kept } => self.order(*kept),
            Says::Requests { low, high, each_node } => self.requests(*low, *high, *each_node),
            Says::Untested(reason) => not_measured(*reason),
        }
    }

    fn trials(&self) -> impl Iterator<Item = &TrialResult> {
        self.report.results.iter().filter(|result| result.backend == self.backend && result.error.is_none())
    }

    fn figure(&self, name: &str) -> Result<f64, String> {
        find(name)?.of_backend(self.report, self.backend)
    }

    /// Says so if clients waited for one another.
    fn contended(&self) -> Option<String> {
        let challenged: u64 = self.trials().map(|trial| trial.safety.exercised_holds).sum();
        let all: u64 = self.trials().map(|trial| trial.safety.grants_all_phases).sum();
        // A sleeping poller challenges no hold, and it waits all the same: so the share of
        // attempts that found the key held counts too.
        let found = self.figure("contention");
        let share =
            if all > 0 { (challenged as f64 / all as f64).max(found.unwrap_or(0.0)) } else { found.unwrap_or(1.0) };
        let percent = (share * 100.0).min(100.0);
        (share > UNCONTENDED).then(|| format!("in {percent:.0} % of the holds another client was waiting"))
    }

    fn quorum(&self) -> Agreement {
        self.trials().next().map_or_else(Agreement::default, |trial| trial.quorum.clone())
    }

    /// What makes a figure of speed another thing than the claim.
    fn unlike(&self) -> Option<String> {
        if let Some(contended) = self.contended() {
            return Some(format!("{contended}: the figure shows the plan's holds and queue"));
        }
        let quorum = self.quorum();
        match self.backend {
            "redlock" if !matches!(quorum, Agreement::Nodes { total: 5, .. }) => {
                Some(format!("the claim is on 5 nodes, here: {quorum}"))
            }
            "zookeeper" | "etcd" if quorum == Agreement::ONE => {
                Some("one node has nobody to agree with; the claim is on an ensemble".to_owned())
            }
            _ => None,
        }
    }

    fn over_loopback(&self) -> bool {
        self.backend != "memory" && self.report.environment.placement.contains("loopback")
    }

    fn wait(&self, percentile: &str, low: f64, high: f64) -> Outcome {
        let value = match self.figure(&format!("acquire_service.{percentile}")) {
            Ok(value) => value,
            Err(reason) => return not_measured(reason),
        };
        let measured = human_duration(value.round() as u64);
        let range = format!("{} to {}", human_duration(low as u64), human_duration(high as u64));
        let (judgement, because) = if let Some(reason) = self.unlike() {
            (Judgement::NotComparable, reason)
        } else if value > high {
            (Judgement::Refuted, format!("slower than claimed (counts as claimed: {range})"))
        } else if value >= low {
            (Judgement::Confirmed, format!("within {range}"))
        } else if self.over_loopback() {
            (Judgement::NotComparable, "faster than claimed, but over loopback: the network is left out".to_owned())
        } else {
            (Judgement::Refuted, format!("faster than claimed (counts as claimed: {range})"))
        };
        (judgement, measured, because)
    }

    fn throughput(&self, low: f64, high: f64) -> Outcome {
        let value = match self.figure("throughput") {
            Ok(value) => value,
            Err(reason) => return not_measured(reason),
        };
        let measured = format!("{} /s", three_digits(value));
        let range = format!("{} to {} /s", three_digits(low), three_digits(high));
        let (judgement, because) = if let Some(reason) = self.unlike() {
            (Judgement::NotComparable, reason)
        } else if value > high {
            (Judgement::Refuted, format!("more than claimed (counts as claimed: {range})"))
        } else if value >= low {
            (Judgement::Confirmed, format!("within {range}"))
        } else if let Some(reason) = self.not_at_its_limit() {
            (Judgement::NotComparable, reason)
        } else {
            (Judgement::Refuted, format!("less than claimed with a busy server (counts as claimed: {range})"))
        };
        (judgement, measured, because)
    }

    /// Why a low throughput may not be the server's doing.
    fn not_at_its_limit(&self) -> Option<String> {
        let seconds: f64 = self.trials().map(|trial| trial.measured_s).sum();
        let server: Option<f64> = self.trials().map(|trial| trial.resources.server_cpu_s).sum();
        let Some(server) = server.filter(|_| seconds > 0.0).map(|cpu| cpu / seconds) else {
            return Some(
                "whether the server was at its limit is not known: its processor time was not read".to_owned(),
            );
        };
        if server < BUSY {
            let percent = server * 100.0;
            return Some(format!(
                "its servers used {percent:.0} % of one processor: not at their limit, more clients may get more"
            ));
        }
        let client: f64 = self.trials().filter_map(|trial| trial.resources.client_cpu_s).sum::<f64>() / seconds;
        let cores = f64::from(self.report.environment.cores.max(1));
        (self.over_loopback() && server + client > BUSY * cores)
            .then(|| format!("load and servers kept all {cores} processors of one machine busy"))
    }

    fn order(&self, kept: bool) -> Outcome {
        let overtakes: u64 = self.trials().map(|trial| trial.fairness.overtakes).sum();
        let grants: u64 = self.trials().map(|trial| trial.grants).sum();
        let challenged: u64 = self.trials().map(|trial| trial.safety.exercised_holds).sum();
        if challenged < ENOUGH_GRANTS || grants < ENOUGH_GRANTS {
            return not_measured("too few clients had to wait to tell an order");
        }
        let measured = format!("{} overtakes in {} grants", grouped(overtakes), grouped(grants));
        let in_order = overtakes as f64 <= grants as f64 * OVERTAKES_OF_A_QUEUE;
        let (judgement, because) = match (kept, in_order) {
            (true, true) if overtakes == 0 => (Judgement::Confirmed, "nobody was overtaken"),
            (true, true) => (Judgement::Confirmed, "so few happen between calls under way at the same moment"),
            (true, false) => (Judgement::Refuted, "later arrivals were served first"),
            (false, false) => (Judgement::Confirmed, "later arrivals were served first"),
            (false, true) => (Judgement::NotMeasured, "hardly anybody was overtaken here, which promises no order"),
        };
        (judgement, measured, because.to_owned())
    }

    fn requests(&self, low: f64, high: f64, each_node: bool) -> Outcome {
        let value = match self.figure("requests_per_grant") {
            Ok(value) => value,
            Err(reason) => return not_measured(reason),
        };
        let measured = format!("{} a grant", three_digits(value));
        let nodes = if let Agreement::Nodes { total, .. } = self.quorum() { Some(f64::from(total)) } else { None };
        let (judgement, because) = match (self.contended(), nodes.filter(|_| each_node)) {
            (Some(reason), _) => (Judgement::NotComparable, format!("{reason}, and every poll is a request")),
            (None, None) if each_node => (Judgement::NotComparable, "the number of nodes is not known".to_owned()),
            (None, nodes) => {
                let nodes = nodes.unwrap_or(1.0);
                let release = nodes;
                // A tenth of a request is a retry now and then.
                if value >= low * nodes - 0.1 && value <= high * nodes + release + 0.1 {
                    (Judgement::Confirmed, "acquire and release together; the claim counts the acquire".to_owned())
                } else {
                    (Judgement::Refuted, "acquire and release together, nobody waiting".to_owned())
                }
            }
        };
        (judgement, measured, because)
    }
}

#[cfg(test)]
mod tests;
