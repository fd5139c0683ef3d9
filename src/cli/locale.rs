//! Whether the locale of this process has signs beyond ASCII. It is decided here alone: for
//! the signs of the terminal UI and of tables, and for every text that is printed.

use std::borrow::Cow;
use std::ffi::OsString;

use lockbench_core::plain;

/// Returns whether all that is shown must be ASCII.
pub fn ascii() -> bool {
    says_ascii(|name| std::env::var_os(name))
}

/// The text as the locale can show it: what is beyond it is written with ASCII signs.
pub fn fitting(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !ascii() { text } else { Cow::Owned(plain::ascii(&text)) }
}

/// The first of these variables that is set and not empty names the locale
/// (POSIX.1-2024, 8.2). Where none is set, as in most containers, the
/// terminal has Unicode.
fn says_ascii(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    set.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::says_ascii;

    #[test]
    fn the_locale_is_that_of_the_first_variable_that_says_something() {
        let told = |all: &[(&str, &str)]| {
            says_ascii(|name| all.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
        };
        for (all, ascii) in [
            (&[][..], false),
            (&[("LC_ALL", "C")], true),
            (&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], false),
            (&[("LANG", "C.utf8")], false),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[("LANG", "en_US")], true),
        ] {
            assert_eq!(told(all), ascii, "{all:?}");
        }
    }
}
