//! `percentiles/<backend>.<latency>.hgrm`: HdrHistogram's percentile distribution
//! as text, trials merged, in the classic columns that its plotters read (as printed
//! by `AbstractHistogram.outputPercentileDistribution` of the Java implementation).
//! Values are milliseconds with six decimals: nothing of the nanoseconds is lost.
//!
//! A second measurement of the same quantity gives other tail values; and what was
//! waited for in vain is in no histogram. The last line says how many these are, and that
//! mean and maximum in the foot are of the others.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::Rendered;
use super::histograms::{backends, merged};
use super::slug::slug;
use lockbench_core::figure::{self, LATENCIES};
use lockbench_core::record::Latency;
use lockbench_report::RecordedRun;

/// Lines per halving of the distance to 100 %: the Java implementation's default.
const TICKS_PER_HALF: u32 = 5;

/// Nanoseconds in the unit of the file.
const NS_PER_UNIT: f64 = 1e6;

/// A file per backend and kind of latency that has samples.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let mut files = Vec::new();
    for backend in backends(run) {
        let all = merged(run, backend);
        for kind in &LATENCIES {
            if let Some(histogram) = (kind.of)(&all).histogram() {
                let text = format!("{}{}", distribution(histogram), remark(run, backend, kind));
                files.push(Rendered::new(format!("percentiles/{}.{}.hgrm", slug(backend), kind.name), text));
            }
        }
    }
    Ok(files)
}

/// Head, lines and foot.
fn distribution(histogram: &Histogram<u64>) -> String {
    let unit = |ns: f64| ns / NS_PER_UNIT;
    let mut text = format!("{:>14} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut total = 0_u64;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, level) = (unit(step.value_iterated_to() as f64), step.quantile_iterated_to());
        let _ = write!(text, "{value:14.6} {level:14.12} {total:10}");
        // The last line has no fourth column: it would be infinite.
        let _ = if level < 1.0 { writeln!(text, " {:14.2}", 1.0 / (1.0 - level)) } else { writeln!(text) };
    }
    let (mean, deviation) = (unit(histogram.mean()), unit(histogram.stdev()));
    let _ = writeln!(text, "#[Mean    = {mean:14.6}, StdDeviation   = {deviation:14.6}]");
    let (max, count) = (unit(histogram.max() as f64), histogram.len());
    let _ = writeln!(text, "#[Max     = {max:14.6}, Total count    = {count:14}]");
    let (buckets, sub_buckets) = (histogram.buckets(), (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two());
    let _ = writeln!(text, "#[Buckets = {buckets:14}, SubBuckets     = {sub_buckets:14}]");
    text
}

/// What the columns cannot say.
fn remark(run: &RecordedRun, backend: &str, kind: &figure::Latency) -> String {
    let trials = run.of(backend).count();
    let mut all = Latency::absent();
    run.of(backend).for_each(|one| all.merge((kind.of)(&one.latencies)));
    let name = backend.replace('\n', " ");
    let mut line = format!("# {name}, {}: {}; milliseconds; trials merged: {trials}", kind.name, kind.phrase);
    let in_vain = all.in_vain();
    let _ = write!(line, "; waited for in vain, not in here: {in_vain}");
    if let Some(longest) = all.max().filter(|_| in_vain > 0) {
        let longest = longest as f64 / NS_PER_UNIT;
        let _ = write!(line, "; so the true maximum is more than {longest:.6}, and the true mean is not known");
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::histograms::merged;
    use crate::sample::{crowd, empty, recorded, timeouts};
    use crate::slug::slug;
    use lockbench_core::figure::LATENCIES;

    /// Value in nanoseconds, percentile, total count.
    fn read(text: &str) -> Vec<(u64, f64, u64)> {
        let lines = text.lines().skip(1).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let cells: Vec<f64> = line.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
                if let [_, level, _, inverse] = cells[..] {
                    assert!((inverse * (1.0 - level) - 1.0).abs() < 0.01, "{line}");
                } else {
                    assert_eq!((cells.len(), cells[1]), (3, 1.0), "{line}");
                }
                ((cells[0] * 1e6).round() as u64, cells[1], cells[2] as u64)
            })
            .collect()
    }

    #[test]
    fn a_distribution_reads_back_to_the_histogram() {
        let run = crowd(3);
        let files = render(&run).unwrap();
        assert_eq!(files.len(), 3 * 5, "no renewals in the sample");
        for backend in ["redis", "redlock", "zookeeper"] {
            let all = merged(&run, backend);
            for kind in &LATENCIES {
                let path = format!("percentiles/{}.{}.hgrm", slug(backend), kind.name);
                let Some(histogram) = (kind.of)(&all).histogram() else {
                    assert!(files.iter().all(|file| file.path != path), "{path}");
                    continue;
                };
                let file = files.iter().find(|file| file.path == path).unwrap();
                let lines = read(std::str::from_utf8(&file.bytes).unwrap());
                for (value, level, total) in &lines {
                    assert_eq!(histogram.count_between(0, *value), *total, "{path} at {level}");
                    assert!(*total as f64 / histogram.len() as f64 >= level - 1e-12, "{path} at {level}");
                }
                assert!(lines.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].2 <= pair[1].2), "{path}");
                let (longest, level, count) = *lines.last().unwrap();
                assert_eq!((level, count), (1.0, histogram.len()), "{path}");
                assert!(histogram.equivalent(longest, histogram.max()), "{path}");
            }
        }
    }

    #[test]
    fn the_classic_form_is_kept() {
        let files = render(&recorded()).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths[0], "percentiles/redis.acquire_service.hgrm");
        insta::assert_snapshot!(std::str::from_utf8(&files[0].bytes).unwrap());
    }

    #[test]
    fn no_samples_means_no_file() {
        assert_eq!(render(&timeouts()), Ok(Vec::new()));
        assert_eq!(render(&empty()), Ok(Vec::new()));
    }
}
