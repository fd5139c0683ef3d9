//! From status to cells: a card per system, the changes below them.

mod card;

use card::{Detail, TALLEST};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use crate::text::wrap;
use crate::theme::Ink;
use crate::user_view::UserView;
use crate::view::ASCII_BORDER;
use lockbench_report::monitor::{Change, Status, SystemStatus};

/// Lines of a system at least.
const CARD: usize = 3;
/// Rows of changes at least, with their frame.
const CHANGES: u16 = 5;
/// Rows of a frame.
const FRAME: usize = 2;
/// From so many columns on the changes are beside the cards.
const BESIDE: u16 = 160;
const NARROWEST: u16 = 60;
const SHORTEST: u16 = 12;

const HELP: &[&str] = &[
    "q        end the monitor (asks once)",
    "Ctrl-C   end it now; twice: at once",
    "j k      next, previous system",
    "t        another theme",
    "?        this help",
    "",
    "p50 to max: response time, from the due instant to the grant; service: from the call.",
    "> 2.8 s: at least that; too many attempts got no grant for an exact figure.",
    "answered: of what was due; what no client could take (dropped) or was due in an",
    "outage (missed) was not.   waited: not granted by the first request.",
    "double grants (twice): of the holds that another client challenged.",
    "so far: the monitor is younger than the window.   A dash: too few attempts to say.",
];

/// What the user did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The first system that is shown.
    pub first: usize,
    /// Whether the question is open whether to end.
    pub asks: bool,
    /// Whether the help is open.
    pub help: bool,
    /// Whether it is ending.
    pub ending: bool,
}

struct Pen<'a> {
    look: &'a UserView,
}

/// Draws the whole screen.
pub fn draw(status: &Status, look: &UserView, shown: &Shown, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, look.theme.paper());
    let pen = Pen { look };
    if area.width < NARROWEST || area.height < SHORTEST {
        let text = format!("{NARROWEST} columns and {SHORTEST} rows are needed");
        return pen.line(&[(Ink::Warn, text)]).render(area, buffer);
    }
    let part = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    pen.title(status, area.width).render(part(0, 1), buffer);
    if shown.help {
        pen.help(part(1, area.height - 2), buffer);
    } else {
        let (cards, changes) = pen.split(status, shown, part(1, area.height - 2));
        let (first, detail) = pen.choice(status, shown, cards);
        pen.systems(&status.systems, (first, detail), cards, buffer);
        pen.changes(&status.changes, changes, buffer);
    }
    pen.footer(shown).render(part(area.height - 1, 1), buffer);
}

impl Pen<'_> {
    fn line(&self, parts: &[(Ink, String)]) -> Line<'static> {
        Line::from(parts.iter().map(|(ink, text)| Span::styled(text.clone(), self.style(*ink))).collect::<Vec<_>>())
    }

    /// A text in rows of so many columns, `most` at most; the last one shows where there is
    /// more.
    fn rows(&self, text: &str, width: usize, most: usize) -> Vec<String> {
        let mut rows = wrap(text, width);
        let more = rows.len() > most;
        rows.truncate(most);
        if let Some(last) = rows.last_mut().filter(|_| more) {
            let kept: String = last.chars().take(width.saturating_sub(2)).collect();
            *last = format!("{kept} {}", self.look.glyphs.more);
        }
        rows
    }

    fn style(&self, ink: Ink) -> ratatui::style::Style {
        self.look.theme.style(ink)
    }

    fn frame(&self, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
        let block = Block::bordered().border_style(self.style(Ink::Border));
        let block = if self.look.glyphs.ascii {
            block.border_set(ASCII_BORDER)
        } else {
            block.border_type(BorderType::Rounded)
        };
        let block = block.title(Span::styled(format!(" {title} "), self.style(Ink::Title)));
        let inside = block.inner(area);
        block.render(area, buffer);
        inside
    }

    fn title(&self, status: &Status, width: u16) -> Line<'static> {
        let young = if (status.watched_s as f64) < status.window_s { " (not full yet)" } else { "" };
        let soft = |rank, text: String| (rank, Ink::Soft, text);
        let mut parts = vec![
            (0, Ink::Title, "lockbench monitor ".to_owned()),
            (0, Ink::Text, status.workload.clone()),
            soft(1, format!("  {}/s each", status.rate_per_s)),
            soft(2, format!("  bounds over {}{young}", whole(status.window_s as u64))),
            soft(0, format!("  watched {}", clock(status.watched_s))),
        ];
        parts.extend(status.rss_bytes.map(|bytes| soft(3, format!("  {} MiB", bytes >> 20))));
        self.fitted(parts, width)
    }

    /// Where the cards are, and where the changes: side by side on a wide screen.
    fn split(&self, status: &Status, shown: &Shown, area: Rect) -> (Rect, Rect) {
        if area.width >= BESIDE {
            let changes = area.width / 3;
            let cards = area.width - changes;
            return (Rect { width: cards, ..area }, Rect { x: area.x + cards, width: changes, ..area });
        }
        let most = Rect { height: area.height - CHANGES, ..area };
        let (first, detail) = self.choice(status, shown, most);
        let rows = self.rows_of(&status.systems[first..], area.width, detail) + FRAME;
        let cards = u16::try_from(rows).unwrap_or(u16::MAX).min(most.height);
        let below = Rect { y: area.y + cards, height: area.height - cards, ..area };
        (Rect { height: cards, ..area }, below)
    }

    /// Rows of the cards, without their frame.
    fn rows_of(&self, systems: &[SystemStatus], width: u16, detail: Detail) -> usize {
        systems.iter().map(|system| self.card(system, width - 2, usize::MAX, detail).len()).sum()
    }

    /// The first system that is shown, and as much of each as there is room for.
    fn choice(&self, status: &Status, shown: &Shown, area: Rect) -> (usize, Detail) {
        let (systems, room) = (&status.systems, usize::from(area.height).saturating_sub(FRAME));
        let rows = |first: usize, detail| self.rows_of(&systems[first..], area.width, detail);
        // None is scrolled away while there is room for it.
        let mut first = shown.first.min(systems.len());
        while first > 0 && rows(first - 1, Detail::default()) <= room {
            first -= 1;
        }
        let of = |table| (0..TALLEST).rev().map(move |taller| Detail { table, taller });
        let fits = of(true).chain(of(false)).find(|detail| rows(first, *detail) <= room);
        (first, fits.unwrap_or_default())
    }

    fn systems(&self, all: &[SystemStatus], (first, detail): (usize, Detail), area: Rect, buffer: &mut Buffer) {
        let title = if first > 0 { format!("Systems ({first} above: k)") } else { "Systems".to_owned() };
        let inside = self.frame(&title, area, buffer);
        let (systems, mut y, mut fit) = (&all[first..], inside.y, 0);
        for system in systems {
            let room = usize::from(inside.bottom() - y);
            if room < CARD {
                break;
            }
            for line in self.card(system, inside.width, room, detail) {
                line.render(Rect { y, height: 1, ..inside }, buffer);
                y += 1;
            }
            fit += 1;
        }
        let hidden = systems.len() - fit;
        if hidden > 0 {
            let text = format!(" {hidden} more: j ");
            let at = Rect {
                x: area.right().saturating_sub(text.len() as u16 + 2),
                y: area.bottom() - 1,
                height: 1,
                width: text.len() as u16,
            };
            self.line(&[(Ink::Soft, text)]).render(at, buffer);
        }
    }

    /// The newest at the bottom, as many as there is room for.
    fn changes(&self, changes: &[Change], area: Rect, buffer: &mut Buffer) {
        let inside = self.frame("What changed", area, buffer);
        let mut room = usize::from(inside.height);
        let mut shown = Vec::new();
        for change in changes.iter().rev() {
            let lines = self.change(change, inside.width, inside.height);
            let Some(rest) = room.checked_sub(lines.len()) else { break };
            room = rest;
            shown.push(lines);
        }
        for (y, line) in (inside.y..).zip(shown.into_iter().rev().flatten()) {
            line.render(Rect { y, height: 1, ..inside }, buffer);
        }
        if changes.is_empty() {
            self.line(&[(Ink::Soft, "nothing yet".to_owned())]).render(inside, buffer);
        }
    }

    fn change(&self, change: &Change, width: u16, most: u16) -> Vec<Line<'static>> {
        let time = change.at.get(11..19).unwrap_or_default();
        let ink = if change.firing { Ink::Alarm } else { Ink::Good };
        let sign = if change.firing { self.look.glyphs.alarm } else { self.look.glyphs.tick };
        let who = if change.backend.is_empty() { "monitor" } else { &change.backend };
        let (time, sign) = (format!("{time} "), format!("{sign} "));
        let indent = time.chars().count() + sign.chars().count();
        let rows = self.rows(&format!("{who} {}", change.because), usize::from(width) - indent, most.into());
        let line = |(place, row): (usize, String)| match row.strip_prefix(who).filter(|_| place == 0) {
            Some(rest) => self.line(&[
                (Ink::Soft, time.clone()),
                (ink, sign.clone()),
                (Ink::Title, who.to_owned()),
                (Ink::Text, rest.to_owned()),
            ]),
            None => self.line(&[(Ink::Text, format!("{:indent$}{row}", ""))]),
        };
        rows.into_iter().enumerate().map(line).collect()
    }

    fn help(&self, area: Rect, buffer: &mut Buffer) {
        let inside = self.frame("Keys", area, buffer);
        for (y, text) in (inside.y..inside.bottom()).zip(HELP) {
            self.line(&[(Ink::Text, (*text).to_owned())]).render(Rect { y, height: 1, ..inside }, buffer);
        }
    }

    fn footer(&self, shown: &Shown) -> Line<'static> {
        if shown.ending {
            self.line(&[(Ink::Held, "ending: locks are released, keys removed (Ctrl-C: at once)".to_owned())])
        } else if shown.asks {
            self.line(&[(Ink::Held, "end the monitor? q or y ends it, any other key goes on".to_owned())])
        } else {
            self.line(&[(Ink::Soft, "q end   j k system   t theme   ? help".to_owned())])
        }
    }
}

/// `90s`, `5m`, `1h`: as it was given.
fn whole(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// `4:05`, `1:02:03`, `3d 01:02`.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{rest:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests;
