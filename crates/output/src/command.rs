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

/// The program's name in files that travel, where it is not known how a reader calls it.
pub const PROGRAM: &str = "lockbench";

/// The command that does it again, by `program`: the one that made the run may have lain where
/// the reader has nothing. Without the name of the run, which is taken.
#[must_use]
pub fn repeat_line(program: &str, words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let mut kept = vec![program.to_owned()];
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--run-id" {
            words.next();
        } else if !word.starts_with("--run-id=") {
            kept.push(word.clone());
        }
    }
    shell_line(&kept)
}

#[cfg(test)]
mod tests {
    use super::{repeat_line, shell_line};

    #[test]
    fn the_command_that_does_it_again_names_no_run() {
        for named in [["--run-id", "ci"].as_slice(), &["--run-id=ci"]] {
            let words: Vec<String> = ["/elsewhere/target/release/lockbench", "run"]
                .iter()
                .chain(named)
                .chain(&["w.toml"])
                .map(|w| (*w).to_owned())
                .collect();
            assert_eq!(repeat_line("./lockbench", &words), "./lockbench run w.toml");
        }
    }

    #[test]
    fn a_shell_reads_the_same_words_back() {
        let words = ["lockbench", "run", "a b.toml", "--threshold", "p99 < 20ms", "it's", ""].map(str::to_owned);
        assert_eq!(shell_line(&words), "lockbench run 'a b.toml' --threshold 'p99 < 20ms' 'it'\\''s' ''");
        for (word, text) in [
            ("--set=hold=1ms", "--set=hold=1ms"),
            ("$(reboot)", "'$(reboot)'"),
            ("p99<20ms", "'p99<20ms'"),
            ("~/x", "'~/x'"),
        ] {
            assert_eq!(shell_line(&[word.to_owned()]), text);
        }
    }
}
