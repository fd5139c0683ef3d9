//! Report to bytes: one file a format. No clock, no file access and no colour
//! decision in here.

mod csv;
mod json;
mod markdown;
#[cfg(test)]
mod sample;
mod table;
mod text;

pub use csv::{SERIES_HEADER, series_rows};
pub use json::json;
pub use markdown::markdown;
pub use text::text;
