//! A command line as a shell reads it back.

/// The words of a command line, quoted where a shell needs it.
#[must_use]
pub fn shell_line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_line;

    #[test]
    fn a_shell_reads_the_same_words_back() {
        let words = ["lockbench", "run", "a b.toml", "--threshold", "p99 < 20ms", "it's", ""].map(str::to_owned);
        assert_eq!(shell_line(&words), "lockbench run 'a b.toml' --threshold 'p99 < 20ms' 'it'\\''s' ''");
    }
}
