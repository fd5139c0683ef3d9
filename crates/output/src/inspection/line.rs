//! A line of text and the meaning of its parts, which a terminal shows in colour. The
//! words say the same without it.

use lockbench_core::plain;

/// What a part means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Plain text.
    Plain,
    /// What the eye looks for first.
    Strong,
    /// What is there for a second look.
    Faint,
    /// As it should be.
    Good,
    /// Remarkable.
    Warning,
    /// Wrong.
    Bad,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its parts, in order.
    pub parts: Vec<(Tone, String)>,
}

impl Line {
    /// A line of one part.
    #[must_use]
    pub fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().with(tone, text)
    }

    /// With one part more. What names and answers of servers bring along for the terminal
    /// (escapes, changes of direction) does not come through, wherever it stood.
    #[must_use]
    pub fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.parts.push((tone, plain::line(&text.into()).into_owned()));
        self
    }

    /// Without spaces at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        while let Some((_, text)) = self.parts.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            self.parts.pop();
        }
        self
    }
}

impl Tone {
    /// The escape that begins it (ECMA-48, "SGR"). Colours are those of the 256 that are read
    /// on dark and on light paper: a terminal's own yellow and green are faint on white.
    fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[38;5;64m",
            Self::Warning => "\x1b[38;5;166m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

/// The lines as a text, with a newline after each.
#[must_use]
pub fn printed(lines: &[Line], colour: bool) -> String {
    let mut text = String::new();
    for line in lines {
        for (tone, part) in &line.parts {
            match tone.escape() {
                escape if colour && !escape.is_empty() => {
                    text.push_str(escape);
                    text.push_str(part);
                    text.push_str("\x1b[0m");
                }
                _ => text.push_str(part),
            }
        }
        text.push('\n');
    }
    text
}

/// A text cut to so many columns, with a sign that it was.
pub fn cut(text: &str, columns: usize, ascii: bool) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let sign = if ascii { "~" } else { "…" };
    text.chars().take(columns.saturating_sub(1)).chain(sign.chars()).collect()
}

/// A sentence on several lines of so many columns, broken at spaces.
#[must_use]
pub fn wrapped(sentence: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let length = |text: &str| text.chars().count();
        let full = |line: &String| !line.is_empty() && length(line) + 1 + length(word) > columns;
        if lines.last().is_some_and(full) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}
