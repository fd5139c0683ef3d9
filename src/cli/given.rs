//! What was typed: the arguments, and the `LOCKBENCH_` variables beside them. A flag that
//! may be repeated adds to what its variable asks; if a flag replaces its variable, a
//! line says so. And no message repeats a secret that was typed, wherever it was typed.

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches};

use super::args::{Arguments, Command, LoadArgs};
use super::endpoints::shown;
use super::{refuse, tell};
use lockbench_core::lock::{HIDDEN, without_secrets};
use lockbench_systems::Registry;

/// Reads the command line.
///
/// # Errors
/// The exit code where there is nothing to do: help or the mistake was printed.
pub fn parsed(registry: &Registry) -> Result<Arguments, u8> {
    read().map(merged).map_err(|error| advised(error, registry)).map_err(|error| {
        let secret = error.use_stderr() && typed().iter().any(|text| shown(text) != *text);
        if !secret {
            return refuse(&error);
        }
        tell(without_typed_secrets(&error.render().to_string()).trim_end());
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

/// Adds the advice that a lock system where no argument is wanted goes to -b.
fn advised(mut error: clap::Error, registry: &Registry) -> clap::Error {
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg)
        && registry.find(typed).is_ok()
    {
        let advice = format!("{typed} is a lock system: -b {typed}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
    error
}

/// Reads as `Arguments::try_parse` does, but that a variable switches a flag on and off by any of the usual
/// words: `LOCKBENCH_JSON=1`.
fn read() -> Result<Arguments, clap::Error> {
    let of_flag = |argument: Arg| match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(BoolishValueParser::new()),
        _ => argument,
    };
    let mut command = Arguments::command().mut_subcommands(|command| command.mut_args(of_flag));
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Returns a message without the secrets that were typed: it may quote an argument that should have
/// stood elsewhere.
pub fn without_typed_secrets(message: &str) -> String {
    without(message, &typed())
}

fn without(message: &str, typed: &[String]) -> String {
    let values = typed.iter().filter_map(|text| text.split_once('=').map(|(_, value)| value.to_owned()));
    let mut secret: Vec<String> = typed.iter().cloned().chain(values).filter(|text| shown(text) != *text).collect();
    if secret.is_empty() {
        return message.to_owned();
    }
    secret.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut message = secret.iter().fold(message.to_owned(), |message, text| message.replace(text, &shown(text)));
    // Parts of an argument, as lists and keys with values are divided.
    for part in secret.iter().flat_map(|text| text.split(['=', ',', ';'])).filter(|part| part.contains('@')) {
        message = message.replace(part, HIDDEN);
    }
    without_secrets(&message)
}

fn typed() -> Vec<String> {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let variables = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LOCKBENCH_"));
    arguments.chain(variables.map(|(_, value)| value.to_string_lossy().into_owned())).collect()
}

/// Returns the value of a variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn merged(mut arguments: Arguments) -> Arguments {
    let notes = merge(&mut arguments.command, &variable);
    notes.iter().for_each(|note| tell(&format!("lockbench: {note}")));
    arguments
}

/// Adds what variables ask to the flags that may be repeated; returns the notes to print.
fn merge(command: &mut Command, variable: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let add = |flags: &mut Vec<String>, name: &str, divider: Option<char>| {
        let asked = asked(variable(name), divider);
        if *flags != asked {
            flags.splice(0..0, asked);
        }
    };
    let replaced = |flags: &[String], flag: &str, name: &str| {
        let asked = asked(variable(name), Some(','));
        let other = !asked.is_empty() && flags != asked;
        other.then(|| format!("{flag} replaces {name}={}", asked.join(",")))
    };
    let of_load = |load: &mut LoadArgs| {
        add(&mut load.endpoint, "LOCKBENCH_ENDPOINT", None);
        add(&mut load.short.sets, "LOCKBENCH_SET", None);
        add(&mut load.thresholds, "LOCKBENCH_THRESHOLD", Some(';'));
        add(&mut load.allow, "LOCKBENCH_ALLOW", Some(','));
        add(&mut load.warn, "LOCKBENCH_WARN", Some(','));
        add(&mut load.deny, "LOCKBENCH_DENY", Some(','));
        let files: Vec<String> = load.docker.compose.iter().map(|file| file.display().to_string()).collect();
        let notes =
            [replaced(&load.backends, "-b", "LOCKBENCH_BACKENDS"), replaced(&files, "--compose", "LOCKBENCH_COMPOSE")];
        notes.into_iter().flatten().collect()
    };
    match command {
        Command::Run(args) => of_load(&mut args.load),
        Command::Quick(args) => of_load(&mut args.load),
        Command::Search(args) => of_load(&mut args.load),
        Command::Monitor(args) => of_load(&mut args.load),
        Command::Check(args) => {
            add(&mut args.endpoint, "LOCKBENCH_ENDPOINT", None);
            add(&mut args.short.sets, "LOCKBENCH_SET", None);
            replaced(&args.backends, "-b", "LOCKBENCH_BACKENDS").into_iter().collect()
        }
        Command::Doctor(args) => {
            add(&mut args.endpoint, "LOCKBENCH_ENDPOINT", None);
            Vec::new()
        }
        Command::SweepUp(args) => {
            let asked = asked(variable("LOCKBENCH_ENDPOINT"), None);
            if args.endpoint.is_empty() {
                args.endpoint.clone_from(&asked);
            }
            // It removes: where servers are typed, on no others.
            let left_out = !asked.is_empty() && args.endpoint != asked;
            left_out.then(|| "the servers of LOCKBENCH_ENDPOINT are left out".to_owned()).into_iter().collect()
        }
        Command::Compare(args) => {
            add(&mut args.gates, "LOCKBENCH_GATE", Some(','));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// What a variable asks, as clap divides it.
fn asked(value: Option<String>, divider: Option<char>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    match divider {
        Some(divider) => value.split(divider).map(str::to_owned).collect(),
        None => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Arguments, Command, merge, without};

    fn merged(line: &[&str]) -> (Command, Vec<String>) {
        let mut command = Arguments::try_parse_from(line).unwrap().command;
        let variable = |name: &str| match name {
            "LOCKBENCH_THRESHOLD" => Some("double_grants == 0;timeouts <= 1%".to_owned()),
            "LOCKBENCH_SET" => Some("clients=4".to_owned()),
            "LOCKBENCH_ENDPOINT" => Some("redis=redis://a etcd=etcd://b".to_owned()),
            "LOCKBENCH_DENY" | "LOCKBENCH_GATE" => Some("one,two".to_owned()),
            "LOCKBENCH_BACKENDS" => Some("redis".to_owned()),
            _ => None,
        };
        let notes = merge(&mut command, &variable);
        (command, notes)
    }

    #[test]
    fn nothing_is_removed_from_servers_that_were_not_typed() {
        let (Command::SweepUp(args), notes) = merged(&["lockbench", "sweep-up", "postgres=host=h password='a b'"])
        else {
            panic!("another command")
        };
        // A space may be a part of an address.
        assert_eq!(args.endpoint, ["postgres=host=h password='a b'"]);
        assert_eq!(notes, ["the servers of LOCKBENCH_ENDPOINT are left out"]);
        let (Command::SweepUp(args), notes) = merged(&["lockbench", "sweep-up"]) else { panic!("another command") };
        assert_eq!((args.endpoint, notes.len()), (vec!["redis=redis://a etcd=etcd://b".to_owned()], 0));
    }

    #[test]
    fn a_flag_adds_to_what_its_variable_asks() {
        let flags = ["--threshold", "jain > 0.9", "--set", "hold=1ms", "--endpoint", "redlock=x", "-D", "three"];
        let line: Vec<&str> = ["lockbench", "run", "w.toml", "-b", "etcd"].into_iter().chain(flags).collect();
        let (Command::Run(args), notes) = merged(&line) else { panic!("another command") };
        assert_eq!(args.load.thresholds, ["double_grants == 0", "timeouts <= 1%", "jain > 0.9"]);
        assert_eq!(args.load.short.sets, ["clients=4", "hold=1ms"]);
        assert_eq!(args.load.endpoint, ["redis=redis://a etcd=etcd://b", "redlock=x"]);
        assert_eq!(args.load.deny, ["one", "two", "three"]);
        assert_eq!(
            (args.load.backends, notes),
            (vec!["etcd".to_owned()], vec!["-b replaces LOCKBENCH_BACKENDS=redis".to_owned()])
        );
        let (Command::Compare(args), _) = merged(&["lockbench", "compare", "a", "b", "--gate", "three"]) else {
            panic!("another command")
        };
        assert_eq!(args.gates, ["one", "two", "three"]);
    }

    #[test]
    fn no_message_repeats_a_secret_that_was_typed() {
        let typed =
            ["redis://:zeb/ra@h:1", "--endpoint=etcd=etcd://u:zebra@h", "redis://a&b=zebra@h", "redis", "w.toml"];
        let typed = typed.map(str::to_owned);
        for message in [
            "redis://:zeb/ra@h:1: cannot read this workload",
            "unexpected argument 'etcd=etcd://u:zebra@h' found",
            "unknown backend \"etcd://u:zebra\"",
            "--set redis://a&b = zebra@h: no key",
        ] {
            let shown = without(message, &typed);
            assert!(!shown.contains("zeb") && !shown.contains("ra@"), "{shown}");
        }
        assert_eq!(without("redis is no w.toml", &typed), "redis is no w.toml");
    }
}
