//! Finding and opening stored runs: a run directory's path, or an id under `-o`.
//! And writing what is drawn from them.

use std::path::{Component, Path, PathBuf};

use super::Failure;
use lockbench_output::{Output, Rendered, json};
use lockbench_report::{
    OpenError, PLAN, Promise, REPORT, RecordedRun, Report, StoreError, broke_off, open_broken_off, read, read_report,
    write_file,
};
use lockbench_systems::Registry;

/// Finds the directory that RUN means: a path, an id under `root`, or the id of a run that
/// is still partial. Of several, one that is a run; a directory that merely has the
/// name of an id must not hide it.
pub fn locate(run: &str, root: &Path) -> Result<PathBuf, Failure> {
    let mut candidates = vec![PathBuf::from(run), root.join(run), root.join(format!(".{run}.partial"))];
    candidates.extend([Path::new(run), &root.join(run)].into_iter().filter_map(renamed));
    candidates.retain(|path| path.exists());
    let is_run = |path: &PathBuf| path.join(REPORT).exists() || path.join(PLAN).exists();
    let best = candidates.iter().position(is_run).unwrap_or(0);
    if candidates.is_empty() {
        return Err(Failure::usage(OpenError::Missing(format!("{run} (nor {})", root.join(run).display()))));
    }
    Ok(candidates.swap_remove(best))
}

/// The path that there is in the place of one that is not there: the run in it has got
/// its final name since it was written down, or has not got it yet.
fn renamed(path: &Path) -> Option<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let other = |at: usize| {
        let Component::Normal(name) = parts[at] else { return None };
        let name = name.to_string_lossy();
        let name = partial_id(&name).map_or_else(|| format!(".{name}.partial"), str::to_owned);
        let (before, after) = (&parts[..at], &parts[at + 1..]);
        let path: PathBuf =
            before.iter().copied().chain([Component::Normal(name.as_ref())]).chain(after.iter().copied()).collect();
        path.exists().then_some(path)
    };
    if path.exists() { None } else { (0..parts.len()).rev().find_map(other) }
}

/// The id in `.id.partial`.
pub fn partial_id(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".partial")
}

/// Opens a run whole. A run that broke off before it wrote its report is what its
/// history shows.
pub fn open(run: &str, root: &Path, registry: &Registry) -> Result<(PathBuf, RecordedRun), Failure> {
    let directory = locate(run, root)?;
    let recorded = open_at(&directory, registry)?;
    Ok((directory, recorded))
}

/// Opens a run in a directory that was found, as [`open`] does.
pub fn open_at(directory: &Path, registry: &Registry) -> Result<RecordedRun, Failure> {
    Ok(if broke_off(directory) {
        open_broken_off(directory, &|name| promise(registry, name))?
    } else {
        RecordedRun::open(directory)?
    })
}

/// Returns what the registry says of a recipe.
pub fn promise(registry: &Registry, name: &str) -> Option<Promise> {
    let entry = registry.find(name).ok()?;
    Some(Promise { guarantees: entry.guarantees, control: entry.unsafe_by_design })
}

/// Opens the report of a run alone, or what takes its place.
pub fn open_report(run: &str, root: &Path, registry: &Registry) -> Result<(PathBuf, Report), Failure> {
    let directory = locate(run, root)?;
    let report = if broke_off(&directory) { open_at(&directory, registry)?.report } else { read_report(&directory)? };
    Ok((directory, report))
}

/// `report.json` as it was stored: what an older version wrote stays of that version.
/// A run that broke off has none; there it is what the history shows.
pub fn report_json(directory: &Path, registry: &Registry) -> Result<Vec<u8>, Failure> {
    if broke_off(directory) {
        return json(&open_at(directory, registry)?.report).map_err(Failure::internal);
    }
    read_report(directory)?;
    Ok(read(&directory.join(REPORT))?.unwrap_or_default())
}

/// Refuses a run that has figures but no histograms: most files would come out empty,
/// and would replace better ones.
pub fn has_measurements(directory: &Path, run: &RecordedRun) -> Result<(), Failure> {
    if run.report.schema_version >= 2 {
        return Ok(());
    }
    let directory = directory.display();
    Err(Failure::usage(format!(
        "{directory} is of schema version 1, which kept no histograms: its files cannot be drawn again and stay as \
         they are; `lockbench show {directory}` prints it, `lockbench run {directory}/{PLAN}` measures anew"
    )))
}

/// Draws the files of these outputs from a run.
pub fn drawn<'a>(run: &RecordedRun, outputs: impl IntoIterator<Item = &'a Output>) -> Result<Vec<Rendered>, Failure> {
    let mut files = Vec::new();
    for output in outputs {
        files.extend((output.render)(run).map_err(|error| Failure::internal(format!("{}: {error}", output.name)))?);
    }
    Ok(files)
}

/// Writes one file below `place`; `flag` names another place.
pub fn write(place: &Path, file: &Rendered, flag: &str) -> Result<PathBuf, Failure> {
    write_file(place, &file.path, &file.bytes).map_err(|error| match error {
        StoreError::Io { path, cause } => Failure::internal(format!(
            "cannot write {path}: {cause}; is the directory writable and is there space left? {flag} DIR gives another \
             one"
        )),
        StoreError::Exists { .. } | StoreError::BadId(_) => Failure::internal(error),
    })?;
    Ok(place.join(&file.path))
}
