//! `lockbench show`: the result of a stored run, as the run printed it, or every figure.

use std::path::Path;

use super::args::{FormatChoice, ShowArgs, UiArgs};
use super::config::UiOptions;
use super::ending::closing_answer;
use super::stored::{locate, open_report, report_json};
use super::terminal::terminal_width;
use super::{Failure, print, print_json, print_painted};
use lockbench_output::{monitor_text, text};
use lockbench_report::monitor::{STATUS, is_watch, read_status};
use lockbench_report::{Writer, is_partial, read, writer};
use lockbench_systems::Registry;

/// Prints the result; exits 0 whatever the verdict of the run was: showing is not judging.
pub fn show(args: &ShowArgs, registry: &Registry) -> Result<u8, Failure> {
    let place = locate(&args.run, &args.stored.output)?;
    if is_watch(&place) {
        return show_monitor(&place, args.format.choice);
    }
    match args.format.choice {
        FormatChoice::Json => {
            print_json(&String::from_utf8_lossy(&report_json(&place, registry)?))?;
        }
        FormatChoice::Text => {
            let (directory, report) = open_report(&args.run, &args.stored.output, registry)?;
            if args.full {
                print(&format!("{}files: {}\n", text(&report, terminal_width()), directory.display()))?;
            } else {
                let ui = UiOptions::read(&UiArgs { signs: args.signs, ..UiArgs::default() })?;
                print_painted(&closing_answer(&report, Some(&directory), &ui))?;
            }
        }
    }
    Ok(0)
}

/// Prints the status of a monitor run, as the monitor printed it at its end.
fn show_monitor(place: &Path, format: FormatChoice) -> Result<u8, Failure> {
    let status = read_status(place)?;
    match format {
        FormatChoice::Json => {
            let bytes = read(&place.join(STATUS))?.unwrap_or_default();
            print_json(&String::from_utf8_lossy(&bytes))?;
        }
        FormatChoice::Text => {
            let so_far = match (is_partial(place), writer(place)) {
                (false, _) => String::new(),
                (true, Writer::Alive) => format!("still under way; how it stood at {}:\n", status.updated_at),
                (true, Writer::Gone | Writer::Unknown) => format!("it broke off after {}:\n", status.updated_at),
            };
            print(&format!("{so_far}{}files: {}\n", monitor_text(&status), place.display()))?;
        }
    }
    Ok(0)
}
