//! `lockbench completions` and `lockbench man`: both from the arguments themselves.

use clap::CommandFactory;

use super::args::{Arguments, CompletionsArgs};
use super::{Failure, print};

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "lockbench", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Prints the manual page of the program, then of each command.
pub fn man() -> Result<u8, Failure> {
    let mut text = Vec::new();
    let command = Arguments::command();
    let pages = std::iter::once(command.clone()).chain(command.get_subcommands().cloned());
    for page in pages {
        clap_mangen::Man::new(page).render(&mut text).map_err(Failure::internal)?;
    }
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
