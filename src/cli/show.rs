//! `lockbench show`: the result of a stored run, as the run printed it.

use super::args::{FormatChoice, ShowArgs};
use super::conclude::terminal_width;
use super::stored::{locate, open_report, report_json};
use super::{Failure, print};
use crate::output::text;

/// Prints it; exits 0 whatever the run's verdict was: showing is not judging.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    match args.format {
        FormatChoice::Json => {
            let directory = locate(&args.run, &args.stored.output)?;
            print(&String::from_utf8_lossy(&report_json(&directory)?))?;
        }
        FormatChoice::Text => {
            let (directory, report) = open_report(&args.run, &args.stored.output)?;
            print(&format!("{}files: {}\n", text(&report, terminal_width()), directory.display()))?;
        }
    }
    Ok(0)
}
