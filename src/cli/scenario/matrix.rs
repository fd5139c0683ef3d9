//! `lockbench scenario matrix`: every scenario on every default system, and on those of its own, some side by side. A finished cell is on disk at
//! once and is kept when the command is called again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::Job;
use super::column::{Column, columns};
use super::{Told, in_full, systems, told};
use crate::cli::args::{FormatChoice, ScenarioMatrixArgs};
use crate::cli::signal::{HangUp, Interrupt};
use crate::cli::terminal::terminal_width;
use crate::cli::{Failure, lock, print, print_document, tell};
use lockbench_core::workload::scenarios;
use lockbench_output::matrix::{files, text};
use lockbench_report::scenario::{Cell, MATRIX_VERSION, Matrix, Row};
use lockbench_report::{Environment, Exit, worst, write_file};
use lockbench_systems::Registry;

type Cells = BTreeMap<(String, String), Cell>;

/// Runs what is missing, and draws all.
pub fn matrix(args: &ScenarioMatrixArgs, registry: &Registry) -> Result<u8, Failure> {
    let names: Vec<String> = match args.scenarios.is_empty() {
        true => scenarios().map(|(name, _)| name.to_owned()).collect(),
        false => args.scenarios.clone(),
    };
    let stories = names.iter().map(|name| told(name, registry)).collect::<Result<Vec<_>, _>>()?;
    let systems = match args.backends.is_empty() {
        true => {
            let usual = registry.entries().filter(|entry| entry.quick || entry.name == "flock");
            let told_of = stories.iter().flat_map(systems).collect::<Vec<_>>();
            in_full(&usual.map(|entry| entry.name.to_owned()).chain(told_of).collect::<Vec<_>>(), registry)?
        }
        false => in_full(&args.backends, registry)?,
    };
    let columns = columns(&systems, &args.server, registry)?;
    let pairs = stories.iter().flat_map(|told| columns.iter().map(move |column| (told, column)));
    let jobs: Vec<Job> = pairs.map(|(told, column)| Job::of_matrix(told, column)).collect();
    let interrupt = Interrupt::listen(HangUp::Ends, || tell("lockbench: stopping: runs under way end in order"))?;
    let place = Place(args.output.clone());
    let mut cells: Cells = jobs.iter().filter_map(|job| Some((key(job), place.finished(job)?))).collect();
    if !cells.is_empty() {
        tell(&format!("{} of {} cells are there already", cells.len(), jobs.len()));
    }
    let missing: Vec<&Job> = jobs.iter().filter(|job| !cells.contains_key(&key(job))).collect();
    cells.extend(side_by_side(&missing, args.jobs as usize, &place, &interrupt)?);
    // A cell that shows nothing, or whose servers did not start or failed, may have been disturbed by its neighbours: it
    // has a second try alone.
    let nothing = [Exit::Inconclusive, Exit::Backend].map(Exit::code);
    let disturbed = |job: &&Job| cells.get(&key(job)).is_some_and(|cell| nothing.contains(&cell.exit));
    let again: Vec<&Job> = missing.iter().copied().filter(disturbed).collect();
    cells.extend(side_by_side(&again, 1, &place, &interrupt)?);
    let names: Vec<String> = columns.iter().map(Column::name).collect();
    let matrix = drawn(&stories, &names, &cells, &place);
    for file in files(&matrix).map_err(Failure::internal)? {
        write_file(&place.0, &file.path, &file.bytes).map_err(Failure::internal)?;
    }
    match args.format.choice {
        FormatChoice::Json => drop(print_document(&matrix)?),
        FormatChoice::Text => {
            print(&format!("{}\nfiles: {}\n", text(&matrix, terminal_width()), place.0.display()))?;
        }
    }
    Ok(worst([matrix.exit()].into_iter().chain(interrupt.exit().map(Exit::code))))
}

fn key(job: &Job) -> (String, String) {
    (job.scenario.clone(), job.column.clone())
}

fn drawn(stories: &[Told], columns: &[String], cells: &Cells, place: &Place) -> Matrix {
    let row = |told: &Told| Row {
        scenario: told.name.clone(),
        title: told.scenario.title.clone(),
        source: told.scenario.source.clone(),
        cells: columns
            .iter()
            .map(|column| cells.get(&(told.name.clone(), column.clone())).cloned().map(|cell| place.relative(cell)))
            .collect(),
    };
    let rows: Vec<Row> = stories.iter().map(row).collect();
    let environment = Environment::read(String::new(), "", "");
    Matrix {
        schema_version: MATRIX_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: format!("{} cores, {}", environment.cores, environment.os),
        systems: columns.to_vec(),
        complete: rows.iter().all(|row| row.cells.iter().all(Option::is_some)),
        rows,
    }
}

/// Runs these, so many at a time; those that were not interrupted.
fn side_by_side(jobs: &[&Job], at_once: usize, place: &Place, interrupt: &Interrupt) -> Result<Cells, Failure> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Cells::new()));
    let failed: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if lock(&failed).is_some() {
                return;
            }
            match job.run(&place.0.join("runs"), interrupt).and_then(|cell| place.keep(job, cell)) {
                Ok(Some(cell)) => {
                    let mut done = lock(&done);
                    let mark = if cell.exit == 0 { "" } else { " (!)" };
                    done.insert(key(job), cell.clone());
                    let (count, all) = (done.len(), jobs.len());
                    drop(done);
                    tell(&format!("{count}/{all} {} on {}: {}{mark}", job.scenario, job.column, cell.label));
                }
                Ok(None) => return,
                Err(failure) => drop(lock(&failed).get_or_insert(failure)),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    match failed.into_inner().unwrap_or_default() {
        Some(failure) => Err(failure),
        None => Ok(done.into_inner().unwrap_or_default()),
    }
}

/// The directory of a matrix.
struct Place(PathBuf);

impl Place {
    fn file(job: &Job) -> String {
        format!("cells/{}/{}.json", job.scenario, job.column.replace([':', ' '], "-"))
    }

    /// The cell that an earlier call finished.
    fn finished(&self, job: &Job) -> Option<Cell> {
        let cell: Cell = serde_json::from_slice(&fs::read(self.0.join(Self::file(job))).ok()?).ok()?;
        (cell.fingerprint == job.fingerprint).then_some(cell)
    }

    /// Keeps a cell, unless it shows nothing: then the next call tries again.
    fn keep(&self, job: &Job, cell: Option<Cell>) -> Result<Option<Cell>, Failure> {
        let Some(cell) = cell else { return Ok(None) };
        let shows = ![Exit::Inconclusive, Exit::Backend, Exit::Internal, Exit::Interrupted]
            .iter()
            .any(|exit| exit.code() == cell.exit);
        if shows {
            let bytes = serde_json::to_vec_pretty(&cell).map_err(Failure::internal)?;
            write_file(&self.0, &Self::file(job), &bytes).map_err(Failure::internal)?;
        }
        Ok(Some(cell))
    }

    /// A cell whose run is named from here.
    fn relative(&self, cell: Cell) -> Cell {
        let own = |run: String| match Path::new(&run).strip_prefix(&self.0) {
            Ok(below) => below.display().to_string(),
            Err(_) => run,
        };
        Cell { run: cell.run.clone().map(own), ..cell }
    }
}
