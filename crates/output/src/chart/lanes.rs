//! A double grant's surroundings as lanes: one per client, with its holds.

use lockbench_report::{HoldEnd, Scene, SceneHold};

/// Most lanes: more cannot be read.
const MOST_LANES: usize = 9;

/// What a client is in the double grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Was inside already.
    Earlier,
    /// Was granted the key nevertheless.
    Later,
    /// Had nothing to do with it.
    Other,
}

impl Role {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Earlier => "earlier holder",
            Self::Later => "later holder",
            Self::Other => "another client",
        }
    }
}

/// A client and its holds in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Client number.
    pub client: u32,
    /// What it is in the double grant.
    pub role: Role,
    /// Its holds, in order of start.
    pub holds: Vec<SceneHold>,
}

/// The lanes: the two of the double grant first, then those that held the key nearest
/// to it, by number; and how many clients have none.
#[must_use]
pub fn lanes(scene: &Scene) -> (Vec<Lane>, usize) {
    let facts = &scene.violation.double_grant;
    let lane = |client, role| Lane { client, role, holds: Vec::new() };
    let mut lanes = vec![lane(facts.earlier.client, Role::Earlier)];
    if facts.later.client != facts.earlier.client {
        lanes.push(lane(facts.later.client, Role::Later));
    }
    let own = lanes.len();
    let mut near: Vec<&SceneHold> = scene.holds.iter().collect();
    near.sort_by_key(|hold| (hold.start_ns.abs_diff(facts.later.start_ns), hold.client));
    for hold in near {
        match lanes.iter_mut().find(|lane| lane.client == hold.client) {
            Some(lane) => lane.holds.push(*hold),
            None => lanes.push(Lane { holds: vec![*hold], ..lane(hold.client, Role::Other) }),
        }
    }
    let left_out = lanes.len().saturating_sub(MOST_LANES);
    lanes.truncate(MOST_LANES);
    lanes[own..].sort_by_key(|lane| lane.client);
    lanes.iter_mut().for_each(|lane| lane.holds.sort_by_key(|hold| hold.start_ns));
    (lanes, left_out)
}

/// How the release was answered, in words.
#[must_use]
pub fn answer(ended: HoldEnd) -> &'static str {
    match ended {
        HoldEnd::Confirmed => "release confirmed",
        HoldEnd::NotOwner => "release refused: not the holder",
        HoldEnd::Unanswered => "release not answered",
        HoldEnd::Open => "no release known",
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_LANES, Role, lanes};
    use crate::sample;
    use lockbench_report::SceneHold;

    #[test]
    fn the_two_of_the_double_grant_come_first() {
        let scene = sample::recorded().scenes.remove(0);
        let (lanes, left_out) = lanes(&scene);
        let roles: Vec<(u32, Role, usize)> =
            lanes.iter().map(|lane| (lane.client, lane.role, lane.holds.len())).collect();
        assert_eq!(roles, [(1, Role::Earlier, 1), (2, Role::Later, 1), (3, Role::Other, 1)]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn of_too_many_clients_the_nearest_are_shown_and_the_others_counted() {
        let mut scene = sample::recorded().scenes.remove(0);
        let last = scene.holds[2];
        scene.holds.extend((10..30).map(|client| {
            let shift = u64::from(40 - client) * 1_000;
            SceneHold { client, start_ns: last.start_ns + shift, end_ns: last.end_ns + shift, ..last }
        }));
        let (lanes, left_out) = lanes(&scene);
        assert_eq!((lanes.len(), left_out), (MOST_LANES, 23 - MOST_LANES));
        let clients: Vec<u32> = lanes.iter().map(|lane| lane.client).collect();
        assert_eq!(clients, [1, 2, 3, 24, 25, 26, 27, 28, 29]);
    }
}
