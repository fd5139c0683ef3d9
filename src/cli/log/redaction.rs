//! No secret gets into the log: not those of the endpoints that we know, not what
//! looks like a URL with a password in a line of a library.

use crate::lock::Endpoint;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// The text without secrets.
pub(super) fn redacted(text: &str, known: &[Endpoint]) -> String {
    let mut text = text.to_owned();
    for endpoint in known {
        text = endpoint.redact(&text);
    }
    without_passwords(&without_credentials(&text))
}

/// Does a URL, as a text quotes it, end here?
fn ends(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// Hides what stands between `://` and the last `@` of a word. A password that is not
/// encoded may hold any of the signs that end a host, so these do not count.
fn without_credentials(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("://") {
        let word = &after[..after.find(ends).unwrap_or(after.len())];
        let host = word.rfind('@').unwrap_or(0);
        out.push_str(before);
        out.push_str("://");
        if host > 0 {
            out.push_str(HIDDEN);
        }
        rest = &after[host..];
    }
    out + rest
}

/// Hides what follows `password=`, as URLs and connection strings have it.
fn without_passwords(text: &str) -> String {
    const KEY: &str = "password=";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(KEY) {
        out.push_str(before);
        out.push_str(KEY);
        out.push_str(HIDDEN);
        rest = &after[after.find(|c| ends(c) || c == '&').unwrap_or(after.len())..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use crate::lock::Endpoint;

    #[test]
    fn credentials_of_any_url_are_hidden() {
        for (text, expected) in [
            ("connect to redis://:zebra@h:1/0 failed", "connect to redis://***@h:1/0 failed"),
            ("\"postgres://me:ze/b?ra@h/x\", retry", "\"postgres://***@h/x\", retry"),
            ("redis://:zebra@a,redis://u:zebra@b", "redis://***@b"),
            ("at postgres://h/x?user=me&password=zebra&a=b", "at postgres://h/x?user=me&password=***&a=b"),
            ("host=h password=zebra user=me", "host=h password=*** user=me"),
            ("http://h:2379/v3/kv, etcd://h", "http://h:2379/v3/kv, etcd://h"),
            ("mail a@b about x://", "mail a@b about x://"),
            ("no secret", "no secret"),
        ] {
            assert_eq!(redacted(text, &[]), expected);
        }
    }

    #[test]
    fn a_known_password_is_hidden_wherever_it_stands() {
        let known = [Endpoint::new("redis://me:kQ7%2Fzebra@h:1"), Endpoint::new("etcd://h:2")];
        let text = redacted("auth of me with kQ7/zebra (kQ7%2Fzebra), Some(\"kQ7/zebra\") at redis://h:1", &known);
        assert_eq!(text, "auth of me with *** (***), Some(\"***\") at redis://h:1");
    }
}
