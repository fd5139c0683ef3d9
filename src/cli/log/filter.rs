//! `--log FILTER`: which events become lines. The syntax is that of
//! `tracing_subscriber::filter::Targets`: `LEVEL` or `TARGET=LEVEL`, separated by
//! commas.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::Failure;
use lockbench_core::record::LogLevel;

/// What is logged unless the user names another filter: the course of the run, and the warnings
/// of libraries.
const DEFAULT: &str = "warn,lockbench=info";

/// What this program's own targets begin with. They are silent under load.
const OURS: &str = "lockbench";

/// Reads a filter.
///
/// # Errors
/// If it is none. A bare word that is nearly a level is refused: it would be taken
/// for the name of a library, and nothing be logged.
pub(super) fn parse(filter: Option<&str>) -> Result<Targets, Failure> {
    let text = filter.unwrap_or(DEFAULT);
    let usage = |problem: &str| {
        Failure::usage(format!(
            "--log {text}: {problem}; write LEVEL or TARGET=LEVEL, separated by commas, as in info,redis=debug (levels: \
             off, error, warn, info, debug, trace)"
        ))
    };
    for part in text.split(',') {
        let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        if part.trim() != part || part.is_empty() {
            return Err(usage("a part is empty, or has blanks around it"));
        }
        let near = nearest(level).filter(|near| !near.eq_ignore_ascii_case(level));
        match (target, near) {
            (None, Some(near)) => return Err(usage(&format!("did you mean \"{near}\" for \"{level}\"?"))),
            (Some(_), near) if !is_level(level) => {
                let hint = near.map(|near| format!(": did you mean \"{near}\"?")).unwrap_or_default();
                return Err(usage(&format!("\"{level}\" is no level{hint}")));
            }
            _ => {}
        }
    }
    text.parse().map_err(|error: tracing_subscriber::filter::ParseError| usage(&error.to_string()))
}

/// The warning about a filter, if any: libraries write about each request at `debug` and `trace`.
pub(super) fn warning(targets: &Targets) -> Option<String> {
    let ours = |target: &str| target == OURS || target.starts_with("lockbench::");
    let loud = |level: &LevelFilter| *level > LevelFilter::INFO;
    let mut names: Vec<&str> =
        targets.iter().filter(|(target, level)| !ours(target) && loud(level)).map(|(target, _)| target).collect();
    names.sort_unstable();
    if targets.default_level().as_ref().is_some_and(loud) {
        names = vec!["all libraries"];
    }
    (!names.is_empty()).then(|| {
        format!(
            "--log has {} speak at debug or trace, while attempts are under way: that slows the load, so take no figure \
             from this run",
            names.join(", ")
        )
    })
}

/// Levels that are spelled, and `off`.
fn levels() -> impl Iterator<Item = &'static str> {
    std::iter::once("off").chain(LogLevel::ALL.map(LogLevel::name))
}

/// A number is a level too: 0 is `off`, 5 is `trace`.
fn is_level(text: &str) -> bool {
    levels().any(|level| level.eq_ignore_ascii_case(text)) || matches!(text, "0" | "1" | "2" | "3" | "4" | "5")
}

/// The level that differs from this in one letter, or in two neighbours.
fn nearest(text: &str) -> Option<&'static str> {
    levels().find(|level| strsim::damerau_levenshtein(level, &text.to_ascii_lowercase()) <= 1)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::{parse, warning};

    #[test]
    fn the_default_is_ours_at_info_and_others_at_warn() {
        let targets = parse(None).unwrap();
        assert!(targets.would_enable("lockbench::cli::execute", &Level::INFO));
        assert!(!targets.would_enable("lockbench::cli::execute", &Level::DEBUG));
        assert!(targets.would_enable("h2::client", &Level::WARN) && !targets.would_enable("h2", &Level::INFO));
    }

    #[test]
    fn levels_and_targets_are_taken() {
        for good in ["off", "INFO", "info,redis=debug", "redis=trace", "h2=0,warn", "redis"] {
            assert!(parse(Some(good)).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_filter_that_slows_the_load_is_warned_of() {
        let told = |filter| warning(&parse(filter).unwrap());
        for quiet in [None, Some("info,lockbench=trace"), Some("off"), Some("lockbench::stack=debug,redis=info")] {
            assert_eq!(told(quiet), None, "{quiet:?}");
        }
        assert!(told(Some("info,redis=debug,h2=trace")).unwrap().starts_with("--log has h2, redis speak"));
        assert!(told(Some("debug")).unwrap().starts_with("--log has all libraries speak"));
        assert!(told(Some("redis")).unwrap().starts_with("--log has redis speak"), "a bare name means trace");
    }

    #[test]
    fn a_bad_filter_is_named_with_an_example() {
        for (bad, part) in [
            ("inof", "did you mean \"info\" for \"inof\"?"),
            ("redis=debgu", "\"debgu\" is no level: did you mean \"debug\"?"),
            ("redis=loud", "\"loud\" is no level;"),
            ("info,", "a part is empty"),
            ("", "a part is empty"),
            ("info, redis=debug", "blanks"),
            ("a=b=info", "\"b=info\" is no level"),
        ] {
            let message = parse(Some(bad)).unwrap_err().message;
            assert!(message.starts_with(&format!("--log {bad}: ")) && message.contains(part), "{message}");
            assert!(message.contains("as in info,redis=debug"), "{message}");
        }
    }
}
