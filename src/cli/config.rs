//! The configuration file, which says how the dashboard looks for this user, and its merge with
//! flags and variables.
//!
//! `$LOCKBENCH_CONFIG`, else `$XDG_CONFIG_HOME/lockbench/config.toml`, else
//! `~/.config/lockbench/config.toml` (XDG Base Directory Specification 0.8). A file
//! that is absent says nothing, unless it was named. What was measured never depends
//! on it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{ThemeName, UiArgs};
use super::{Failure, locale};

/// Keys of the table `[ui]`.
const KEYS: [&str; 4] = ["theme", "fps", "ascii", "mouse"];

/// Frames per second unless a flag or the file says otherwise.
const FPS: u32 = 5;

/// Names the frame at which drawing panics: for the test that the terminal is given
/// back even then.
const PANIC_AT: &str = "LOCKBENCH_TEST_PANIC_AT_FRAME";

/// How the dashboard looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UiOptions {
    /// Colours.
    pub theme: ThemeName,
    /// Frames per second, 1 to 30.
    pub fps: u32,
    /// ASCII signs only.
    pub ascii: bool,
    /// Whether it takes the mouse.
    pub mouse: bool,
    /// Whether it stays after the run until the user leaves.
    pub stay: bool,
    /// The frame at which it panics on purpose: a hook for tests, and no flag.
    pub panic_at: Option<u64>,
}

impl UiOptions {
    /// Reads flags and variables, else the configuration file, else `NO_COLOR`, `COLORFGBG` and
    /// the locale, else the defaults.
    ///
    /// # Errors
    /// If the file says something that makes no sense.
    pub fn read(args: &UiArgs) -> Result<Self, Failure> {
        let variable = |name: &str| std::env::var_os(name);
        let file = match locate(variable) {
            Some(place) => read(&place)?,
            None => Written::default(),
        };
        let panic_at = variable(PANIC_AT).and_then(|frame| frame.to_str()?.parse().ok());
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let fallback = Fallback { no_color, light: light(variable("COLORFGBG")), ascii: locale::ascii() };
        Ok(Self { panic_at, ..Self::of(args, &file, fallback) })
    }

    fn of(args: &UiArgs, file: &Written, fallback: Fallback) -> Self {
        let theme = match fallback {
            Fallback { no_color: true, .. } => ThemeName::Mono,
            Fallback { light: true, .. } => ThemeName::Light,
            Fallback { .. } => ThemeName::Default,
        };
        Self {
            theme: args.theme.or(file.theme).unwrap_or(theme),
            fps: args.fps.or(file.fps).unwrap_or(FPS),
            ascii: args.signs.ascii.or(file.ascii).unwrap_or(fallback.ascii),
            mouse: args.no_mouse.map(|no_mouse| !no_mouse).or(file.mouse).unwrap_or(true),
            stay: false,
            panic_at: None,
        }
    }
}

/// Defaults that the environment gives, where neither flag nor file does.
#[derive(Clone, Copy, Default)]
struct Fallback {
    /// `NO_COLOR`.
    no_color: bool,
    /// Whether the terminal's background is light, as far as it says.
    light: bool,
    /// Whether the locale has ASCII alone.
    ascii: bool,
}

/// `COLORFGBG`, as rxvt, Konsole and others set it: the numbers of text and background among
/// the sixteen colours. 7 and 15 are light; of others it says nothing sure.
fn light(colours: Option<OsString>) -> bool {
    let colours = colours.and_then(|colours| colours.into_string().ok());
    colours
        .and_then(|colours| colours.rsplit(';').next()?.parse::<u8>().ok())
        .is_some_and(|ground| matches!(ground, 7 | 15))
}

/// What a configuration file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    theme: Option<ThemeName>,
    fps: Option<u32>,
    ascii: Option<bool>,
    mouse: Option<bool>,
}

/// A place of the configuration file.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    /// Whether it was named: then it must be there.
    named: bool,
}

/// The first of the three places that the variables give. An empty variable counts
/// as none, and so does a relative directory: the specification says so.
fn locate(variable: impl Fn(&str) -> Option<OsString>) -> Option<Place> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("LOCKBENCH_CONFIG") {
        return Some(Place { path, named: true });
    }
    let absolute = |path: &PathBuf| path.is_absolute();
    let base =
        set("XDG_CONFIG_HOME").filter(absolute).or_else(|| Some(set("HOME").filter(absolute)?.join(".config")))?;
    Some(Place { path: base.join("lockbench/config.toml"), named: false })
}

fn read(place: &Place) -> Result<Written, Failure> {
    match std::fs::read_to_string(&place.path) {
        Ok(text) => parse(&place.path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound && !place.named => Ok(Written::default()),
        Err(error) => {
            let variable = if place.named { " (LOCKBENCH_CONFIG names it)" } else { "" };
            let path = place.path.display();
            Err(Failure::usage(format!("{path}: cannot read this configuration file{variable}: {error}")))
        }
    }
}

/// Reads the text of a file; the error names the first thing that is wrong in it.
fn parse(path: &Path, text: &str) -> Result<Written, Failure> {
    let at = |byte: usize, problem: &str| {
        let line = text.as_bytes()[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::usage(format!("{}:{line}: {problem}", path.display()))
    };
    let document = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        at(start, &format!("this is not TOML: {}", error.message()))
    })?;
    let mut written = Written::default();
    for (key, value) in document.get_ref() {
        if key.get_ref() != "ui" {
            return Err(at(key.span().start, &unknown("", key.get_ref(), &["ui"])));
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at(key.span().start, "ui must be a table: write [ui] and the keys below it"));
        };
        for (key, value) in table {
            let problem = |(byte, problem): (usize, String)| at(byte, &problem);
            take(&mut written, key, value).map_err(problem)?;
        }
    }
    Ok(written)
}

/// Takes one key of `[ui]`; else where and what is wrong.
fn take(
    written: &mut Written,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<(), (usize, String)> {
    let name = key.get_ref().as_ref();
    let wrong = |expected: &str| (value.span().start, format!("ui.{name} must be {expected}"));
    let boolean = || match value.get_ref() {
        DeValue::Boolean(value) => Ok(Some(*value)),
        _ => Err(wrong("true or false")),
    };
    match name {
        "theme" => written.theme = Some(theme(value.get_ref()).map_err(|expected| wrong(&expected))?),
        "fps" => {
            let fps = match value.get_ref() {
                DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
                _ => None,
            };
            written.fps =
                Some(fps.filter(|fps| (1..=30).contains(fps)).ok_or_else(|| wrong("a whole number, 1 to 30"))?);
        }
        "ascii" => written.ascii = boolean()?,
        "mouse" => written.mouse = boolean()?,
        _ => return Err((key.span().start, unknown("ui.", name, &KEYS))),
    }
    Ok(())
}

/// The theme of that name; else what there is.
fn theme(value: &DeValue<'_>) -> Result<ThemeName, String> {
    let typed = if let DeValue::String(text) = value { text.as_ref() } else { "" };
    ThemeName::from_str(typed, false).map_err(|_| {
        let names: Vec<String> = ThemeName::value_variants()
            .iter()
            .filter_map(|theme| Some(theme.to_possible_value()?.get_name().to_owned()))
            .collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = nearest(typed, &known).map(|near| format!(": did you mean \"{near}\"?")).unwrap_or_default();
        let all: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
        format!("one of {}{hint}", all.join(", "))
    })
}

/// Returns the message about a key that does not exist.
fn unknown(table: &str, key: &str, known: &[&str]) -> String {
    match nearest(key, known) {
        Some(near) => format!("{table}{key} is not a known key: did you mean \"{near}\"?"),
        None if table.is_empty() => format!("{key} is not a known table; there is [ui] only"),
        None => format!("{table}{key} is not a known key; known are {}", known.join(", ")),
    }
}

fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(name, &typed.to_lowercase());
    known.iter().copied().filter(|name| distance(name) <= name.len().div_ceil(3)).min_by_key(|name| distance(name))
}

#[cfg(test)]
mod tests;
