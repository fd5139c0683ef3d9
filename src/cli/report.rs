//! `lockbench report`: every file of a stored run again, from its raw data; of several
//! runs, the curve over the number in which they differ.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::args::ReportArgs;
use super::stored::{drawn, has_measurements, open, write};
use super::terminal::terminal_width;
use super::{Failure, print, sweep};
use lockbench_output::{Fit, OUTPUTS, Rendered, need, need_help, slug};
use lockbench_report::scenario::{MATRIX, Matrix};
use lockbench_report::{Exit, RecordedRun};
use lockbench_systems::Registry;

/// One run: its files again, or which system fits a need.
pub fn report(args: &ReportArgs, registry: &Registry) -> Result<u8, Failure> {
    let [run] = args.runs.as_slice() else {
        if args.need.is_some() {
            return Err(Failure::usage("--need is asked of one run: give one RUN"));
        }
        return sweep::report(&args.runs, &args.stored.output, args.to.as_deref(), registry);
    };
    let (directory, recorded) = open(run, &args.stored.output, registry)?;
    if let Some(needs) = &args.need {
        if needs == "help" {
            print(&need_help())?;
            return Ok(0);
        }
        let matrix = matrix(args)?;
        let (text, fits) = need(&recorded, matrix.as_ref(), needs, terminal_width())
            .map_err(|problem| Failure::usage(format!("--need: {problem}")))?;
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
    let files = drawn(&recorded, OUTPUTS)?;
    let place = args.to.as_ref().unwrap_or(&directory);
    for file in &files {
        write(place, file, "--to")?;
    }
    // Elsewhere a file of such a name belongs to the user.
    let removed = if args.to.is_none() { remove_superseded(&directory, &recorded, &files) } else { 0 };
    let removed = if removed > 0 { format!(", {removed} of an older lockbench removed") } else { String::new() };
    print(&format!("{} files written to {}{removed}\n", files.len(), place.display()))?;
    Ok(0)
}

/// The matrix that is named, or the one under the results directory if there is one.
fn matrix(args: &ReportArgs) -> Result<Option<Matrix>, Failure> {
    let own = args.stored.output.join("matrix");
    let place = args.matrix.as_ref().unwrap_or(&own).join(MATRIX);
    let text = match fs::read_to_string(&place) {
        Ok(text) => text,
        Err(_) if args.matrix.is_none() => return Ok(None),
        Err(error) => return Err(Failure::usage(format!("--matrix: cannot read {}: {error}", place.display()))),
    };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|error| Failure::usage(format!("{}: is no matrix of scenarios: {error}", place.display())))
}

/// Charts that an older lockbench drew of each system by itself, and that one chart of all
/// replaces: beside it they would show the figures of another version. What was just written
/// stays, and so does whatever has another name. Returns how many there were.
fn remove_superseded(place: &Path, run: &RecordedRun, written: &[Rendered]) -> usize {
    let charts = place.join("charts");
    // A link may lead to files that are not of this run.
    if !fs::symlink_metadata(&charts).is_ok_and(|is| is.is_dir()) {
        return 0;
    }
    let systems: BTreeSet<String> = run.report.results.iter().map(|result| slug(&result.backend)).collect();
    let names = systems.iter().flat_map(|system| {
        ["histogram", "heatmap"]
            .iter()
            .flat_map(move |kind| ["svg", "png"].map(|form| format!("{kind}-{system}.{form}")))
    });
    let old = names.filter(|name| written.iter().all(|file| file.path != format!("charts/{name}")));
    old.filter(|name| fs::remove_file(charts.join(name)).is_ok()).count()
}
