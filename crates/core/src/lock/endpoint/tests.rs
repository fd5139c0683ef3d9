//! What is read of an address, what is refused, and that nothing shows a secret.
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

use super::Endpoint;

fn parsed(text: &str) -> Endpoint {
    Endpoint::parse(text).unwrap_or_else(|unclear| panic!("{text}: {unclear}"))
}

#[test]
fn a_password_is_never_shown() {
    let endpoint = parsed("postgres://me:s3cret-word@db.example:5432/x?sslmode=require&application_name=hid%20den");
    assert_eq!(endpoint.to_string(), "postgres://db.example:5432");
    assert_eq!(format!("{endpoint:?}"), "Endpoint(postgres://db.example:5432)");
    assert_eq!(serde_json::to_string(&endpoint).unwrap(), "\"postgres://db.example:5432\"");
    let redacted = endpoint.redact("cannot use postgres://me:s3cret-word@db.example (s3cret-word)");
    assert_eq!(redacted, "cannot use postgres://***@db.example (***)");
    let text = format!("at {}, or not", endpoint.secret_url());
    assert_eq!(endpoint.redact(&text), "at postgres://db.example:5432, or not");
    assert_eq!(parsed("etcd://me:ab%2Fcdefg@h:1").redact("wrong ab/cdefg or ab%2Fcdefg"), "wrong *** or ***");
}

#[test]
fn a_short_password_blanks_no_word() {
    for word in ["redis", "e", "server", "postgres"] {
        let endpoint = parsed(&format!("redis://:{word}@127.0.0.1:6379"));
        let text = "redis: the server at redis://127.0.0.1:6379 answers postgres: 12 e";
        assert_eq!(endpoint.redact(text), text, "{word}");
    }
}

#[test]
fn credentials_are_percent_decoded() {
    let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
    assert_eq!(parsed("etcd://me%40x:a%2Fb%3A@h:1").credentials(), pair("me@x", "a/b:"));
    assert_eq!(parsed("etcd://me@h:1").credentials(), pair("me", ""));
    assert_eq!(parsed("etcd://me:100%@h:1").credentials(), pair("me", "100%"));
    assert_eq!(parsed("redis://:p@ss%@h:1").credentials(), pair("", "p@ss%"));
    assert_eq!(parsed("redis://:p,s w@h:1").credentials(), pair("", "p,s w"));
    assert_eq!(parsed("etcd://h:1").credentials(), None);
}

#[test]
fn host_and_port_are_found_in_every_form() {
    for (url, host) in [
        ("redis://127.0.0.1:6379/0", "127.0.0.1:6379"),
        ("rediss://:p%40ss@[::1]:6380", "[::1]:6380"),
        ("rediss://:p@ss@[fe80::1%25eth0]", "[fe80::1%eth0]"),
        ("zookeeper://a:1,b:2/chroot", "a:1,b:2"),
        ("localhost:2379", "localhost:2379"),
        ("postgres://me:a,b@127.0.0.1:1/db", "127.0.0.1:1"),
        ("postgres:///db?host=/run/postgresql&user=me", "/run/postgresql"),
        ("postgres:///db?host=/run/postgresql&port=5433", "/run/postgresql:5433"),
        ("postgres://me@%2Frun%2Fpostgresql/db", "/run/postgresql"),
        ("postgresql://a:1,b:2/db", "a:1,b:2"),
        ("host=::1 port=5433 user=me password='it''s'", ""),
        ("host=::1 port=5433 user=me password='it\\'s a, @ / word' dbname = x", "[::1]:5433"),
        ("host=a,b port=1,2", "a:1,b:2"),
        ("unix:///run/redis.sock?db=2&pass=x", "/run/redis.sock"),
        ("unix:/run/redis.sock", "/run/redis.sock"),
    ] {
        match Endpoint::parse(url) {
            Ok(endpoint) => assert_eq!(endpoint.host_port(), host, "{url}"),
            Err(unclear) => assert_eq!(host, "", "{url}: {unclear}"),
        }
    }
}

#[test]
fn parameters_that_are_parts_of_the_address_become_them() {
    let unix = parsed("unix://me:pw@/run/my%20redis.sock?db=2");
    assert_eq!((unix.host_port(), unix.path(), unix.secret_password()), ("/run/my redis.sock", "2", Some("pw")));
    assert_eq!(unix.secret_url(), "unix://me:pw@/run/my%20redis.sock/2");
    let query = parsed("redis://h?password=p%26w&db=3");
    assert_eq!((query.path(), query.secret_password(), query.parameters()), ("3", Some("p&w"), &[][..]));
    let dsn = parsed("host=h user=me password='a b\\'c' dbname=x sslmode=require");
    assert_eq!(dsn.secret_url(), "postgres://me:a%20b%27c@h/x?sslmode=require");
    assert_eq!(dsn.parameter("sslmode"), Some("require"));
}

#[test]
fn what_has_more_than_one_reading_is_refused_with_nothing_but_its_scheme() {
    for (text, problem) in [
        ("redis://:zeb/ra@h:1", "%2F"),
        ("redis://:zeb?ra@h:1", "%3F"),
        ("redis://:zeb#ra@h:1", "%23"),
        ("redis://:ra#zebra", "#"),
        ("redis://u:zebra", "port"),
        ("redis://:zebra@h:", "port"),
        ("redis://:zebra@h:99999", "port"),
        ("redis://:zebra@", "host"),
        ("redis://:zebra@h:1,", "comma"),
        ("redis://:zebra@::1", "brackets"),
        ("etcd://u:zebra@a:1,u:zebra@b:1", "%2C"),
        ("etcd://a:1,u:zebra@b:1", "%2C"),
        ("u:zebra@h:1", "no scheme"),
        ("redis://:ze\tbra@h:1", "control"),
        ("redis://:zebra@h:1?password=zebra", "twice"),
        ("host=h password='zebra", "KEY=VALUE"),
        ("postgres://h/x?zebra", "NAME=VALUE"),
        ("unix://zebra", "unix:///PATH"),
    ] {
        let told = match Endpoint::parse(text) {
            Err(unclear) => unclear.to_string(),
            // Without a host every system refuses it.
            Ok(endpoint) => format!("{endpoint} {}", if endpoint.host_port().is_empty() { "host" } else { "" }),
        };
        assert!(told.contains(problem) && !told.contains("zebra"), "{text}: {told}");
        assert!(!format!("{}", Endpoint::new(text)).contains("zebra"), "{text}");
    }
}

#[test]
fn a_password_that_was_cut_by_its_own_ampersand_is_hidden_in_a_quoted_url_too() {
    for text in ["redis:///run/x.sock?password=&kQ7zebra=", "postgres://?ykQ7zebra=%3A"] {
        let endpoint = Endpoint::new(text);
        let quoted = endpoint.redact(&format!("cannot use \"{}\"", endpoint.secret_url()));
        assert!(!quoted.contains("zebra"), "{quoted}");
    }
}

fn password() -> impl Strategy<Value = String> {
    let mark = Just("kQ7zebra".to_owned());
    let rest = "[a-z/#?@,:%&= '+!]{0,6}";
    (rest, mark, rest).prop_map(|(before, mark, after)| format!("{before}{mark}{after}"))
}

fn address() -> impl Strategy<Value = String> {
    let scheme =
        prop_oneof![Just("redis"), Just("rediss"), Just("etcd"), Just("zookeeper"), Just("postgres"), Just("unix")];
    let host = prop_oneof![Just("h"), Just("h:1"), Just("[::1]:2"), Just("a:1,b:2"), Just("/run/x.sock"), Just("")];
    let shape = 0..6_u8;
    (scheme, host, password(), shape).prop_map(|(scheme, host, password, shape)| match shape {
        0 => format!("{scheme}://:{password}@{host}"),
        1 => format!("{scheme}://me:{password}@{host}/x"),
        2 => format!("{scheme}://{password}@{host}"),
        3 => format!("{scheme}://{host}?password={password}"),
        4 => format!("host=h user=me password={password} dbname=x"),
        _ => format!("{scheme}://me:{password}@{host},you:{password}@{host}"),
    })
}

proptest! {
    #[test]
    fn no_text_of_an_endpoint_shows_its_password(text in address()) {
        let endpoint = Endpoint::new(&text);
        let shown = format!("{endpoint} {endpoint:?} {}", serde_json::to_string(&endpoint).unwrap());
        assert!(!shown.contains("zebra"), "{shown}");
        if let Err(unclear) = Endpoint::parse(&text) {
            assert!(!format!("{unclear} {unclear:?}").contains("zebra"), "{unclear:?}");
        }
        let quoted = endpoint.redact(&format!("cannot use \"{}\"", endpoint.secret_url()));
        assert!(!quoted.contains("zebra"), "{quoted}");
    }

    #[test]
    fn the_written_out_form_reads_as_the_same(text in address()) {
        if let Ok(endpoint) = Endpoint::parse(&text) {
            let again = parsed(endpoint.secret_url());
            assert_eq!((again.credentials(), again.host_port(), again.path(), again.parameters()),
                (endpoint.credentials(), endpoint.host_port(), endpoint.path(), endpoint.parameters()));
        }
    }

    #[test]
    fn the_client_of_postgres_reads_the_same(password in password()) {
        let text = format!("host=h user=me password='{}' dbname=x", password.replace('\\', "\\\\").replace('\'', "\\'"));
        let theirs: tokio_postgres::Config = text.parse().unwrap();
        let ours: tokio_postgres::Config = parsed(&text).secret_url().parse().unwrap();
        assert_eq!(theirs.get_password(), ours.get_password());
        assert_eq!(theirs.get_hosts(), ours.get_hosts());
    }
}
