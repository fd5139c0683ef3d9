//! Walks down the tree and finds the parents of waiters' nodes.

use std::time::Duration;

use futures_util::future::join_all;
use zookeeper_client::{Client, Error};

use super::super::link::bounded;
use super::waiter::{Waiter, in_turn, waiter};
use super::{AT_ONCE, LIMIT_NS};
use lockbench_core::clock::Clock;
use lockbench_core::lock::inspection::Scope;

/// Longest walk.
const LONGEST: Duration = Duration::from_secs(30);
/// Most nodes that are asked for their children.
const MOST_NODES: usize = 200_000;
/// ZooKeeper's own part of the tree.
const OWN: &str = "/zookeeper";

/// A parent with waiters' nodes.
pub struct Found {
    /// Its path.
    pub parent: String,
    /// In order of their turn.
    pub waiters: Vec<Waiter>,
    /// Do the names of its children say that it is a lock?
    pub named_as_lock: bool,
    /// Did the counter of sequential nodes go round among them?
    pub went_round: bool,
}

/// What a walk found.
pub struct Walked {
    /// By path.
    pub found: Vec<Found>,
    /// Nodes whose children this user may not list.
    pub denied: Vec<String>,
    /// Why it ended early.
    pub cut: Option<String>,
}

impl Found {
    /// Whose recipe it is, by the names.
    pub fn kind(&self) -> &'static str {
        let any = |sign: &str| self.waiters.iter().any(|waiter| waiter.name.contains(sign));
        match () {
            () if self.parent.starts_with("/lockbench-") => "lockbench",
            () if any("_c_") => "Curator",
            () if any("__lock__") || any("__rlock__") => "kazoo",
            () if any("__READ__") || any("__WRIT__") => "Curator",
            () => "sequential nodes",
        }
    }
}

/// Goes down from where the prefix begins, level by level, until one lock more than the limit is found.
pub async fn walk(client: &Client, scope: &Scope, clock: Clock) -> Result<Walked, Error> {
    let prefix = scope.prefix.as_deref().unwrap_or("/");
    let until = clock.now().saturating_add(LONGEST.as_nanos() as u64);
    let mut walked = Walked { found: Vec::new(), denied: Vec::new(), cut: None };
    // `/a/lo` begins at `/a`: a prefix may end within a name.
    let begin = prefix.rsplit_once('/').map_or("", |(begin, _)| begin);
    let mut level = vec![if begin.is_empty() { "/".to_owned() } else { begin.to_owned() }];
    let mut asked = 0;
    while !level.is_empty() {
        let mut below = Vec::new();
        for some in level.chunks(AT_ONCE) {
            let children = join_all(some.iter().map(|path| bounded(LIMIT_NS, client.list_children(path)))).await;
            for (path, children) in some.iter().zip(children) {
                match children {
                    Ok(children) => below.extend(sorted(path, children, prefix, scope, &mut walked.found)),
                    // Gone since.
                    Err(Error::NoNode) if path != "/" => {}
                    // Where the walk begins something must be readable.
                    Err(Error::NoAuth) if asked > 0 => walked.denied.push(path.clone()),
                    Err(error) => return Err(error),
                }
            }
            asked += some.len();
            walked.cut = match () {
                () if walked.found.len() > scope.limit => Some(format!("stopped at --limit {}", scope.limit)),
                () if asked > MOST_NODES => Some(format!("the search stopped after {MOST_NODES} nodes")),
                () if clock.now() > until => Some(format!("the search stopped after {} s", LONGEST.as_secs())),
                () => continue,
            };
            below.clear();
            break;
        }
        level = if walked.cut.is_some() { Vec::new() } else { below };
    }
    walked.found.sort_by(|a, b| a.parent.cmp(&b.parent));
    Ok(walked)
}

/// Takes the waiters' nodes out of a node's children; the others are walked on.
fn sorted(path: &str, children: Vec<String>, prefix: &str, scope: &Scope, found: &mut Vec<Found>) -> Vec<String> {
    let within = |path: &str| path.starts_with(prefix) || prefix.starts_with(&format!("{path}/"));
    let named = scope.prefix.as_deref().is_some_and(|prefix| !prefix.is_empty() && prefix != "/");
    let mut below = Vec::new();
    let mut waiters = Vec::new();
    for name in children {
        match waiter(&name).filter(|waiter| waiter.named_as_lock || named) {
            Some(waiter) if path.starts_with(prefix.trim_end_matches('/')) => waiters.push(waiter),
            _ => below.push(format!("{}/{name}", path.trim_end_matches('/'))),
        }
    }
    if !waiters.is_empty() {
        let went_round = in_turn(&mut waiters);
        let named_as_lock = waiters.iter().any(|waiter| waiter.named_as_lock);
        found.push(Found { parent: path.to_owned(), waiters, named_as_lock, went_round });
    }
    below.retain(|path| within(path) && path != OWN);
    below
}
