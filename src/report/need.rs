//! What a reader needs, as text: `p99<20ms,fencing,survive=node`. Each need is a
//! question of the decision table, some of them with a bound.

use super::decision::{self, Cell};
use super::schema::Report;
use super::threshold::Threshold;
use crate::units::parse_duration_ns;

/// Every need that there is, with what it asks for.
pub static NEEDS: &[(&str, &str)] = &[
    ("exclusion", "no double grant was found, and holders were challenged"),
    ("fencing", "each grant has a token that grows"),
    ("survive=node", "the loss of one node leaves a quorum"),
    ("durable", "a grant is on disk before the answer"),
    ("auto-release", "a lease frees the lock when its holder dies"),
    ("fifo", "waiters are served in order of arrival"),
    ("p99<20ms", "acquire response time; p50, p90 and p999 too"),
    ("rate>1000/s", "grants a second, as measured under the run's plan"),
    ("cost<200", "price a month, where the plan gives prices"),
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
    Durable,
    AutoRelease,
    Fifo,
    Wait {
        percentile: &'static str,
        below_ns: f64,
    },
    Rate {
        above: f64,
    },
    Cost {
        below: f64,
    },
    /// Any figure against any bound, as `--threshold` has it.
    Bound(Box<Threshold>),
}

const PERCENTILES: &[&str] = &["p50", "p90", "p99", "p999"];

impl Need {
    /// Reads a list, commas or semicolons between its needs. A need with a bound is a
    /// threshold, `acquire_response.p99 <= 20ms`, or a short form of one, `p99<20ms`.
    ///
    /// # Errors
    /// Names the need that is wrong and what to write.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let needs: Vec<Self> = text
            .split([',', ';'])
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Ok(Self { text: item.to_owned(), kind: kind(item)? }))
            .collect::<Result<_, String>>()?;
        if needs.is_empty() { Err(format!("no need is given; {}", known())) } else { Ok(needs) }
    }

    /// What a run says of it for one backend.
    #[must_use]
    pub fn ask(&self, report: &Report, backend: &str) -> Cell {
        match &self.kind {
            Kind::Exclusion => decision::exclusion(report, backend),
            Kind::Fencing => decision::fencing(report, backend),
            Kind::SurviveNode => decision::survive_node(report, backend),
            Kind::Durable => decision::durable(report, backend),
            Kind::AutoRelease => decision::auto_release(report, backend),
            Kind::Fifo => decision::fifo(report, backend),
            Kind::Wait { percentile, below_ns } => decision::wait(report, backend, percentile, Some(*below_ns)),
            Kind::Rate { above } => decision::rate(report, backend, Some(*above)),
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
    let at = [item.find(['<', '>']), item.find("=="), item.find("!=")].into_iter().flatten().min();
    if let Some(at) = at {
        let (name, rest) = item.split_at(at);
        let whole = ["p50", "p90", "p99", "p999", "rate", "cost"].contains(&name.trim());
        if !whole || rest[1..].starts_with('=') {
            return threshold(item, name.trim(), rest.trim());
        }
        let (sign, bound) = rest.split_at(1);
        return bounded(item, name.trim(), sign, bound.trim());
    }
    match item {
        "exclusion" => Ok(Kind::Exclusion),
        "fencing" => Ok(Kind::Fencing),
        "survive=node" => Ok(Kind::SurviveNode),
        "durable" => Ok(Kind::Durable),
        "auto-release" => Ok(Kind::AutoRelease),
        "fifo" => Ok(Kind::Fifo),
        name if PERCENTILES.contains(&name) => Err(format!("need \"{name}\" has no bound; write it as {name}<20ms")),
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

/// A need in the grammar of `--threshold`.
fn threshold(item: &str, name: &str, bound: &str) -> Result<Kind, String> {
    let figure = match name {
        "cost" => return Err(format!("need \"{item}\": write it as cost<200")),
        "rate" => "throughput".to_owned(),
        percentile if PERCENTILES.contains(&percentile) => format!("acquire_response.{percentile}"),
        other => other.to_owned(),
    };
    if figure.chars().all(|c| c.is_ascii_alphabetic()) && super::figure::find(&figure).is_err() {
        return Err(unknown(item));
    }
    let threshold = Threshold::parse(&format!("{figure} {bound}"), None);
    let threshold = threshold.map_err(|problem| format!("need \"{item}\": {problem}"))?;
    if !threshold.backends.is_empty() {
        return Err(format!("need \"{item}\": a need is asked of every system; leave out the names in braces"));
    }
    Ok(Kind::Bound(Box::new(threshold)))
}

fn bounded(item: &str, name: &str, sign: &str, bound: &str) -> Result<Kind, String> {
    let direction = |wanted: &str, form: &str| {
        if sign == wanted { Ok(()) } else { Err(format!("need \"{item}\" is the wrong way round; write it as {form}")) }
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(percentile) = PERCENTILES.iter().find(|percentile| **percentile == name) {
        direction("<", "p99<20ms")?;
        let below = parse_duration_ns(bound).map_err(|problem| format!("need \"{item}\": the bound {problem}"))?;
        return Ok(Kind::Wait { percentile, below_ns: below as f64 });
    }
    match name {
        "rate" => {
            direction(">", "rate>1000/s")?;
            let above = bound.strip_suffix("/s").and_then(number);
            let above = above.ok_or_else(|| format!("need \"{item}\": write a number a second, as in rate>1000/s"))?;
            Ok(Kind::Rate { above })
        }
        "cost" => {
            direction("<", "cost<200")?;
            let below = number(bound).ok_or_else(|| {
                format!("need \"{item}\": write a price a month in the plan's currency, a number, as in cost<200")
            })?;
            Ok(Kind::Cost { below })
        }
        _ => Err(unknown(item)),
    }
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
        assert_eq!(needs[6].kind, Kind::Wait { percentile: "p99", below_ns: 20e6 });
        assert_eq!(needs[7].kind, Kind::Rate { above: 1_000.0 });
        assert_eq!(Need::parse_all("p999 < 1.5s").unwrap()[0].kind, Kind::Wait { percentile: "p999", below_ns: 1.5e9 });
    }

    #[test]
    fn a_need_may_be_written_as_a_threshold() {
        for (need, text) in [
            ("p99<=20ms", "acquire_response.p99 <= 20ms"),
            ("acquire_service.p90 < 5ms", "acquire_service.p90 < 5ms"),
            ("rate >= 1000/s", "throughput >= 1000/s"),
            ("double_grants == 0", "double_grants == 0"),
        ] {
            let needs = Need::parse_all(&format!("fencing; {need}")).unwrap();
            let Kind::Bound(threshold) = &needs[1].kind else { panic!("{need}") };
            assert_eq!(**threshold, crate::report::Threshold::parse(text, None).unwrap(), "{need}");
        }
    }

    #[test]
    fn mistakes_are_named_and_the_right_form_is_shown() {
        insta::assert_snapshot!(refused("fencig"), @r#"need "fencig" is not known: did you mean fencing?; needs are exclusion, fencing, survive=node, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused("survive=zone"), @r#"need "survive=zone" is not known: did you mean survive=node?; needs are exclusion, fencing, survive=node, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused("p99<20"), @r#"need "p99<20": the bound has no unit; write a number with a unit: ns, us, ms, s, m or h (for example "250ms")"#);
        insta::assert_snapshot!(refused("p99>20ms"), @r#"need "p99>20ms" is the wrong way round; write it as p99<20ms"#);
        assert!(refused("acquire.p99<20ms").contains("acquire_response.p99"));
        assert!(refused("jain{redis} > 0.9").contains("every system"));
        insta::assert_snapshot!(refused("p99"), @r#"need "p99" has no bound; write it as p99<20ms"#);
        insta::assert_snapshot!(refused("rate>1000"), @r#"need "rate>1000": write a number a second, as in rate>1000/s"#);
        insta::assert_snapshot!(refused("rate>fast/s"), @r#"need "rate>fast/s": write a number a second, as in rate>1000/s"#);
        insta::assert_snapshot!(refused("cost<EUR"), @r#"need "cost<EUR": write a price a month in the plan's currency, a number, as in cost<200"#);
        insta::assert_snapshot!(refused("speed<3"), @r#"need "speed<3" is not known; needs are exclusion, fencing, survive=node, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200"#);
        insta::assert_snapshot!(refused(" , "), @"no need is given; needs are exclusion, fencing, survive=node, durable, auto-release, fifo, p99<20ms, rate>1000/s, cost<200");
    }
}
