//! Texts of thresholds, read and refused.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::super::super::figure::{Unit, figures};
use super::{Operator, Threshold, ThresholdLevel, listed};

#[test]
fn the_documented_texts_are_understood() {
    for (text, read) in [
        ("acquire_service.p99 < 20ms", "acquire_service.p99 < 20ms"),
        ("double_grants == 0", "double_grants == 0"),
        ("timeouts<=0.1%", "timeouts <= 0.1%"),
        ("throughput{redis} >= 1000/s", "throughput{redis} >= 1000/s"),
        ("requests_per_grant < 5", "requests_per_grant < 5"),
        ("  warn: jain{ redis,postgres:lease , redis } > 0.9 ", "warn: jain{redis, postgres:lease} > 0.9"),
        ("fail:double_grants{control:no-lock} != 1", "double_grants{control:no-lock} != 1"),
        ("longest_wait <= 1.5 s", "longest_wait <= 1500ms"),
        ("p99<20ms", "acquire_response.p99 < 20ms"),
        ("warn: p95{redis} <= 20 ms", "warn: acquire_response.p95{redis} <= 20ms"),
        ("rate>=1000/s", "throughput >= 1000/s"),
    ] {
        assert_eq!(Threshold::parse(text, None).unwrap().to_string(), read);
    }
    assert!(super::super::DEFAULT_ALERTS.iter().all(|text| Threshold::parse(text, None).is_ok()));
}

#[test]
fn mistakes_are_named_with_what_to_write() {
    for (text, part) in [
        ("acquire.p99 < 20ms", "did you mean acquire_service.p99 or acquire_response.p99?"),
        ("thruput >= 1/s", "there is no figure \"thruput\"; did you mean throughput?"),
        ("acquire_service.p99 < 20", "acquire_service.p99 is a duration, and its bound \"20\" has no unit"),
        ("throughput >= 20ms", "throughput is a rate"),
        ("double_grants", "it compares nothing"),
        ("", "it compares nothing"),
        ("double_grants = 0", "\"=\" is no comparison; write one of < <= > >= == !="),
        ("double_grants =< 0", "\"=<\" is no comparison"),
        ("jain >", "there is no bound after \">\""),
        ("< 5", "it names no figure"),
        ("0 < jain < 1", "there is no figure \"0\""),
        ("jain > 0.5 < 0.9", "jain is a plain number, and its bound \"0.5 < 0.9\" is none"),
        ("wran: jain > 0.5", "\"wran\" is no level"),
        ("jain{redis > 0.5", "do not close"),
        ("jain{} > 0.5", "lack a name"),
        ("jain{redis,} > 0.5", "lack a name"),
        ("jain > NaN", "is none"),
        ("p99<20", "acquire_response.p99 is a duration, and its bound \"20\" has no unit"),
        ("p99 > 20ms", "it is the wrong way round; write it like p99<20ms, or as acquire_response.p99"),
        ("rate < 1000/s", "write it like rate>1000/s, or as throughput if it is meant"),
        ("fencing", "`report RUN --need fencing` asks it of a stored run"),
        ("survive=node", "`report RUN --need survive=node` asks it"),
        ("cost<200", "a run measures no cost"),
    ] {
        let problem = Threshold::parse(text, None).err().unwrap_or_else(|| panic!("{text} was accepted"));
        assert!(problem.contains(part), "{text}: {problem}");
    }
}

#[test]
fn a_list_is_divided_outside_of_braces() {
    assert_eq!(
        listed("p99<20ms, jain{redis, etcd} > 0.9; fencing"),
        ["p99<20ms", "jain{redis, etcd} > 0.9", "fencing"]
    );
    assert_eq!(listed("jain{redis, etcd > 0.9"), ["jain{redis, etcd > 0.9"]);
    assert_eq!(listed(""), [""]);
}

#[test]
fn a_level_is_given_once() {
    let level = |text, beside| Threshold::parse(text, beside).map(|threshold| threshold.level);
    assert_eq!(level("jain > 0.5", None), Ok(ThresholdLevel::Fail));
    assert_eq!(level("jain > 0.5", Some(ThresholdLevel::Warn)), Ok(ThresholdLevel::Warn));
    assert_eq!(level("warn: jain > 0.5", None), Ok(ThresholdLevel::Warn));
    assert!(level("warn: jain > 0.5", Some(ThresholdLevel::Fail)).unwrap_err().contains("twice"));
}

#[test]
fn a_figure_at_its_bound_keeps_what_includes_it() {
    let at = Operator::ALL.map(|(text, operator)| (text, operator.holds(1.0, 1.0)));
    assert_eq!(at, [("<", false), ("<=", true), (">", false), (">=", true), ("==", true), ("!=", false)]);
    assert!(Operator::Below.holds(0.9, 1.0) && Operator::Above.holds(1.1, 1.0));
}

fn any_bound(unit: Unit) -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0_f64, 0.0..1e6_f64, (0_u32..100).prop_map(f64::from)].prop_map(move |bound| match unit {
        Unit::Duration => (bound * 1e6).round(),
        Unit::Count => bound.round(),
        Unit::Share => (bound / 1e6).min(1.0),
        Unit::PerSecond | Unit::Number => bound,
    })
}

fn any_threshold() -> impl Strategy<Value = Threshold> {
    let backends = vec(select(vec!["redis", "postgres:lease", "control:no-lock"]), 0..3);
    let operators: Vec<Operator> = Operator::ALL.iter().map(|(_, operator)| *operator).collect();
    (0..figures().count(), backends, select(operators), any::<bool>()).prop_flat_map(
        |(figure, mut backends, operator, warn)| {
            let figure = figures().nth(figure).unwrap_or_else(|| unreachable!());
            backends.sort_unstable();
            backends.dedup();
            any_bound(figure.unit()).prop_map(move |bound| Threshold {
                text: String::new(),
                figure,
                backends: backends.iter().map(|name| (*name).to_owned()).collect(),
                operator,
                bound,
                level: if warn { ThresholdLevel::Warn } else { ThresholdLevel::Fail },
            })
        },
    )
}

proptest! {
    #[test]
    fn a_threshold_reads_back_to_an_equal_one(threshold in any_threshold()) {
        let read = Threshold::parse(&threshold.to_string(), None);
        let read = read.map_err(proptest::test_runner::TestCaseError::fail)?;
        prop_assert_eq!(read.figure.name(), threshold.figure.name());
        prop_assert_eq!((read.backends, read.operator), (threshold.backends, threshold.operator));
        prop_assert_eq!((read.bound, read.level), (threshold.bound, threshold.level));
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_panics(text in "\\PC*") {
        let _ = Threshold::parse(&text, None);
    }

    #[test]
    fn nothing_but_a_finite_number_keeps_a_bound(bound in any::<f64>(), value in any::<f64>()) {
        for (_, operator) in Operator::ALL {
            for absent in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                prop_assert!(!operator.holds(absent, bound));
            }
        }
        // Where both can be compared, exactly one of each pair of opposites holds.
        if value.is_finite() && !bound.is_nan() {
            for (one, other) in [(0, 3), (1, 2), (4, 5)] {
                let holds = |at: usize| Operator::ALL[at].1.holds(value, bound);
                prop_assert!(holds(one) != holds(other));
            }
        }
    }
}
