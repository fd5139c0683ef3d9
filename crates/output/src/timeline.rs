//! The surroundings of a double grant as text: a lane per client, time to the right,
//! zero at the grant that should not have been.

use std::fmt::Write as _;

use super::chart::tick_ns;
use super::histograms::distinct;
use lockbench_core::record::figures::{Mark, MarkKind};
use lockbench_core::units::human_duration;
use lockbench_report::{Scene, SceneHold};

/// Columns of the narrowest drawing that can be read.
const NARROWEST: usize = 60;
/// Columns of the widest.
const WIDEST: usize = 100;
/// Lanes that fit a screen.
const MOST_LANES: usize = 16;

/// Draws a scene in at most `columns` columns.
#[must_use]
pub fn timeline(scene: &Scene, columns: usize) -> String {
    let names: Vec<(u32, String)> =
        lanes(scene).into_iter().map(|client| (client, format!("client {client}"))).collect();
    let margin = names.iter().map(|(_, name)| name.len()).max().unwrap_or(0).max(HAND.len()) + 2;
    let axis = Axis::new(scene, columns.clamp(NARROWEST, WIDEST) - margin);
    let mut out = String::new();
    let _ = writeln!(out, "{:margin$}{}", "", axis.labels().trim_end());
    let _ = writeln!(out, "{:margin$}{}", "", axis.ticks());
    for (client, name) in &names {
        let _ = writeln!(out, "{name:margin$}{}", lane(scene, &axis, *client).trim_end());
    }
    let _ = writeln!(out, "{ALL:margin$}{}", crowded(scene, &axis).trim_end());
    if let Some(row) = by_hand(scene, &axis) {
        let _ = writeln!(out, "{HAND:margin$}{}", row.trim_end());
    }
    let hidden = all_clients(scene).len() - names.len();
    if hidden > 0 {
        let _ = writeln!(out, "({hidden} more clients held the key in this time, further from the double grant)");
    }
    out += LEGEND;
    if by_hand(scene, &axis).is_some() {
        out += HAND_LEGEND;
    }
    let _ = writeln!(
        out,
        "0: the double grant, {} after the start of the warm-up; column: {}",
        human_duration(axis.zero.saturating_sub(scene.origin_ns)),
        human_duration(axis.per_column())
    );
    out
}

/// The lane below the clients'.
const ALL: &str = "at once";
/// The lane of what a person did, if there was anything.
const HAND: &str = "by hand";
const HAND_LEGEND: &str = "by hand: P the load is paused; a marker by its number, * from 10 on\n";
const LEGEND: &str = "\
. waits   [ is granted   = holds   ] gives back
# holds while another does too   | its lease ends
number in a bar: its fencing token; at once: holders, from 2 on
";

/// Time to columns.
struct Axis {
    from: u64,
    to: u64,
    zero: u64,
    width: usize,
}

impl Axis {
    fn new(scene: &Scene, width: usize) -> Self {
        let zero = scene.violation.double_grant.later.start_ns;
        Self { from: scene.from_ns, to: scene.to_ns.max(scene.from_ns + 1), zero, width }
    }

    /// The column of an instant within the window.
    fn column(&self, t: u64) -> Option<usize> {
        (self.from..=self.to).contains(&t).then(|| self.nearest(t))
    }

    /// The column of an instant, at the edge where it lies outside.
    fn nearest(&self, t: u64) -> usize {
        let since = t.clamp(self.from, self.to) - self.from;
        let last = self.width as u128 - 1;
        (u128::from(since) * last / u128::from(self.to - self.from)) as usize
    }

    fn per_column(&self) -> u64 {
        (self.to - self.from) / (self.width as u64 - 1)
    }

    /// Steps of 1, 2 or 5 times a power of ten, so that labels have room.
    fn step(&self) -> u64 {
        let least = (self.to - self.from) / (self.width as u64 / 14).max(1);
        let mut power = 1;
        loop {
            for step in [power, 2 * power, 5 * power] {
                if step >= least.max(1) {
                    return step;
                }
            }
            power *= 10;
        }
    }

    /// Distance from zero, in steps, and column of each tick.
    fn marks(&self) -> Vec<(i64, usize)> {
        let (step, zero) = (i128::from(self.step()), i128::from(self.zero));
        let first = (i128::from(self.from) - zero + step - 1).div_euclid(step);
        let last = (i128::from(self.to) - zero).div_euclid(step);
        let column = |steps: i128| self.column(u64::try_from(zero + steps * step).ok()?);
        (first..=last).filter_map(|steps| Some((i64::try_from(steps).ok()?, column(steps)?))).collect()
    }

    fn labels(&self) -> String {
        let mut cells = vec![b' '; self.width];
        let mut free = 0;
        let step = self.step();
        for (steps, column) in self.marks() {
            let label = match steps {
                0 => "0".to_owned(),
                steps => {
                    let sign = if steps < 0 { '-' } else { '+' };
                    format!("{sign}{}", tick_ns(steps.unsigned_abs() * step))
                }
            };
            let start = column.saturating_sub(label.len() / 2).min(self.width.saturating_sub(label.len()));
            if start >= free {
                cells[start..start + label.len()].copy_from_slice(label.as_bytes());
                free = start + label.len() + 1;
            }
        }
        String::from_utf8(cells).unwrap_or_default()
    }

    fn ticks(&self) -> String {
        let mut cells = vec![b'-'; self.width];
        for (_, column) in self.marks() {
            cells[column] = b'+';
        }
        String::from_utf8(cells).unwrap_or_default()
    }
}

/// Every client of the scene, in order of its first hold.
fn all_clients(scene: &Scene) -> Vec<u32> {
    distinct(scene.holds.iter().map(|hold| hold.client))
}

/// The clients that get a lane: the two of the double grant, then those that held the
/// key nearest to it.
fn lanes(scene: &Scene) -> Vec<u32> {
    let double = &scene.violation.double_grant;
    let zero = double.later.start_ns;
    let mut clients = all_clients(scene);
    let far = |client: &u32| {
        let own = *client == double.earlier.client || *client == double.later.client;
        let holds = scene.holds.iter().filter(|hold| hold.client == *client);
        (!own, holds.map(|hold| hold.start_ns.abs_diff(zero)).min().unwrap_or(u64::MAX))
    };
    let order = clients.clone();
    clients.sort_by_key(far);
    clients.truncate(MOST_LANES);
    order.into_iter().filter(|client| clients.contains(client)).collect()
}

fn lane(scene: &Scene, axis: &Axis, client: u32) -> String {
    let mut cells = vec![b' '; axis.width];
    let mine = || scene.holds.iter().filter(|hold| hold.client == client);
    for hold in mine() {
        bar(scene, axis, hold, &mut cells);
    }
    // Over the bars: a lease may end inside of the next hold.
    for hold in mine() {
        if let Some(column) = hold.validity_ns.and_then(|end| axis.column(end)) {
            mark(&mut cells, column);
        }
    }
    String::from_utf8(cells).unwrap_or_default()
}

fn bar(scene: &Scene, axis: &Axis, hold: &SceneHold, cells: &mut [u8]) {
    let (first, last) = (axis.nearest(hold.start_ns), axis.nearest(hold.end_ns));
    let shown = hold.start_ns <= axis.to && hold.end_ns >= axis.from;
    if hold.invoke_ns < hold.start_ns && hold.invoke_ns <= axis.to {
        cells[axis.nearest(hold.invoke_ns)..first]
            .iter_mut()
            .filter(|cell| **cell == b' ')
            .for_each(|cell| *cell = b'.');
    }
    if !shown {
        return;
    }
    cells[first..=last].fill(b'=');
    for (start, end) in overlaps(scene, hold) {
        if end >= axis.from && start <= axis.to {
            cells[axis.nearest(start)..=axis.nearest(end)].fill(b'#');
        }
    }
    if first == last {
        return; // a hold within one column has no room for its ends
    }
    if let Some(column) = axis.column(hold.end_ns) {
        cells[column] = b']';
    }
    if let Some(column) = axis.column(hold.start_ns) {
        cells[column] = b'[';
    }
    if let Some(token) = hold.token.map(|token| token.to_string()).filter(|token| token.len() + 1 < last - first) {
        cells[first + 1..=first + token.len()].copy_from_slice(token.as_bytes());
    }
}

/// The spans in which another client holds the key too.
fn overlaps(scene: &Scene, hold: &SceneHold) -> Vec<(u64, u64)> {
    let others = scene.holds.iter().filter(|other| other.client != hold.client);
    let spans = others.map(|other| (hold.start_ns.max(other.start_ns), hold.end_ns.min(other.end_ns)));
    spans.filter(|(start, end)| start < end).collect()
}

/// The end of a lease, beside a bracket that stands in its place.
fn mark(cells: &mut [u8], column: usize) {
    let bracket = |column: usize| cells.get(column).is_none_or(|cell| matches!(cell, b'[' | b']'));
    let place = if bracket(column) && !bracket(column + 1) { column + 1 } else { column };
    cells[place] = b'|';
}

/// Pauses and markers in the time shown, if there are any.
fn by_hand(scene: &Scene, axis: &Axis) -> Option<String> {
    let shown = |mark: &&Mark| mark.from_ns <= axis.to && mark.to_ns >= axis.from;
    let mut cells = vec![b' '; axis.width];
    // Markers last, so that no pause hides one.
    let mut marks: Vec<&Mark> = scene.marks.iter().filter(shown).collect();
    marks.sort_by_key(|mark| mark.kind == MarkKind::Marker);
    for mark in &marks {
        let cell = match (mark.kind, mark.number) {
            (MarkKind::Pause, _) => b'P',
            (MarkKind::Fault, _) => b'F',
            (MarkKind::Marker, number @ 0..=9) => b'0' + number as u8,
            (MarkKind::Marker, _) => b'*',
        };
        cells[axis.nearest(mark.from_ns)..=axis.nearest(mark.to_ns)].fill(cell);
    }
    (!marks.is_empty()).then(|| String::from_utf8(cells).unwrap_or_default())
}

/// How many hold the key, from two on: the most in each column.
fn crowded(scene: &Scene, axis: &Axis) -> String {
    let mut changes: Vec<u64> = scene.holds.iter().flat_map(|hold| [hold.start_ns, hold.end_ns]).collect();
    changes.sort_unstable();
    let mut most = vec![0_usize; axis.width];
    for between in changes.windows(2).filter(|between| between[1] >= axis.from && between[0] <= axis.to) {
        let inside = |hold: &&SceneHold| hold.start_ns <= between[0] && between[1] <= hold.end_ns;
        let count = scene.holds.iter().filter(inside).count();
        if between[0] < between[1] {
            let columns = axis.nearest(between[0])..=axis.nearest(between[1]);
            most[columns].iter_mut().for_each(|cell| *cell = (*cell).max(count));
        }
    }
    let digit = |count: &usize| match count {
        0 | 1 => ' ',
        2..=9 => char::from(b'0' + *count as u8),
        _ => '*',
    };
    most.iter().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::{HAND, timeline};
    use lockbench_core::oracle::{Attribution, DoubleGrant, DoubleGrantKind, HoldFacts};
    use lockbench_core::record::figures::{Mark, MarkKind};
    use lockbench_report::{HoldEnd, Scene, SceneHold, Violation};

    const MS: u64 = 1_000_000;

    /// A hold in milliseconds: client, token, invoke, start, end, validity.
    fn hold(client: u32, token: u64, times: [u64; 3], validity: u64) -> SceneHold {
        SceneHold {
            client,
            token: (token > 0).then_some(token),
            invoke_ns: times[0] * MS,
            start_ns: times[1] * MS,
            end_ns: times[2] * MS,
            validity_ns: (validity > 0).then_some(validity * MS),
            ended: HoldEnd::Confirmed,
        }
    }

    /// The first two holds are those of the violation.
    fn scene(from: u64, to: u64, holds: &[SceneHold]) -> Scene {
        let facts = |hold: &SceneHold| HoldFacts {
            client: hold.client,
            token: hold.token,
            start_ns: hold.start_ns,
            end_ns: hold.end_ns,
            validity_ns: hold.validity_ns,
            lost_ns: None,
            mode: Default::default(),
        };
        let double_grant = DoubleGrant {
            key: 0,
            kind: DoubleGrantKind::Outside,
            admitted: false,
            earlier: facts(&holds[0]),
            later: facts(&holds[1]),
        };
        let mut holds = holds.to_vec();
        holds.sort_by_key(|hold| hold.start_ns);
        Scene {
            backend: "redis".to_owned(),
            trial: 1,
            number: 1,
            violation: Violation {
                double_grant,
                attribution: Attribution::default(),
                story: String::new(),
                why: String::new(),
            },
            origin_ns: 1_000 * MS,
            holds,
            from_ns: from * MS,
            to_ns: to * MS,
            marks: Vec::new(),
            unserved: Vec::new(),
        }
    }

    /// A holder overstays its lease, a second is let in, a third waits for it.
    fn overstayed() -> Scene {
        scene(
            1_900,
            3_600,
            &[
                hold(3, 17, [1_950, 2_000, 3_100], 2_500),
                hold(12, 18, [1_980, 2_520, 3_200], 3_020),
                hold(7, 19, [2_700, 3_210, 3_500], 3_710),
            ],
        )
    }

    #[test]
    fn what_a_person_did_meanwhile_has_a_lane_of_its_own() {
        let mut scene = overstayed();
        let plain = timeline(&scene, 80);
        let mark = |kind, from: u64, to: u64| Mark { from_ns: from * MS, to_ns: to * MS, kind, number: 1 };
        scene.marks = vec![mark(MarkKind::Marker, 2_600, 2_600), mark(MarkKind::Pause, 2_500, 9_000)];
        let drawn = timeline(&scene, 80);
        let lane = drawn.lines().find(|line| line.starts_with(HAND)).unwrap();
        assert!(lane.trim_end().ends_with("PPPP") && lane.contains("P1P") && lane.matches('1').count() == 1, "{lane}");
        assert!(drawn.contains("P the load is paused"));
        scene.marks = vec![mark(MarkKind::Pause, 100, 200)];
        assert_eq!(timeline(&scene, 80), plain);
    }

    #[test]
    fn a_holder_that_overstays_is_seen_beside_the_next_one() {
        insta::assert_snapshot!(timeline(&overstayed(), 80));
    }

    #[test]
    fn a_wide_terminal_gives_more_columns_but_not_too_many() {
        let wide = timeline(&overstayed(), 300);
        assert_eq!(wide.lines().map(str::len).max(), Some(100));
        assert!(timeline(&overstayed(), 80).lines().all(|line| line.len() <= 80));
        assert!(timeline(&overstayed(), 10).lines().take(6).all(|line| line.len() <= 60));
    }

    #[test]
    fn a_crowd_of_short_holds_keeps_to_the_lanes_near_the_double_grant() {
        let mut holds: Vec<SceneHold> = (0..20)
            .map(|i| {
                let start = 2_000 + u64::from(i) * 10;
                hold(i, 1_000_000 + u64::from(i), [start, start, start + 15], 0)
            })
            .collect();
        holds.swap(0, 9);
        holds.swap(1, 10);
        insta::assert_snapshot!(timeline(&scene(2_000, 2_220, &holds), 80));
    }

    #[test]
    fn holds_of_no_length_and_instants_outside_of_the_window_do_no_harm() {
        let far = hold(5, 0, [0, 0, 9_000], 99_000);
        let at_once = hold(1, 0, [2_000, 2_000, 2_000], 0);
        insta::assert_snapshot!(timeline(&scene(1_999, 2_001, &[far, at_once]), 80));
        let instant = timeline(&scene(2_000, 2_000, &[at_once, far]), 80);
        assert!(instant.contains("client 1"), "{instant}");
    }
}
