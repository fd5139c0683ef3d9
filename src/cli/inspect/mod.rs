//! `lockbench inspect`: which locks are held on a live server now, by which clients, for how
//! long, and which clients wait. Once, or again and again: on a terminal as a screen that is drawn anew,
//! else as one block or one JSON line after another.

mod filter;
mod first_seen;
mod observer;
mod place;
mod screen;

use std::io::IsTerminal;
use std::time::Duration;

use self::filter::Filter;
use self::observer::{Asked, Look, Observer, once};
use super::args::{FormatChoice, InspectArgs, ThemeName, UiArgs, UiChoice};
use super::config::UiOptions;
use super::dashboard::{Surroundings, wants_tui};
use super::signal::{HangUp, Interrupt};
use super::terminal::terminal_width;
use super::{Failure, print_json, print_painted, tell};
use lockbench_core::lock::inspection::{Inspection, Scope};
use lockbench_core::units::{SECOND, parse_duration_ns};
use lockbench_output::{Appearance, inspection_json, inspection_lines, printed};
use lockbench_report::{Exit, Interruption};

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 120;

/// Shortest pause between two looks: a look costs the servers something.
const SHORTEST_NS: u64 = 100_000_000;

/// How a look is printed.
#[derive(Clone, Copy)]
struct Printing {
    format: FormatChoice,
    colour: bool,
    ascii: bool,
    full: bool,
}

/// Looks, and prints; exits 0 when a server answered.
pub fn inspect(args: &InspectArgs) -> Result<u8, Failure> {
    let options = UiOptions::read(&UiArgs { signs: args.signs, ..UiArgs::default() })?;
    let interval = args.watch.as_deref().map(interval).transpose()?;
    let filter = Filter::new(args)?;
    let (kind, endpoints) = place::read(&args.urls, args.system, &args.project.name())?;
    let scope = Scope { prefix: args.prefix.clone(), limit: filter.search() };
    let asked = Asked { kind, endpoints, scope };
    // What cannot be asked is refused before a server is contacted.
    asked.kind.inspector(&asked.target(), asked.scope.clone()).map_err(Failure::usage)?;
    let colour = options.theme != ThemeName::Mono && std::io::stdout().is_terminal();
    let printing = Printing { format: args.format.choice, colour, ascii: options.ascii, full: args.full };
    match interval {
        None => {
            let seen = once(&asked).map_err(|error| Failure { exit: Exit::Backend, message: error.to_string() })?;
            printing.print(&filter.apply(seen), false)?;
            Ok(Exit::Pass.code())
        }
        Some(interval) => repeat(asked, interval, &filter, printing, &options),
    }
}

/// `5s`, `500ms`, or a number of seconds.
fn interval(text: &str) -> Result<Duration, Failure> {
    let ns = match text.parse::<u64>() {
        Ok(seconds) => Ok(seconds.saturating_mul(SECOND)),
        Err(_) => parse_duration_ns(text),
    };
    let ns = ns.map_err(|problem| Failure::usage(format!("--watch={text} {problem}")))?;
    if ns < SHORTEST_NS {
        return Err(Failure::usage(format!(
            "--watch={text} is too often: at least 100ms, every look costs the servers"
        )));
    }
    Ok(Duration::from_nanos(ns))
}

/// Looks again and again, until the user leaves.
fn repeat(
    asked: Asked,
    interval: Duration,
    filter: &Filter,
    printing: Printing,
    options: &UiOptions,
) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen(HangUp::Ends, || {})?;
    let on_screen = matches!(printing.format, FormatChoice::Text)
        && std::io::stdout().is_terminal()
        && wants_tui(UiChoice::Auto, &Surroundings::read()).is_ok();
    let mut observer = Observer::start(asked, interval, interrupt.stop.clone()).map_err(Failure::internal)?;
    // A server that was never there is a mistake; one that goes away later is what the user waits for.
    let first = match observer.next() {
        Some(Look::Failed { problem, .. }) if !interrupt.stop.draining() => {
            observer.end();
            return Err(Failure { exit: Exit::Backend, message: problem });
        }
        first => first,
    };
    let shown = if on_screen {
        screen::show(first, &mut observer, filter, printing, options, interval)
    } else {
        lines(first, &mut observer, filter, printing)
    };
    observer.end();
    shown?;
    // To be ended by Ctrl-C is how it is meant to end.
    Ok(match interrupt.first() {
        None | Some(Interruption::Interrupt) => Exit::Pass.code(),
        Some(_) => Exit::Terminated.code(),
    })
}

fn lines(first: Option<Look>, observer: &mut Observer, filter: &Filter, printing: Printing) -> Result<(), Failure> {
    let mut next = first;
    while let Some(look) = next {
        let read = match look {
            Look::Seen(seen) => printing.print(&filter.apply(*seen), true)?,
            Look::Failed { at, problem } => printing.failed(&at, &problem)?,
        };
        if !read {
            break;
        }
        next = observer.next();
    }
    Ok(())
}

impl Printing {
    fn appearance(self, width: u16) -> Appearance {
        Appearance { width: usize::from(width), ascii: self.ascii, full: self.full }
    }

    /// Returns false once the reader is gone (`| head`): then there is nothing left to do.
    fn print(self, seen: &Inspection, again: bool) -> Result<bool, Failure> {
        match self.format {
            FormatChoice::Json => print_json(&format!("{}\n", inspection_json(seen).map_err(Failure::internal)?)),
            FormatChoice::Text => {
                let lines = inspection_lines(seen, self.appearance(terminal_width().unwrap_or(NO_TERMINAL)));
                print_painted(&format!("{}{}", printed(&lines, self.colour), if again { "\n" } else { "" }))
            }
        }
    }

    /// A look that no server answered, between others that were.
    fn failed(self, at: &str, problem: &str) -> Result<bool, Failure> {
        match self.format {
            FormatChoice::Json => {
                let line = serde_json::json!({ "at": at, "problem": problem });
                print_json(&format!("{line}\n"))
            }
            FormatChoice::Text => {
                tell(&format!("lockbench: {at}: {problem}; looking again"));
                Ok(true)
            }
        }
    }
}
