//! `--format` and its short form `--json`, wherever something is printed for people or for programs.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum};

use super::heading;

/// What goes to stdout at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FormatChoice {
    /// Tables
    Text,
    /// JSON, as in report.json
    Json,
}

/// The two flags as they are typed.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::OUTPUT)]
struct Typed {
    /// Format on stdout
    #[arg(long, value_enum, default_value = "text", env = "LOCKBENCH_FORMAT")]
    format: FormatChoice,
    /// Short for --format json
    #[arg(long, env = "LOCKBENCH_JSON")]
    json: bool,
}

/// The format that is meant: a flag counts before a variable.
#[derive(Debug)]
pub(in crate::cli) struct FormatArgs {
    pub choice: FormatChoice,
}

impl FromArgMatches for FormatArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let typed = Typed::from_arg_matches(matches)?;
        let flag = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let (format, json) = (matches.value_source("format"), typed.json);
        if !json || typed.format == FormatChoice::Json {
            return Ok(Self { choice: typed.format });
        }
        let contradict = format != Some(ValueSource::DefaultValue) && flag("format") == flag("json");
        if contradict {
            let problem = "--json is short for --format json, and --format text was given too: give one of the two";
            return Err(Error::raw(ErrorKind::ArgumentConflict, problem));
        }
        let choice = if flag("format") { FormatChoice::Text } else { FormatChoice::Json };
        Ok(Self { choice })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for FormatArgs {
    fn augment_args(command: Command) -> Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Typed::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::FormatChoice;
    use crate::cli::args::{Arguments, Command};

    fn of(flags: &[&str]) -> Result<FormatChoice, String> {
        let line = ["lockbench", "ls"].iter().chain(flags);
        match Arguments::try_parse_from(line).map(|arguments| arguments.command) {
            Ok(Command::Ls(args)) => Ok(args.format.choice),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn json_is_short_for_the_format() {
        assert_eq!(of(&[]), Ok(FormatChoice::Text));
        assert_eq!(of(&["--json"]), Ok(FormatChoice::Json));
        assert_eq!(of(&["--format", "json"]), Ok(FormatChoice::Json));
        assert_eq!(of(&["--json", "--format", "json"]), Ok(FormatChoice::Json));
        assert!(of(&["--json", "--format", "text"]).unwrap_err().contains("give one of the two"));
    }
}
