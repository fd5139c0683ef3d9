//! The ranking of each class, and whether it has a winner beyond noise: of all pairs of the class, so that a table of many
//! systems does not find a difference by looking often enough.

use super::super::durability::Durability;
use super::super::schema::Report;
use super::Class;
use super::row::{Row, rates, row, seed, trials};
use lockbench_core::stats::{Interval, beyond_noise, p_of_difference, ratio_of_means};

/// The best of a class, by grants per second.
#[derive(Clone, Debug, PartialEq)]
pub enum Winner {
    /// No system of the class is ranked.
    None,
    /// Only one is: there is nothing to compare it with.
    Alone,
    /// The first row is best, beyond noise.
    Clear {
        /// How many times as many grants per second as the second row.
        margin: Interval,
    },
    /// The first rows are within noise of each other: no clear winner.
    Tie {
        /// How many: the first of them has the most grants per second, and none of the
        /// others differs from it beyond noise.
        rows: usize,
        /// How many times as many grants per second the first row has as the second.
        margin: Interval,
    },
    /// The first row has the most, and too few trials say whether that is noise.
    Unproven {
        /// How many times as many grants per second as the second row.
        ratio: f64,
        /// Trials of the one that has fewer.
        trials: usize,
    },
}

impl Winner {
    /// How many rows at the top are to be marked as the best.
    #[must_use]
    pub fn marked(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Alone | Self::Clear { .. } | Self::Unproven { .. } => 1,
            Self::Tie { rows, .. } => *rows,
        }
    }
}

/// The classes of the systems that ran, strongest promise first.
pub(super) fn classes(report: &Report, ran: &[String]) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    for system in ran {
        let whole = trials(report, system).find(|trial| trial.error.is_none());
        let Some(first) = whole.or_else(|| trials(report, system).next()) else { continue };
        let durability = Durability::of(first);
        let row = row(report, system);
        match classes.iter_mut().find(|class| class.durability == durability) {
            Some(class) => class.rows.push(row),
            None => classes.push(Class { durability, rows: vec![row], winner: Winner::None }),
        }
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.durability));
    for class in &mut classes {
        let rate = |row: &Row| row.rate.as_ref().copied().unwrap_or(0.0);
        class.rows.sort_by(|a, b| {
            b.ranked().cmp(&a.ranked()).then(match a.ranked() {
                true => rate(b).total_cmp(&rate(a)),
                false => std::cmp::Ordering::Equal,
            })
        });
        class.winner = winner(report, &class.rows);
    }
    classes
}

fn winner(report: &Report, rows: &[Row]) -> Winner {
    let ranked: Vec<&Row> = rows.iter().filter(|row| row.ranked()).collect();
    let [first, others @ ..] = ranked.as_slice() else { return Winner::None };
    let Some(second) = others.first() else { return Winner::Alone };
    let best = rates(report, &first.system);
    let margin = |other: &Row| ratio_of_means(&rates(report, &other.system), &best, seed(report));
    let Some(over_second) = margin(second) else {
        let rate = |row: &Row| row.rate.as_ref().copied().unwrap_or(0.0);
        return Winner::Unproven { ratio: rate(first) / rate(second), trials: first.trials.min(second.trials) };
    };
    let differs = differing(report, &ranked);
    let beyond =
        |place: usize, margin: Option<Interval>| margin.is_some_and(|margin| margin.low > 1.0) && differs[place];
    if beyond(0, Some(over_second)) {
        return Winner::Clear { margin: over_second };
    }
    let near = others.iter().enumerate().take_while(|(place, other)| !beyond(*place, margin(other))).count();
    Winner::Tie { rows: 1 + near, margin: over_second }
}

/// Which of the other rows differ from the first one beyond noise, where all pairs of rows are looked at.
fn differing(report: &Report, rows: &[&Row]) -> Vec<bool> {
    let rates: Vec<Vec<f64>> = rows.iter().map(|row| rates(report, &row.system)).collect();
    // Those with the first row come first.
    let pairs = (0..rows.len()).flat_map(|one| (one + 1..rows.len()).map(move |other| (one, other)));
    let chances: Vec<Option<f64>> = pairs.map(|(one, other)| p_of_difference(&rates[one], &rates[other])).collect();
    beyond_noise(&chances)
}
