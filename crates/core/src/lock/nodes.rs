//! How many nodes of a lock system serve, and what else about its servers changes what
//! a verdict on it means. Typed facts: they become English where they are shown.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The nodes of a system at one moment. What is neither serving nor away was not asked:
/// its address was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nodes {
    /// Nodes that answered and take part.
    pub serving: u32,
    /// How many must agree.
    pub needed: u32,
    /// How many there are.
    pub total: u32,
    /// Nodes that were asked and do not serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<Away>,
}

/// A node that does not serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Away {
    /// Its address, without credentials.
    pub address: String,
    /// What was seen instead of an answer.
    pub problem: String,
}

impl Nodes {
    /// Of the answers of the nodes that were asked; `total` counts those too that were not.
    #[must_use]
    pub fn of(asked: impl IntoIterator<Item = Result<(), Away>>, needed: usize, total: usize) -> Self {
        let mut nodes = Self { needed: needed as u32, total: total as u32, ..Self::default() };
        for node in asked {
            match node {
                Ok(()) => nodes.serving += 1,
                Err(away) => nodes.away.push(away),
            }
        }
        nodes.total = nodes.total.max(nodes.serving + nodes.away.len() as u32);
        nodes
    }

    /// Nodes whose address was not given, so that they were not asked.
    #[must_use]
    pub fn unasked(&self) -> u32 {
        self.total.saturating_sub(self.serving).saturating_sub(self.away.len() as u32)
    }

    /// Returns whether enough nodes serve, as far as it is known.
    #[must_use]
    pub fn suffice(&self) -> bool {
        self.serving > 0 && self.serving + self.unasked() >= self.needed
    }

    /// Addresses of the nodes that are away, with commas; `None` if none is.
    #[must_use]
    pub fn away_names(&self) -> Option<String> {
        let names: Vec<&str> = self.away.iter().map(|away| away.address.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The same with what was seen of each.
    #[must_use]
    pub fn problems(&self) -> String {
        self.away.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// `3 of 5 nodes`.
impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.total == 1 { "node" } else { "nodes" };
        match self.unasked() {
            0 => write!(f, "{} of {} {word}", self.serving, self.total),
            unasked => write!(f, "{} of {} {word}, {unasked} not asked", self.serving, self.total),
        }
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Messages of the recipes begin with the address already.
        if self.problem.starts_with(&self.address) {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.address, self.problem)
        }
    }
}

/// The nodes before the load of a trial and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodesOfTrial {
    /// Before the load; left out: there are no servers, or they were not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Nodes>,
    /// After the load, before the keys were removed; left out likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Nodes>,
}

/// What is true of these servers and changes what a verdict on them means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Caveats {
    /// A server copies another one: a lock granted here excludes no client of the primary.
    pub standby: bool,
    /// Statements of one connection reach different sessions of the server: what shows that
    /// a pooler stands between; left out where nothing shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooler: Option<String>,
    /// Addresses given as several nodes that are one server, each group by itself.
    pub same_server: Vec<Vec<String>>,
}

impl Caveats {
    /// The groups of addresses that share an identity; addresses without one stand alone.
    #[must_use]
    pub fn same(identities: &[(String, Option<String>)]) -> Vec<Vec<String>> {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for (address, identity) in identities {
            let Some(identity) = identity.as_deref() else { continue };
            match groups.iter_mut().find(|(known, _)| *known == identity) {
                Some((_, addresses)) => addresses.push(address.clone()),
                None => groups.push((identity, vec![address.clone()])),
            }
        }
        groups.into_iter().map(|(_, addresses)| addresses).filter(|addresses| addresses.len() > 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Away, Caveats, Nodes};

    fn away(address: &str) -> Result<(), Away> {
        Err(Away { address: address.to_owned(), problem: "connection refused".to_owned() })
    }

    #[test]
    fn nodes_that_were_not_asked_are_neither_serving_nor_away() {
        let one_of_three = Nodes::of([Ok(())], 2, 3);
        assert_eq!((one_of_three.unasked(), one_of_three.suffice()), (2, true));
        assert_eq!(one_of_three.to_string(), "1 of 3 nodes, 2 not asked");
        let lost = Nodes::of([Ok(()), away("b:1"), away("c:1")], 2, 3);
        assert_eq!((lost.suffice(), lost.to_string()), (false, "1 of 3 nodes".to_owned()));
        assert_eq!(lost.away_names().as_deref(), Some("b:1, c:1"));
        assert_eq!(Nodes::of([Ok(())], 1, 1).to_string(), "1 of 1 node");
        assert!(!Nodes::of([away("a:1")], 1, 1).suffice());
    }

    #[test]
    fn one_server_under_several_names_is_found_by_its_identity() {
        let named = |pairs: &[(&str, Option<&str>)]| -> Vec<(String, Option<String>)> {
            pairs.iter().map(|(address, id)| ((*address).to_owned(), id.map(str::to_owned))).collect()
        };
        let twice = named(&[("a:1", Some("x")), ("b:1", Some("y")), ("c:1", Some("x")), ("d:1", None), ("e:1", None)]);
        assert_eq!(Caveats::same(&twice), [["a:1", "c:1"]]);
        assert!(Caveats::same(&named(&[("a:1", Some("x")), ("b:1", Some("y"))])).is_empty());
    }
}
