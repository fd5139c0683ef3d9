//! The headings of a long help: flags stand beside those that answer the same question.

/// Workload and systems.
pub const RUN: &str = "What to run";
/// What clients do, and for how long.
pub const LOAD: &str = "Load";
/// Where servers come from.
pub const SERVERS: &str = "Servers";
/// What must hold, and what is compared.
pub const VERDICT: &str = "Verdict";
/// What is written, and where.
pub const OUTPUT: &str = "Output";
/// What is seen while it runs.
pub const DISPLAY: &str = "Display";
/// Which locks are shown.
pub const CHOICE: &str = "What to show";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::{DISPLAY, LOAD, OUTPUT, RUN, SERVERS, VERDICT};
    use crate::cli::args::Arguments;

    /// Flags from which on a list without headings is one to search in.
    const LONG: usize = 8;

    fn help(command: &Command) -> String {
        command.clone().render_long_help().to_string()
    }

    #[test]
    fn the_help_of_what_runs_load_has_its_headings_in_order() {
        for name in ["run", "quick", "monitor"] {
            let whole = Arguments::command();
            let text = help(whole.find_subcommand(name).unwrap());
            let mut at = 0;
            for heading in [RUN, LOAD, SERVERS, VERDICT, OUTPUT, DISPLAY] {
                let line = format!("\n{heading}:\n");
                assert_eq!(text.matches(&line).count(), 1, "{name}: {heading}\n{text}");
                let found = text.find(&line).unwrap();
                assert!(found > at || name == "monitor", "{name}: {heading} is not in its place");
                at = found;
            }
        }
    }

    #[test]
    fn no_flag_of_a_long_help_is_without_a_heading() {
        for command in Arguments::command().get_subcommands() {
            let flags = command.get_opts().filter(|flag| !flag.is_hide_set());
            let flags: Vec<_> = flags.filter(|flag| !matches!(flag.get_id().as_str(), "help" | "version")).collect();
            let bare: Vec<&str> = flags
                .iter()
                .filter(|flag| flag.get_help_heading().is_none())
                .map(|flag| flag.get_id().as_str())
                .collect();
            assert!(flags.len() < LONG || bare.is_empty(), "{}: {bare:?}", command.get_name());
        }
    }
}
