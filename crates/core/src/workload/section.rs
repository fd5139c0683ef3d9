//! How a critical section is written in a workload.

use super::cursor::Cursor;
use super::schema::{Field, Kind, Tagged};
use super::write::duration;
use crate::section::Section;

/// What clients do under the lock.
pub(super) static SECTION: Tagged<Section> = Tagged {
    tag: "kind",
    kinds: &[
        plain(
            "counter",
            Section::Counter,
            "reads a number and writes the next one: a write over another one loses an update",
        ),
        plain(
            "append",
            Section::Append,
            "reads a list and writes it with one element more: a write over another one loses it",
        ),
        plain(
            "inventory",
            Section::Inventory,
            "reads which unit is next, sells it, writes the next one: a unit that is sold twice is oversold",
        ),
        plain(
            "payment",
            Section::Payment,
            "reads the next unpaid order, charges it, writes it down: a second charge is harm",
        ),
        Kind {
            name: "run-once",
            fields: &[Field::required("every", "duration", "length of a period")],
            meaning: "runs a job if it reads that this period's has not run: a second run is harm, and so is a period without one",
            build: |cursor| Some(Section::RunOnce { every_ns: length(cursor, "every")? }),
            written: |section| match *section {
                Section::RunOnce { every_ns } => Some(vec![Some(duration(every_ns))]),
                _ => None,
            },
        },
        Kind {
            name: "token-bucket",
            fields: &[
                Field::required(
                    "limit",
                    "whole number",
                    "most requests that are admitted per window, at most 1 000 000",
                ),
                Field::required("per", "duration", "length of a window"),
            ],
            meaning: "admits a request if it reads that fewer than `limit` were in this window: one more than that is harm",
            build: |cursor| {
                let (limit, per_ns) = (cursor.take("limit"), length(cursor, "per"));
                Some(Section::TokenBucket { limit: limit?.whole32(1..=1_000_000)?, per_ns: per_ns? })
            },
            written: |section| match *section {
                Section::TokenBucket { limit, per_ns } => Some(vec![Some(limit.to_string()), Some(duration(per_ns))]),
                _ => None,
            },
        },
        plain("leader", Section::Leader, "leads as long as it holds: the time without a leader and with two is told"),
    ],
};

type Build = fn(&Cursor<'_>) -> Option<Section>;
type Written = fn(&Section) -> Option<Vec<Option<String>>>;

const fn plain(name: &'static str, section: Section, meaning: &'static str) -> Kind<Section> {
    // A function cannot close over the section: each has its own.
    let (build, written): (Build, Written) = match section {
        Section::Append => (|_| Some(Section::Append), |section| of(*section, Section::Append)),
        Section::Inventory => (|_| Some(Section::Inventory), |section| of(*section, Section::Inventory)),
        Section::Payment => (|_| Some(Section::Payment), |section| of(*section, Section::Payment)),
        Section::Leader => (|_| Some(Section::Leader), |section| of(*section, Section::Leader)),
        _ => (|_| Some(Section::Counter), |section| of(*section, Section::Counter)),
    };
    Kind { name, fields: &[], meaning, build, written }
}

fn of(section: Section, kind: Section) -> Option<Vec<Option<String>>> {
    (section == kind).then(Vec::new)
}

fn length(cursor: &Cursor<'_>, key: &'static str) -> Option<u64> {
    cursor.take(key)?.positive_duration()
}
