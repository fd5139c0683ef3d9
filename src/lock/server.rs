//! Which servers a recipe talks to, and where they are. Vocabulary shared by
//! the recipes, which connect, and the stack, which starts.

use std::fmt;

use serde::Serialize;

/// A kind of server that the stack can start and a recipe can need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// One redis-server.
    Redis,
    /// Five independent redis-servers.
    Redlock,
    /// One ZooKeeper server.
    Zookeeper,
    /// One etcd member.
    Etcd,
    /// One PostgreSQL cluster (in PostgreSQL's sense: one postmaster).
    Postgres,
}

impl ServerKind {
    /// Every kind, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Redis, Self::Redlock, Self::Zookeeper, Self::Etcd, Self::Postgres];

    /// The name used in `--endpoint NAME=URL` and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Redlock => "redlock",
            Self::Zookeeper => "zookeeper",
            Self::Etcd => "etcd",
            Self::Postgres => "postgres",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// URL schemes that mean this kind.
    #[must_use]
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Redis | Self::Redlock => &["redis", "rediss"],
            Self::Zookeeper => &["zookeeper"],
            Self::Etcd => &["etcd", "etcds"],
            Self::Postgres => &["postgres", "postgresql"],
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Address of one server as a URL, which may contain a password. Its `Display`
/// and `Debug` never show the password; only [`Endpoint::secret_url`] does.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
}

impl Endpoint {
    /// An endpoint from its URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// The full URL, for the client library only.
    #[must_use]
    pub fn secret_url(&self) -> &str {
        &self.url
    }

    /// Scheme of the URL, without `://`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// `host:port` as written, without credentials, path and query.
    #[must_use]
    pub fn host_port(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// User and password in front of the host, percent-encoded as written.
    fn userinfo(&self) -> Option<&str> {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        authority.rsplit_once('@').map(|(user, _)| user)
    }

    /// User and password of the URL, percent-decoded, for the client library
    /// only; an absent password is empty.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let userinfo = self.userinfo()?;
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Some((percent_decoded(user), percent_decoded(password)))
    }

    /// Removes every secret of this endpoint from a text that may quote it: a
    /// client library's error message, for example.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.replace(&self.url, &self.to_string());
        let mut secrets: Vec<&str> = Vec::new();
        if let Some((_, password)) = self.userinfo().and_then(|user| user.split_once(':')) {
            secrets.push(password);
        }
        if let Some((_, query)) = self.url.split_once('?') {
            secrets.extend(
                query
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .filter(|(name, _)| name.contains("password"))
                    .map(|(_, value)| value),
            );
        }
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "***").replace(&percent_decoded(secret), "***");
        }
        text
    }
}

/// Text with its `%XX` escapes resolved (RFC 3986, section 2.1); what is no
/// escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = (first == b'%').then(|| tail.get(..2)).flatten();
        let escape = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.url.contains("://") {
            write!(f, "{}://{}", self.scheme(), self.host_port())
        } else {
            f.write_str(self.host_port())
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn a_password_is_never_shown() {
        let endpoint = Endpoint::new("postgres://me:s3cret@db.example:5432/x?sslmode=require&password=hid%20den");
        assert_eq!(endpoint.to_string(), "postgres://db.example:5432");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(postgres://db.example:5432)");
        let redacted = endpoint.redact("cannot use postgres://me:s3cret@db.example (s3cret, hid%20den)");
        assert!(!redacted.contains("s3cret") && !redacted.contains("hid%20den"), "{redacted}");
        assert_eq!(Endpoint::new("etcd://me:a%2Fb@h:1").redact("wrong a/b or a%2Fb"), "wrong *** or ***");
    }

    #[test]
    fn credentials_are_percent_decoded() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(Endpoint::new("etcd://me%40x:a%2Fb%3A@h:1").credentials(), pair("me@x", "a/b:"));
        assert_eq!(Endpoint::new("etcd://me@h:1").credentials(), pair("me", ""));
        assert_eq!(Endpoint::new("etcd://me:100%@h:1").credentials(), pair("me", "100%"));
        assert_eq!(Endpoint::new("etcd://h:1").credentials(), None);
    }

    #[test]
    fn host_and_port_are_found_in_every_form() {
        for (url, host) in [
            ("redis://127.0.0.1:6379/0", "127.0.0.1:6379"),
            ("rediss://:p%40ss@[::1]:6380", "[::1]:6380"),
            ("zookeeper://a:1,b:2/chroot", "a:1,b:2"),
            ("localhost:2379", "localhost:2379"),
        ] {
            assert_eq!(Endpoint::new(url).host_port(), host);
        }
    }
}
