//! The values of a workload that come in kinds: keys, holds and think times,
//! the acquire mode, retries, the history's bound. A new kind is one entry.

use super::cursor::Cursor;
use super::document::Value;
use super::item::{Item, LONGEST_NS};
use super::plan::{AcquireMode, HistoryLimit, Keys, Span};
use super::schema::{Field, Kind, Tagged, nearest};
use super::tagged::tagged;
use super::write::{duration, real};
use crate::lock::Retry;
use crate::units::parse_duration_ns;

/// Most keys of a trial: some systems prepare each beforehand.
const MOST_KEYS: u32 = 10_000_000;
/// Largest zipf exponent: beyond it every draw is the first key.
const LARGEST_EXPONENT: f64 = 20.0;
/// Most tries of an attempt.
const MOST_TRIES: u32 = 1_000_000;
/// Most recorded lengths: a plan has them within it.
const MOST_LENGTHS: usize = 10_000;
/// Largest sigma of a log-normal span: beyond it draws are zero or endless.
const LARGEST_SIGMA: f64 = 10.0;

const COUNT: Field = Field::required("count", "whole number", "number of keys, at most 10 000 000");
const MAX: Field = Field::optional("max", "duration", "longer draws are cut to this; without it there is no bound");

/// Which keys are locked.
pub(super) static KEYS: Tagged<Keys> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "single",
            fields: &[],
            meaning: "all clients share one key",
            build: |_| Some(Keys::Single),
            written: |keys| (*keys == Keys::Single).then(Vec::new),
        },
        Kind {
            name: "per-client",
            fields: &[],
            meaning: "every client has a key of its own: nobody ever waits",
            build: |_| Some(Keys::PerClient),
            written: |keys| (*keys == Keys::PerClient).then(Vec::new),
        },
        Kind {
            name: "uniform",
            fields: &[COUNT],
            meaning: "each of `count` keys is as likely",
            build: |cursor| Some(Keys::Uniform { count: count(cursor)? }),
            written: |keys| match keys {
                Keys::Uniform { count } => Some(vec![Some(count.to_string())]),
                _ => None,
            },
        },
        Kind {
            name: "zipf",
            fields: &[
                COUNT,
                Field::required("exponent", "number", "key k has the weight 1/k^exponent; above 0, up to 20"),
            ],
            meaning: "few keys are hot, many are cold",
            build: |cursor| {
                let (count, exponent) = (count(cursor), cursor.take("exponent"));
                let fits = |exponent: f64| exponent > 0.0 && exponent <= LARGEST_EXPONENT;
                let exponent = exponent?.real(fits, "a number above 0, up to 20")?;
                Some(Keys::Zipf { count: count?, exponent })
            },
            written: |keys| match keys {
                Keys::Zipf { count, exponent } => Some(vec![Some(count.to_string()), Some(real(*exponent))]),
                _ => None,
            },
        },
        Kind {
            name: "hot-set",
            fields: &[
                COUNT,
                Field::required("hot", "whole number", "number of hot keys, fewer than `count`"),
                Field::required("share", "number", "share of the attempts that want a hot key, 0 to 1"),
            ],
            meaning: "some keys share most attempts, all others the rest",
            build: |cursor| {
                let (count, hot, of) = (count(cursor), cursor.take("hot"), cursor.take("share"));
                let (share, hot) = (of.and_then(|item| share(&item)), hot?);
                let (count, some) = (count?, hot.whole32(1..=MOST_KEYS)?);
                if some >= count {
                    return hot.refuse("leaves no key that is not hot; write a number below \"count\"");
                }
                Some(Keys::HotSet { count, hot: some, share: share? })
            },
            written: |keys| match keys {
                Keys::HotSet { count, hot, share } => {
                    Some(vec![Some(count.to_string()), Some(hot.to_string()), Some(real(*share))])
                }
                _ => None,
            },
        },
    ],
};

/// A part of a whole.
pub(super) fn share(item: &Item<'_>) -> Option<f64> {
    item.real(|share| (0.0..=1.0).contains(&share), "a number from 0 to 1")
}

fn count(cursor: &Cursor<'_>) -> Option<u32> {
    cursor.take("count")?.whole32(1..=MOST_KEYS)
}

/// The end of a span that may have none.
fn cut(max_ns: u64) -> Option<String> {
    (max_ns != u64::MAX).then(|| duration(max_ns))
}

/// How long a hold or a pause takes.
pub(super) static SPAN: Tagged<Span> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "constant",
            fields: &[Field::required("value", "duration", "the length")],
            meaning: "always the same; the bare text `\"1ms\"` means this",
            build: |cursor| Some(Span::Constant { ns: cursor.take("value")?.duration()? }),
            written: |span| match *span {
                Span::Constant { ns } => Some(vec![Some(duration(ns))]),
                _ => None,
            },
        },
        Kind {
            name: "uniform",
            fields: &[Field::required("min", "duration", "shortest"), Field::required("max", "duration", "longest")],
            meaning: "any length between both ends is as likely",
            build: |cursor| {
                let (min_ns, max_ns) = ordered(cursor, "min", "max")?;
                Some(Span::Uniform { min_ns, max_ns })
            },
            written: |span| match *span {
                Span::Uniform { min_ns, max_ns } => Some(vec![Some(duration(min_ns)), Some(duration(max_ns))]),
                _ => None,
            },
        },
        Kind {
            name: "exponential",
            fields: &[Field::required("mean", "duration", "mean before any cut"), MAX],
            meaning: "memoryless: many short, some long",
            build: |cursor| {
                let (mean_ns, max_ns) = bounded(cursor, "mean")?;
                Some(Span::Exponential { mean_ns, max_ns })
            },
            written: |span| match *span {
                Span::Exponential { mean_ns, max_ns } => Some(vec![Some(duration(mean_ns)), cut(max_ns)]),
                _ => None,
            },
        },
        Kind {
            name: "lognormal",
            fields: &[
                Field::required("median", "duration", "half of the draws are shorter"),
                Field::required("sigma", "number", "standard deviation of the logarithm; above 0, up to 10"),
                MAX,
            ],
            meaning: "many short, few very long",
            build: |cursor| {
                let (bounds, sigma) = (bounded(cursor, "median"), cursor.take("sigma"));
                let fits = |sigma: f64| sigma > 0.0 && sigma <= LARGEST_SIGMA;
                let sigma = sigma?.real(fits, "a number above 0, up to 10")?;
                let (median_ns, max_ns) = bounds?;
                Some(Span::LogNormal { median_ns, sigma, max_ns })
            },
            written: |span| match *span {
                Span::LogNormal { median_ns, sigma, max_ns } => {
                    Some(vec![Some(duration(median_ns)), Some(real(sigma)), cut(max_ns)])
                }
                _ => None,
            },
        },
        Kind {
            name: "pareto",
            fields: &[
                Field::required("min", "duration", "shortest"),
                Field::required(
                    "alpha",
                    "number",
                    "index of the tail, above 0, up to 20; at 1 or below there is no mean",
                ),
                MAX,
            ],
            meaning: "a heavy tail: the longest take a large part of all the time",
            build: |cursor| {
                let (bounds, alpha) = (bounded(cursor, "min"), cursor.take("alpha"));
                let fits = |alpha: f64| alpha > 0.0 && alpha <= LARGEST_EXPONENT;
                let alpha = alpha?.real(fits, "a number above 0, up to 20")?;
                let (min_ns, max_ns) = bounds?;
                Some(Span::Pareto { min_ns, alpha, max_ns })
            },
            written: |span| match *span {
                Span::Pareto { min_ns, alpha, max_ns } => {
                    Some(vec![Some(duration(min_ns)), Some(real(alpha)), cut(max_ns)])
                }
                _ => None,
            },
        },
        Kind {
            name: "bimodal",
            fields: &[
                Field::required("short", "duration", "the usual length"),
                Field::required("long", "duration", "the other"),
                Field::required("share", "number", "share of the other, 0 to 1"),
            ],
            meaning: "one of two lengths",
            build: |cursor| {
                let (lengths, of) = (ordered(cursor, "short", "long"), cursor.take("share"));
                let share = share(&of?)?;
                let (short_ns, long_ns) = lengths?;
                Some(Span::Bimodal { short_ns, long_ns, share })
            },
            written: |span| match *span {
                Span::Bimodal { short_ns, long_ns, share } => {
                    Some(vec![Some(duration(short_ns)), Some(duration(long_ns)), Some(real(share))])
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
                    "a file with a duration per line; its path is relative to that of the workload",
                ),
                Field::optional("lengths", "list of text", "the durations themselves, as a stored plan has them"),
            ],
            meaning: "one of those that were recorded, each as likely",
            build: recorded,
            written: |span| match span {
                Span::Recorded { lengths_ns } => {
                    let lengths: Vec<String> = lengths_ns.iter().map(|ns| duration(*ns)).collect();
                    Some(vec![None, Some(format!("[{}]", lengths.join(", ")))])
                }
                _ => None,
            },
        },
    ],
};

fn recorded(cursor: &Cursor<'_>) -> Option<Span> {
    let (item, texts) = match (cursor.take("file"), cursor.take("lengths")) {
        (Some(file), None) => {
            let text = file.text().and_then(|path| file.beside(&path))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            (file, lines.map(str::to_owned).collect())
        }
        (None, Some(lengths)) => {
            let texts = lengths.elements()?.iter().map(Item::text).collect::<Option<Vec<String>>>()?;
            (lengths, texts)
        }
        (None, None) => return cursor.refuse("file is not written: write file = \"my-lengths.txt\""),
        (Some(_), Some(lengths)) => return lengths.refuse_read("stands beside \"file\"; write one of both"),
    };
    if texts.is_empty() || texts.len() > MOST_LENGTHS {
        return item.refuse_read(&format!("has {} lengths; write 1 to {MOST_LENGTHS}", texts.len()));
    }
    let read = |(at, text): (usize, &String)| {
        parse_duration_ns(text)
            .ok()
            .filter(|ns| *ns <= LONGEST_NS)
            .ok_or_else(|| format!("number {}: {text:?}", at + 1))
    };
    match texts.iter().enumerate().map(read).collect::<Result<Vec<u64>, String>>() {
        Ok(lengths) => Some(Span::Recorded { lengths_ns: lengths.into() }),
        Err(which) => item.refuse_read(&format!("has no duration at {which}; write one per line, such as 250ms")),
    }
}

/// Reads a span: a table of a kind, or a bare duration.
pub(super) fn span(item: &Item<'_>) -> Option<Span> {
    let like_a_kind = |text: &str| nearest(text, SPAN.kinds.iter().map(|kind| kind.name)).is_some();
    match &item.node.value {
        Value::Text(text) if like_a_kind(text) => tagged(item, &SPAN),
        Value::Table(_) => tagged(item, &SPAN),
        _ => Some(Span::Constant { ns: item.duration()? }),
    }
}

/// A length above zero and the optional `max` that is not below it.
fn bounded(cursor: &Cursor<'_>, key: &'static str) -> Option<(u64, u64)> {
    let (length, max) = (cursor.take(key), cursor.take("max"));
    let length_ns = length.and_then(|length| length.positive_duration());
    let Some(max) = max else { return Some((length_ns?, u64::MAX)) };
    let max_ns = max.duration()?;
    if max_ns < length_ns? {
        return max.refuse(&format!("is shorter than \"{key}\"; raise one or lower the other"));
    }
    Some((length_ns?, max_ns))
}

/// Two durations of which the first is not the longer.
fn ordered(cursor: &Cursor<'_>, low: &'static str, high: &'static str) -> Option<(u64, u64)> {
    let (first, second) = (cursor.take(low), cursor.take(high));
    let low_ns = first.as_ref().and_then(Item::duration);
    let high_ns = second?.duration()?;
    if low_ns? > high_ns {
        return first?.refuse(&format!("is longer than \"{high}\"; swap them or correct one"));
    }
    Some((low_ns?, high_ns))
}

/// Try once, or wait.
pub(super) static ACQUIRE: Tagged<AcquireMode> = Tagged {
    tag: "mode",
    kinds: &[
        Kind {
            name: "wait",
            fields: &[
                Field::default("timeout", "duration", "\"10s\"", "longest wait for the lock"),
                Field::optional(
                    "tries",
                    "whole number",
                    "tries after which a client that polls gives up, and counts as refused; without it only the timeout ends \
                     them",
                ),
            ],
            meaning: "wait until the lock is ours or the timeout is over",
            build: |cursor| {
                let (timeout, tries) = (cursor.take("timeout"), cursor.take("tries"));
                let tries = tries.map(|item| item.whole32(1..=MOST_TRIES));
                let timeout_ns = timeout?.positive_duration()?;
                // One that is written wrongly is reported already.
                Some(AcquireMode::Wait { timeout_ns, tries: tries.map_or(Some(None), |tries| tries.map(Some))? })
            },
            written: |acquire| match *acquire {
                AcquireMode::Wait { timeout_ns, tries } => {
                    Some(vec![Some(duration(timeout_ns)), tries.map(|tries| tries.to_string())])
                }
                AcquireMode::Try => None,
            },
        },
        Kind {
            name: "try",
            fields: &[],
            meaning: "ask once and take no for an answer",
            build: |_| Some(AcquireMode::Try),
            written: |acquire| (*acquire == AcquireMode::Try).then(Vec::new),
        },
    ],
};

/// Pauses of recipes that wait by polling.
pub(super) static RETRY: Tagged<Retry> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "fixed",
            fields: &[Field::required("delay", "duration", "the delay; \"0s\" spins")],
            meaning: "always the same delay",
            build: |cursor| Some(Retry::Fixed { delay_ns: cursor.take("delay")?.duration()? }),
            written: |retry| match *retry {
                Retry::Fixed { delay_ns } => Some(vec![Some(duration(delay_ns))]),
                _ => None,
            },
        },
        Kind {
            name: "exponential",
            fields: &[
                Field::required("base", "duration", "first delay"),
                Field::required("max", "duration", "longest delay"),
            ],
            meaning: "doubles from `base` up to `max`",
            build: |cursor| {
                let (base_ns, max_ns) = growing(cursor)?;
                Some(Retry::Exponential { base_ns, max_ns })
            },
            written: |retry| match *retry {
                Retry::Exponential { base_ns, max_ns } => Some(vec![Some(duration(base_ns)), Some(duration(max_ns))]),
                _ => None,
            },
        },
        Kind {
            name: "decorrelated",
            fields: &[
                Field::required("base", "duration", "shortest delay"),
                Field::required("max", "duration", "longest delay"),
            ],
            meaning: "uniform between `base` and three times the delay before (decorrelated jitter)",
            build: |cursor| {
                let (base_ns, max_ns) = growing(cursor)?;
                Some(Retry::Decorrelated { base_ns, max_ns })
            },
            written: |retry| match *retry {
                Retry::Decorrelated { base_ns, max_ns } => Some(vec![Some(duration(base_ns)), Some(duration(max_ns))]),
                _ => None,
            },
        },
        Kind {
            name: "jitter",
            fields: &[
                Field::required("base", "duration", "bound of the first delay"),
                Field::required("max", "duration", "largest bound"),
            ],
            meaning: "uniform between zero and the exponential delay (full jitter)",
            build: |cursor| {
                let (base_ns, max_ns) = growing(cursor)?;
                Some(Retry::Jitter { base_ns, max_ns })
            },
            written: |retry| match *retry {
                Retry::Jitter { base_ns, max_ns } => Some(vec![Some(duration(base_ns)), Some(duration(max_ns))]),
                _ => None,
            },
        },
    ],
};

/// `base` and `max` of a growing delay. A base of zero would never grow.
fn growing(cursor: &Cursor<'_>) -> Option<(u64, u64)> {
    let (base_ns, max_ns) = ordered(cursor, "base", "max")?;
    if base_ns == 0 {
        return cursor.take("base")?.refuse("never grows; write a duration above zero, such as \"1ms\"");
    }
    Some((base_ns, max_ns))
}

/// How much history goes to disk.
pub(super) static HISTORY: Tagged<HistoryLimit> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "window",
            fields: &[Field::default(
                "attempts",
                "whole number",
                "1000000",
                "attempts kept from the start of a result",
            )],
            meaning: "the first `attempts`, and what surrounds each violation",
            build: |cursor| Some(HistoryLimit::Window(cursor.take("attempts")?.whole(1..=1_000_000_000_000)?)),
            written: |history| match history {
                HistoryLimit::Window(attempts) => Some(vec![Some(attempts.to_string())]),
                _ => None,
            },
        },
        Kind {
            name: "full",
            fields: &[],
            meaning: "everything",
            build: |_| Some(HistoryLimit::Full),
            written: |history| (*history == HistoryLimit::Full).then(Vec::new),
        },
        Kind {
            name: "off",
            fields: &[],
            meaning: "nothing",
            build: |_| Some(HistoryLimit::Off),
            written: |history| (*history == HistoryLimit::Off).then(Vec::new),
        },
    ],
};
