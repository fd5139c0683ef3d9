//! The end of a run on stdout: the answer first, and where everything else is.

use std::io::IsTerminal;
use std::path::Path;

use super::args::ThemeName;
use super::config::UiOptions;
use super::terminal::terminal_width;
use lockbench_output::{AnswerLook, AnswerPlace, answer_text};
use lockbench_report::{Report, is_partial};

/// Directory of runs where no flag names another.
const RESULTS: &str = "results";

/// The page that a run draws.
const PAGE: &str = "report.html";

/// The answer of a run in this directory, as this terminal can show it.
pub fn closing_answer(report: &Report, directory: Option<&Path>, ui: &UiOptions) -> String {
    let files = directory.map(|directory| {
        let page = directory.join(PAGE);
        let files = if page.is_file() { page } else { directory.to_owned() };
        files.display().to_string()
    });
    let run = directory.map_or_else(|| report.run_id.clone(), reference);
    let program = std::env::args().next().unwrap_or_else(|| "lockbench".to_owned());
    let look = AnswerLook { width: terminal_width(), ascii: ui.ascii, colour: in_colour(ui) };
    answer_text(report, AnswerPlace { files: files.as_deref(), run: &run, program: &program }, look)
}

/// Returns whether stdout is a terminal that shows colours, and the reader wants them.
fn in_colour(ui: &UiOptions) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    ui.theme != ThemeName::Mono && !dumb && std::io::stdout().is_terminal()
}

/// A run as a command takes it: its id where runs are looked for by default, else its path.
fn reference(directory: &Path) -> String {
    let usual = directory.parent() == Some(Path::new(RESULTS)) && !is_partial(directory);
    let id = directory.file_name().filter(|_| usual).and_then(|name| name.to_str());
    id.map_or_else(|| directory.display().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::reference;

    #[test]
    fn a_run_is_named_as_a_command_finds_it() {
        assert_eq!(reference(Path::new("results/one")), "one");
        assert_eq!(reference(Path::new("results/.one.partial")), "results/.one.partial");
        assert_eq!(reference(Path::new("/tmp/ci/one")), "/tmp/ci/one");
    }
}
