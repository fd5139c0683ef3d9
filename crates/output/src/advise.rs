//! Advice on the length of a lease, as text.

use std::fmt::Write as _;

use super::grid::grid;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::advise::{Interval, LeaseChoice, shortest};

/// The table, and the shortest lengths that keep a bound. `floors`: names of systems and the shortest lease that each has.
#[must_use]
pub fn text(choices: &[LeaseChoice], at_most_per_h: f64, known: &[String], floors: &[(String, u64)]) -> String {
    let mut out = String::from("Leases that run out while their holder works, per hour (95 % interval)\n");
    let head = ["ttl", "without renewal", "renewed 3 times per ttl", "lock of a dead holder free after"];
    let rows = choices.iter().map(|choice| {
        let (least, most) = choice.takeover_ns;
        vec![
            human_duration(choice.ttl_ns),
            between(choice.unrenewed_per_h),
            between(choice.renewed_per_h),
            format!("up to {most}; renewed: {} to {most}", human_duration(least), most = human_duration(most)),
        ]
    });
    let _ = writeln!(out, "{}", grid(head.to_vec(), rows, 1..usize::MAX).trim_fmt());
    let (unrenewed, renewed) = shortest(choices, at_most_per_h);
    let said = |ttl: Option<u64>| ttl.map_or_else(|| "none of these".to_owned(), human_duration);
    let _ = writeln!(
        out,
        "\nshortest with surely no more than {} per hour: {} without renewal, {} renewed",
        three_digits(at_most_per_h),
        said(unrenewed),
        said(renewed)
    );
    if !floors.is_empty() {
        let floors: Vec<String> =
            floors.iter().map(|(name, floor)| format!("{name} {}", human_duration(*floor))).collect();
        let _ = writeln!(out, "shortest that a system has: {}", floors.join(", "));
    }
    out.push_str("\nknown:\n");
    known.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    out.push_str(
        "assumed: holds and pauses will be as these were; a holder dies at any moment of its hold as likely; the clocks of \
         clients and servers run alike. Where a lease runs out, a fencing token still protects what the lock is for.\n",
    );
    out
}

fn between((low, high): Interval) -> String {
    if high.is_infinite() {
        return "not known".to_owned();
    }
    if low <= 0.0 {
        format!("below {}", three_digits(high))
    } else {
        format!("{} to {}", three_digits(low), three_digits(high))
    }
}

#[cfg(test)]
mod tests {
    use lockbench_core::units::SECOND;
    use lockbench_report::advise::LeaseChoice;

    #[test]
    fn advice_reads_well() {
        let choice = |s: u64, unrenewed_per_h, renewed_per_h| LeaseChoice {
            ttl_ns: s * SECOND,
            unrenewed_per_h,
            renewed_per_h,
            takeover_ns: (s * SECOND * 2 / 3, s * SECOND),
        };
        let choices = [
            choice(1, (320.0, 410.5), (0.0, 2_765.9)),
            choice(10, (0.0, 0.4), (0.0, 0.9)),
            choice(60, (0.0, 0.4), (0.0, f64::INFINITY)),
        ];
        let known = ["1 000 holds of redis in run a".to_owned()];
        let floors = [("zookeeper".to_owned(), 4 * SECOND)];
        insta::assert_snapshot!(super::text(&choices, 1.0, &known, &floors));
    }
}
