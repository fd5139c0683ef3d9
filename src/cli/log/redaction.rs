//! No secret gets into the log: not those of the endpoints that we know, not what
//! looks like a URL with a password in a line of a library.

use lockbench_core::lock::{Endpoint, without_secrets};

/// The text without secrets.
pub(super) fn redacted(text: &str, known: &[Endpoint]) -> String {
    known.iter().fold(without_secrets(text), |text, endpoint| endpoint.redact(&text))
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use lockbench_core::lock::Endpoint;

    #[test]
    fn a_known_password_is_hidden_wherever_it_stands() {
        let known = [Endpoint::new("redis://me:kQ7%2Fzebra@h:1"), Endpoint::new("etcd://h:2")];
        let text = redacted("auth of me with kQ7/zebra (kQ7%2Fzebra), Some(\"kQ7/zebra\") at redis://h:1", &known);
        assert_eq!(text, "auth of me with *** (***), Some(\"***\") at redis://h:1");
    }

    #[test]
    fn an_ordinary_word_is_not_blanked_because_it_is_a_password() {
        let known = [Endpoint::new("redis://:redis@h:1"), Endpoint::new("postgres://me:e@h:2")];
        let text = "redis: the server at redis://h:1 answers; postgres: ready";
        assert_eq!(redacted(text, &known), text);
    }
}
