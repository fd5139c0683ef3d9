//! Texts of others, which may quote an address: only what stands where a secret can stand
//! is hidden, so that a password that is an ordinary word blanks no ordinary word.

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// Shortest password that is looked for as a text.
const DISTINCTIVE: usize = 8;
/// Names whose values are secrets, as URLs, connection strings and configurations have them.
const KEYS: [&str; 5] = ["password=", "passwd=", "pass=", "requirepass ", "masterauth "];
/// How Redis answers to a command that it does not know, as AUTH where it is renamed: with
/// what was sent.
const ECHO: &str = "with args beginning with:";

/// The text without what stands where a secret can stand: the credentials of URLs, values of
/// `password=`, and commands that Redis repeats.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut text = without_credentials(text);
    for key in KEYS {
        text = without_value(&text, key);
    }
    match text.split_once(ECHO) {
        Some((before, after)) => {
            let rest = after.find('\n').map_or("", |end| &after[end..]);
            format!("{before}{ECHO} {HIDDEN}{rest}")
        }
        None => text,
    }
}

/// Hides a secret that no sentence contains by chance: long, of letters and of something else.
pub(super) fn distinctive(text: &str, secret: &str) -> String {
    let letters = secret.chars().any(char::is_alphabetic);
    let others = secret.chars().any(|c| !c.is_alphabetic() && !c.is_whitespace());
    if secret.len() < DISTINCTIVE || !letters || !others {
        return text.to_owned();
    }
    text.replace(secret, HIDDEN)
}

/// What our own advice writes in the place of credentials.
const TEMPLATES: [&str; 3] = ["USER:PASSWORD", ":PASSWORD", "[USER:PASSWORD"];

/// Does a URL, as a text quotes it, end here?
fn ends(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// Hides what stands between `://` and the last `@` of a word: a password that is not encoded
/// may hold any of the signs that end a host. Without an `@` it may be a part of a URL that was
/// cut: what is no host and no port is hidden too.
fn without_credentials(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("://") {
        let word = &after[..after.find(ends).unwrap_or(after.len())];
        out.push_str(before);
        out.push_str("://");
        rest = match word.rfind('@') {
            Some(at) if at == 0 || TEMPLATES.contains(&&word[..at]) => after,
            Some(host) => {
                out.push_str(HIDDEN);
                &after[host..]
            }
            None if is_cut(word) => {
                out.push_str(HIDDEN);
                &after[word.len()..]
            }
            None => after,
        };
    }
    out + rest
}

/// Is what follows the colon of the authority no port?
fn is_cut(word: &str) -> bool {
    let authority = word.split(['/', '?', '#', ',']).next().unwrap_or(word);
    if authority.starts_with('[') {
        return false;
    }
    let Some((_, port)) = authority.split_once(':') else { return false };
    // A sentence may go on after the URL.
    let port = port.trim_end_matches([':', '.', ';', ')', ']', '}', '\\']);
    !port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hides what follows such a name.
fn without_value(text: &str, key: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(key) {
        out.push_str(before);
        out.push_str(key);
        // `by-pass=1` is no password.
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '-') && !before.ends_with("ssl") {
            rest = after;
            continue;
        }
        out.push_str(HIDDEN);
        let quoted = after.strip_prefix('\'').and_then(|inner| inner.find('\'')).map(|end| end + 2);
        let plain = after.find(|c| ends(c) || c == '&').unwrap_or(after.len());
        rest = &after[quoted.unwrap_or(plain)..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{distinctive, without_secrets};

    #[test]
    fn what_stands_where_a_secret_can_stand_is_hidden() {
        for (text, expected) in [
            ("connect to redis://:zebra@h:1/0 failed", "connect to redis://***@h:1/0 failed"),
            ("\"postgres://me:ze/b?ra@h/x\", retry", "\"postgres://***@h/x\", retry"),
            ("redis://:zebra@a,redis://u:zebra@b", "redis://***@b"),
            ("at postgres://h/x?user=me&password=zebra&a=b", "at postgres://h/x?user=me&password=***&a=b"),
            ("host=h password=zebra user=me", "host=h password=*** user=me"),
            ("host=h password='ze bra' user=me", "host=h password=*** user=me"),
            ("the backend \"redis://u:zebra\" is unknown", "the backend \"redis://***\" is unknown"),
            ("http://h:2379/v3/kv, etcd://h", "http://h:2379/v3/kv, etcd://h"),
            ("at etcd://127.0.0.1:1: refused", "at etcd://127.0.0.1:1: refused"),
            ("at redis://[::1]:6379, or rediss://h:1.", "at redis://[::1]:6379, or rediss://h:1."),
            (
                "ERR unknown command 'AUTH', with args beginning with: 'default' 'zebra' \nnext",
                "ERR unknown command 'AUTH', with args beginning with: ***\nnext",
            ),
            ("mail a@b about x://, by-pass=1", "mail a@b about x://, by-pass=1"),
            ("no secret", "no secret"),
        ] {
            assert_eq!(without_secrets(text), expected);
        }
    }

    #[test]
    fn an_ordinary_word_stays_whatever_the_password_is() {
        let text = "redis: no answer of the redis server, client 7 of 2026-11-28";
        for password in ["redis", "e", "server", "answer of", "2026-11-28", "7"] {
            assert_eq!(distinctive(text, password), text, "{password}");
        }
        assert_eq!(distinctive("auth kQ7/zebra: (kQ7/zebra), xkQ7/zebra", "kQ7/zebra"), "auth ***: (***), x***");
    }
}
