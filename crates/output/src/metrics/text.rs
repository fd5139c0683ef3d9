//! Metrics as text, for the endpoint and for `metrics.om`: OpenMetrics 1.0.0, and Prometheus' older
//! format 0.0.4, which every scraper and every person reads
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! The endpoint's OpenMetrics is what Prometheus' own client library writes, which a test holds it
//! to; the file keeps the order of lines and labels that it always had, so that stored runs are
//! redrawn as they were.

use std::fmt::{Display, Write as _};

use super::buckets::Buckets;

/// Labels of a sample, in the order of its family.
pub type Labels = Vec<(&'static str, String)>;

/// How the same samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Prometheus' text 0.0.4, of the endpoint.
    Plain,
    /// OpenMetrics, of the endpoint.
    Scraped,
    /// OpenMetrics, of `metrics.om`.
    Stored,
}

/// Writes one family after the other.
pub struct Writer {
    out: String,
    dialect: Dialect,
    /// The family, and the suffix of its samples.
    name: String,
    suffix: &'static str,
}

impl Writer {
    /// A text without a family.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { out: String::new(), dialect, name: String::new(), suffix: "" }
    }

    /// Starts a family. `help` is a sentence without the final stop.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.name);
        self.suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let unit = if name.ends_with("_seconds") { format!("# UNIT {name} seconds\n") } else { String::new() };
        let (out, sample) = (&mut self.out, self.suffix);
        // Writing to a text never fails.
        let _ = match self.dialect {
            Dialect::Plain => {
                let kind = if kind == "info" { "gauge" } else { kind };
                write!(out, "# HELP {name}{sample} {help}.\n# TYPE {name}{sample} {kind}\n")
            }
            Dialect::Scraped => write!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}\n{unit}"),
            Dialect::Stored => write!(out, "# TYPE {name} {kind}\n{unit}# HELP {name} {help}.\n"),
        };
    }

    /// A sample of the family.
    pub fn sample(&mut self, labels: &Labels, value: impl Display) {
        let suffix = self.suffix;
        self.line(suffix, &joined(labels), value);
    }

    /// A histogram of the family, whose samples' lengths add up to so many seconds.
    pub fn histogram(&mut self, labels: &Labels, buckets: &Buckets, sum_s: f64) {
        let (labels, dialect) = (joined(labels), self.dialect);
        if dialect == Dialect::Scraped {
            self.line("_sum", &labels, point(sum_s));
            self.line("_count", &labels, buckets.count());
        }
        let mut below = 0;
        for (bound, count) in buckets.classic() {
            below += count;
            let le = match dialect {
                Dialect::Stored => exponent(bound),
                Dialect::Plain | Dialect::Scraped => point(bound),
            };
            let labels = match dialect {
                Dialect::Scraped => format!("le=\"{le}\",{labels}"),
                Dialect::Plain | Dialect::Stored => format!("{labels},le=\"{le}\""),
            };
            self.line("_bucket", &labels, below);
        }
        match dialect {
            Dialect::Scraped => {}
            Dialect::Plain => {
                self.line("_sum", &labels, sum_s);
                self.line("_count", &labels, buckets.count());
            }
            Dialect::Stored => {
                self.line("_count", &labels, buckets.count());
                self.line("_sum", &labels, sum_s);
            }
        }
    }

    /// The whole text.
    #[must_use]
    pub fn end(mut self) -> String {
        if self.dialect != Dialect::Plain {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn line(&mut self, suffix: &str, labels: &str, value: impl Display) {
        let _ = match labels {
            "" => writeln!(self.out, "{}{suffix} {value}", self.name),
            labels => writeln!(self.out, "{}{suffix}{{{labels}}} {value}", self.name),
        };
    }
}

fn joined(labels: &Labels) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let told: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    told.join(",")
}

/// Seconds as Prometheus' client library writes them: with a point, and an exponent below a
/// millionth. Both answers of the endpoint have the same bounds, so that a scraper which changes the
/// format goes on with the same series.
fn point(seconds: f64) -> String {
    if seconds.is_infinite() {
        "+Inf".to_owned()
    } else if seconds.fract() == 0.0 {
        format!("{seconds}.0")
    } else if seconds < 1e-6 {
        format!("{seconds:e}")
    } else {
        seconds.to_string()
    }
}

/// A bound as the specification wants it: the shortest decimal, with a point, and an
/// exponent below 0.0001.
fn exponent(seconds: f64) -> String {
    if seconds.is_infinite() {
        return "+Inf".to_owned();
    }
    let text = format!("{seconds:?}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{exponent, point};
    use lockbench_core::record::BUCKET_BOUNDS_NS;

    #[test]
    fn bounds_are_written_as_the_specification_writes_numbers() {
        let told: Vec<String> = BUCKET_BOUNDS_NS.iter().map(|ns| exponent(*ns as f64 / 1e9)).collect();
        assert_eq!(told[..7], ["1e-06", "2.5e-06", "5e-06", "1e-05", "2.5e-05", "5e-05", "0.0001"]);
        assert_eq!((told[18].as_str(), told[21].as_str(), exponent(f64::INFINITY).as_str()), ("1.0", "10.0", "+Inf"));
    }

    #[test]
    fn seconds_are_written_as_the_client_library_writes_them() {
        assert_eq!([0.0, 2.0, 2.5e-6, 3.001e-6, 5e-7].map(point), ["0.0", "2.0", "0.0000025", "0.000003001", "5e-7"]);
    }
}
