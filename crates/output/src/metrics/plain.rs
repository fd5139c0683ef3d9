//! Prometheus' older text format, version 0.0.4, which every scraper and every person
//! reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>. Written from
//! the same messages as the protobuf answer.

use std::fmt::Write as _;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

/// All families.
pub fn render(families: &[MetricFamily]) -> String {
    let mut out = String::new();
    for family in families {
        let kind = match family.r#type() {
            MetricType::Counter => "counter",
            MetricType::Histogram => "histogram",
            _ => "gauge",
        };
        let _ = writeln!(out, "# HELP {} {}", family.name, family.help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(out, "# TYPE {} {kind}", family.name);
        for metric in &family.metric {
            sample(&mut out, &family.name, metric);
        }
    }
    out
}

fn sample(out: &mut String, name: &str, metric: &Metric) {
    let labels = labels(&metric.label);
    if let Some(histogram) = &metric.histogram {
        buckets(out, name, &labels, histogram);
        return;
    }
    let counter = metric.counter.as_ref().map(|counter| counter.value);
    let value = counter.or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value)).unwrap_or_default();
    let _ = writeln!(out, "{name}{{{labels}}} {value}");
}

fn buckets(out: &mut String, name: &str, labels: &str, histogram: &Histogram) {
    for bucket in &histogram.bucket {
        let (le, below) = (bound(bucket.upper_bound), bucket.cumulative_count);
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{le}\"}} {below}");
    }
    let _ = writeln!(out, "{name}_sum{{{labels}}} {}", histogram.sample_sum);
    let _ = writeln!(out, "{name}_count{{{labels}}} {}", histogram.sample_count);
}

/// As in the OpenMetrics answer, so that a scraper which changes the format goes on with
/// the same series.
fn bound(seconds: f64) -> String {
    if seconds.is_infinite() {
        "+Inf".to_owned()
    } else if seconds.fract() == 0.0 {
        format!("{seconds}.0")
    } else {
        seconds.to_string()
    }
}

fn labels(pairs: &[LabelPair]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let told: Vec<String> = pairs.iter().map(|pair| format!("{}=\"{}\"", pair.name, escaped(&pair.value))).collect();
    told.join(",")
}
