//! The command line: the composition root, and the only place where concrete
//! parts meet. One file per command.

mod advise;
mod args;
mod backends;
mod baseline;
mod check;
mod compare;
mod config;
mod dashboard;
mod display;
mod doctor;
mod down;
mod ending;
mod endpoints;
mod execute;
mod explain;
mod export;
mod failure;
mod fits;
mod frontend;
mod gates;
mod given;
mod histories;
mod inspect;
mod job;
mod keeper;
mod kept_costs;
mod kept_rounds;
mod kinds;
mod lints;
mod listing;
mod locale;
mod log;
mod ls;
mod manual;
mod monitor;
mod narrate;
mod overhead;
mod printer;
mod report;
mod run;
mod scenario;
mod schema;
mod scoreboard;
mod scrape;
mod screen;
mod search;
mod select;
mod show;
mod sides;
mod signal;
mod status;
mod stored;
mod sweep;
mod sweep_up;
mod terminal;
mod trace;
mod up;
mod verify;
mod watch;
mod watcher;
mod worker;

pub use args::Arguments;
pub use failure::Failure;
pub use given::parsed;
pub use worker::worker;

use std::sync::{Mutex, MutexGuard, PoisonError};

use args::Command;

use lockbench_core::plain;
use lockbench_report::Exit;
use lockbench_systems::Registry;

/// Carries out a command line; returns the exit code. Data goes to stdout,
/// messages to stderr.
#[must_use]
pub fn run(arguments: Arguments, registry: &Registry) -> u8 {
    let done = match arguments.command {
        Command::Run(args) => run::run(&args, registry),
        Command::Quick(args) => run::quick(&args, registry),
        Command::Monitor(args) => monitor::monitor(&args, registry),
        Command::Check(args) => check::check(&args, registry),
        Command::Doctor(args) => doctor::doctor(&args, registry),
        Command::Up(args) => up::up(&args, registry),
        Command::Down(args) => down::down(&args, registry),
        Command::Status(args) => status::status(&args, registry),
        Command::SweepUp(args) => sweep_up::sweep_up(&args),
        Command::Keeper(args) => keeper::keeper(&args),
        Command::Backends => backends::backends(registry),
        Command::Lints => lints::lints(),
        Command::Ls(args) => ls::ls(&args),
        Command::Show(args) => show::show(&args, registry),
        Command::Report(args) => report::report(&args, registry),
        Command::Export(args) => export::export(&args, registry),
        Command::Verify(args) => verify::verify(&args, registry),
        Command::Explain(args) => explain::explain(&args, registry),
        Command::Watch(args) => watch::watch(&args, registry),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Advise(args) => advise::advise(&args, registry),
        Command::Trace(args) => trace::trace(&args),
        Command::Search(args) => search::search(&args, registry),
        Command::Overhead(args) => overhead::overhead(&args, registry),
        Command::Scenario(args) => scenario::scenario(&args, registry),
        Command::Compare(args) => compare::compare(&args),
        Command::Schema(args) => schema::schema(&args, registry),
        Command::Completions(args) => manual::completions(&args),
        Command::Man => manual::man(),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            tell(&format!("lockbench: {}", given::without_typed_secrets(&failure.message)));
            failure.exit.code()
        }
    }
}

/// Prints what clap says of a command line that it does not take, or was asked for (help,
/// version); returns the exit code.
fn refuse(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if error.use_stderr() && text.contains(|c: char| !c.is_ascii() || plain::is_order(c) && c != '\n' && c != '\t') {
        // It quotes an argument, and a shell makes arguments of the names of files.
        tell(text.trim_end());
    } else {
        // Where stderr is closed, there is no other place to report that.
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code())
}

/// Locks. What a thread that panicked left behind is as usable as before: every change under
/// these locks is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime on the calling thread.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Writes to stdout. A reader that went away (`| head`) is no error of ours; a full
/// disk is. What is printed may quote a server, a file or a name, and they must not
/// command the terminal: this and [`tell`] are the only ways to it.
fn print(text: &str) -> Result<(), Failure> {
    write_out(&locale::fitting(plain::lines(text))).map(|_| ())
}

/// Prints lines in colour, whose parts were cleaned before they were painted; returns
/// whether the reader is still there. Colours are of [`lockbench_output::Line`] alone.
fn print_painted(text: &str) -> Result<bool, Failure> {
    write_out(&locale::fitting(plain::painted(text)))
}

/// Prints JSON, which keeps its meaning; returns whether the reader is still there.
fn print_json(text: &str) -> Result<bool, Failure> {
    let json = plain::json(text);
    if locale::ascii() { write_out(&plain::ascii_json(&json)) } else { write_out(&json) }
}

/// Prints a value as a JSON document; returns whether the reader is still there.
fn print_document(value: &impl serde::Serialize) -> Result<bool, Failure> {
    print_json(&format!("{}\n", serde_json::to_string_pretty(value).map_err(Failure::internal)?))
}

fn write_out(text: &str) -> Result<bool, Failure> {
    use std::io::{ErrorKind, Write as _};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        // The terminal is gone: as if its hang-up had been heard. A broken disk says the same.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) && is_device(&out) => {
            Err(Failure { exit: Exit::Terminated, message: "the terminal on stdout went away".to_owned() })
        }
        Err(error) => Err(Failure::internal(format!("cannot write to stdout: {error}"))),
    }
}

/// Returns whether it is a device: a terminal that was hung up is one still.
fn is_device(out: impl std::os::fd::AsFd) -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(out).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice)
}

/// Writes a line to stderr. `eprintln` would panic where its reader is gone
/// (`2>&1 | head`), and the run would be lost with its message.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{}", locale::fitting(plain::lines(line)));
}
