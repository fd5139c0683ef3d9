//! How an arrival is written.

use super::super::cursor::Cursor;
use super::super::document::{Entry, Node, Value};
use super::super::item::Item;
use super::super::schema::{Field, Kind, Tagged};
use super::super::tagged::tagged;
use super::super::write::{duration, real, text};
use super::{Arrival, MOST_QUEUED, Trace};

/// Highest rate: beyond it the gap between two attempts is below what a clock tells.
const HIGHEST_PER_S: f64 = 10_000_000.0;
/// Largest burst.
const LARGEST_BURST: u32 = 1_000_000;
/// Most steps.
const MOST_STEPS: usize = 1_000;

const RATE: Field = Field::required("rate", "number", "attempts per second of all clients together");
const EVERY: Field = Field::required("every", "duration", "from one to the next");
const QUEUE: Field = Field::optional(
    "queue",
    "whole number",
    "callers that may wait for a free client, at most 1 000 000; one more is dropped; without it as many as are due \
     within the acquire timeout",
);

/// When attempts are due.
pub(in super::super) static ARRIVAL: Tagged<Arrival> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "closed",
            fields: &[],
            meaning: "when a client is free, after its think time: a slow system is asked less",
            build: |_| Some(Arrival::Closed),
            written: |arrival| (*arrival == Arrival::Closed).then(Vec::new),
        },
        Kind {
            name: "constant",
            fields: &[RATE, QUEUE],
            meaning: "at equal distances by the clock, whether a client is free or not",
            build: |cursor| {
                let (per_s, queue) = (rate(cursor), queue(cursor));
                Some(Arrival::Constant { per_s: per_s?, queue: queue? })
            },
            written: |arrival| match arrival {
                Arrival::Constant { per_s, queue } => Some(vec![Some(real(*per_s)), callers(*queue)]),
                _ => None,
            },
        },
        Kind {
            name: "poisson",
            fields: &[RATE, QUEUE],
            meaning: "independent callers: exponential gaps of that mean rate",
            build: |cursor| {
                let (per_s, queue) = (rate(cursor), queue(cursor));
                Some(Arrival::Poisson { per_s: per_s?, queue: queue? })
            },
            written: |arrival| match arrival {
                Arrival::Poisson { per_s, queue } => Some(vec![Some(real(*per_s)), callers(*queue)]),
                _ => None,
            },
        },
        Kind {
            name: "bursts",
            fields: &[
                Field::required("size", "whole number", "attempts that are due together, at most 1 000 000"),
                EVERY,
                QUEUE,
            ],
            meaning: "a herd that wakes at once, again and again",
            build: |cursor| {
                let size = cursor.take("size").and_then(|item| item.whole32(1..=LARGEST_BURST));
                let (every_ns, queue) = (every(cursor), queue(cursor));
                Some(Arrival::Bursts { size: size?, every_ns: every_ns?, queue: queue? })
            },
            written: |arrival| match arrival {
                Arrival::Bursts { size, every_ns, queue } => {
                    Some(vec![Some(size.to_string()), Some(duration(*every_ns)), callers(*queue)])
                }
                _ => None,
            },
        },
        Kind {
            name: "ramp",
            fields: &[
                Field::default("from", "number", "0.0", "attempts per second at the start"),
                Field::required("to", "number", "attempts per second at the end"),
                Field::optional("over", "duration", "how long the change takes; without it the whole load"),
                QUEUE,
            ],
            meaning: "a rate that changes steadily",
            build: |cursor| {
                let from = cursor.take("from").and_then(|item| item.real(from_zero, FROM_ZERO));
                let to = cursor.take("to").and_then(|item| item.real(above_zero, ABOVE_ZERO));
                let over = cursor.take("over").map(|item| item.positive_duration());
                let queue = queue(cursor);
                let over_ns = over.map_or(Some(None), |over| over.map(Some))?;
                Some(Arrival::Ramp { from_per_s: from?, to_per_s: to?, over_ns, queue: queue? })
            },
            written: |arrival| match arrival {
                Arrival::Ramp { from_per_s, to_per_s, over_ns, queue } => {
                    Some(vec![Some(real(*from_per_s)), Some(real(*to_per_s)), over_ns.map(duration), callers(*queue)])
                }
                _ => None,
            },
        },
        Kind {
            name: "steps",
            fields: &[
                Field::required("rates", "list of numbers", "attempts per second, one step after another"),
                Field::required("every", "duration", "length of a step"),
                QUEUE,
            ],
            meaning: "one rate after another; the last stays",
            build: |cursor| {
                let rates = cursor.take("rates").and_then(|item| rates(&item));
                let (every_ns, queue) = (every(cursor), queue(cursor));
                Some(Arrival::Steps { rates_per_s: rates?, every_ns: every_ns?, queue: queue? })
            },
            written: |arrival| match arrival {
                Arrival::Steps { rates_per_s, every_ns, queue } => {
                    let rates: Vec<String> = rates_per_s.iter().map(|rate| real(*rate)).collect();
                    let rates = format!("[{}]", rates.join(", "));
                    Some(vec![Some(rates), Some(duration(*every_ns)), callers(*queue)])
                }
                _ => None,
            },
        },
        Kind {
            name: "trace",
            fields: &[
                Field::optional(
                    "file",
                    "text",
                    "a CSV file with the columns `due`, `key` and, if it has them, `hold` and `mode`; its path is relative to \
                     that of the workload",
                ),
                Field::optional("rows", "text", "the same text itself, as a stored plan has it"),
                QUEUE,
            ],
            meaning: "as recorded, or as a model has it: each attempt when and for what a file says; `lockbench trace` makes one",
            build: trace,
            written: |arrival| match arrival {
                Arrival::Trace { trace, queue } => Some(vec![None, Some(text(&trace.to_csv())), callers(*queue)]),
                _ => None,
            },
        },
    ],
};

fn trace(cursor: &Cursor<'_>) -> Option<Arrival> {
    let (file, rows, queue) = (cursor.take("file"), cursor.take("rows"), queue(cursor));
    let (item, text) = match (file, rows) {
        (Some(file), None) => {
            let text = file.text().and_then(|path| file.beside(&path))?;
            (file, text)
        }
        (None, Some(rows)) => {
            let text = rows.text()?;
            (rows, text)
        }
        (None, None) => return cursor.refuse("file is not written: write file = \"my-trace.csv\""),
        (Some(_), Some(rows)) => return rows.refuse_read("stands beside \"file\"; write one of both"),
    };
    match Trace::parse(&text) {
        Ok(trace) => Some(Arrival::Trace { trace, queue: queue? }),
        Err(problem) => item.refuse_read(&format!("is no trace: {problem}")),
    }
}

const ABOVE_ZERO: &str = "attempts per second, above 0, up to 10 000 000";
const FROM_ZERO: &str = "attempts per second, from 0 to 10 000 000";

fn above_zero(rate: f64) -> bool {
    rate > 0.0 && rate <= HIGHEST_PER_S
}

fn from_zero(rate: f64) -> bool {
    (0.0..=HIGHEST_PER_S).contains(&rate)
}

fn rate(cursor: &Cursor<'_>) -> Option<f64> {
    cursor.take("rate")?.real(above_zero, ABOVE_ZERO)
}

fn every(cursor: &Cursor<'_>) -> Option<u64> {
    cursor.take("every")?.positive_duration()
}

/// `Some(None)`: none is written.
#[allow(clippy::option_option)]
fn queue(cursor: &Cursor<'_>) -> Option<Option<u32>> {
    cursor.take("queue").map_or(Some(None), |item| item.whole32(0..=MOST_QUEUED).map(Some))
}

fn callers(queue: Option<u32>) -> Option<String> {
    queue.map(|callers| callers.to_string())
}

fn rates(item: &Item<'_>) -> Option<Vec<f64>> {
    let elements = item.elements_of("numbers")?;
    let rates = elements.iter().map(|one| one.real(from_zero, FROM_ZERO)).collect::<Option<Vec<_>>>()?;
    if rates.len() > MOST_STEPS {
        return item.refuse(&format!("has more than {MOST_STEPS} steps"));
    }
    if !rates.iter().any(|rate| *rate > 0.0) {
        return item.refuse("asks for nothing; write at least one rate above 0");
    }
    Some(rates)
}

/// Reads an arrival; a table without a kind is one of a constant rate, as `--rate` writes it.
pub(in super::super) fn arrival(item: &Item<'_>) -> Option<Arrival> {
    let Value::Table(table) = &item.node.value else { return tagged(item, &ARRIVAL) };
    if table.get(ARRIVAL.tag).is_some() || table.get("rate").is_none() {
        return tagged(item, &ARRIVAL);
    }
    let mut table = table.clone();
    let (origin, text) = (item.origin.clone(), "constant");
    let node = Node { origin: origin.clone(), text: text.to_owned(), value: Value::Text(text.to_owned()) };
    table.put(Entry { key: ARRIVAL.tag.to_owned(), origin: origin.clone(), node });
    let node = Node { value: Value::Table(table), ..item.node.clone() };
    tagged(&Item { path: item.path.clone(), origin, node, report: item.report }, &ARRIVAL)
}
