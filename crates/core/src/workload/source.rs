//! From a path or a text to a [`Plan`] and the [`Source`] that can still say
//! where each key was written.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::cursor::Report;
use super::document::{self, Origin, Table};
use super::error::{Problem, WorkloadError};
use super::file;
use super::gallery::{self, QUICKSTART};
use super::options::{self, OptionTable};
use super::overrides;
use super::plan::Plan;
use super::schema::nearest;

/// Largest workload that is read: a stream may have no end, and a stored plan has its trace within it.
const LARGEST: u64 = 8 << 20;

/// Where a plan came from, for messages of those who resolve its names later.
#[derive(Clone, Debug)]
pub struct Source {
    path: String,
    document: Table,
}

impl Source {
    /// The workload's path as given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a dotted key was written (`ttl`, `acquire.timeout`): the start of a
    /// message, `workloads/x.toml:4`, or `workloads/x.toml: --set ttl=1s`, or the
    /// path alone if the key has its default.
    #[must_use]
    pub fn place_of(&self, key: &str) -> String {
        let origin = self.document.origin_of(key).unwrap_or(&Origin::Unwritten);
        format!("{}{origin}", self.path)
    }

    /// Where the name of the backend number `index` (from 0, as in
    /// [`Plan::backends`]) was written.
    #[must_use]
    pub fn place_of_backend(&self, index: usize) -> String {
        self.place_of(&format!("backends.{index}"))
    }

    /// Where the threshold number `index` (from 0, as in [`Plan::thresholds`]) was
    /// written.
    #[must_use]
    pub fn place_of_threshold(&self, index: usize) -> String {
        self.place_of(&format!("thresholds.{index}"))
    }
}

/// Reads a workload, changed by `key=value` texts as `--set` gives them: a file, `-` for the
/// standard input, or the name of one of the gallery (`hot-key`, `controls/no-lock`), where
/// no file of that name is there. `tables` are those that the lock systems declare.
///
/// # Errors
/// The file cannot be read, or all that is wrong with it and with the texts.
pub fn load(path: &Path, sets: &[String], tables: &[&OptionTable]) -> Result<(Plan, Source), WorkloadError> {
    if path == Path::new("-") {
        return parse_with("stdin", &utf8(path, read(std::io::stdin().lock(), path)?)?, sets, tables);
    }
    if !path.exists()
        && let Some((file, text)) = gallery::named(path)
    {
        return parse_with(file, text, sets, tables);
    }
    let opened = fs::File::open(path);
    let bytes = opened.map_err(|source| refused(path, source)).and_then(|file| read(file, path))?;
    parse_with(&path.display().to_string(), &utf8(path, bytes)?, sets, tables)
}

fn read(from: impl std::io::Read, path: &Path) -> Result<Vec<u8>, WorkloadError> {
    let mut bytes = Vec::new();
    let read = from.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| refused(path, source))?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused(path, std::io::Error::other("it is larger than 8 MiB")));
    }
    Ok(bytes)
}

fn refused(path: &Path, source: std::io::Error) -> WorkloadError {
    WorkloadError::Read {
        path: path.to_owned(),
        source,
        nearest: nearest_file(path).or_else(|| gallery::nearest(path)),
    }
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, WorkloadError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        WorkloadError::NotUtf8 { path: path.to_owned(), line }
    })
}

/// Reads a workload from its text, without options that single lock systems have. `path` names
/// it in messages, and its stem the workload.
///
/// # Errors
/// All that is wrong with the text and with `sets`.
pub fn parse(path: &str, text: &str, sets: &[String]) -> Result<(Plan, Source), WorkloadError> {
    parse_with(path, text, sets, &[])
}

/// The same with the tables that the lock systems declare.
///
/// # Errors
/// All that is wrong with the text and with `sets`.
pub fn parse_with(
    path: &str,
    text: &str,
    sets: &[String],
    tables: &[&OptionTable],
) -> Result<(Plan, Source), WorkloadError> {
    decode(path, document(path, text)?, sets, tables)
}

/// Reads a plan that [`super::to_toml`] wrote, whichever systems declared its options then.
///
/// # Errors
/// All that is wrong with the text.
pub fn parse_stored(path: &str, text: &str) -> Result<Plan, WorkloadError> {
    let mut document = document(path, text)?;
    let options = options::stored(&mut document);
    let (plan, _) = decode(path, document, &[], &[])?;
    Ok(Plan { options, ..plan })
}

fn document(path: &str, text: &str) -> Result<Table, WorkloadError> {
    document::parse(text).map_err(|error| {
        let problem = Problem::new(path, Origin::Line(error.line), error.message);
        WorkloadError::Invalid(vec![problem])
    })
}

fn decode(
    path: &str,
    mut document: Table,
    sets: &[String],
    tables: &[&OptionTable],
) -> Result<(Plan, Source), WorkloadError> {
    let report = Report::new(path, options::root(tables));
    for set in sets {
        overrides::apply(&mut document, set, &report);
    }
    let name = Path::new(path).file_stem().map_or_else(|| path.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let plan = file::plan(&document, &report, &name, tables);
    let problems = report.into_problems();
    match plan {
        Some(plan) if problems.is_empty() => Ok((plan, Source { path: path.to_owned(), document })),
        _ => Err(WorkloadError::Invalid(problems)),
    }
}

/// The built-in workload of `lockbench quick`, changed by `key=value` texts.
///
/// # Errors
/// All that is wrong with `sets`.
pub fn quickstart(sets: &[String], tables: &[&OptionTable]) -> Result<(Plan, Source), WorkloadError> {
    parse_with("workloads/quickstart.toml", QUICKSTART, sets, tables)
}

/// A file of a similar name in the same directory.
fn nearest_file(path: &Path) -> Option<PathBuf> {
    let typed = path.file_name()?.to_string_lossy().into_owned();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(directory.unwrap_or(Path::new("."))).ok()?;
    // A directory is no workload either, least of all the one that was just refused.
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let near = nearest(&typed, names.iter().map(String::as_str))?;
    Some(directory.map_or_else(|| PathBuf::from(near), |directory| directory.join(near)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn thresholds_and_lints_know_their_lines() {
        let text = "clients = 2\nthresholds = [\n  \"a\",\n  { text = \"b\" },\n]\n[lints]\nloopback = \"deny\"\n";
        let (_, source) = parse("w.toml", text, &[]).unwrap();
        assert_eq!([0, 1].map(|index| source.place_of_threshold(index)), ["w.toml:3", "w.toml:4"]);
        assert_eq!(source.place_of("lints.loopback"), "w.toml:7");
        let (_, source) = parse("w.toml", text, &["lints.loopback=allow".to_owned()]).unwrap();
        assert_eq!(source.place_of("lints.loopback"), "w.toml: --set lints.loopback=allow");
    }
}
