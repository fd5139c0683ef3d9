//! Text of others within markdown, so that it cannot become markup.

use lockbench_core::plain::{self, is_order};

/// Text in a paragraph, a list item or a table cell: one line, at most `most`
/// characters of the text.
#[must_use]
pub fn inline(text: &str, most: usize) -> String {
    let text = clipped(text, most);
    let chars: Vec<char> = text.chars().collect();
    let word = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
    let mut out = String::with_capacity(text.len());
    for (at, c) in chars.iter().copied().enumerate() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            // Between letters it is no emphasis.
            '_' if !(word(at.checked_sub(1)) && word(Some(at + 1))) => out.extend(['\\', c]),
            c if is_order(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Markdown as an entry of a list, where it may not begin like a heading or a list of
/// its own.
#[must_use]
pub fn item(text: &str) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && text[digits..].starts_with(['.', ')']);
    if numbered {
        format!("- {}\\{}\n", &text[..digits], &text[digits..])
    } else if text.starts_with(['#', '-', '+', '=']) {
        format!("- \\{text}\n")
    } else {
        format!("- {text}\n")
    }
}

/// The text, cut after `most` characters, marked so.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

/// A block of code whose fence is longer than any run of backticks in it.
#[must_use]
pub fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", plain::lines(text))
}

#[cfg(test)]
mod tests {
    use super::{clipped, fenced, inline, item};

    #[test]
    fn markup_of_others_is_only_text() {
        insta::assert_snapshot!(inline("<b>|a_b _c_ `d` *e* [f](g)\n# h & \\", 99), @r"&lt;b&gt;\|a_b \_c\_ \`d\` \*e\* \[f\](g) # h &amp; \\");
        assert_eq!(item("# head"), "- \\# head\n");
        assert_eq!(item("- item"), "- \\- item\n");
        assert_eq!(item("12. item"), "- 12\\. item\n");
        assert_eq!(item("12 items"), "- 12 items\n");
        assert_eq!(inline("-", 99), "-");
        assert_eq!(inline("acquire_service.p99", 99), "acquire_service.p99");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(clipped("äöü", 2), "äö …");
        assert_eq!(clipped("äöü", 3), "äöü");
    }

    #[test]
    fn a_fence_holds_whatever_is_in_it() {
        assert_eq!(fenced("sh", "a"), "```sh\na\n```\n");
        assert_eq!(fenced("", "a ```` b"), "`````\na ```` b\n`````\n");
    }
}
