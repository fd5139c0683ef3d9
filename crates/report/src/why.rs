//! The cause of a double grant in one plain sentence, made of its evidence alone.

use lockbench_core::oracle::{Attribution, Cause, DoubleGrant, Fact, FactKind};
use lockbench_core::units::human_duration;

/// A server that was away for less was not: lockbench came late with its question, notes that it knows nothing of the
/// time before, and the answer follows at once.
const LATE_LOOK_NS: u64 = 1_000_000;

/// Tells the cause of a double grant of a system.
#[must_use]
pub fn why(backend: &str, double: &DoubleGrant, found: &Attribution) -> String {
    let told = Told { backend, double, found };
    let body = match found.cause {
        Cause::ServerLost => told.server_lost(),
        Cause::Overstayed => told.overstayed(),
        Cause::DeadLease => told.dead_lease(),
        Cause::ForeignHit => told.foreign_hit(),
        Cause::SharedIdentity => {
            format!("clients {} and {} are one to the servers", double.earlier.client, double.later.client)
        }
        Cause::NoGrant => told.no_grant(),
        Cause::Undetermined => {
            let missing = found.missing.map_or("nothing tells it", |missing| missing.meaning());
            return format!("Cause undetermined: {missing}.");
        }
    };
    format!("Cause {}: {backend}: {body}{}{}.", found.cause.name(), told.faults(), told.harm())
}

struct Told<'a> {
    backend: &'a str,
    double: &'a DoubleGrant,
    found: &'a Attribution,
}

impl Told<'_> {
    fn facts(&self, kind: FactKind) -> impl Iterator<Item = &Fact> {
        self.found.evidence.iter().filter(move |fact| fact.fact == kind)
    }

    fn first(&self, kind: FactKind) -> Option<&Fact> {
        self.facts(kind).next()
    }

    /// Since the earlier grant.
    fn after(&self, ns: u64) -> String {
        let client = self.double.earlier.client;
        let start = self.double.earlier.start_ns;
        match ns.checked_sub(start) {
            Some(after) => format!("{} after client {client}'s grant", human_duration(after)),
            None => format!("{} before client {client}'s grant was reported", human_duration(start - ns)),
        }
    }

    /// The servers of these facts.
    fn nodes<'f>(&self, facts: impl Iterator<Item = &'f Fact>) -> String {
        let system = self.backend.split(':').next().unwrap_or(self.backend);
        let mut numbers: Vec<u16> = facts.filter_map(|fact| fact.node).collect();
        numbers.dedup();
        if system != "redlock" && numbers.iter().all(|node| *node == 0) {
            return "the server".to_owned();
        }
        let names: Vec<String> = numbers.iter().map(|node| format!("{system}-{node}")).collect();
        format!("node{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
    }

    fn server_lost(&self) -> String {
        let (earlier, later) = (self.double.earlier.client, self.double.later.client);
        let signal = self.first(FactKind::LostSignal);
        let Some(lost) = self.first(FactKind::Lost) else {
            return match signal {
                Some(signal) => format!(
                    "the service took the lock back {} and told its session so; client {later} then was granted it",
                    self.after(signal.from_ns)
                ),
                None => format!(
                    "the server forgot client {earlier}'s lock: its tokens began again, and client {later} was granted it"
                ),
            };
        };
        let mut silences = self.facts(FactKind::Away).map(|away| away.to_ns.saturating_sub(away.from_ns));
        let silent = match silences.find(|ns| *ns >= LATE_LOOK_NS) {
            Some(ns) => format!(", which did not answer for {} and came back without it", human_duration(ns)),
            None => String::new(),
        };
        let left = lost.left_ms.map_or_else(String::new, |left| {
            format!(", with {} of its lease left", human_duration(u64::from(left) * 1_000_000))
        });
        let told = if signal.is_some() { ", and its session was told" } else { "" };
        let nodes = self.nodes(self.facts(FactKind::Lost));
        let back = if self.first(FactKind::TokenBack).is_some() { ", its tokens begun again" } else { "" };
        format!(
            "client {earlier}'s lock was lost {}{left}, from {nodes}{silent}{told}; client {later} then was granted \
             it{back}",
            self.after(lost.from_ns)
        )
    }

    fn overstayed(&self) -> String {
        let (earlier, later) = (self.double.earlier.client, self.double.later.client);
        if let Some(lost) = self.first(FactKind::Lost) {
            return format!(
                "client {earlier}'s lease was over on {} {}, while its recipe still promised it: a bug of the recipe; \
                 client {later} then was granted it",
                self.nodes(self.facts(FactKind::Lost)),
                self.after(lost.to_ns)
            );
        }
        let over = self.first(FactKind::PromiseOver).map_or(self.double.earlier.start_ns, |fact| fact.from_ns);
        let stopped = self.first(FactKind::Stopped).map_or_else(String::new, |fact| {
            format!(", having stood still for {}", human_duration(fact.to_ns.saturating_sub(fact.from_ns)))
        });
        let renewed = self.first(FactKind::ForeignRenewal).map_or_else(String::new, |fact| {
            format!("; a renewal of client {earlier} was confirmed all the same {}", self.after(fact.from_ns))
        });
        format!(
            "client {earlier}'s lease ended {}, and it stayed inside{stopped}; client {later} then was granted it{renewed}",
            self.after(over)
        )
    }

    fn dead_lease(&self) -> String {
        let Some(dead) = self.first(FactKind::DeadLease) else { return String::new() };
        let client = dead.client.unwrap_or(self.double.later.client);
        match dead.to_ns.saturating_sub(dead.from_ns) {
            0 => format!("client {client} was told of a grant that the servers no longer had"),
            ns => format!("client {client} was told of a grant {} after its lease was over", human_duration(ns)),
        }
    }

    fn foreign_hit(&self) -> String {
        let (earlier, later) = (self.double.earlier.client, self.double.later.client);
        if let Some(hit) = self.first(FactKind::ForeignRenewal) {
            let by = hit.client.unwrap_or_default();
            let whose = if by == earlier {
                "a lock that another had by then".to_owned()
            } else {
                format!("client {earlier}'s lock, whose lease was over sooner than promised")
            };
            return format!(
                "a renewal of client {by} hit {whose}, and was confirmed, {}; client {later} then was granted it",
                self.after(hit.from_ns)
            );
        }
        let Some(hit) = self.first(FactKind::ForeignRelease) else { return String::new() };
        let by = hit.client.unwrap_or_default();
        format!(
            "the release of client {by}, whose own grant was older, hit client {earlier}'s lock {}; client {later} then \
             was granted it",
            self.after(hit.from_ns)
        )
    }

    fn no_grant(&self) -> String {
        if let Some(client) = self.first(FactKind::NoToken).and_then(|fact| fact.client) {
            return format!("client {client} entered without a grant: what it took for one bears no token");
        }
        let Some(client) = self.first(FactKind::NeverHolder).and_then(|fact| fact.client) else { return String::new() };
        let holder = self.first(FactKind::Held).and_then(|fact| fact.client);
        let nodes = self.nodes(self.facts(FactKind::Held).chain(self.facts(FactKind::NotHolder)));
        match holder {
            Some(holder) => {
                format!("client {client} entered without a grant, while {nodes} had client {holder} for the holder")
            }
            None => format!("client {client} entered without a grant, while {nodes} had it for none"),
        }
    }

    fn faults(&self) -> String {
        let mut numbers: Vec<String> =
            self.facts(FactKind::Fault).filter_map(|fact| fact.fault).map(|fault| (fault + 1).to_string()).collect();
        numbers.dedup();
        match numbers.len() {
            0 => String::new(),
            1 => format!(" (fault {} in force)", numbers[0]),
            _ => format!(" (faults {} in force)", numbers.join(", ")),
        }
    }

    fn harm(&self) -> String {
        let DoubleGrant { earlier, later, .. } = self.double;
        let both = earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns);
        let lost = match self.found.updates_lost {
            1 => "1 update".to_owned(),
            updates => format!("{updates} updates"),
        };
        let fenced = match (earlier.token, later.token) {
            (Some(_), Some(_)) => format!("fenced {} refused", self.found.writes_refused),
            _ => "no token to fence with".to_owned(),
        };
        format!("; both held for {}; unfenced {lost} lost, {fenced}", human_duration(both))
    }
}

#[cfg(test)]
mod tests;
