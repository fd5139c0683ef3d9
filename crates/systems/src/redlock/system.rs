//! The lock system `redlock`: N independent servers, set up for one run.

use std::sync::Arc;

use futures_util::future::join_all;

use super::super::Target;
use super::super::planted::Planted;
use super::super::redis::{self, Server, admin, door};
use super::super::truth::Asker;
use super::RSLOCK;
use super::rslock::RslockSession;
use super::session::RedlockSession;
use super::votes::quorum;
use crate::Entry;
use lockbench_core::lock::{
    Agreement, Away, Capacity, Caveats, Facts, Guarantees, Holder, Key, Local, LockSystem, Nodes, Opening, Persistence,
    Session, Survey, SystemError, Truth,
};

/// Fewest nodes of which one may fail.
const FEWEST: usize = 3;
/// Most nodes: one bit each.
const MOST: usize = 64;

/// Independent Redis servers as one lock service.
pub(super) struct RedlockSystem {
    entry: &'static Entry,
    servers: Vec<Arc<Server>>,
    target: Target,
    planted: Planted,
}

impl RedlockSystem {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// There are too few or too many endpoints, one is given twice, or a URL cannot be used.
    pub fn new(entry: &'static Entry, target: Target, planted: Planted) -> Result<Self, SystemError> {
        let addresses: Vec<&str> = target.endpoints.iter().map(|endpoint| endpoint.host_port()).collect();
        let refuse = |problem: String| error(entry.name, addresses.join(","), problem);
        if !(FEWEST..=MOST).contains(&addresses.len()) {
            let problem = format!("{} nodes; needs {FEWEST} to {MOST}, best an odd number", addresses.len());
            return Err(refuse(format!("{problem}: --endpoint redlock=URL,URL,URL")));
        }
        if let Some(twice) = addresses.iter().enumerate().find(|(i, one)| addresses[..*i].contains(one)) {
            return Err(refuse(format!("{} is given twice; nodes must be independent", twice.1)));
        }
        let server =
            |endpoint| Server::new(entry.name, endpoint).map(|server| Arc::new(server.of_run(&target.namespace)));
        let servers = target.endpoints.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { entry, servers, target, planted })
    }

    /// What the nodes that answered said; an error names those that did not, where they leave
    /// no quorum.
    fn majority<T>(&self, answers: Vec<Result<T, SystemError>>) -> Result<Vec<T>, SystemError> {
        let (needed, total) = (quorum(self.servers.len()), self.servers.len());
        let (answered, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        if answered.len() >= needed {
            return Ok(answered.into_iter().filter_map(Result::ok).collect());
        }
        let problems: Vec<String> = failed.into_iter().filter_map(|failed| Some(failed.err()?.told())).collect();
        let problem = format!("{} of {total} nodes answer, {needed} must: {}", answered.len(), problems.join("; "));
        Err(error(self.entry.name, self.addresses().join(","), problem))
    }

    /// The same removal on every node. A quorum suffices: what a node that is away has of ours
    /// ends with its ttl.
    async fn remove(&self, keys: &[Key]) -> Result<(), SystemError> {
        let removals = self.servers.iter().map(|server| admin::remove(server, &self.target.namespace, keys));
        self.majority(join_all(removals).await).map(drop)
    }

    async fn ask_nodes(&self) -> Nodes {
        let Target { namespace, clock, .. } = &self.target;
        let asked = join_all(self.servers.iter().map(async |server| {
            let away = |error: SystemError| Away { address: server.address(), problem: error.problem };
            admin::survey(server, namespace, &[], *clock).await.map(drop).map_err(away)
        }));
        Nodes::of(asked.await, quorum(self.servers.len()), self.servers.len())
    }

    async fn read_facts(&self) -> Result<Facts, SystemError> {
        let named = async |server: &Arc<Server>| Ok((server.address(), admin::said(server).await?));
        let said = self.majority(join_all(self.servers.iter().map(named)).await)?;
        let identities: Vec<_> = said.iter().map(|(address, said)| (address.clone(), said.run_id.clone())).collect();
        if let Some(same) = Caveats::same(&identities).first() {
            let problem = format!(
                "{} are one server (one run_id in INFO): a quorum of names is no quorum of nodes, and the first grant \
                 there refuses its own majority; give independent servers",
                same.join(" and ")
            );
            return Err(error(self.entry.name, self.addresses().join(","), problem));
        }
        let said: Vec<admin::Said> = said.into_iter().map(|(_, said)| said).collect();
        let each = |what: fn(&admin::Said) -> &String| said.iter().map(|said| what(said).clone()).collect::<Vec<_>>();
        let durability = Persistence::of_nodes(&said.iter().map(|said| said.durability.clone()).collect::<Vec<_>>());
        let host = self.servers[0].host();
        let shared = self.servers.iter().all(|server| server.host() == host);
        Ok(Facts {
            version: alike(&each(|said| &said.version)),
            durability: if shared { durability.on_one_host() } else { durability },
            quorum: Agreement::of(quorum(self.servers.len()), self.servers.len()),
            role: format!("{} independent nodes, each {}", self.servers.len(), alike(&each(|said| &said.role))),
            caveats: Caveats { standby: said.iter().any(admin::Said::copies), ..Caveats::default() },
        })
    }

    /// For each key the identity that a quorum of nodes names, with the ttl that a quorum
    /// still has. The round trip is that of the slowest node of the fastest quorum.
    async fn ask_all(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let Target { namespace, clock, .. } = &self.target;
        let asked = join_all(self.servers.iter().map(|server| admin::survey(server, namespace, keys, *clock))).await;
        let majority = quorum(self.servers.len());
        let answers = self.majority(asked)?;
        let mut trips: Vec<u64> = answers.iter().filter_map(|answer| answer.round_trip_ns).collect();
        trips.sort_unstable();
        let seen = |place: usize| answers.iter().filter_map(|answer| answer.holders[place].clone()).collect();
        let holders = (0..keys.len()).map(|place| elected(seen(place), majority)).collect();
        Ok(Survey { round_trip_ns: trips.get(majority - 1).copied(), holders })
    }
}

fn error(system: &'static str, addresses: String, problem: String) -> SystemError {
    SystemError::new(system, addresses, problem).hinted(redis::near_miss::hint)
}

/// Texts that all agree, once; else each in turn.
fn alike(texts: &[String]) -> String {
    match texts.split_first() {
        Some((first, rest)) if rest.iter().all(|text| text == first) => first.clone(),
        _ => format!("differs: {}", texts.join(" | ")),
    }
}

fn elected(holders: Vec<Holder>, majority: usize) -> Option<Holder> {
    holders.iter().find_map(|candidate| {
        let mut same: Vec<&Holder> = holders.iter().filter(|one| one.identity == candidate.identity).collect();
        same.sort_by_key(|holder| std::cmp::Reverse(holder.ttl_ms));
        same.get(majority - 1).map(|last| (*last).clone())
    })
}

impl LockSystem for RedlockSystem {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
    }

    fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.address()).collect()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(self.read_facts())
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.remove(keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            if self.entry.name == RSLOCK.name {
                let session = RslockSession::open(&self.servers, &self.target, opening).await;
                return Ok(Box::new(session) as Box<dyn Session>);
            }
            let session = RedlockSession::open(&self.servers, &self.target, opening, self.planted).await;
            let failed = |problem| error(self.entry.name, self.addresses().join(","), problem);
            Ok(Box::new(session.map_err(failed)?) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(self.ask_all(keys))
    }

    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        Box::pin(async { Some(self.ask_nodes().await) })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        let holders = |server| Asker::boxed(admin::Holders::of(server, &self.target.namespace));
        self.servers.iter().map(holders).collect()
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(async {
            let asked = join_all(self.servers.iter().map(|server| door::capacity(server))).await;
            // A node that does not answer is no limit of the others.
            let told = |asked: Result<_, SystemError>| asked.unwrap_or_else(|error| Err(error.to_string()));
            Ok(door::of_all(&asked.into_iter().map(told).collect::<Vec<_>>()))
        })
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.remove(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::{alike, elected};
    use lockbench_core::lock::Holder;

    fn holder(identity: &str, ttl_ms: u64) -> Holder {
        Holder { identity: identity.to_owned(), token: None, ttl_ms: Some(ttl_ms) }
    }

    #[test]
    fn only_a_quorum_makes_a_holder_and_its_shortest_lease_counts() {
        let split = vec![holder("a", 9), holder("a", 9), holder("b", 9), holder("b", 9)];
        assert_eq!(elected(split, 3), None);
        let won = vec![holder("b", 9), holder("a", 7), holder("a", 5), holder("a", 6), holder("a", 3)];
        assert_eq!(elected(won, 3), Some(holder("a", 5)));
        assert_eq!(elected(Vec::new(), 3), None);
    }

    #[test]
    fn facts_that_differ_are_told_apart() {
        assert_eq!(alike(&["7".to_owned(), "7".to_owned()]), "7");
        assert_eq!(alike(&["7".to_owned(), "6".to_owned()]), "differs: 7 | 6");
    }
}
