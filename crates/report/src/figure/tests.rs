//! Names, values and reasons of figures.

use std::collections::BTreeSet;

use super::{Better, Unit, figures, find};
use crate::{TrialResult, fixture};

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<String> = figures().map(|figure| figure.name()).collect();
    assert_eq!(names.len(), figures().count());
    for name in &names {
        assert_eq!(&find(name).ok().unwrap().name(), name);
    }
    // Another name for the waited share, that lists do not repeat.
    assert!(!names.contains("contention") && find("contention").ok().unwrap().name() == "contention");
    for documented in [
        "throughput",
        "waited",
        "found_held",
        "availability",
        "release.p95",
        "timeouts",
        "double_grants",
        "token_regressions",
        "lost_updates",
        "lost_leases",
        "jain",
    ] {
        assert!(names.contains(documented), "{documented}");
    }
}

#[test]
fn a_wrong_name_gets_its_neighbours_and_a_bare_acquire_both() {
    let told = |name| find(name).err().unwrap();
    assert_eq!(told("thruput"), "there is no figure \"thruput\"; did you mean throughput?");
    let both = "there is no figure \"acquire.p99\"; did you mean acquire_service.p99 or acquire_response.p99?";
    assert_eq!(told("acquire.p99"), both);
    assert!(told("x").contains("there are throughput, "));
}

#[test]
fn a_double_grant_counts_also_where_its_trial_failed_later() {
    let mut died = fixture::trial("redis", 2);
    died.error = Some("the server died".to_owned());
    died.safety.double_grants_certain = 3;
    let report = fixture::report(vec![fixture::trial("redis", 1), died]);
    let of = |name: &str| find(name).ok().unwrap().of_backend(&report, "redis");
    assert_eq!(of("double_grants"), Ok(3.0));
    assert_eq!(of("grants"), Ok(20_000.0));
}

#[test]
fn what_weighs_nothing_is_no_figure() {
    let mut result = fixture::trial("redis", 1);
    result.attempts = 0;
    let figure = find("contention").ok().unwrap();
    assert!(figure.of_backend(&fixture::report(vec![result]), "redis").is_err());
}

#[test]
fn a_figure_that_does_not_exist_says_why() {
    let mut result = TrialResult { throughput_per_s: Some(5.0), ..TrialResult::default() };
    result.not_available.insert("latency.renew".to_owned(), "no renewal was made".to_owned());
    let figure = find("renew.p99").ok().unwrap();
    assert_eq!(figure.of_trial(&result), Err("no renewal was made".to_owned()));
    let figure = find("throughput").ok().unwrap();
    assert_eq!(figure.of_trial(&result), Ok(5.0));
    assert_eq!((figure.unit(), figure.better()), (Unit::PerSecond, Better::Higher));
    result.error = Some("died".to_owned());
    assert!(figure.of_trial(&result).is_err());
}

#[test]
fn a_zero_is_no_zero_where_events_were_lost() {
    let figure = find("double_grants").ok().unwrap();
    let mut result = TrialResult { events_lost: 3, ..TrialResult::default() };
    assert_eq!(figure.of_trial(&result), Err("3 events were lost: zero is not certain".to_owned()));
    result.safety.double_grants_certain = 2;
    assert_eq!(figure.of_trial(&result), Ok(2.0));
}
