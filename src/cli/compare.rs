//! `lockbench compare`: is B worse than A, beyond noise?

use std::fs;

use super::args::{CompareArgs, FormatChoice};
use super::sides::Runs;
use super::{Failure, print, print_document};
use lockbench_output::{comparison, comparison_page};
use lockbench_report::Exit;
use lockbench_report::compare::{ComparisonOutcome, Rules, check_gates, compare as compared};

/// Compares them: exit 98 for a regression, 97 where nothing can be concluded.
pub fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let gates = check_gates(&args.gates).map_err(|problem| Failure::usage(format!("--gate: {problem}")))?;
    let rules = Rules {
        gates: gates.iter().map(|gate| gate.name()).collect(),
        noise: args.noise.as_deref().map(noise).transpose()?,
        force: args.force,
    };
    let baseline = Runs::open(&args.a, &args.stored.output)?;
    let candidate = Runs::open(&args.b, &args.stored.output)?;
    let found = baseline.as_side(|a| candidate.as_side(|b| compared(a, b, &rules))).map_err(Failure::usage)?;
    if let Some(path) = &args.html {
        let page = comparison_page(&found).map_err(Failure::internal)?;
        fs::write(path, page).map_err(|error| Failure::internal(format!("--html {}: {error}", path.display())))?;
    }
    match args.format.choice {
        FormatChoice::Json => drop(print_document(&found)?),
        FormatChoice::Text => print(&comparison(&found))?,
    }
    Ok(match found.outcome {
        ComparisonOutcome::NoRegression => Exit::Pass,
        ComparisonOutcome::Regression => Exit::Regression,
        ComparisonOutcome::Inconclusive => Exit::Inconclusive,
    }
    .code())
}

/// `15%`, `15 %` or `15`: a share.
fn noise(text: &str) -> Result<f64, Failure> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(Failure::usage(format!("--noise \"{text}\": write a percentage from 0 to 1000, for example 15%"))),
    }
}

#[cfg(test)]
mod tests {
    use super::noise;

    #[test]
    fn noise_is_a_percentage() {
        for text in ["15%", "15 %", "15", " 15% "] {
            assert_eq!(noise(text).ok(), Some(0.15), "{text}");
        }
        for text in ["", "%", "x", "-1%", "nan", "1e9%"] {
            assert!(noise(text).is_err(), "{text}");
        }
    }
}
