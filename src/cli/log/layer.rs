//! From an event to the text of a line.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::Inner;
use lockbench_core::plain::is_order;
use lockbench_core::record::LogLevel;

/// Longest message: what a library dumps at trace must not fill memory and disk.
const LONGEST: usize = 2_000;

/// Hands every event that the filter lets through to the log.
pub(super) struct Lines(pub(super) Arc<Inner>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        // A record of `log` has its target in a field.
        let normal = event.normalized_metadata();
        let metadata = normal.as_ref().unwrap_or(event.metadata());
        self.0.take(level(*metadata.level()), metadata.target(), &message.whole());
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// A text as one line: a line break or an escape of a terminal is spelled out. Cut to
/// what a line may hold.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for c in text.trim().chars() {
        if line.len() >= LONGEST {
            line.push_str("...");
            break;
        }
        if is_order(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// The message of an event, then its other fields.
#[derive(Default)]
struct Message {
    said: String,
    fields: String,
}

impl Message {
    fn whole(self) -> String {
        self.said + &self.fields
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a text never fails.
        let _ = match field.name() {
            "message" => self.said.write_fmt(value),
            // Where a record of `log` comes from; the target is shown already.
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field, format_args!("{value}"));
    }
}
