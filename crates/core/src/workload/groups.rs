//! Groups of clients: some want other keys, hold them longer, or come more often than the others. The clients of a plan
//! that are in no group behave as the plan itself says.

use std::ops::Range;

use super::arrival::arrival;
use super::cursor::Cursor;
use super::item::Item;
use super::kinds::{ACQUIRE, KEYS, span};
use super::locks::Locks;
use super::plan::{AcquireMode, Arrival, Breaker, Keys, Plan, Span};
use super::schema::Field;
use super::tagged::tagged;

/// Most groups.
const MOST_GROUPS: usize = 64;
/// Name of the clients that are in no group.
pub const OTHERS: &str = "others";

/// A group of clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name, one of its own.
    pub name: String,
    /// Number of its clients, above 0.
    pub clients: u32,
    /// Which keys they lock.
    pub keys: Keys,
    /// Whether no other group locks these keys.
    pub own_keys: bool,
    /// How long a grant is held.
    pub hold: Span,
    /// When attempts are due.
    pub arrival: Arrival,
    /// Pause between an attempt's end and the next due instant; none in an open loop.
    pub think: Span,
    /// Try once, or wait.
    pub acquire: AcquireMode,
}

/// Clients that behave alike: a group, or all that are in none.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The group's name.
    pub name: &'a str,
    /// Numbers of its clients.
    pub clients: Range<u32>,
    /// Which keys they lock.
    pub keys: &'a Keys,
    /// The number of the first of these keys, and how many there are.
    pub keys_from: (u32, u32),
    /// Whether no other part locks these keys.
    pub own_keys: bool,
    /// How long a grant is held.
    pub hold: &'a Span,
    /// When attempts are due.
    pub arrival: &'a Arrival,
    /// Pause between an attempt's end and the next due instant.
    pub think: &'a Span,
    /// Try once, or wait.
    pub acquire: AcquireMode,
}

impl Part<'_> {
    /// The number by which a client of it chooses its key: where each has one of its own, clients of two parts that share
    /// their keys share none of these.
    #[must_use]
    pub fn chooses_as(&self, client: u32) -> u32 {
        if self.own_keys { client.saturating_sub(self.clients.start) } else { client }
    }
}

impl Plan {
    /// Its clients, by groups; those that are in none are last. Without groups these are all.
    #[must_use]
    pub fn parts(&self) -> Vec<Part<'_>> {
        let mut parts: Vec<Part<'_>> = Vec::with_capacity(self.groups.len() + 1);
        let mut first = 0;
        for group in &self.groups {
            let clients = first..first + group.clients;
            first = clients.end;
            parts.push(Part {
                name: &group.name,
                clients,
                keys: &group.keys,
                keys_from: (0, 0),
                own_keys: group.own_keys,
                hold: &group.hold,
                arrival: &group.arrival,
                think: &group.think,
                acquire: group.acquire,
            });
        }
        if first < self.clients {
            parts.push(Part {
                name: OTHERS,
                clients: first..self.clients,
                keys: &self.keys,
                keys_from: (0, 0),
                own_keys: false,
                hold: &self.hold,
                arrival: &self.arrival,
                think: &self.think,
                acquire: self.acquire,
            });
        }
        let shared = parts.iter().filter(|part| !part.own_keys).map(|part| part.keys.count(self.clients)).max();
        let mut next = shared.unwrap_or(0);
        for part in &mut parts {
            if part.own_keys {
                part.keys_from = (next, part.keys.count(part.clients.end - part.clients.start));
                next += part.keys_from.1;
            } else {
                part.keys_from = (0, part.keys.count(self.clients));
            }
        }
        parts
    }

    /// The place of the part that a client belongs to.
    #[must_use]
    pub fn part_of(&self, client: u32) -> usize {
        let ends = self.groups.iter().scan(0, |end, group| {
            *end += group.clients;
            Some(*end)
        });
        ends.take_while(|end| *end <= client).count()
    }

    /// Number of different keys.
    #[must_use]
    pub fn count_of_keys(&self) -> u32 {
        self.parts().iter().map(|part| part.keys_from.0 + part.keys_from.1).max().unwrap_or(1)
    }

    /// Returns whether the clock says when attempts are due, at least those of one group.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.parts().iter().any(|part| part.arrival.is_open())
    }

    /// The longest that a grant may be held, in nanoseconds; `u64::MAX` if it has no bound.
    #[must_use]
    pub fn longest_hold_ns(&self) -> u64 {
        self.parts().iter().map(|part| part.hold.longest_ns()).max().unwrap_or(0)
    }
}

/// Whether a group shares its keys with the others.
pub(super) const KEY_SPACES: &[(&str, bool)] = &[("shared", false), ("own", true)];

/// Keys of a group.
pub(super) static GROUP: &[Field] = &[
    Field::required("name", "text", "name of the group"),
    Field::required("clients", "whole number", "how many of the clients are in it"),
    Field::optional("keys", "kind", "which keys they lock; without it those of the workload"),
    Field::default(
        "key_space",
        "text",
        "\"shared\"",
        "`\"shared\"`: key k is the same lock as key k of the others; `\"own\"`: no other group locks these keys",
    ),
    Field::optional("hold", "duration or kind", "how long a grant is held; without it as in the workload"),
    Field::default("arrival", "kind", "\"closed\"", "when attempts of the group are due"),
    Field::optional("think", "duration or kind", "pause after an attempt; without it as in the workload"),
    Field::optional("acquire", "mode", "wait for a held lock, or try once; without it as in the workload"),
];

/// What groups have where they do not say otherwise, and what stands beside them; `None` where it is wrong, which is
/// reported already.
pub(super) struct Beside {
    pub clients: Option<u32>,
    pub keys: Option<Keys>,
    pub hold: Option<Span>,
    pub think: Option<Span>,
    pub acquire: Option<AcquireMode>,
    pub locks: Option<Locks>,
    pub breaker: Option<Breaker>,
}

/// Reads the groups of a workload.
pub(super) fn groups(item: &Item<'_>, beside: &Beside) -> Option<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let elements = item.elements()?;
    if elements.len() > MOST_GROUPS {
        return item.refuse(&format!("has more than {MOST_GROUPS} groups"));
    }
    for element in elements {
        let group = group(&element, beside)?;
        if group.name == OTHERS || groups.iter().any(|other| other.name == group.name) {
            let name = group.name;
            return element.refuse(&format!("has a name that is taken, {name:?}; choose another"));
        }
        groups.push(group);
    }
    let (clients, all) = (beside.clients?, groups.iter().map(|group| u64::from(group.clients)).sum::<u64>());
    if all > u64::from(clients) {
        return item
            .refuse(&format!("asks for {all} clients in all, and clients = {clients}; raise that to {all} or more"));
    }
    Some(groups)
}

fn group(item: &Item<'_>, beside: &Beside) -> Option<Group> {
    let cursor = Cursor::nested(item, GROUP)?;
    let name = cursor.take("name").and_then(|item| item.text());
    let clients = cursor.take("clients").and_then(|item| item.whole32(1..=u16::MAX.into()));
    let written = cursor.take("keys");
    let keys = written.as_ref().map_or(beside.keys, |item| {
        if beside.locks.is_some_and(Locks::are_several) {
            return item.refuse("has no place beside several locks per attempt, which are taken from one set of keys");
        }
        tagged(item, &KEYS)
    });
    let own_keys = cursor.take("key_space").and_then(|item| {
        let own = item.word(KEY_SPACES)?;
        if own && beside.locks.is_some_and(Locks::are_several) {
            return item.refuse("has no place beside several locks per attempt, which are taken from one set of keys");
        }
        Some(own)
    });
    let hold = cursor.take("hold").map_or_else(|| beside.hold.clone(), |item| span(&item));
    let arrival = cursor.take("arrival").and_then(|item| {
        let arrival = arrival(&item)?;
        if arrival.is_open() && beside.breaker.is_some() {
            return item.refuse("has no place beside \"breaker\": there the clock says when attempts are due");
        }
        Some(arrival)
    });
    let open = arrival.as_ref().is_some_and(Arrival::is_open);
    let think = match cursor.take("think") {
        None if open => Some(Span::ZERO),
        None => beside.think.clone(),
        Some(item) => match span(&item) {
            Some(think) if open && think != Span::ZERO => item.refuse(
                "has no place beside \"arrival\": there the clock says when attempts are due; leave it out, or lower the rate",
            ),
            think => think,
        },
    };
    let acquire = cursor.take("acquire").map_or(beside.acquire, |item| tagged(&item, &ACQUIRE));
    cursor.finish_complete();
    Some(Group {
        name: name?,
        clients: clients?,
        keys: keys?,
        own_keys: own_keys?,
        hold: hold?,
        arrival: arrival?,
        think: think?,
        acquire: acquire?,
    })
}

#[cfg(test)]
mod tests {
    use crate::workload::parse;

    const THREE: &str = "clients = 20\nkeys = { kind = \"uniform\", count = 5 }\n[[groups]]\nname = \"web\"\nclients = 12\n\
                         [[groups]]\nname = \"cron\"\nclients = 3\nkeys = \"per-client\"\nkey_space = \"own\"\nhold = \"1s\"\n\
                         arrival = { rate = 2.0 }\n";

    #[test]
    fn every_client_is_in_one_part_and_every_part_has_its_keys() {
        let plan = parse("w.toml", THREE, &[]).unwrap().0;
        let parts = plan.parts();
        let of: Vec<_> = parts.iter().map(|part| (part.name, part.clients.clone(), part.keys_from)).collect();
        assert_eq!(of, [("web", 0..12, (0, 5)), ("cron", 12..15, (5, 3)), ("others", 15..20, (0, 5))]);
        for (place, part) in parts.iter().enumerate() {
            assert!(part.clients.clone().all(|client| plan.part_of(client) == place), "{part:?}");
        }
        assert_eq!((plan.count_of_keys(), plan.longest_hold_ns(), plan.is_open()), (8, 1_000_000_000, true));
        assert_eq!(parts[1].chooses_as(14), 2);
        // Without groups all clients are one part.
        let plain = parse("w.toml", "clients = 4", &[]).unwrap().0;
        assert_eq!((plain.parts().len(), plain.parts()[0].clients.clone(), plain.part_of(3)), (1, 0..4, 0));
    }
}
