//! The text of a threshold: `[warn:|fail:] FIGURE[{BACKEND, ...}] OPERATOR BOUND`.

use std::fmt;

use super::super::figure::{self, Figure, SHORT, Unit};
use super::ThresholdLevel;
use super::value;

/// How figure and bound must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Different,
}

impl Operator {
    const ALL: [(&str, Self); 6] = [
        ("<", Self::Below),
        ("<=", Self::AtMost),
        (">", Self::Above),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("!=", Self::Different),
    ];

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(text, _)| text)
    }

    /// Is a value of which only `least` is known, and that it is more, surely on one side?
    #[must_use]
    pub fn decides_from(self, least: f64, bound: f64) -> bool {
        match self {
            Self::Below => least >= bound,
            Self::AtMost | Self::Above | Self::AtLeast | Self::Equal | Self::Different => least > bound,
        }
    }

    /// Does `value` keep `bound`? What is no finite number keeps nothing.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Below => value < bound,
                Self::AtMost => value <= bound,
                Self::Above => value > bound,
                Self::AtLeast => value >= bound,
                Self::Equal => value == bound,
                Self::Different => value != bound,
            }
    }
}

/// A bound on a figure.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// As it was given, without its level.
    pub text: String,
    /// What is bounded.
    pub figure: Figure,
    /// The systems that it is for, as written; empty: every system of the run.
    pub backends: Vec<String>,
    /// How they must compare.
    pub operator: Operator,
    /// The bound in the figure's base unit.
    pub bound: f64,
    /// What a breach means.
    pub level: ThresholdLevel,
}

/// The same bound for the same systems, however it was written.
impl PartialEq for Threshold {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Threshold {
    /// Reads a threshold. `level` is what was said beside the text, which may then say
    /// nothing of it itself.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write instead.
    pub fn parse(text: &str, level: Option<ThresholdLevel>) -> Result<Self, String> {
        let (prefix, text) = levelled(text.trim())?;
        let level = match (prefix, level) {
            (Some(_), Some(_)) => return Err("its level is given twice, before the text and beside it".to_owned()),
            (prefix, level) => prefix.or(level).unwrap_or_default(),
        };
        if PROMISES.contains(&text) {
            return Err(format!("it is no bound on a figure; `report RUN --need {text}` asks it of a stored run"));
        }
        let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '!');
        let Some(at) = text.find(is_operator) else {
            return Err(format!("it compares nothing; write it like `{EXAMPLE}`, with one of {}", operators()));
        };
        let (left, rest) = text.split_at(at);
        let end = rest.find(|c: char| !is_operator(c)).unwrap_or(rest.len());
        let (sign, bound) = (&rest[..end], rest[end..].trim());
        let operator = Operator::ALL.iter().find(|(text, _)| *text == sign).map(|(_, operator)| *operator);
        let operator = operator.ok_or_else(|| format!("\"{sign}\" is no comparison; write one of {}", operators()))?;
        let (name, backends) = selected(left.trim())?;
        if name.is_empty() {
            return Err(format!("it names no figure; write it like `{EXAMPLE}`"));
        }
        let figure = figure::find(name).map_err(|problem| if name == "cost" { COST.to_owned() } else { problem })?;
        one_way(name, operator, &figure)?;
        if bound.is_empty() {
            return Err(format!("there is no bound after \"{sign}\"; write it like `{EXAMPLE}`"));
        }
        let bound = value::read(figure.unit(), bound).map_err(|problem| format!("{} is {problem}", figure.name()))?;
        Ok(Self { text: text.to_owned(), figure, backends, operator, bound, level })
    }

    /// What must hold, without level and systems: `acquire_service.p99 < 20ms`.
    #[must_use]
    pub fn condition(&self) -> String {
        let bound = value::written(self.figure.unit(), self.bound);
        format!("{} {} {bound}", self.figure.name(), self.operator.text())
    }

    /// The measured figure for people; exact where rounding would hide on which side
    /// of the bound it lies.
    pub(crate) fn shown(&self, value: f64) -> String {
        let unit = self.figure.unit();
        let rounded = value::shown(unit, value);
        let blurred = rounded == value::shown(unit, self.bound) && value != self.bound;
        if blurred { value::written(unit, value) } else { rounded }
    }
}

const EXAMPLE: &str = "acquire_service.p99 < 20ms";

/// What `--need` asks beside bounds on figures.
const PROMISES: [&str; 6] = ["exclusion", "fencing", "survive=node", "durable", "auto-release", "fifo"];

const COST: &str = "a run measures no cost; `report RUN --need 'cost<200'` asks it of the plan's prices";

/// The bounds of a list, between commas or semicolons; those in braces divide names of systems.
#[must_use]
pub fn listed(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c: char| {
        inside = if inside { c != '}' } else { c == '{' };
        !inside && matches!(c, ',' | ';')
    })
    .map(str::trim)
    .collect()
}

/// A short name asks for a wait that is short or a rate that is high: the reverse is a slip.
fn one_way(name: &str, operator: Operator, figure: &Figure) -> Result<(), String> {
    if !SHORT.iter().any(|(short, _)| *short == name) {
        return Ok(());
    }
    let (slip, form) = match figure.unit() {
        Unit::PerSecond => (matches!(operator, Operator::Below | Operator::AtMost), "rate>1000/s".to_owned()),
        _ => (matches!(operator, Operator::Above | Operator::AtLeast), format!("{name}<20ms")),
    };
    let whole = figure.name();
    if slip {
        Err(format!("it is the wrong way round; write it like {form}, or as {whole} if it is meant"))
    } else {
        Ok(())
    }
}

fn operators() -> String {
    Operator::ALL.map(|(text, _)| text).join(" ")
}

/// The level before a colon, if there is one.
fn levelled(text: &str) -> Result<(Option<ThresholdLevel>, &str), String> {
    match text.split_once(':') {
        Some((head, rest)) if head.trim_end().chars().all(|c| c.is_ascii_alphabetic()) => match head.trim_end() {
            "warn" => Ok((Some(ThresholdLevel::Warn), rest.trim_start())),
            "fail" => Ok((Some(ThresholdLevel::Fail), rest.trim_start())),
            other => Err(format!("\"{other}\" is no level; write `warn:` or `fail:` before it, or nothing for fail")),
        },
        _ => Ok((None, text)),
    }
}

/// `name` or `name{a, b}`.
fn selected(text: &str) -> Result<(&str, Vec<String>), String> {
    let Some((name, rest)) = text.split_once('{') else { return Ok((text, Vec::new())) };
    let Some(inside) = rest.trim_end().strip_suffix('}').filter(|inside| !inside.contains(['{', '}'])) else {
        return Err(
            "its { } do not close before the comparison; write it like `throughput{redis} >= 1000/s`".to_owned()
        );
    };
    let mut backends: Vec<String> = Vec::new();
    for backend in inside.split(',').map(str::trim) {
        if backend.is_empty() {
            return Err(
                "its { } lack a name; write a system, such as {redis}, or leave them out for every system".to_owned()
            );
        }
        if !backends.iter().any(|known| known == backend) {
            backends.push(backend.to_owned());
        }
    }
    Ok((name.trim_end(), backends))
}

impl fmt::Display for Threshold {
    /// Complete and exact: reads back to an equal threshold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level == ThresholdLevel::Warn {
            f.write_str("warn: ")?;
        }
        f.write_str(&self.figure.name())?;
        if !self.backends.is_empty() {
            write!(f, "{{{}}}", self.backends.join(", "))?;
        }
        write!(f, " {} {}", self.operator.text(), value::written(self.figure.unit(), self.bound))
    }
}

#[cfg(test)]
mod tests;
