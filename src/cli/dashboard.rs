//! Decides whether there is a terminal for the dashboard, which is drawn on stderr and takes keys from
//! stdin; stdout is for the results and may go anywhere.

use std::ffi::OsString;
use std::io::IsTerminal;

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::args::UiChoice;

/// What decides whether there is a dashboard.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Whether stdin is a terminal.
    pub stdin: bool,
    /// Whether stderr is one.
    pub stderr: bool,
    /// Whether another process has the terminal now. The kernel stops a process that takes it nevertheless.
    pub background: bool,
    /// See [`in_ci`].
    pub ci: bool,
    /// `TERM`.
    pub term: Option<OsString>,
}

impl Surroundings {
    /// Reads those of this process.
    pub fn read() -> Self {
        Self {
            stdin: std::io::stdin().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            background: tcgetpgrp(std::io::stdin()).is_ok_and(|foreground| foreground != getpgrp()),
            ci: in_ci(),
            term: std::env::var_os("TERM"),
        }
    }
}

/// Returns whether `CI` is set, and not empty: then no person watches.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// `Ok` if a dashboard is wanted and can be drawn.
///
/// # Errors
/// Why not, as the end of a sentence.
pub fn wants_tui(choice: UiChoice, around: &Surroundings) -> Result<(), &'static str> {
    match choice {
        UiChoice::Plain | UiChoice::None => return Err("--ui asks for none"),
        UiChoice::Auto | UiChoice::Tui => {}
    }
    let term = around.term.as_ref().filter(|term| !term.is_empty());
    match (around, term) {
        (Surroundings { ci: true, .. }, _) => Err("CI is set, so no person watches"),
        (Surroundings { stderr: false, .. }, _) => Err("stderr, which it is drawn on, is not a terminal"),
        (Surroundings { stdin: false, .. }, _) => Err("stdin, which it takes keys from, is not a terminal"),
        (Surroundings { background: true, .. }, _) => Err("it runs in the background, and the terminal is not its own"),
        (_, None) => Err("TERM is not set, so what the terminal understands is not known"),
        (_, Some(term)) if term == "dumb" => Err("TERM is dumb: this terminal cannot place text"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, wants_tui};
    use crate::cli::args::UiChoice;

    fn terminal() -> Surroundings {
        Surroundings { stdin: true, stderr: true, background: false, ci: false, term: Some("xterm-256color".into()) }
    }

    #[test]
    fn a_person_at_a_terminal_gets_the_dashboard() {
        assert_eq!(wants_tui(UiChoice::Auto, &terminal()), Ok(()));
        assert_eq!(wants_tui(UiChoice::Tui, &terminal()), Ok(()));
    }

    #[test]
    fn nobody_gets_it_who_asked_for_something_else() {
        for choice in [UiChoice::Plain, UiChoice::None] {
            assert!(wants_tui(choice, &terminal()).is_err());
        }
    }

    #[test]
    fn whatever_is_in_its_way_is_named() {
        for (around, word) in [
            (Surroundings { ci: true, ..terminal() }, "CI"),
            (Surroundings { stderr: false, ..terminal() }, "stderr"),
            (Surroundings { stdin: false, ..terminal() }, "stdin"),
            (Surroundings { background: true, ..terminal() }, "it runs in the background"),
            (Surroundings { term: None, ..terminal() }, "TERM is not set"),
            (Surroundings { term: Some("".into()), ..terminal() }, "TERM is not set"),
            (Surroundings { term: Some("dumb".into()), ..terminal() }, "TERM is dumb"),
        ] {
            for choice in [UiChoice::Auto, UiChoice::Tui] {
                assert!(wants_tui(choice, &around).unwrap_err().starts_with(word), "{around:?}");
            }
        }
    }
}
