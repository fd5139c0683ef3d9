//! Which client was inside when: a lane per client, time to the right. Where two clients of one key
//! are inside at once the bar is red and hatched, and both tokens are written.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{put, put_right};
use super::super::{Panel, View};
use super::axis::Axis;
use super::feed;
use super::finding::Finding;
use super::lane::Lane;
use super::stretch::{Stretch, keys, stretch};
use crate::text::fit;
use crate::theme::Ink;
use lockbench_core::units::grouped;

/// Columns of the names of the lanes.
const MARGIN: u16 = 12;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Who was inside",
    about: "Holds of one key, a lane per client; up and down choose the key, + and - the length of the time axis",
    draw,
    rows: |view| if feed::selected(view).is_none() { view.system().map_or(0, |system| keys(system).len()) } else { 0 },
    sorts: &["the violation that is selected", "time: the latest moments"],
    explain,
    open: |view| feed::story_of(view),
    ..Panel::PLAIN
};

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let columns = area.width.saturating_sub(MARGIN + 2);
    match stretch(view, columns) {
        Ok(stretch) => {
            let inside = view.frame(&stretch.title, area, buffer);
            if inside.height >= 4 && columns >= 20 {
                picture(view, &stretch, inside, buffer);
            }
        }
        Err(why) => {
            let inside = view.frame("Who was inside", area, buffer);
            put(buffer, inside, (0, 0), &fit(&why, usize::from(inside.width), view.glyphs().more), view.ink(Ink::Soft));
        }
    }
}

/// Axis, lanes, how many at once, and two lines of words.
fn picture(view: &View<'_>, stretch: &Stretch, area: Rect, buffer: &mut Buffer) {
    let zero_ns = stretch.double.map_or(stretch.origin_ns, |double| double.later.start_ns);
    let axis = Axis {
        from_ns: stretch.from_ns,
        to_ns: stretch.to_ns,
        zero_ns,
        signed: stretch.double.is_some(),
        width: area.width - MARGIN,
    };
    let bars = Rect { x: area.x + MARGIN, width: axis.width, ..area };
    ticks(view, &axis, bars, buffer);
    let words = if area.height >= 8 { 2 } else { 1 };
    let room = area.height.saturating_sub(2 + words);
    let (clients, left) = stretch.clients(usize::from(room));
    // Few lanes need not be thin.
    let pitch = (room / (clients.len() as u16).max(1)).clamp(1, 4);
    let below = clients.len() as u16 * pitch + 1;
    if let Some(zero) = stretch.double.and_then(|double| axis.column(double.later.start_ns)) {
        (1..below).for_each(|y| {
            put(buffer, bars, (zero, y), ":", view.ink(Ink::Soft));
        });
    }
    let overlaps = stretch.overlaps();
    for (y, client) in (1..).step_by(usize::from(pitch)).zip(&clients) {
        let own = stretch.own(*client);
        let (sign, ink) = if own { (view.glyphs().alarm, Ink::Alarm) } else { (" ", Ink::Soft) };
        put(buffer, area, (0, y), sign, view.ink(ink));
        put(buffer, area, (2, y), &format!("client {client}"), view.ink(if own { Ink::Title } else { Ink::Soft }));
        Lane { view, stretch, axis: &axis, overlaps: &overlaps, area: bars, y, rows: pitch.max(2) - 1 }
            .draw(*client, buffer);
    }
    put(buffer, area, (2, below), "at once", view.ink(Ink::Soft));
    crowd(view, stretch, &axis, (bars, below), buffer);
    words_below(view, stretch, left, !overlaps.is_empty(), (area, area.height - words), buffer);
    if words > 1 {
        legend(view, stretch, !overlaps.is_empty(), (area, area.height - 1), buffer);
    }
}

fn ticks(view: &View<'_>, axis: &Axis, area: Rect, buffer: &mut Buffer) {
    let mut free = 0;
    for (column, label) in axis.ticks(view.look.units) {
        let width = label.chars().count() as u16 + 1;
        if column >= free && column + width <= area.width {
            put(buffer, area, (column, 0), view.glyphs().lease, view.ink(Ink::Border));
            put(buffer, area, (column + 1, 0), &label, view.ink(Ink::Soft));
            free = column + width + 1;
        }
    }
}

/// The most clients that were inside at once, in each column.
fn crowd(view: &View<'_>, stretch: &Stretch, axis: &Axis, (area, y): (Rect, u16), buffer: &mut Buffer) {
    let mut changes: Vec<(u64, i32)> = Vec::with_capacity(2 * stretch.holds.len());
    for hold in stretch.holds.iter().filter(|hold| hold.start_ns < hold.end_ns) {
        changes.extend([(hold.start_ns, 1), (hold.end_ns, -1)]);
    }
    // A client that leaves makes room for one that enters at the same instant.
    changes.sort_unstable();
    let mut most = vec![0_i32; usize::from(axis.width)];
    let mut inside = 0;
    for (i, (t, change)) in changes.iter().enumerate() {
        inside += change;
        let until = changes.get(i + 1).map_or(axis.to_ns, |next| next.0);
        if inside > 0 && *t <= axis.to_ns && until >= axis.from_ns && *t < until {
            let columns = usize::from(axis.nearest(*t))..=usize::from(axis.nearest(until));
            most[columns].iter_mut().for_each(|cell| *cell = (*cell).max(inside));
        }
    }
    for (x, count) in (0..).zip(most) {
        let text = match count {
            0 => continue,
            1..=9 => char::from(b'0' + count as u8).to_string(),
            _ => "*".to_owned(),
        };
        let ink = if count > 1 { Ink::Alarm } else { Ink::Soft };
        put(buffer, area, (x, y), &text, view.ink(ink));
    }
}

/// What the picture shows, in words: both tokens of a violation, whatever room the bars have.
fn words_below(
    view: &View<'_>,
    stretch: &Stretch,
    left: usize,
    crowded: bool,
    (area, y): (Rect, u16),
    buffer: &mut Buffer,
) {
    let (sign, text, ink) = match stretch.double {
        Some(double) => {
            let (earlier, later) = (double.earlier, double.later);
            let token =
                |token: Option<u64>| token.map_or_else(|| "no token".to_owned(), |token| format!("token {token}"));
            let both = earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns);
            let text = format!(
                "client {} ({}) and client {} ({}) both inside for {}",
                earlier.client,
                token(earlier.token),
                later.client,
                token(later.token),
                view.duration(both),
            );
            (view.glyphs().alarm.repeat(2), text, Ink::Alarm)
        }
        None if crowded => (view.glyphs().alarm.repeat(2), "two or more were inside at once".to_owned(), Ink::Alarm),
        None => {
            let text = "never two inside at once in this stretch".to_owned();
            // A tick only where another client tried to get in.
            match view.system().map(Finding::of) {
                Some(Finding::CalmSoFar | Finding::Valid) => (view.glyphs().tick.to_owned(), text, Ink::Good),
                _ => (view.glyphs().waiting.to_owned(), text, Ink::Soft),
            }
        }
    };
    let end = put(buffer, area, (0, y), &format!("{sign} {text}"), view.ink(ink));
    let mut more = String::new();
    if left > 0 {
        let clients = if left == 1 { "client" } else { "clients" };
        more = format!("{left} more {clients} held it, further away");
    } else if stretch.cut && stretch.double.is_some() {
        more = "the key's other holds are not known".to_owned();
    } else if stretch.cut {
        more = "as far back as no hold is missing".to_owned();
    }
    if usize::from(area.width - end) > more.len() + 2 {
        put_right(buffer, area, (area.width, y), &more, view.ink(Ink::Soft));
    }
}

fn legend(view: &View<'_>, stretch: &Stretch, crowded: bool, (area, y): (Rect, u16), buffer: &mut Buffer) {
    let glyphs = view.glyphs();
    let mut x = 0;
    let entries = [
        (glyphs.wait, Ink::Soft, "waits"),
        (glyphs.hold, Ink::Good, "inside"),
        (glyphs.overlap, Ink::Alarm, "both inside"),
        (glyphs.lease, Ink::Second, "lease ends"),
    ];
    // What is not there needs no words: a calm picture has nothing red.
    for (glyph, ink, words) in entries.into_iter().filter(|(_, ink, _)| crowded || *ink != Ink::Alarm) {
        let sample = if glyph == glyphs.lease { glyph.to_owned() } else { glyph.repeat(2) };
        x = put(buffer, area, (x, y), &sample, view.ink(ink)) + 1;
        x = put(buffer, area, (x, y), words, view.ink(Ink::Soft)) + 2;
    }
    let tokens = "number: fencing token";
    if stretch.holds.iter().any(|hold| hold.token.is_some()) && usize::from(area.width - x) > tokens.len() {
        x = put(buffer, area, (x, y), tokens, view.ink(Ink::Soft)) + 2;
    }
    let zero = stretch.double.map_or_else(
        || "time since the start of the warm-up".to_owned(),
        |double| {
            format!(
                "0: the second grant, at {}",
                view.duration(double.later.start_ns.saturating_sub(stretch.origin_ns))
            )
        },
    );
    if usize::from(area.width.saturating_sub(x)) > zero.len() {
        put_right(buffer, area, (area.width, y), &zero, view.ink(Ink::Soft));
    }
}

fn explain(view: &View<'_>) -> String {
    let stretch = match stretch(view, 100) {
        Ok(stretch) => stretch,
        Err(why) => return why,
    };
    let (holds, length) = (grouped(stretch.holds.len() as u64), view.duration(stretch.to_ns - stretch.from_ns));
    let (clients, _) = stretch.clients(usize::MAX);
    let double = match stretch.overlaps().len() / 2 {
        0 => "no two were inside at the same time".to_owned(),
        pairs => {
            format!(
                "{} pairs of holds overlap: the key was granted while another client was inside",
                grouped(pairs as u64)
            )
        }
    };
    format!(
        "Key {}: {} clients had {holds} holds in these {length}, each from the grant to the release as the client saw \
         them; {double}.",
        stretch.key,
        clients.len()
    )
}
