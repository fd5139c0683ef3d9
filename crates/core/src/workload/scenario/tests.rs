//! Tables of scenarios, read and refused.

use super::{Also, Condition, ExpectedVerdict, ServerVersion};
use crate::workload::{parse, to_toml};

const TEXT: &str = r#"
clients = 2
sometimes = ["contender-asked", "holder-went-on"]
[scenario]
title = "A holder sleeps."
source = "Kleppmann 2016"
finding = "a pause breaks a lease"
[[scenario.expected]]
verdict = "double-grant"
systems = ["redis", "postgres:lease"]
kind = "outside"
cause = "V2"
at_least = 2
also = ["refused-write"]
reason = "the lease ends while it sleeps"
source = "x"
[[scenario.expected]]
verdict = "stuck"
systems = ["postgres:advisory"]
at_least = "3s"
at_most = "5s"
reason = "r"
source = "s"
[[scenario.expected]]
verdict = "not-offered"
systems = ["memory", "postgres"]
reason = "r"
source = "s"
"#;

#[test]
fn a_scenario_is_read_and_written_back() {
    let (plan, _) = parse("w.toml", TEXT, &[]).unwrap();
    let scenario = plan.scenario.clone().unwrap();
    assert_eq!(plan.sometimes, [Condition::ContenderAsked, Condition::HolderWentOn]);
    assert_eq!(
        scenario.of("redis", None).unwrap().verdict,
        ExpectedVerdict::DoubleGrant {
            kind: "outside",
            cause: Some("V2"),
            at_least: 2,
            also: vec![Also::RefusedWrite]
        }
    );
    assert_eq!(parse("w.toml", &to_toml(&plan), &[]).unwrap().0, plan);
}

#[test]
fn a_name_in_full_counts_before_that_of_its_family() {
    let scenario = parse("w.toml", TEXT, &[]).unwrap().0.scenario.unwrap();
    let verdict = |name: &str| scenario.of(name, None).map(|one| one.verdict.name());
    assert_eq!(verdict("postgres:advisory"), Some("stuck"));
    assert_eq!(verdict("postgres:other"), Some("not-offered"));
    assert_eq!(verdict("zookeeper"), None);
}

#[test]
fn another_version_can_have_another_verdict() {
    let of = |bound: &str, verdict: &str| {
        format!(
            "[[scenario.expected]]\nverdict = \"{verdict}\"\nsystems = [\"etcd\"]\n{bound}\nreason = \"r\"\nsource = \"s\"\n"
        )
    };
    let text = |second: &str| format!("{TEXT}{}{}", of("before = \"3.5.16\"", "tokens"), of(second, "safe"));
    let plan = parse("w.toml", &text("since = \"3.5.16\""), &[]).unwrap().0;
    let scenario = plan.scenario.clone().unwrap();
    let verdict =
        |version: &str| scenario.of("etcd", ServerVersion::read(version).as_ref()).map(|one| one.verdict.name());
    let expected = (Some("tokens"), Some("safe"), Some("safe"));
    assert_eq!((verdict("3.4.23"), verdict("3.5.30"), verdict("unknown")), expected, "unknown: as the newest");
    assert_eq!(parse("w.toml", &to_toml(&plan), &[]).unwrap().0, plan);
    for (second, said) in [("since = \"3.5\"", "says twice"), ("", "says twice"), ("since = \"new\"", "is no version")]
    {
        let refused = parse("w.toml", &text(second), &[]).unwrap_err().to_string();
        assert!(refused.contains(said), "{second}: {refused}");
    }
}

#[test]
fn what_is_wrong_with_it_is_said() {
    for (from, to, said) in [
        ("\"outside\"", "\"beside\"", "is not known"),
        ("\"V2\"", "\"V9\"", "is not known"),
        ("at_least = 2", "at_least = 0", "is out of range"),
        ("at_most = \"5s\"", "at_most = \"2s\"", "is shorter than"),
        ("at_least = \"3s\"", "at_least = \"0s\"", "no time at all"),
        ("[\"memory\", \"postgres\"]", "[\"redis\"]", "says twice what is expected of redis"),
        ("[\"memory\", \"postgres\"]", "[]", "names no lock system"),
        ("\"holder-went-on\"", "\"contender-asked\"", "is given twice"),
        ("source = \"Kleppmann 2016\"", "", "scenario.source is missing"),
    ] {
        let refused = parse("w.toml", &TEXT.replacen(from, to, 1), &[]).unwrap_err().to_string();
        assert!(refused.contains(said), "{to}: {refused}");
    }
}
