//! `lockbench show`: the result of a stored run, as the run printed it.

use std::fs;

use super::args::{FormatChoice, ShowArgs};
use super::conclude::terminal_width;
use super::stored::open_report;
use super::{Failure, print};
use crate::output::{json, text};
use crate::report::{REPORT, broke_off};

/// Prints it; exits 0 whatever the run's verdict was: showing is not judging.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let (directory, report) = open_report(&args.run, &args.stored.output)?;
    match args.format {
        FormatChoice::Json if broke_off(&directory) => {
            print(&String::from_utf8_lossy(&json(&report).map_err(Failure::internal)?))?;
        }
        FormatChoice::Json => {
            // The file itself: what an older version wrote stays of that version.
            let path = directory.join(REPORT);
            let bytes = fs::read(&path)
                .map_err(|cause| Failure::internal(format!("cannot read {}: {cause}", path.display())))?;
            print(&String::from_utf8_lossy(&bytes))?;
        }
        FormatChoice::Text => {
            print(&format!("{}files: {}\n", text(&report, terminal_width()), directory.display()))?;
        }
    }
    Ok(0)
}
