//! Lists of addresses, mistakes in them, and command lines without their secrets.
use super::{bare, named, redacted, shown};
use lockbench_core::lock::Endpoint;

#[test]
fn endpoints_are_read_by_name_and_by_scheme() {
    let endpoints =
        named(&["redlock=redis://a:1,redis://b:2,redis://c:3".to_owned(), "etcd=etcd://d:4".to_owned()]).unwrap();
    assert_eq!(endpoints[&lockbench_systems::redlock::KIND].len(), 3);
    assert_eq!(endpoints[&lockbench_systems::etcd::KIND][0].host_port(), "d:4");
    let endpoints = bare(&["postgres://u:p@h:5/x".to_owned()]).unwrap();
    assert_eq!(endpoints[&lockbench_systems::postgres::KIND][0].to_string(), "postgres://h:5");
}

#[test]
fn servers_of_an_ensemble_share_a_scheme_or_have_one_each() {
    for (name, kind) in [("etcd", lockbench_systems::etcd::KIND), ("zookeeper", lockbench_systems::zookeeper::KIND)] {
        for list in ["S://a:1,b:2,c:3", "S://a:1,S://b:2,S://c:3", "S://a:1,b:2,S://c:3"] {
            let list = list.replace('S', name);
            let hosts = |endpoints: &[Endpoint]| {
                endpoints.iter().flat_map(|one| one.host_port().split(',').map(str::to_owned)).collect::<Vec<_>>()
            };
            let read = named(&[format!("{name}={list}")]).unwrap();
            assert_eq!(hosts(&read[&kind]), ["a:1", "b:2", "c:3"], "{list}");
            assert_eq!(hosts(&bare(&[list]).unwrap()[&kind]), ["a:1", "b:2", "c:3"]);
        }
    }
    let secret = named(&["zookeeper=zookeeper://me:p,w@a:1,zookeeper://me:p,w@b:2/x".to_owned()]).unwrap();
    assert_eq!(secret[&lockbench_systems::zookeeper::KIND][1].credentials(), Some(("me".to_owned(), "p,w".to_owned())));
    assert!(named(&["etcd=etcd://a:1,".to_owned()]).is_err(), "a comma too many");
    assert!(named(&["etcd=etcd://a:1,redis://b:2".to_owned()]).is_err());
}

#[test]
fn forms_of_the_systems_own_clients_are_taken() {
    for (text, kind, shown) in [
        ("etcd=http://a:1,https://b:2", lockbench_systems::etcd::KIND, "etcd://a:1 etcds://b:2"),
        ("etcd=a:1,b:2", lockbench_systems::etcd::KIND, "etcd://a:1 etcd://b:2"),
        ("zookeeper=a:1,b:2/chroot", lockbench_systems::zookeeper::KIND, "zookeeper://a:1,b:2"),
        ("redlock=redis://:p,w@a,b,[::1]:3", lockbench_systems::redlock::KIND, "redis://a redis://b redis://[::1]:3"),
        ("redis=unix:///run/r.sock?db=1", lockbench_systems::redis::KIND, "unix:///run/r.sock"),
        ("postgres=postgres://me:a,b@h:1/db", lockbench_systems::postgres::KIND, "postgres://h:1"),
        ("postgres:lease=postgresql:///db?host=/run/pg", lockbench_systems::postgres::KIND, "postgresql:///run/pg"),
        (
            "postgres=host=/run/pg user=me password='a b' dbname=x",
            lockbench_systems::postgres::KIND,
            "postgres:///run/pg",
        ),
    ] {
        let read = named(&[text.to_owned()]).unwrap_or_else(|failure| panic!("{text}: {}", failure.message));
        assert_eq!(read[&kind].iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), shown, "{text}");
    }
    let both = "postgres=host=h user=me password=p redis=redis://:a b@h:1".to_owned();
    let both = named(&[both]).unwrap();
    assert_eq!(both[&lockbench_systems::postgres::KIND][0].user(), Some("me"));
    assert_eq!(both[&lockbench_systems::redis::KIND][0].secret_password(), Some("a b"));
}

#[test]
fn mistakes_are_named_without_their_secrets() {
    for (text, part) in [
        ("redis:", "known are redis,"),
        ("s3cret", "known are redis,"),
        ("mysql://u:s3cret@h:1/x?y=z", "unknown scheme mysql://; known are redis,"),
        ("redis://u:s3cret", "redis://*** has a port"),
        ("redis://:s3/cret@h", "redis://*** has an @ after its host"),
    ] {
        let failure = bare(&[text.to_owned()]).unwrap_err();
        assert!(failure.message.contains(part) && !failure.message.contains("cret"), "{}", failure.message);
    }
    for (text, part) in [
        ("redis", "write SYSTEM=URL"),
        ("redsi=redis://u:s3cret@a:1", "unknown system \"redsi\""),
        ("etcd=redis://u:s3cret@a:1", "redis://a:1 is an address of redis and should start with etcd://"),
        ("etcd=mysql://u:s3cret@a:1", "mysql://*** should start with etcd://"),
        // It forgets the name: what stands before its first "=" is most of a URL.
        ("mysql://u:s3cret@a:1/x?y=z", "write SYSTEM=URL"),
        ("redis://:s3=cret@a:1", "write SYSTEM=URL"),
        ("redlock=redis://:s3cret@a:1", "at least 3"),
        ("redis=redis://", "redis:// has no host"),
        ("redis=u:s3cret@h:1", "no scheme"),
        ("postgres=postgres:///s3cret", "?host=/PATH"),
        ("postgres=host=h password='s3cret", "KEY=VALUE"),
        ("host=h password=s3cret", "write SYSTEM=URL"),
        ("etcd=etcd://u:s3cret@a:1,u:s3cret@b:1", "a whole URL for each server"),
    ] {
        let failure = named(&[text.to_owned()]).unwrap_err();
        assert!(failure.message.contains(part) && !failure.message.contains("cret"), "{text}: {}", failure.message);
    }
}

#[test]
fn a_command_line_is_kept_without_passwords() {
    let line =
        ["lockbench", "--endpoint", "redlock=redis://:pw1@a:1,redis://:pw2@b:2", "postgres://me:pw3@h/x?password=pw4"];
    let kept = redacted(line.into_iter().map(str::to_owned)).join(" ");
    assert_eq!(kept, "lockbench --endpoint redlock=redis://a:1,redis://b:2 postgres://***");
    for (argument, kept) in [
        ("redis=redis://:pw,1@a:1", "redis=redis://a:1"),
        ("--endpoint=redis=redis://:p/w1@a:1", "--endpoint=redis=redis://***"),
        ("redis=redis://:p w1@a:1 etcd=etcd://b", "redis=redis://a:1 etcd=etcd://b"),
        ("postgres=host=h password=pw1 user=me", "postgres=***"),
        ("host=h password='p w1'", "***"),
        ("me:pw1@h", "***"),
        ("https://hooks.example/pw1?key=pw1", "https://hooks.example"),
        ("workloads/hot-key.toml", "workloads/hot-key.toml"),
        ("hold.mean=2ms", "hold.mean=2ms"),
    ] {
        assert_eq!(shown(argument), kept);
    }
}
