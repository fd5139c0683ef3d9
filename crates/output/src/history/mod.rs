//! Histories for judges outside: the same attempts in the formats that other
//! checkers of linearizability read. Each format is one file here and one entry of
//! [`HISTORY_EXPORTS`]; what an operation is, is said once, in `operation`.
//!
//! All of them know a lock as a *mutex*: one boolean, acquired and released. They
//! know no lease. So a hold that outlasted its lease is an error to them wherever
//! the next client was let in before it ended, and that is what they are asked.
//! Elle's `list-append` would need the list that a critical section read; events do
//! not carry it, so it is not offered.

mod edn;
mod elle;
mod operation;
mod porcupine;

use super::Rendered;
use lockbench_core::record::Event;
use lockbench_core::record::history::Header;

/// Keys of one result that are written where a format has a file per key.
const MOST_KEYS: usize = 64;

/// One format.
pub struct HistoryExport {
    /// Its name: what `export --to` takes.
    pub name: &'static str,
    /// What it is for, a phrase.
    pub meaning: &'static str,
    /// The files of one result. The events are those of
    /// [`WholeParts`](lockbench_core::record::history::WholeParts): in order, without a hole.
    pub convert: fn(&Header, &[Event]) -> Vec<Rendered>,
}

/// Every format.
pub static HISTORY_EXPORTS: &[HistoryExport] = &[
    HistoryExport {
        name: "edn",
        meaning: "histories/*.strict.edn, *.belief.edn: a file per key, for Jepsen and Knossos (model mutex)",
        convert: edn::convert,
    },
    HistoryExport {
        name: "elle",
        meaning: "histories/*.strict.json, *.belief.json: a file per key, for elle-cli (--model mutex)",
        convert: elle::convert,
    },
    HistoryExport {
        name: "porcupine",
        meaning: "histories/*.porcupine.jsonl: a file per result, for Porcupine by way of docs/porcupine/main.go",
        convert: porcupine::convert,
    },
];

/// What a person should know of a result's files, a sentence: keys that have no file
/// of their own because there are too many.
#[must_use]
pub fn left_out(header: &Header, events: &[Event]) -> Option<String> {
    let keys = operation::keys(events);
    (keys.len() > MOST_KEYS).then(|| {
        format!(
            "{} trial {}: of {} keys only the {MOST_KEYS} lowest have edn and elle files; the porcupine file has all",
            header.backend,
            header.trial,
            keys.len()
        )
    })
}

/// The files of a format that has two variants per key.
fn a_file_a_key(
    header: &Header,
    events: &[Event],
    ending: &str,
    write: fn(&[operation::Row]) -> String,
) -> Vec<Rendered> {
    let mut files = Vec::new();
    for key in operation::keys(events).into_iter().take(MOST_KEYS) {
        for variant in [operation::Variant::Strict, operation::Variant::Belief] {
            let rows = operation::rows(header, events, key, variant);
            let path = format!("{}-k{key}.{}.{ending}", stem(header), variant.name());
            files.push(Rendered::new(path, write(&rows)));
        }
    }
    files
}

/// `histories/<backend>-t<trial>`, fit for every file system.
fn stem(header: &Header) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let backend: String = header.backend.chars().map(plain).collect();
    format!("histories/{backend}-t{}", header.trial)
}

#[cfg(test)]
mod tests;
