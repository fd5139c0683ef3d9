//! Text of others (servers, files, names) as it may be shown: nothing in it commands a
//! terminal, reorders what stands beside it or hides. Every way out of the program goes
//! through here: what is printed, `run.log`, the screen, pages and pictures.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands in the place of a character that may not be shown.
pub const INSTEAD: char = '\u{fffd}';

/// Does a terminal or a page obey it in place of showing it? Control characters of both
/// sets (ECMA-48), what turns the direction of writing (Unicode, UAX 9), line breaks of
/// Unicode, and characters that nobody sees.
#[must_use]
pub fn is_order(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text of several lines: its line breaks and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| is_order(c) && c != '\n' && c != '\t')
}

/// A text with ASCII signs alone, each as wide as the one that it stands for.
#[must_use]
pub fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { in_ascii(c) }).collect()
}

fn in_ascii(c: char) -> char {
    match c {
        '\u{2713}' | '\u{2714}' => '+',
        '\u{2717}' | '\u{2718}' | '\u{d7}' => 'x',
        '\u{2605}' | '\u{25cf}' | '\u{2022}' => '*',
        '\u{b7}' => '.',
        '\u{2026}' | '\u{2248}' | '\u{b1}' => '~',
        '\u{2192}' | '\u{25b6}' | '\u{25b8}' | '\u{2265}' => '>',
        '\u{2190}' | '\u{2264}' => '<',
        '\u{b5}' | '\u{3bc}' => 'u',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{2501}' | '\u{254c}' => '-',
        '\u{2502}' | '\u{2503}' | '\u{258f}' => '|',
        '\u{2504}'..='\u{257f}' => '+',
        '\u{2581}'..='\u{2588}' | '\u{2589}'..='\u{258e}' | '\u{2591}'..='\u{2593}' => '#',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        _ => '?',
    }
}

/// JSON with ASCII alone: it means the same.
#[must_use]
pub fn ascii_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// A text as one line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, is_order)
}

fn replaced(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&bad) {
        Cow::Owned(text.chars().map(|c| if bad(c) { INSTEAD } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text of several lines whose colours (ECMA-48, "SGR": `ESC [ digits m`) stay. Its
/// parts were cleaned before they were painted: a colour within is ours.
#[must_use]
pub fn painted(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return lines(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out += &lines(&rest[..at]);
        let after = &rest[at + 1..];
        let end = after.find(|c: char| !matches!(c, '[' | ';' | '0'..='9')).unwrap_or(after.len());
        if after.starts_with('[') && after[end..].starts_with('m') && after[1..end].find('[').is_none() {
            out += &rest[at..at + end + 2];
            rest = &after[end + 1..];
        } else {
            out.push(INSTEAD);
            rest = after;
        }
    }
    Cow::Owned(out + &lines(rest))
}

/// JSON in which strings name such characters by their number: it means the same.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    // Line breaks and tabs stand between its parts; within a string JSON has none.
    let bad = |c: char| is_order(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{is_order, json, line, lines, painted};

    /// Clears the screen, sets a title, turns the direction, a C1 control, NUL, a hidden tag.
    const PLANTED: &str = "a\u{1b}[2Jb\u{1b}]0;t\u{7}c\u{202e}d\u{9b}1me\0f\r\u{2028}g\u{e0041}\n\th";

    #[test]
    fn nothing_that_commands_a_terminal_is_left() {
        assert!(!line(PLANTED).contains(is_order));
        let several = lines(PLANTED);
        assert!(!several.replace(['\n', '\t'], "").contains(is_order), "{several:?}");
        assert_eq!(several.chars().count(), PLANTED.chars().count(), "widths stay");
        assert!(several.ends_with("\n\th"));
        assert_eq!(lines("Zürich 東京 👩‍👩‍👧 …"), "Zürich 東京 👩‍👩‍👧 …");
    }

    #[test]
    fn colours_of_our_own_stay_and_no_other_command_does() {
        let text = "\u{1b}[1;31mbad\u{1b}[0m \u{1b}[2J \u{1b}]0;t\u{7} \u{1b}[[m \u{1b}[31 \u{202e}";
        let shown = painted(text);
        assert!(shown.starts_with("\u{1b}[1;31mbad\u{1b}[0m \u{fffd}[2J \u{fffd}]0;t\u{fffd}"), "{shown:?}");
        assert_eq!(shown.matches('\u{1b}').count(), 2, "{shown:?}");
        assert_eq!(painted("plain\u{1b}"), "plain\u{fffd}");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "text": PLANTED, "far": "\u{e0041}" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&text);
        assert!(!shown.replace('\n', "").contains(is_order), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
