//! `lockbench show`: the result of a stored run, as the run printed it.

use super::args::{FormatChoice, ShowArgs};
use super::conclude::terminal_width;
use super::stored::open;
use super::{Failure, print};
use crate::output::{json, text};

/// Prints it; exits 0 whatever the run's verdict was: showing is not judging.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let (directory, run) = open(&args.run, &args.stored.output)?;
    match args.format {
        FormatChoice::Json => {
            print(&String::from_utf8_lossy(&json(&run.report).map_err(Failure::internal)?))?;
        }
        FormatChoice::Text => {
            print(&format!("{}files: {}\n", text(&run.report, terminal_width()), directory.display()))?;
        }
    }
    Ok(0)
}
