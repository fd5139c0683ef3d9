//! Chart 5: who believed what, when. One double grant among the holds of its key:
//! a lane a client, holds as bars, waiting as a line, the end of each lease as a
//! mark, and the time in which two were inside hatched.

use crate::report::{HoldEnd, Scene, SceneHold};

/// Most lanes: more cannot be read.
const MOST_LANES: usize = 10;

/// What a client is in the double grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Earlier,
    Later,
    Other,
}

/// A client and its holds in the window.
struct Lane {
    client: u32,
    role: Role,
    holds: Vec<SceneHold>,
}

/// The lanes, the two of the double grant first, then who was inside nearest to it;
/// and how many clients have none.
fn lanes(scene: &Scene) -> (Vec<Lane>, usize) {
    let facts = &scene.violation.double_grant;
    let mut lanes: Vec<Lane> = Vec::new();
    for (client, role) in [(facts.earlier.client, Role::Earlier), (facts.later.client, Role::Later)] {
        lanes.push(Lane { client, role, holds: Vec::new() });
    }
    let mut near: Vec<&SceneHold> = scene.holds.iter().collect();
    near.sort_by_key(|hold| (hold.start_ns.abs_diff(facts.later.start_ns), hold.client));
    for hold in near {
        match lanes.iter_mut().find(|lane| lane.client == hold.client) {
            Some(lane) => lane.holds.push(*hold),
            None => lanes.push(Lane { client: hold.client, role: Role::Other, holds: vec![*hold] }),
        }
    }
    let left_out = lanes.len().saturating_sub(MOST_LANES);
    lanes.truncate(MOST_LANES);
    lanes[2..].sort_by_key(|lane| lane.client);
    lanes.iter_mut().for_each(|lane| lane.holds.sort_by_key(|hold| hold.start_ns));
    (lanes, left_out)
}
