//! `lockbench ls`: the runs of a results directory, newest last. What cannot be read
//! is listed with its reason, so that one damaged run hides no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use super::args::{FormatChoice, LsArgs};
use super::sides::baselines;
use super::stored::partial_id;
use super::terminal::terminal_width;
use super::{Failure, print, print_document};
use lockbench_core::plain;
use lockbench_core::units::{span, three_digits};
use lockbench_dashboard::text::fit;
use lockbench_report::monitor::{Status, is_watch, read_status};
use lockbench_report::{Exit, OpenError, PLAN, REPORT, Report, SWEEP, read, read_report, sane};

/// Longest text of a cell: a plan may name twenty systems.
const WIDEST: usize = 48;

/// Longest name of a workload on a narrow terminal.
const NARROW: usize = 16;

/// One directory.
#[derive(Debug, Default, Serialize)]
struct Row {
    id: String,
    path: PathBuf,
    /// Whether it lacks files, or is still under way.
    partial: bool,
    started_at: Option<String>,
    workload: Option<String>,
    backends: Vec<String>,
    trials: Option<u64>,
    exit_code: Option<u8>,
    complete: Option<bool>,
    bytes: u64,
    /// What it is instead of a run, if it is a sweep: over which key, and how many runs.
    sweep: Option<String>,
    /// If it is a run of `monitor`: how many seconds it lasted, or has lasted so far.
    /// `exit_code` is then its own.
    watched_s: Option<u64>,
    /// Why there is no more to say of it.
    problem: Option<String>,
    /// When it was last written: the order of those that do not say when they started.
    #[serde(skip)]
    modified: String,
}

/// Prints the list of runs.
pub fn ls(args: &LsArgs) -> Result<u8, Failure> {
    let root = &args.stored.output;
    let mut rows: Vec<Row> = directories(root)?.into_iter().map(|path| row(&path)).collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    let text = match args.format.choice {
        FormatChoice::Json => {
            print_document(&rows)?;
            return Ok(0);
        }
        FormatChoice::Text if rows.is_empty() => {
            format!("no runs in {}: `lockbench quick` or `lockbench run` makes one\n", root.display())
        }
        FormatChoice::Text => table(&rows, terminal_width()),
    };
    print(&text)?;
    Ok(0)
}

fn order(row: &Row) -> (&str, &str) {
    (row.started_at.as_deref().unwrap_or(&row.modified), &row.id)
}

/// Every directory of `root` that may be a run: hidden ones only if they are partial.
fn directories(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    if root.join(REPORT).exists() {
        return Err(Failure::usage(format!(
            "{0} is a run itself: -o names the directory that runs are in; `lockbench show {0}` prints this one",
            root.display()
        )));
    }
    let entries = fs::read_dir(root).map_err(|cause| {
        Failure::usage(format!("cannot list {}: {cause}; -o DIR names another results directory", root.display()))
    })?;
    // Saved baselines are copies of runs.
    let baselines = baselines(root);
    let may_be = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path.is_dir() && *path != baselines && (!name.starts_with('.') || partial_id(&name).is_some())
    };
    Ok(entries.flatten().map(|entry| entry.path()).filter(may_be).collect())
}

fn row(path: &Path) -> Row {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let modified = path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let row = Row {
        id: partial_id(&name).unwrap_or(&name).to_owned(),
        path: path.to_owned(),
        partial: partial_id(&name).is_some(),
        bytes: size(path),
        modified: humantime::format_rfc3339_seconds(modified).to_string(),
        ..Row::default()
    };
    if let Some(sweep) = read_sweep(path) {
        return with_sweep(row, &sweep);
    }
    if is_watch(path) {
        return match read_status(path) {
            Ok(status) => with_status(row, &status),
            Err(error) => Row { problem: Some(format!("a monitor run, {}", in_short(&error))), ..with_plan(row, path) },
        };
    }
    match read_report(path) {
        Ok(report) => with_report(row, &report),
        Err(error) => Row { problem: Some(in_short(&error)), ..with_plan(row, path) },
    }
}

/// `sweep.json` of a directory that is a sweep, not a run.
fn read_sweep(path: &Path) -> Option<serde_json::Value> {
    if path.join(REPORT).exists() {
        return None;
    }
    serde_json::from_slice(&read(&path.join(SWEEP)).ok()??).ok().filter(|sweep| sane(sweep).is_ok())
}

fn with_sweep(row: Row, sweep: &serde_json::Value) -> Row {
    let points = sweep["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    let backends: BTreeSet<&String> =
        points.iter().filter_map(|point| point["backends"].as_object()).flat_map(|of| of.keys()).collect();
    Row {
        workload: sweep["workload"].as_str().map(str::to_owned),
        backends: backends.into_iter().cloned().collect(),
        sweep: Some(format!("sweep of {}, {} runs", sweep["key"].as_str().unwrap_or("?"), points.len())),
        ..row
    }
}

fn with_status(row: Row, status: &Status) -> Row {
    Row {
        started_at: Some(status.started_at.clone()),
        workload: Some(status.workload.clone()),
        backends: status.systems.iter().map(|system| system.backend.clone()).collect(),
        exit_code: Some(status.exit_code),
        complete: (!row.partial).then_some(true),
        watched_s: Some(status.watched_s),
        ..row
    }
}

fn with_report(row: Row, report: &Report) -> Row {
    let ran = report.aggregates.iter().map(|aggregate| aggregate.backend.clone());
    let skipped = report.skipped.iter().filter(|skip| skip.asked_for).map(|skip| skip.backend.clone());
    Row {
        started_at: Some(report.environment.started_at.clone()),
        workload: report.plan["name"].as_str().map(str::to_owned),
        backends: ran.chain(skipped).collect(),
        trials: report.plan["trials"].as_u64(),
        exit_code: Some(report.verdict.exit_code),
        complete: Some(report.complete),
        ..row
    }
}

/// What the plan says of a run that has no report.
fn with_plan(row: Row, path: &Path) -> Row {
    let plan = read(&path.join(PLAN)).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(plan) = plan.and_then(|text| toml::from_str::<serde_json::Value>(&text).ok()) else { return row };
    let names = plan["backends"].as_array().into_iter().flatten();
    Row {
        workload: plan["name"].as_str().map(str::to_owned),
        backends: names.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        trials: plan["trials"].as_u64(),
        ..row
    }
}

/// Shortens the reason: the whole message is shown to a user who opens the run.
fn in_short(error: &OpenError) -> String {
    match error {
        OpenError::Missing(_) => "gone".to_owned(),
        OpenError::Foreign { problem, .. } => format!("not a run: {problem}"),
        OpenError::Unfinished { .. } => "no report: under way, or broken off".to_owned(),
        OpenError::Watch { .. } => "a monitor run".to_owned(),
        OpenError::Newer { found, .. } => format!("of a newer lockbench (schema version {found})"),
        OpenError::Damaged { problem, .. } => format!("damaged: {problem}"),
        OpenError::Io { cause, .. } => format!("cannot be read: {cause}"),
    }
}

/// Bytes of all files below a directory; links are not followed.
fn size(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

/// The list, for a terminal of `width` columns, if it is one: what does not fit there is
/// left out from the least to the most important, and the longest verdicts are cut.
fn table(rows: &[Row], width: Option<u16>) -> String {
    let width = width.map_or(usize::MAX, |width| usize::from(width.max(60)));
    let whole = [Detail::Started, Detail::Backends, Detail::Size, Detail::Trials];
    let mut text = String::new();
    for left_out in 0..=whole.len() {
        text = table_of(rows, &whole[left_out..], usize::MAX);
        if widest(&text) <= width {
            return text;
        }
    }
    let verdicts = rows.iter().map(|row| verdict(row).chars().count()).max().unwrap_or(0);
    let room = verdicts.saturating_sub(widest(&text).saturating_sub(width)).max(12);
    table_of(rows, &[], room)
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A column that a narrow terminal has no room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The id begins with it, unless it was named.
    Started,
    /// Their names; else their number.
    Backends,
    Size,
    Trials,
}

fn table_of(rows: &[Row], details: &[Detail], verdicts: usize) -> String {
    let mut table = Table::new();
    table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Disabled);
    let none = || "-".to_owned();
    let shown = |detail: Detail| details.contains(&detail);
    let columns: [(&str, bool); 7] = [
        ("id", true),
        ("started", shown(Detail::Started)),
        ("workload", true),
        ("backends", true),
        ("trials", shown(Detail::Trials)),
        ("size", shown(Detail::Size)),
        ("verdict", true),
    ];
    let kept = |cells: [String; 7]| -> Vec<String> {
        cells.into_iter().zip(columns).filter(|(_, (_, shown))| *shown).map(|(cell, _)| cell).collect()
    };
    table.set_header(kept(columns.map(|(head, _)| head.to_owned())));
    for row in rows {
        let backends = match row.backends.as_slice() {
            [] => none(),
            many @ [_, _, ..] if !shown(Detail::Backends) => format!("{} systems", many.len()),
            all => all.join(","),
        };
        table.add_row(kept([
            cell(&row.id, usize::MAX),
            cell(row.started_at.as_deref().unwrap_or("-"), WIDEST),
            cell(row.workload.as_deref().unwrap_or("-"), if shown(Detail::Backends) { WIDEST } else { NARROW }),
            cell(&backends, WIDEST),
            row.trials.map_or_else(none, |trials| trials.to_string()),
            human_size(row.bytes),
            cell(&verdict(row), verdicts),
        ]));
    }
    for (at, _) in columns
        .iter()
        .filter(|(_, shown)| *shown)
        .enumerate()
        .filter(|(_, (head, _))| matches!(*head, "trials" | "size"))
    {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // The frame pads each line; nothing stands there.
    table.trim_fmt().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// `pass (0)`, `violated (100), partial`, or why there is none.
fn verdict(row: &Row) -> String {
    let mut text = match (row.problem.as_ref().or(row.sweep.as_ref()), row.exit_code) {
        (Some(other), _) => other.clone(),
        (None, Some(code)) => format!("{} ({code})", Exit::of_code(code).map_or("unknown", Exit::word)),
        (None, None) => "-".to_owned(),
    };
    if let Some(seconds) = row.watched_s {
        text = format!("monitor, {}: {text}", span(seconds.saturating_mul(1_000)));
    }
    if row.complete == Some(false) {
        text.push_str(", incomplete");
    }
    if row.partial {
        text.push_str(", partial");
    }
    text
}

/// Text of a file in one line, so that no file can move the cursor.
fn cell(text: &str, widest: usize) -> String {
    fit(&plain::line(text), widest, "…")
}

/// `431 B`, `12.3 KiB`, `1.02 MiB`.
fn human_size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if value >= 1_000.0 {
            (value, unit) = (value / 1_024.0, larger);
        }
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{} {unit}", three_digits(value)) }
}

#[cfg(test)]
mod tests {
    use super::{Row, cell, human_size, partial_id, table};

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1_024, "1.00 KiB"), (5_000_000, "4.77 MiB")] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn only_a_partial_run_may_be_hidden() {
        assert_eq!(partial_id(".a.b.partial"), Some("a.b"));
        assert_eq!(partial_id(".git"), None);
        assert_eq!(partial_id("a.partial"), None);
    }

    #[test]
    fn text_of_files_cannot_move_the_cursor() {
        assert_eq!(cell("a\u{1b}[2Jb\n\u{202e}", 20), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(cell("abcdef", 4), "abc…");
    }

    #[test]
    fn a_list_reads_well() {
        let whole = Row {
            id: "20261120T073501Z-hot-key-1a2b".to_owned(),
            started_at: Some("2026-11-20T07:35:01Z".to_owned()),
            workload: Some("hot-key".to_owned()),
            backends: vec!["redis".to_owned(), "etcd".to_owned()],
            trials: Some(5),
            exit_code: Some(0),
            complete: Some(true),
            bytes: 812_345,
            ..Row::default()
        };
        let broken = Row {
            id: "killed".to_owned(),
            partial: true,
            problem: Some("no report: under way, or broken off".to_owned()),
            ..Row::default()
        };
        let cut = Row {
            id: "ctrl-c".to_owned(),
            exit_code: Some(130),
            complete: Some(false),
            started_at: whole.started_at.clone(),
            ..Row::default()
        };
        let watch = Row {
            id: "canary".to_owned(),
            started_at: whole.started_at.clone(),
            backends: vec!["redis".to_owned()],
            exit_code: Some(99),
            watched_s: Some(3_723),
            ..Row::default()
        };
        let rows = [whole, broken, cut, watch];
        for width in [72, 80, 100, 120] {
            let text = table(&rows, Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{text}");
        }
        insta::assert_snapshot!("ls_80", table(&rows, Some(80)));
        insta::assert_snapshot!("ls_whole", table(&rows, None));
    }
}
