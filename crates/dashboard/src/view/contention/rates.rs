//! How contended each key was in each slice of time: what the cells of the heat map show.

use crate::state::{HeatColumn, HeatKey, SystemState};
use crate::view::plot::scale::near;
use crate::view::plot::time::Time;
use lockbench_report::live::KeyLive;

/// Contended attempts per second of each key in each slice; `None` where nothing is known.
pub struct Heat {
    columns: usize,
    rates: Vec<Option<f64>>,
}

impl Heat {
    /// Of these keys, on so many columns.
    pub fn new<'a>(keys: &[KeyLive], heat: impl Iterator<Item = HeatColumnAt<'a>>, time: Time, columns: u16) -> Self {
        let count = usize::from(columns);
        let mut found = vec![0.0; keys.len() * count];
        let mut seconds = found.clone();
        // In order of key, as the columns are.
        let mut rows: Vec<(u32, usize)> = keys.iter().enumerate().map(|(row, key)| (key.key, row)).collect();
        rows.sort_unstable();
        let mut parts = Vec::new();
        for (from, to, column) in heat {
            // The slices that it lies in: place, and its share and seconds there.
            parts.clear();
            let at = |second: f64| time.column(second, columns).clamp(0.0, count as f64);
            let (mut x, last) = (at(from), at(to));
            let length = (time.column(to, columns) - time.column(from, columns)).max(f64::MIN_POSITIVE);
            while x < last {
                let end = (x.floor() + 1.0).min(last);
                parts.push((x as usize, (end - x) / length, (to - from) * (end - x) / length));
                x = end;
            }
            let mut row = 0;
            for key in column {
                while rows.get(row).is_some_and(|row| row.0 < key.key) {
                    row += 1;
                }
                let Some((_, at)) = rows.get(row).filter(|row| row.0 == key.key) else { continue };
                let known = key.known_ns as f64 / 1e9 / (to - from).max(f64::MIN_POSITIVE);
                for (place, share, length) in &parts {
                    found[at * count + place] += key.contended as f64 * share;
                    seconds[at * count + place] += length * known;
                }
            }
        }
        let rates = found.iter().zip(&seconds).map(|(found, seconds)| (*seconds > 0.0).then(|| found / seconds));
        Self { columns: count, rates: rates.collect() }
    }

    /// The slices of a key, by its place.
    pub fn row(&self, row: usize) -> &[Option<f64>] {
        &self.rates[row * self.columns..(row + 1) * self.columns]
    }

    /// A quarter of what the darkest shade stands for.
    pub fn quarter(&self) -> f64 {
        let most = self.rates.iter().flatten().fold(0.0, |most: f64, rate| most.max(*rate));
        if most <= 0.0 {
            return 1.0;
        }
        near(most / 4.0)
    }
}

/// From and to in seconds, and what was counted.
pub type HeatColumnAt<'a> = (f64, f64, &'a [HeatKey]);

/// What was counted between the looks that the axis shows.
pub fn columns(system: &SystemState, time: Time) -> impl Iterator<Item = HeatColumnAt<'_>> {
    let seconds =
        |column: &HeatColumn| (column.at_ns.saturating_sub(column.length_ns) as f64 / 1e9, column.at_ns as f64 / 1e9);
    let first = system.heat.partition_point(|column| seconds(column).1 <= time.from);
    system.heat.range(first..).map(move |column| {
        let (from, to) = seconds(column);
        (from, to, column.keys.as_slice())
    })
}

/// From 0 for none to 4.
pub fn level(rate: f64, quarter: f64) -> usize {
    if rate <= 0.0 { 0 } else { ((rate / quarter - 1e-9).ceil() as usize).clamp(1, 4) }
}

#[cfg(test)]
mod tests {
    use super::{Heat, level};
    use crate::controls::Paused;
    use crate::state::{HeatKey, State, SystemState};
    use crate::theme::Theme;
    use crate::user_view::UserView;
    use crate::view::plot::time::Time;
    use crate::view::{Room, View};
    use lockbench_report::live::KeyLive;

    #[test]
    fn every_contended_attempt_is_in_a_cell_and_the_unknown_is_no_zero() {
        let (state, look) = (State::default(), UserView::new(Theme::Mono, false));
        let view = View { state: &state, look: &look, panel: 0, room: Room::Normal, paused: Paused::No, now: 0 };
        let mut system = SystemState::new("redis");
        system.snapshot = Some(lockbench_report::live::Snapshot {
            elapsed_ns: 4_000_000_000,
            left_ns: 4_000_000_000,
            ..Default::default()
        });
        let time = Time::of(&view, &system);
        assert_eq!((time.from, time.to), (0.0, 8.0));
        let key = |key| KeyLive { key, ..KeyLive::default() };
        let keys = [key(9), key(2)];
        let key = |length: f64| {
            let key = |key, contended| HeatKey { key, contended, known_ns: (length * 1e9) as u64 };
            [key(2, 30), key(9, 8)]
        };
        let (short, long, last) = (key(0.5), key(2.25), key(1.25));
        let beats = [(0.0, 0.5, &short[..]), (0.5, 2.75, &long[..]), (2.75, 4.0, &last[..1])];
        let heat = Heat::new(&keys, beats.into_iter(), time, 16);
        let sum = |row: usize| heat.row(row).iter().flatten().map(|rate| rate * 0.5).sum::<f64>();
        // The last slice that is known of key 9 is a half one: its rate is that of the half.
        assert!((sum(1) - 90.0).abs() < 1e-6, "{}", sum(1));
        assert!((heat.row(0)[0].unwrap() - 16.0).abs() < 1e-6);
        assert_eq!(heat.row(0)[8], None);
        assert_eq!(heat.row(1)[7].map(f64::round), Some(24.0));
        assert_eq!((heat.row(1)[8], heat.quarter()), (None, 15.0));
        // Of a key that is known in a half of a column the rate is that of the half.
        let half = [HeatKey { known_ns: 250_000_000, ..short[0] }];
        let heat = Heat::new(&keys, [(0.0, 0.5, &half[..])].into_iter(), time, 16);
        assert_eq!((heat.row(1)[0], heat.row(0)[0]), (Some(120.0), None));
        assert_eq!([0.0, 0.1, 15.0, 15.1, 60.0].map(|rate| level(rate, 15.0)), [0, 1, 1, 2, 4]);
    }
}
