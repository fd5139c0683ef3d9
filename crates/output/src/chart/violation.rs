//! Chart 5: which client believed what, when. One double grant among the holds of its key: a
//! lane per client, holds as bars, waiting as a line, how long a careful client would
//! have believed as a strip below, and the time in which two were inside hatched.

mod words;

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use self::words::{caption, rows};
use super::axis::{Axis, tick_number};
use super::lanes::{Lane, Role, answer, lanes};
use super::legend::{Entry, Key, with_legend};
use super::lettering::{Align, Lettering};
use super::overlay::Overlay;
use super::palette::{ALARM, INK, Mark, PAPER, SOFT, look, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, finish};
use lockbench_core::units::{MICROSECOND, MILLISECOND, SECOND, human_duration};
use lockbench_report::{HoldEnd, Measurements, RecordedRun, Scene, SceneHold};

/// Most pictures of one trial, and of a run: further ones look alike.
const MOST_OF_TRIAL: usize = 3;
const MOST: usize = 12;

/// Shade of the time in which two were inside.
const TINT: RGBColor = RGBColor(0xfc, 0xe9, 0xec);
/// The same part of a bar, below its hatching.
const STRUCK: RGBColor = RGBColor(0xf2, 0xb3, 0xbd);

/// What is drawn of a scene.
struct Lanes {
    lanes: Vec<Lane>,
    /// The two of the double grant: client and start.
    own: [(u32, u64); 2],
    /// Zero of the time axis: the second grant.
    zero_ns: u64,
    window: (u64, u64),
    /// When two were inside.
    overlap: (u64, u64),
    label: String,
    /// Nanoseconds in the unit of the time axis.
    unit_ns: u64,
    /// Start of the warm-up.
    origin_ns: u64,
    /// When the earlier holder's session learned that its lock was lost.
    lost_ns: Option<u64>,
    overlay: Overlay,
}

/// The first few double grants of each trial.
pub fn violations(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let mut shown: Vec<&Scene> = Vec::new();
    for scene in &run.scenes {
        let same = shown.iter().filter(|other| other.backend == scene.backend && other.trial == scene.trial);
        if same.count() < MOST_OF_TRIAL && shown.len() < MOST {
            shown.push(scene);
        }
    }
    shown.into_iter().map(scene_chart).collect()
}

/// The picture of one double grant.
///
/// # Errors
/// Says what could not be drawn.
pub fn scene_chart(scene: &Scene) -> Result<Chart, String> {
    let (earlier, later) = (scene.violation.double_grant.earlier, scene.violation.double_grant.later);
    let (lanes, left_out) = lanes(scene);
    let overlay = overlay(scene);
    let (unit, unit_ns) = match scene.to_ns.saturating_sub(scene.from_ns) {
        0..MILLISECOND => ("us", MICROSECOND),
        MILLISECOND..2_000_000_000 => ("ms", MILLISECOND),
        _ => ("s", SECOND),
    };
    let at = human_duration(later.start_ns.saturating_sub(scene.origin_ns));
    let words = Words {
        name: format!("violation-{}", scene.number),
        title: format!(
            "Double grant {}: {} let clients {} and {} in at once",
            scene.number, scene.backend, earlier.client, later.client
        ),
        caption: caption(scene, &lanes, left_out) + &overlay.caption(),
        head: &["client", "role", "token", "waits from", "granted", "leaves", "lease ends", "answer"],
        rows: lanes.iter().flat_map(|lane| rows(lane, later.start_ns)).collect(),
    };
    let body = Lanes {
        lanes,
        own: [(earlier.client, earlier.start_ns), (later.client, later.start_ns)],
        zero_ns: later.start_ns,
        window: (scene.from_ns, scene.to_ns),
        overlap: (later.start_ns, earlier.end_ns.min(later.end_ns).max(later.start_ns)),
        label: format!("{unit} since client {} was granted the key, {at} after the start of the warm-up", later.client),
        unit_ns,
        origin_ns: scene.origin_ns,
        lost_ns: earlier.lost_ns.filter(|lost| (scene.from_ns..=scene.to_ns).contains(lost)),
        overlay,
    };
    finish(words, body)
}

/// What a person did in the time shown, and when attempts went unserved.
fn overlay(scene: &Scene) -> Overlay {
    let seconds = |ns: u64| (ns as f64 - scene.origin_ns as f64) / SECOND as f64;
    let mut overlay = Overlay::default();
    let trial = Measurements { start_ns: scene.origin_ns, marks: scene.marks.clone(), ..Measurements::default() };
    overlay.add(&trial, None, 0.0);
    overlay.unserved(&scene.unserved, None, 0.0);
    overlay.within(seconds(scene.from_ns), seconds(scene.to_ns))
}

fn color(role: Role) -> RGBColor {
    match role {
        Role::Earlier => look(0).color,
        Role::Later => look(4).color,
        Role::Other => SOFT,
    }
}

/// The mark of an answer at the end of a hold.
fn end_mark(ended: HoldEnd) -> Option<(Mark, RGBColor)> {
    match ended {
        HoldEnd::Confirmed => Some((Mark::Disc, INK)),
        HoldEnd::NotOwner => Some((Mark::Cross, ALARM)),
        HoldEnd::Unanswered => Some((Mark::Ring, INK)),
        HoldEnd::Open => None,
    }
}

const SMALL: Lettering = Lettering { scale: 0.85, ..Lettering::PLAIN };

/// Where a lane is: its middle, half the height of a bar, and the height of the strip.
struct Place {
    middle: i32,
    half: i32,
    strip: i32,
}

impl Lanes {
    fn legend(&self) -> Vec<Entry> {
        let bar = |role: Role, words: &str| Entry::new(Key::Patch(mixed(color(role), PAPER, 0.6)), words);
        let mut entries = vec![bar(Role::Earlier, "earlier holder inside"), bar(Role::Later, "later holder inside")];
        if self.lanes.iter().any(|lane| lane.role == Role::Other) {
            entries.push(bar(Role::Other, "another client inside"));
        }
        entries.push(Entry::new(Key::Patch(STRUCK), "red, hatched: both inside"));
        let holds = || self.lanes.iter().flat_map(|lane| &lane.holds);
        if holds().any(|hold| hold.invoke_ns < hold.start_ns) {
            entries.push(Entry::new(Key::Line(Stroke::solid(SOFT, 1), None), "waits for it"));
        }
        let ends =
            || self.lanes.iter().flat_map(|lane| lane.holds.iter().map(move |hold| (self.own(lane, hold), hold)));
        if ends().any(|(own, hold)| own && hold.validity_ns.is_some()) {
            entries.push(Entry::new(Key::Line(Stroke::solid(SOFT, 4), None), "strip: lease valid"));
        }
        if ends().any(|(_, hold)| hold.validity_ns.is_some_and(|end| (self.window.0..=self.window.1).contains(&end))) {
            entries.push(Entry::new(Key::Mark(Mark::Wedge, INK), "lease ends"));
        }
        if self.lost_ns.is_some() {
            entries.push(Entry::new(Key::Mark(Mark::Diamond, ALARM), "session learns of the loss"));
        }
        for ended in [HoldEnd::Confirmed, HoldEnd::NotOwner, HoldEnd::Unanswered] {
            if let Some((mark, color)) = end_mark(ended).filter(|_| holds().any(|hold| hold.ended == ended)) {
                entries.push(Entry::new(Key::Mark(mark, color), answer(ended)));
            }
        }
        entries.extend(self.overlay.legend());
        entries
    }

    /// The pixel of a second since the start of the warm-up.
    fn across<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, second: f64) -> i32 {
        let ns = second * SECOND as f64 + self.origin_ns as f64;
        plot.across((ns - self.zero_ns as f64) / self.unit_ns as f64)
    }

    fn value(&self, ns: u64) -> f64 {
        (ns as f64 - self.zero_ns as f64) / self.unit_ns as f64
    }

    fn own(&self, lane: &Lane, hold: &SceneHold) -> bool {
        self.own.contains(&(lane.client, hold.start_ns))
    }

    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>) -> Plot<'a, DB> {
        let x = Axis::linear(&self.label, self.value(self.window.0), self.value(self.window.1), tick_number);
        let mut plot = Plot::new(sheet, x, Axis::bands("", &[]));
        let names = self.lanes.iter().map(|lane| sheet.width(lane.role.name(), SMALL));
        plot.from = (names.max().unwrap_or(0) + sheet.ems(1.0), sheet.ems(1.8));
        // Few lanes need not fill the sheet.
        plot.to.1 = plot.to.1.min(plot.from.1 + sheet.ems(9.0) * self.lanes.len() as i32);
        plot
    }

    fn place<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, lane: usize) -> Place {
        let each = f64::from(plot.to.1 - plot.from.1) / self.lanes.len().max(1) as f64;
        let half = (each * 0.24).min(f64::from(plot.sheet.ems(1.5))).max(3.0) as i32;
        let middle = plot.from.1 + (each * (lane as f64 + 0.45)) as i32;
        Place { middle, half, strip: (half / 3).clamp(2, 6) }
    }

    /// The time in which two were inside, behind the lanes of the two, and its length.
    fn shade<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> Drawn<DB> {
        let last = self.lanes.iter().rposition(|lane| lane.role != Role::Other).unwrap_or(0);
        let each = f64::from(plot.to.1 - plot.from.1) / self.lanes.len().max(1) as f64;
        let below = plot.from.1 + (each * (last as f64 + 1.0)) as i32;
        let (from, to) = self.overlap_px(plot);
        plot.sheet.fill((from, plot.from.1), (to, below), TINT)?;
        let lettering = Lettering { color: ALARM, bold: true, ..Lettering::PLAIN }.aligned(Align::Center);
        let text = format!("both inside: {}", human_duration(self.overlap.1 - self.overlap.0));
        let half = plot.sheet.width(&text, lettering) / 2;
        let x = f64::midpoint(f64::from(from), f64::from(to)) as i32;
        let x = x.min(plot.to.0 - half).max(plot.from.0 + half);
        plot.sheet.text((x, plot.from.1 - plot.sheet.ems(0.9)), &text, lettering)
    }

    fn overlap_px<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> (i32, i32) {
        let from = plot.across(self.value(self.overlap.0));
        (from, plot.across(self.value(self.overlap.1)).max(from + 3))
    }

    fn lane<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, lane: &Lane, place: &Place) -> Drawn<DB> {
        let (sheet, x) = (plot.sheet, plot.from.0 - plot.sheet.ems(0.6));
        let bold = Lettering { bold: lane.role != Role::Other, ..Lettering::PLAIN }.aligned(Align::Right);
        if lane.role == Role::Other {
            sheet.text((x, place.middle), &format!("client {}", lane.client), bold)?;
        } else {
            sheet.text((x, place.middle - sheet.ems(0.6)), &format!("client {}", lane.client), bold)?;
            let soft = Lettering { color: SOFT, ..SMALL }.aligned(Align::Right);
            sheet.text((x, place.middle + sheet.ems(0.6)), lane.role.name(), soft)?;
        }
        lane.holds.iter().try_for_each(|hold| self.hold(plot, lane, hold, place))?;
        if let Some(lost) = self.lost_ns.filter(|_| lane.role == Role::Earlier) {
            let at = (plot.across(self.value(lost)), place.middle - place.half);
            sheet.mark(at, Mark::Diamond, sheet.ems(0.36).max(4), ALARM)?;
        }
        // Last, so that the next bar does not hide them.
        for hold in lane.holds.iter().filter(|hold| hold.end_ns <= self.window.1) {
            if let Some((mark, color)) = end_mark(hold.ended) {
                let end = (plot.across(self.value(hold.end_ns)), place.middle);
                let r = sheet.ems(0.36).max(4);
                if mark != Mark::Disc {
                    sheet.mark(end, Mark::Disc, r + 2, PAPER)?;
                }
                sheet.mark(end, mark, r, color)?;
            }
        }
        Ok(())
    }

    fn hold<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, lane: &Lane, hold: &SceneHold, place: &Place) -> Drawn<DB> {
        let (sheet, color, y, half) = (plot.sheet, color(lane.role), place.middle, place.half);
        let at = |ns: u64| plot.across(self.value(ns));
        let (invoke, start, end) = (at(hold.invoke_ns), at(hold.start_ns), at(hold.end_ns).max(at(hold.start_ns) + 3));
        if hold.invoke_ns < hold.start_ns {
            sheet.line(&[(invoke, y), (start, y)], Stroke::solid(SOFT, 1))?;
            if hold.invoke_ns > self.window.0 {
                sheet.line(&[(invoke, y - half / 2), (invoke, y + half / 2)], Stroke::solid(SOFT, 1))?;
            }
        }
        sheet.fill((start, y - half), (end, y + half), mixed(color, PAPER, 0.6))?;
        if self.own(lane, hold) {
            self.hatch(plot, (start, end), place)?;
        }
        sheet.outline((start, y - half), (end, y + half), Stroke::solid(color, 2))?;
        self.lease(plot, lane, hold, place)?;
        let text = hold.token.map(|token| format!("token {token}"));
        if let Some(text) = text.filter(|text| sheet.width(text, SMALL) + sheet.ems(1.2) < end - start) {
            let (x, wide) = (start + sheet.ems(0.6), sheet.width(&text, SMALL));
            if self.own(lane, hold) {
                sheet.fill((x - 2, y - sheet.ems(0.6)), (x + wide + 2, y + sheet.ems(0.6)), PAPER)?;
            }
            sheet.text((x, y), &text, SMALL)?;
        }
        Ok(())
    }

    /// Until when a careful client would have believed: below the bars of the two a
    /// strip while the lease is valid, below all a mark where it ends.
    fn lease<DB: DrawingBackend>(
        &self,
        plot: &Plot<'_, DB>,
        lane: &Lane,
        hold: &SceneHold,
        place: &Place,
    ) -> Drawn<DB> {
        let (sheet, own) = (plot.sheet, self.own(lane, hold));
        let at = |ns: u64| plot.across(self.value(ns));
        let top = place.middle + place.half + 2;
        let words = Lettering { color: SOFT, ..SMALL };
        let below = top + place.strip + sheet.ems(0.65);
        // Words that the line at the second grant would cross stand behind it.
        let beside = |hold: &SceneHold, text: &str| {
            let (gap, wide, line) = (sheet.ems(0.4), sheet.width(text, words), plot.across(0.0));
            let x = at(hold.start_ns);
            let x = if x - gap < line && x + wide + gap > line { line + gap } else { x };
            x.min(plot.to.0 - wide - 4)
        };
        let Some(validity_ns) = hold.validity_ns else {
            return if own { sheet.text((beside(hold, "no lease"), below), "no lease", words) } else { Ok(()) };
        };
        if own {
            let until = at(validity_ns.min(hold.end_ns)).max(at(hold.start_ns) + 2);
            sheet.fill((at(hold.start_ns), top), (until, top + place.strip), mixed(color(lane.role), PAPER, 0.2))?;
        }
        if (self.window.0..=self.window.1).contains(&validity_ns) {
            let r = sheet.ems(0.34).max(3);
            return sheet.mark((at(validity_ns), top + place.strip + r), Mark::Wedge, r, INK);
        }
        if !own || validity_ns < self.window.0 {
            return Ok(());
        }
        let text = format!("lease valid until +{}", human_duration(validity_ns - self.zero_ns));
        sheet.text((beside(hold, &text), below), &text, words)
    }

    /// Red lines over the part of a bar in which two were inside.
    fn hatch<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, bar: (i32, i32), place: &Place) -> Drawn<DB> {
        let (from, to) = self.overlap_px(plot);
        let (from, to) = (from.max(bar.0), to.min(bar.1));
        let (top, height) = (place.middle - place.half, 2 * place.half);
        plot.sheet.fill((from, top), (to, top + height), STRUCK)?;
        plot.sheet.hatch((from, top), (to, top + height), Stroke::solid(ALARM, 1))
    }
}

impl Draw for Lanes {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let rest = with_legend(sheet, &self.legend())?;
        let plot = self.plot(&rest);
        self.overlay.behind(&plot, |second| self.across(&plot, second))?;
        self.shade(&plot)?;
        plot.axes()?;
        let granted = plot.across(0.0);
        let dashed = Stroke { color: ALARM, width: 1, dash: &[4, 4] };
        rest.line(&[(granted, plot.from.1), (granted, plot.to.1)], dashed)?;
        for (i, lane) in self.lanes.iter().enumerate() {
            self.lane(&plot, lane, &self.place(&plot, i))?;
        }
        self.overlay.over(&plot, |second| self.across(&plot, second))?;
        let below = plot.to.1 - plot.sheet.ems(1.8);
        self.overlay.names(&plot, below, |second| self.across(&plot, second))
    }
}

#[cfg(test)]
mod tests;
