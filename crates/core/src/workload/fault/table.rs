//! How each kind of a fault is written in a workload.

use super::clock::{self, BY, RATE};
use super::{DataAfter, Direction, FaultKind, MOST_FAULTS, Moment, PlannedFault, Point, Target};
use crate::workload::cursor::Cursor;
use crate::workload::item::Item;
use crate::workload::schema::{Field, Kind, Tagged};
use crate::workload::tagged::tagged;
use crate::workload::write::{duration, text, word};

/// Widest of narrow wires: beyond it nothing is narrow.
const MOST_BYTES_PER_S: u64 = 1_000_000_000_000;

/// More replies of a connection than a trial has.
const MOST_REPLIES: u64 = 1_000_000_000;
/// Largest of pieces: what a connection keeps of what is held back.
const MOST_PIECE: u64 = 1 << 20;

pub(in crate::workload) const DATA: &[(&str, DataAfter)] = &[("keep", DataAfter::Kept), ("lose", DataAfter::Lost)];

pub(in crate::workload) const POINTS: &[(&str, Point)] = &[
    ("holder-acquired", Point::HolderAcquired),
    ("holder-in-critical-section", Point::HolderInside),
    ("before-release", Point::BeforeRelease),
    ("contender-waiting", Point::ContenderWaiting),
];

const TARGET: Field = Field::default(
    "target",
    "text",
    "\"all\"",
    "which nodes: `\"one\"`, `\"minority\"`, `\"majority\"`, `\"all\"`, `\"leader\"`, `\"follower\"`, or a node's \
     name such as `\"redlock-2\"`",
);
const CLIENT: Field = Field::default(
    "target",
    "text",
    "\"holder\"",
    "which clients: `\"holder\"`, the one that reached `when` or else one in a critical section, `\"contender\"`, one \
     that asks for a held lock, `\"one\"`, `\"all\"`, or a name such as `\"client-0\"`",
);
const AT: Field =
    Field::optional("at", "duration", "once, so long after measuring begins; with `when` not before that");
const WHEN: Field = Field::optional(
    "when",
    "text",
    "once, when a client reaches this point, where it waits until the fault is in force: `\"holder-acquired\"`, \
     `\"holder-in-critical-section\"` (half of the hold is over), `\"before-release\"` or `\"contender-waiting\"` (in a \
     critical section, and another client asks for the lock)",
);
const EVERY: Field = Field::optional("every", "duration", "again and again, the first time after one period");
const FOR: Field = Field::required("for", "duration", "time until it is healed");

const DIRECTION: Field = Field::default(
    "direction",
    "text",
    "\"both\"",
    "which way, as clients see it: `\"both\"`, `\"requests\"` or `\"replies\"`",
);
pub(in crate::workload) const DIRECTIONS: &[(&str, Direction)] =
    &[("both", Direction::Both), ("requests", Direction::Requests), ("replies", Direction::Replies)];

/// What is done.
pub(in crate::workload) static FAULT: Tagged<PlannedFault> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "client-pause",
            fields: &[CLIENT, AT, WHEN, EVERY, FOR],
            meaning: "the process of the client is stopped (SIGSTOP) and continued, as by a long garbage collection",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ClientPause)),
            written: |fault| match fault.kind {
                FaultKind::ClientPause => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "client-kill",
            fields: &[CLIENT, AT, WHEN, EVERY],
            meaning: "the process of the client is killed (SIGKILL), and does not come back in this trial",
            build: |cursor| build(cursor, false, |_| Some(FaultKind::ClientKill)),
            written: |fault| match fault.kind {
                FaultKind::ClientKill => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "client-stall",
            fields: &[CLIENT, AT, WHEN, EVERY, FOR],
            meaning: "the client renews nothing while its critical section goes on; not where a session is kept by a \
                      heartbeat of its library",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ClientStall)),
            written: |fault| match fault.kind {
                FaultKind::ClientStall => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "client-late-write",
            fields: &[CLIENT, AT, WHEN, EVERY, FOR],
            meaning: "what the client writes to the resource at the end of its critical section is on its way until the \
                      fault is healed; the client takes it for written, and releases",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ClientLateWrite)),
            written: |fault| match fault.kind {
                FaultKind::ClientLateWrite => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "client-clock",
            fields: &[CLIENT, AT, WHEN, EVERY, FOR, clock::JUMP],
            meaning: "the wall clock of the client's process jumps (libfaketime), and is put right again; its monotonic \
                      clock goes on as it does",
            build: |cursor| {
                build(cursor, true, |cursor| Some(FaultKind::ClientClock { by_ns: clock::jump(&cursor.take("by")?)? }))
            },
            written: |fault| match fault.kind {
                FaultKind::ClientClock { by_ns } => Some(written(fault, [clock::signed(by_ns)])),
                _ => None,
            },
        },
        Kind {
            name: "server-pause",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "every process of the node is stopped (SIGSTOP) and continued: connections stay, no answer comes",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ServerPause)),
            written: |fault| match fault.kind {
                FaultKind::ServerPause => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "server-kill",
            fields: &[
                TARGET,
                AT,
                WHEN,
                EVERY,
                FOR,
                Field::default(
                    "data",
                    "text",
                    "\"keep\"",
                    "what it finds when it starts again: `\"keep\"`, what it had written, or `\"lose\"`, nothing",
                ),
            ],
            meaning: "the node is killed (SIGKILL) and started again on its address; what is in the page cache of the \
                      host stays",
            build: |cursor| {
                build(cursor, true, |cursor| Some(FaultKind::ServerKill { data: cursor.take("data")?.word(DATA)? }))
            },
            written: |fault| match fault.kind {
                FaultKind::ServerKill { data } => Some(written(fault, [word(DATA, data)])),
                _ => None,
            },
        },
        Kind {
            name: "server-power-cut",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "the node is killed (SIGKILL), its disk forgets what was not synced, and it is started again on its \
                      address; needs root and /dev/fuse",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ServerPowerCut)),
            written: |fault| match fault.kind {
                FaultKind::ServerPowerCut => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "disk-slow",
            fields: &[TARGET, AT, WHEN, EVERY, FOR, Field::required("by", "duration", "so much longer")],
            meaning: "each fsync on the disk of the node takes longer; needs root and /dev/fuse",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    Some(FaultKind::DiskSlow { by_ns: cursor.take("by").and_then(|item| item.positive_duration())? })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::DiskSlow { by_ns } => Some(written(fault, [duration(by_ns)])),
                _ => None,
            },
        },
        Kind {
            name: "server-cut",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "nothing passes between the node and the other members of its cluster, both ways; clients still \
                      reach it; only where lockbench starts a cluster, such as with `[etcd] members = 3`; of PostgreSQL a \
                      standby, which receives nothing more",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ServerCut)),
            written: |fault| match fault.kind {
                FaultKind::ServerCut => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "server-squeeze",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "the memory of the node is full (Redis: `maxmemory`, `allkeys-lru`, and a client that fills it), so \
                      that it throws keys away, locks among them",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::ServerSqueeze)),
            written: |fault| match fault.kind {
                FaultKind::ServerSqueeze => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "server-clock",
            fields: &[TARGET, AT, WHEN, EVERY, FOR, BY, RATE],
            meaning: "the wall clock of the node jumps or runs at another rate (libfaketime), and is put right again; its \
                      monotonic clock goes on as it does; only where lockbench starts the server as a program",
            build: |cursor| {
                build(cursor, true, |cursor| Some(FaultKind::ServerClock { change: clock::change(cursor)? }))
            },
            written: |fault| match fault.kind {
                FaultKind::ServerClock { change } => {
                    Some(written(fault, []).into_iter().chain(clock::written(change)).collect())
                }
                _ => None,
            },
        },
        Kind {
            name: "standby-promote",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "the node that leads is killed (SIGKILL), its standby is promoted, and clients find it; the killed one \
                      comes back as a standby with a copy of what the other has; with `[postgres] standby`",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::StandbyPromote)),
            written: |fault| match fault.kind {
                FaultKind::StandbyPromote => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "session-kill",
            fields: &[TARGET, AT, WHEN, EVERY],
            meaning: "the node ends the sessions of all clients of lockbench (PostgreSQL: `pg_terminate_backend`; Redis: \
                      `CLIENT KILL`)",
            build: |cursor| build(cursor, false, |_| Some(FaultKind::SessionKill)),
            written: |fault| match fault.kind {
                FaultKind::SessionKill => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "wire-cut",
            fields: &[TARGET, AT, WHEN, EVERY, FOR, DIRECTION],
            meaning: "nothing passes between the node and the clients; what was held back is delivered afterwards, as \
                      TCP does when a partition heals",
            build: |cursor| build(cursor, true, |cursor| Some(FaultKind::WireCut { direction: direction(cursor)? })),
            written: |fault| match fault.kind {
                FaultKind::WireCut { direction } => Some(written(fault, [word(DIRECTIONS, direction)])),
                _ => None,
            },
        },
        Kind {
            name: "wire-delay",
            fields: &[
                TARGET,
                AT,
                WHEN,
                EVERY,
                FOR,
                DIRECTION,
                Field::required("delay", "duration", "so much later"),
                Field::default("jitter", "duration", "\"0s\"", "and up to so much more, evenly drawn"),
                Field::optional(
                    "nth",
                    "whole number",
                    "only this reply of each connection, from 1, counted from the injection; a reply is what comes from \
                     a request to the next; with `direction = \"replies\"`",
                ),
            ],
            meaning: "what passes between the node and the clients comes later, in order",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, delay, jitter) = (direction(cursor), cursor.take("delay"), cursor.take("jitter"));
                    let nth = cursor.take("nth").map(|item| (item.whole(1..=MOST_REPLIES), item));
                    let (delay_ns, jitter_ns) = (delay.and_then(|item| item.positive_duration()), jitter?.duration());
                    let (direction, nth) = match (way?, nth) {
                        (way, None) => (way, None),
                        (Direction::Replies, Some((nth, _))) => (Direction::Replies, Some(nth?)),
                        (_, Some((_, item))) => {
                            return item.refuse("counts replies: write direction = \"replies\" beside it");
                        }
                    };
                    Some(FaultKind::WireDelay { direction, delay_ns: delay_ns?, jitter_ns: jitter_ns?, nth })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireDelay { direction, delay_ns, jitter_ns, nth } => {
                    let own = [word(DIRECTIONS, direction), duration(delay_ns), duration(jitter_ns)];
                    Some(written(fault, own).into_iter().chain([nth.map(|nth| nth.to_string())]).collect())
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-narrow",
            fields: &[
                TARGET,
                AT,
                WHEN,
                EVERY,
                FOR,
                DIRECTION,
                Field::required("bytes_per_s", "whole number", "bytes per second of each connection"),
            ],
            meaning: "what passes between the node and the clients is slow",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, rate) = (direction(cursor), cursor.take("bytes_per_s"));
                    let bytes_per_s = rate.and_then(|item| item.whole(1..=MOST_BYTES_PER_S))?;
                    Some(FaultKind::WireNarrow { direction: way?, bytes_per_s })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireNarrow { direction, bytes_per_s } => {
                    Some(written(fault, [word(DIRECTIONS, direction), bytes_per_s.to_string()]))
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-slice",
            fields: &[
                TARGET,
                AT,
                WHEN,
                EVERY,
                FOR,
                DIRECTION,
                Field::required("bytes", "whole number", "bytes of a piece"),
                Field::default("gap", "duration", "\"1ms\"", "from one piece to the next"),
            ],
            meaning: "what passes between the node and the clients arrives in pieces",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, bytes, gap) = (direction(cursor), cursor.take("bytes"), cursor.take("gap"));
                    let (piece, gap_ns) = (bytes.and_then(|item| item.whole(1..=MOST_PIECE)), gap?.positive_duration());
                    Some(FaultKind::WireSlice { direction: way?, piece: piece?, gap_ns: gap_ns? })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireSlice { direction, piece, gap_ns } => {
                    Some(written(fault, [word(DIRECTIONS, direction), piece.to_string(), duration(gap_ns)]))
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-slow-close",
            fields: &[TARGET, AT, WHEN, EVERY, FOR, DIRECTION, Field::required("delay", "duration", "so much later")],
            meaning: "that a side has ended a connection is told to the other side later",
            build: |cursor| {
                build(cursor, true, |cursor| {
                    let (way, delay) = (direction(cursor), cursor.take("delay"));
                    let close_ns = delay.and_then(|item| item.positive_duration());
                    Some(FaultKind::WireSlowClose { direction: way?, close_ns: close_ns? })
                })
            },
            written: |fault| match fault.kind {
                FaultKind::WireSlowClose { direction, close_ns } => {
                    Some(written(fault, [word(DIRECTIONS, direction), duration(close_ns)]))
                }
                _ => None,
            },
        },
        Kind {
            name: "wire-reset",
            fields: &[TARGET, AT, WHEN, EVERY],
            meaning: "every connection between the node and the clients is reset, on both sides",
            build: |cursor| build(cursor, false, |_| Some(FaultKind::WireReset)),
            written: |fault| match fault.kind {
                FaultKind::WireReset => Some(written(fault, [])),
                _ => None,
            },
        },
        Kind {
            name: "wire-half-open",
            fields: &[TARGET, AT, WHEN, EVERY, FOR],
            meaning: "every connection is over for its client and stays open for the server, as that of a client whose \
                      host is gone",
            build: |cursor| build(cursor, true, |_| Some(FaultKind::WireHalfOpen)),
            written: |fault| match fault.kind {
                FaultKind::WireHalfOpen => Some(written(fault, [])),
                _ => None,
            },
        },
    ],
};

fn direction(cursor: &Cursor<'_>) -> Option<Direction> {
    cursor.take("direction")?.word(DIRECTIONS)
}

/// The values of a fault's keys in TOML, in their order: those that every kind has, then its own.
fn written<const N: usize>(fault: &PlannedFault, own: [String; N]) -> Vec<Option<String>> {
    let (at, when, every) = match fault.moment {
        Moment::At { ns } => (Some(duration(ns)), None, None),
        Moment::Every { ns } => (None, None, Some(duration(ns))),
        Moment::When { point, ns } => (Some(duration(ns)), Some(word(POINTS, point)), None),
    };
    let lasts = (fault.lasts_ns > 0).then(|| Some(duration(fault.lasts_ns)));
    [Some(text(fault.target.word())), at, when, every].into_iter().chain(lasts).chain(own.map(Some)).collect()
}

/// The plan's list; `run_ns` is the measured time.
pub(in crate::workload) fn faults(item: &Item<'_>, run_ns: Option<u64>) -> Option<Vec<PlannedFault>> {
    let elements = item.elements_of("tables, each a fault: [[faults]]")?;
    if elements.len() > MOST_FAULTS {
        return item.refuse(&format!("has {} faults; write at most {MOST_FAULTS}", elements.len()));
    }
    let mut faults = Vec::new();
    for (element, place) in elements.iter().zip(1_u32..) {
        let fault = tagged(element, &FAULT)?;
        let first = fault.moment.earliest_ns();
        if run_ns.is_some_and(|run| first >= run) {
            return element.refuse(&format!(
                "has fault {place} begin when the measured time is over; begin it earlier, or raise \"duration\""
            ));
        }
        faults.push(fault);
    }
    Some(faults)
}

/// Reads the keys that every kind has, and by `kind` its own. `lasting`: it has a length.
fn build(cursor: &Cursor<'_>, lasting: bool, kind: fn(&Cursor<'_>) -> Option<FaultKind>) -> Option<PlannedFault> {
    let (target, at) = (cursor.take("target"), cursor.take("at"));
    let (when, every) = (cursor.take("when"), cursor.take("every"));
    let lasts_ns = if lasting { cursor.take("for").and_then(|item| item.positive_duration()) } else { Some(0) };
    let kind = kind(cursor);
    let moment = match (at, when, every) {
        (at, Some(when), None) => {
            let ns = at.map_or(Some(0), |at| at.duration());
            Moment::When { point: when.word(POINTS)?, ns: ns? }
        }
        (Some(at), None, None) => Moment::At { ns: at.duration()? },
        (None, None, Some(every)) => {
            let ns = every.positive_duration()?;
            if ns <= lasts_ns? {
                return every.refuse("is not longer than \"for\": the next would begin before this one is healed");
            }
            Moment::Every { ns }
        }
        (_, Some(when), Some(_)) => return when.refuse("stands beside \"every\"; keep one of them"),
        (Some(at), None, Some(_)) => return at.refuse("stands beside \"every\"; keep one of them"),
        (None, None, None) => {
            return cursor.refuse(
                "at, when or every must say when it begins: at = \"3s\", when = \"holder-acquired\" or every = \"10s\"",
            );
        }
    };
    let kind = kind?;
    let target = Target::read(&target?, kind.is_of_a_client())?;
    Some(PlannedFault { kind, target, moment, lasts_ns: lasts_ns? })
}
