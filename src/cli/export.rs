//! `lockbench export`: a stored run in chosen formats.

use std::fmt::Write as _;
use std::path::Path;

use super::args::ExportArgs;
use super::stored::{drawn, has_measurements, locate, open_at, report_json, write};
use super::{Failure, histories, print, tell};
use lockbench_output::history::{HISTORY_EXPORTS, HistoryExport};
use lockbench_output::{OUTPUTS, Output, Rendered};
use lockbench_report::{HISTORY, REPORT, broke_off, history_path};
use lockbench_systems::Registry;

/// What `--to` takes beside the name of a format.
const ALL: &str = "all";
const HELP: &str = "help";

/// The format that is no drawing: the report itself.
const JSON: &str = "json";
const JSON_MEANING: &str = "report.json: everything, versioned; `lockbench schema report` describes it";

/// Writes the files and prints their paths.
pub fn export(args: &ExportArgs, registry: &Registry) -> Result<u8, Failure> {
    if args.formats.iter().any(|format| format == HELP) {
        print(&formats())?;
        return Ok(0);
    }
    let mut wanted = Wanted::of(&args.formats)?;
    let Some(run) = &args.run else {
        return Err(Failure::usage("no run is given: lockbench export RUN --to FORMAT; `lockbench ls` lists the runs"));
    };
    let directory = locate(run, &args.stored.output)?;
    if wanted.json && args.into.is_none() && broke_off(&directory) {
        return Err(Failure::usage(format!(
            "{} broke off before its {REPORT}, and only a run itself writes that there: --into DIR takes one made of the \
             history",
            directory.display()
        )));
    }
    let files = wanted.draw(&directory, registry)?;
    if wanted.everything && !history_path(&directory).exists() {
        tell(&format!("note: {} has no {HISTORY}: nothing is made of it", directory.display()));
        wanted.histories.clear();
    }
    if !wanted.histories.is_empty() {
        histories::readable(&directory)?;
    }
    let place = args.into.as_ref().unwrap_or(&directory);
    let mut paths = Vec::new();
    for file in &files {
        // The report of a run is raw data: it is only ever written by the run.
        let path = if args.into.is_none() && file.path == REPORT {
            directory.join(REPORT)
        } else {
            write(place, file, "--into")?
        };
        paths.push(path);
    }
    if !wanted.histories.is_empty() {
        paths.extend(histories::export(&directory, &wanted.histories, place)?);
    }
    print(&paths.iter().fold(String::new(), |text, path| text + &format!("{}\n", path.display())))?;
    Ok(0)
}

/// The name and meaning of every format.
fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    let outputs = OUTPUTS.iter().map(|output| (output.name, output.meaning));
    let histories = HISTORY_EXPORTS.iter().map(|export| (export.name, export.meaning));
    std::iter::once((JSON, JSON_MEANING)).chain(outputs).chain(histories)
}

/// What is to be written.
struct Wanted {
    /// Whether `all` was asked for: then a run may lack what a format is made of.
    everything: bool,
    json: bool,
    outputs: Vec<&'static Output>,
    histories: Vec<&'static HistoryExport>,
}

impl Wanted {
    /// The formats of those names, each once, in the order of the registries.
    fn of(names: &[String]) -> Result<Self, Failure> {
        let is_known = |name: &str| name == ALL || known().any(|(known, _)| known == name);
        if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
            let all: Vec<&str> = known().map(|(name, _)| name).collect();
            return Err(Failure::usage(format!(
                "unknown format \"{unknown}\": --to takes {}, {ALL}; `lockbench export --to {HELP}` says what each is",
                all.join(", ")
            )));
        }
        let asked = |name: &str| names.iter().any(|asked| asked == name || asked == ALL);
        Ok(Self {
            everything: names.iter().any(|name| name == ALL),
            json: asked(JSON),
            outputs: OUTPUTS.iter().filter(|output| asked(output.name)).collect(),
            histories: HISTORY_EXPORTS.iter().filter(|export| asked(export.name)).collect(),
        })
    }

    /// The files that are no histories: all of them, before any is written.
    fn draw(&self, directory: &Path, registry: &Registry) -> Result<Vec<Rendered>, Failure> {
        let mut files = Vec::new();
        if self.json {
            files.push(Rendered::new(REPORT, report_json(directory, registry)?));
        }
        if !self.outputs.is_empty() {
            let run = open_at(directory, registry)?;
            has_measurements(directory, &run)?;
            files.extend(drawn(&run, self.outputs.iter().copied())?);
        }
        Ok(files)
    }
}

/// Every format with its meaning.
fn formats() -> String {
    let width = known().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, meaning) in known().chain([(ALL, "all of these")]) {
        let _ = writeln!(text, "{name:width$}  {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn no_two_formats_share_a_name() {
        let mut names: Vec<&str> = known().map(|(name, _)| name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
