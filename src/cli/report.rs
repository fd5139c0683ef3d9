//! `lockbench report`: every file of a stored run again, from its raw data; of several
//! runs, the curve over the number in which they differ.

use super::args::ReportArgs;
use super::conclude::terminal_width;
use super::stored::{has_measurements, open, write};
use super::{Failure, print, sweep};
use crate::output::{Fit, OUTPUTS, Rendered, need, need_help};
use crate::report::{Exit, RecordedRun};

/// One run: its files again, or which system fits a need.
pub fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let [run] = args.runs.as_slice() else {
        if args.need.is_some() {
            return Err(Failure::usage("--need is asked of one run: give one RUN"));
        }
        return sweep::report(&args.runs, &args.stored.output, args.to.as_deref());
    };
    let (directory, recorded) = open(run, &args.stored.output)?;
    if let Some(needs) = &args.need {
        if needs == "help" {
            print(&need_help())?;
            return Ok(0);
        }
        let (text, fits) =
            need(&recorded, needs, terminal_width()).map_err(|problem| Failure::usage(format!("--need: {problem}")))?;
        print(&text)?;
        let exit = match fits {
            Fit::Yes => Exit::Pass,
            Fit::NotKnown => Exit::Inconclusive,
            Fit::No => Exit::Threshold,
        };
        return Ok(exit.code());
    }
    has_measurements(&directory, &recorded)?;
    // Everything is drawn before anything is written: a chart that fails leaves the
    // directory as it was.
    let files = draw(&recorded)?;
    let place = args.to.as_ref().unwrap_or(&directory);
    for file in &files {
        write(place, file, "--to")?;
    }
    print(&format!("{} files written to {}\n", files.len(), place.display()))?;
    Ok(0)
}

/// Every file of a run that is drawn from its raw data.
fn draw(run: &RecordedRun) -> Result<Vec<Rendered>, Failure> {
    let mut files = Vec::new();
    for output in OUTPUTS {
        let drawn = (output.render)(run).map_err(|error| Failure::internal(format!("{}: {error}", output.name)))?;
        files.extend(drawn);
    }
    Ok(files)
}
