//! `lockbench completions` and `lockbench man`: both from the arguments themselves.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Arguments, CompletionsArgs};
use super::{Failure, print};
use lockbench_output::OUTPUTS;
use lockbench_report::{Exit, RAW_FILES};

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut public(), "lockbench", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Prints the manual: one page, with a section for each command.
pub fn man() -> Result<u8, Failure> {
    print(&String::from_utf8_lossy(&page().map_err(Failure::internal)?))?;
    Ok(0)
}

/// The exit codes, for the end of `--help`.
pub(super) fn exit_codes() -> String {
    let mut text = "Exit codes:".to_owned();
    for exit in Exit::ALL {
        let _ = write!(text, "\n  {:>3}  {}", exit.code(), exit.meaning());
    }
    text
}

/// The commands without those that are hidden: `lockbench` itself calls them.
fn public() -> Command {
    let whole = Arguments::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let about = whole.get_about().cloned().unwrap_or_default();
    Command::new("lockbench").version(env!("CARGO_PKG_VERSION")).about(about).subcommands(shown)
}

fn page() -> std::io::Result<Vec<u8>> {
    // The page says once that there is --help, not at every command.
    let mut command = public().disable_help_flag(true);
    // Built: the usage lines then name the program and the command.
    command.build();
    let mut text = Vec::new();
    let whole = Man::new(command.clone()).manual("lockbench manual");
    whole.render_title(&mut text)?;
    whole.render_name_section(&mut text)?;
    section("SYNOPSIS", |roff| {
        roff.text([bold("lockbench"), roman(" COMMAND [OPTIONS]")]);
    })
    .to_writer(&mut text)?;
    section("DESCRIPTION", |roff| {
        roff.text([roman(DESCRIPTION)]);
    })
    .to_writer(&mut text)?;
    section("COMMANDS", |_| {}).to_writer(&mut text)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        one_command(sub, &mut text)?;
    }
    files().to_writer(&mut text)?;
    section("EXIT STATUS", |roff| {
        for exit in Exit::ALL {
            item(roff, &exit.code().to_string(), exit.meaning());
        }
    })
    .to_writer(&mut text)?;
    section("ENVIRONMENT", |roff| {
        roff.text([roman(ENVIRONMENT)]);
    })
    .to_writer(&mut text)?;
    Ok(text)
}

const DESCRIPTION: &str = "Drives the same contention against lock systems, measures how long a lock takes to acquire, \
    to hand over and to release, and proves from the same events whether any lock was ever granted twice. Every run \
    leaves a directory; the commands on stored runs take its path, or its id under -o.";

const ENVIRONMENT: &str = "Flags can also be given as variables, for example LOCKBENCH_BACKENDS=redis,etcd; \
    `lockbench COMMAND --help` names each.";

fn section(title: &str, fill: impl FnOnce(&mut Roff)) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", [title]);
    fill(&mut roff);
    roff
}

/// A term and what it means.
fn item(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

/// A command: what it is for, its usage, its options.
fn one_command(command: &Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let mut roff = Roff::default();
    roff.control("SS", [command.get_name()]);
    roff.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
    roff.control("PP", []);
    roff.text([bold(usage.trim_start_matches("Usage:").trim())]);
    roff.to_writer(text)?;
    let mut options = Vec::new();
    Man::new(command).render_options_section(&mut options)?;
    // The options belong to the command's section: their headings are lines of it.
    for line in String::from_utf8_lossy(&options).lines() {
        match line.strip_prefix(".SH ") {
            Some("OPTIONS") => {}
            Some(heading) => {
                let heading = heading.trim_matches('"').to_lowercase();
                let mut roff = Roff::default();
                roff.control("PP", []);
                roff.text([bold(format!("{}{}:", heading[..1].to_uppercase(), &heading[1..]))]);
                roff.to_writer(text)?;
            }
            None => writeln!(text, "{line}")?,
        }
    }
    Ok(())
}

/// What is in a run directory.
fn files() -> Roff {
    section("FILES", |roff| {
        roff.text([roman("A run directory, results/<run-id>/, holds:")]);
        for (name, meaning) in RAW_FILES {
            item(roff, name, meaning);
        }
        for output in OUTPUTS {
            let (path, meaning) = output.meaning.split_once(": ").unwrap_or((output.name, output.meaning));
            item(roff, path, meaning);
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::super::args::Arguments;
    use super::{exit_codes, page, public};
    use lockbench_report::Exit;

    #[test]
    fn the_manual_is_one_page_with_every_command() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        assert_eq!(page.lines().filter(|line| line.starts_with(".TH ")).count(), 1, "{page}");
        for command in Arguments::command().get_subcommands() {
            let (name, hidden) = (command.get_name(), command.is_hide_set());
            assert_eq!(page.contains(&format!(".SS {name}\n")), !hidden, "{name}");
        }
        for heading in ["NAME", "SYNOPSIS", "COMMANDS", "FILES", "\"EXIT STATUS\"", "ENVIRONMENT"] {
            assert!(page.contains(&format!(".SH {heading}\n")), "{heading} is missing:\n{page}");
        }
        assert!(
            page.contains("\\fBWhat to run:\\fR\n") && !page.contains(".SH LOAD"),
            "headings of options are no sections"
        );
    }

    #[test]
    fn no_shell_completes_a_hidden_command() {
        for shell in clap_complete::Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut public(), "lockbench", &mut text);
            let text = String::from_utf8(text).unwrap();
            let has = |name: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
            assert!(has("inspect") && !has("keeper"), "{shell}");
        }
    }

    #[test]
    fn the_help_names_every_exit_code() {
        let text = exit_codes();
        for exit in Exit::ALL {
            assert!(text.contains(&format!(" {}  ", exit.code())), "{text}");
        }
    }

    #[test]
    fn the_arguments_contradict_one_another_nowhere() {
        Arguments::command().debug_assert();
    }
}
