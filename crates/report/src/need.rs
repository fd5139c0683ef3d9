//! What a reader needs, as text: `p99<20ms,fencing,survive=node`. Each need is a
//! question of the decision table, some of them with a bound.

use super::decision::{self, Cell};
use super::figure::{SHORT, find};
use super::scenario::Matrix;
use super::schema::Report;
use super::threshold::{Threshold, listed};

/// Every need that there is, with what it asks for.
pub static NEEDS: &[(&str, &str)] = &[
    ("exclusion", "no double grant was found, and holders were challenged"),
    ("fencing", "each grant has a token that grows"),
    ("survive=node", "the loss of one node leaves a quorum"),
    ("survive=faults", "no double grant in the stored matrix of scenarios (--matrix)"),
    ("durable", "a grant is on disk before the answer"),
    ("auto-release", "a lease frees the lock when its holder dies"),
    ("fifo", "waiters are served in order of arrival"),
    ("p99<20ms", "acquire response time; p50, p90, p95 and p999 too"),
    ("rate>1000/s", "grants a second, as measured under the run's plan"),
    ("cost<200", "price per month, where the plan gives prices"),
];

/// One need.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// As given.
    pub text: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Exclusion,
    Fencing,
    SurviveNode,
    SurviveFaults,
    Durable,
    AutoRelease,
    Fifo,
    Cost {
        below: f64,
    },
    /// Any figure against any bound, as `--threshold` has it.
    Bound(Box<Threshold>),
}

impl Need {
    /// Reads a list, commas or semicolons between its needs. A need with a bound is a threshold,
    /// read by the parser of `--threshold`: `acquire_response.p99 <= 20ms`, in short `p99<=20ms`.
    ///
    /// # Errors
    /// Names the need that is wrong and what to write.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let needs: Vec<Self> = listed(text)
            .into_iter()
            .filter(|item| !item.is_empty())
            .map(|item| Ok(Self { text: item.to_owned(), kind: kind(item)? }))
            .collect::<Result<_, String>>()?;
        if needs.is_empty() { Err(format!("no need is given; {}", known())) } else { Ok(needs) }
    }

    /// What a run says of it for one backend; of faults, the matrix that is stored beside it, if one is.
    #[must_use]
    pub fn ask(&self, report: &Report, matrix: Option<&Matrix>, backend: &str) -> Cell {
        match &self.kind {
            Kind::Exclusion => decision::exclusion(report, backend),
            Kind::Fencing => decision::fencing(report, backend),
            Kind::SurviveNode => decision::survive_node(report, backend),
            Kind::SurviveFaults => decision::survive_faults(matrix, backend),
            Kind::Durable => decision::durable(report, backend),
            Kind::AutoRelease => decision::auto_release(report, backend),
            Kind::Fifo => decision::fifo(report, backend),
            Kind::Cost { below } => decision::cost(report, backend, Some(*below)),
            Kind::Bound(threshold) => decision::kept(report, backend, threshold),
        }
    }
}

fn known() -> String {
    let forms: Vec<&str> = NEEDS.iter().map(|(form, _)| *form).collect();
    format!("needs are {}", forms.join(", "))
}

fn kind(item: &str) -> Result<Kind, String> {
    if !item.starts_with("survive=") && item.contains(['<', '>', '=', '!']) {
        return bounded(item);
    }
    match item {
        "exclusion" => Ok(Kind::Exclusion),
        "fencing" => Ok(Kind::Fencing),
        "survive=node" => Ok(Kind::SurviveNode),
        "survive=faults" => Ok(Kind::SurviveFaults),
        "durable" => Ok(Kind::Durable),
        "auto-release" => Ok(Kind::AutoRelease),
        "fifo" => Ok(Kind::Fifo),
        name if name != "rate" && SHORT.iter().any(|(short, _)| *short == name) => {
            Err(format!("need \"{name}\" has no bound; write it as {name}<20ms"))
        }
        "rate" => Err("need \"rate\" has no bound; write it as rate>1000/s".to_owned()),
        "cost" => Err("need \"cost\" has no bound; write it as cost<200".to_owned()),
        other => Err(unknown(other)),
    }
}

fn unknown(item: &str) -> String {
    let near = NEEDS
        .iter()
        .map(|(form, _)| (strsim::damerau_levenshtein(item, form), *form))
        .filter(|(distance, form)| *distance <= (form.len() / 3).max(1))
        .min()
        .map_or_else(String::new, |(_, form)| format!(": did you mean {form}?"));
    format!("need \"{item}\" is not known{near}; {}", known())
}

/// A need with a bound.
fn bounded(item: &str) -> Result<Kind, String> {
    let name = item.split(['<', '>', '=', '!', '{']).next().unwrap_or_default().trim();
    if name == "cost" {
        return cost(item);
    }
    if name.contains(':') {
        return Err(format!("need \"{item}\": a need has no level; leave out what stands before the colon"));
    }
    if name.chars().all(|c| c.is_ascii_alphabetic()) && find(name).is_err() {
        return Err(unknown(item));
    }
    let threshold = Threshold::parse(item, None).map_err(|problem| format!("need \"{item}\": {problem}"))?;
    if !threshold.backends.is_empty() {
        return Err(format!("need \"{item}\": a need is asked of every system; leave out the names in braces"));
    }
    Ok(Kind::Bound(Box::new(threshold)))
}

/// A bound on the price that the plan gives, the one that no figure of a run has.
fn cost(item: &str) -> Result<Kind, String> {
    let bound = item.strip_prefix("cost").and_then(|rest| rest.trim_start().strip_prefix('<')).map(str::trim);
    let number = bound.and_then(|bound| bound.parse::<f64>().ok());
    let below = number.filter(|number| number.is_finite() && *number >= 0.0).ok_or_else(|| {
        format!("need \"{item}\": write a price per month in the plan's currency, a number, as in cost<200")
    })?;
    Ok(Kind::Cost { below })
}

#[cfg(test)]
mod tests {
    use super::{Kind, NEEDS, Need};

    fn refused(text: &str) -> String {
        Need::parse_all(text).unwrap_err()
    }

    #[test]
    fn every_listed_need_is_read() {
        let all: Vec<&str> = NEEDS.iter().map(|(form, _)| *form).collect();
        let needs = Need::parse_all(&all.join(", ")).unwrap();
        assert_eq!(needs.len(), NEEDS.len());
        assert_eq!(needs[9].kind, Kind::Cost { below: 200.0 });
    }

    #[test]
    fn a_need_may_be_written_as_a_threshold() {
        for (need, text) in [
            ("p99<20ms", "acquire_response.p99 < 20ms"),
            ("p95<=20 ms", "acquire_response.p95 <= 20ms"),
            ("p999 < 1.5s", "acquire_response.p999 < 1500ms"),
            ("rate>1000/s", "throughput > 1000/s"),
            ("acquire_service.p90 < 5ms", "acquire_service.p90 < 5ms"),
            ("rate >= 1000/s", "throughput >= 1000/s"),
            ("double_grants == 0", "double_grants == 0"),
        ] {
            let needs = Need::parse_all(&format!("fencing; {need}")).unwrap();
            let Kind::Bound(threshold) = &needs[1].kind else { panic!("{need}") };
            // The same text is a threshold too: one grammar.
            for text in [text, need] {
                assert_eq!(**threshold, crate::Threshold::parse(text, None).unwrap(), "{need}");
            }
        }
    }

    #[test]
    fn mistakes_are_named_and_the_right_form_is_shown() {
        insta::assert_snapshot!(refused("fencig"), @r#"need "fencig" is not known: did you mean fencing?; needs are exclusion, fencing, survive=node, survive=faults, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused("survive=zone"), @r#"need "survive=zone" is not known: did you mean survive=node?; needs are exclusion, fencing, survive=node, survive=faults, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused("p99<20"), @r#"need "p99<20": acquire_response.p99 is a duration, and its bound "20" has no unit; write a number with a unit: ns, us, ms, s, m or h (for example "250ms")"#);
        insta::assert_snapshot!(refused("p99>20ms"), @r#"need "p99>20ms": it is the wrong way round; write it like p99<20ms, or as acquire_response.p99 if it is meant"#);
        assert!(refused("acquire.p99<20ms").contains("acquire_response.p99"));
        assert!(refused("jain{redis, etcd} > 0.9").contains("every system"));
        assert!(refused("warn: jain > 0.9").contains("a need has no level"));
        insta::assert_snapshot!(refused("p99"), @r#"need "p99" has no bound; write it as p99<20ms"#);
        insta::assert_snapshot!(refused("rate>1000"), @r#"need "rate>1000": throughput is a rate, and its bound "1000" is none; write a number and /s, such as 1000/s"#);
        insta::assert_snapshot!(refused("rate>fast/s"), @r#"need "rate>fast/s": throughput is a rate, and its bound "fast/s" is none; write a number and /s, such as 1000/s"#);
        insta::assert_snapshot!(refused("cost<EUR"), @r#"need "cost<EUR": write a price per month in the plan's currency, a number, as in cost<200"#);
        for text in ["cost{redis}<200", "cost>5<200", "cost!<200", "cost=<200"] {
            assert!(refused(text).contains("write a price per month"), "{text}");
        }
        insta::assert_snapshot!(refused("speed<3"), @r#"need "speed<3" is not known; needs are exclusion, fencing, survive=node, survive=faults, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused(" , "), @"no need is given; needs are exclusion, fencing, survive=node, survive=faults, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200");
    }
}
