//! From status to cells: three lines a system, the changes below them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use crate::report::monitor::{Standing, State, Status, SystemStatus, WindowFigures};
use crate::tui::look::Look;
use crate::tui::theme::Ink;
use crate::units::{grouped, human_duration, three_digits};

/// Lines of a system.
const CARD: u16 = 3;
/// Rows of changes at least, with their frame.
const CHANGES: u16 = 5;
/// From so many columns on words are written out, and there is a p50.
const WIDE: u16 = 98;
const NARROWEST: u16 = 60;
const SHORTEST: u16 = 12;

const HELP: &[&str] = &[
    "q        end the watch (asks once)",
    "Ctrl-C   end it now; twice: at once",
    "j k      next, previous system",
    "t        another theme",
    "?        this help",
    "",
    "p50 and p99 are of the service time, from the call to the grant.",
    "held: attempts that found the key held by another client.",
    "up: what was due and was answered; an outage counts whole.",
    "twice: double grants, of the holds that another client challenged.",
    "The curve is the p99 of each of the last 60 minutes.",
    "A dash: too few attempts in the window, nothing can be said.",
];

/// What the user did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The first system that is shown.
    pub first: usize,
    /// Is the question open whether to end?
    pub asks: bool,
    /// Is the help open?
    pub help: bool,
    /// Is the watch ending?
    pub ending: bool,
}

struct Pen<'a> {
    look: &'a Look,
}

/// Draws the whole screen.
pub fn draw(status: &Status, look: &Look, shown: &Shown, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, look.theme.paper());
    let pen = Pen { look };
    if area.width < NARROWEST || area.height < SHORTEST {
        let text = format!("{NARROWEST} columns and {SHORTEST} rows are needed");
        return pen.line(&[(Ink::Warn, text)]).render(area, buffer);
    }
    let rows = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    pen.title(status).render(rows(0, 1), buffer);
    let left = status.systems.len() - shown.first.min(status.systems.len());
    let room = area.height - 2 - CHANGES;
    let cards = (left as u16 * CARD + 2).min(room);
    let body = rows(1, area.height - 2);
    if shown.help {
        pen.help(body, buffer);
    } else {
        pen.systems(status, shown.first, rows(1, cards), buffer);
        pen.changes(status, rows(1 + cards, area.height - 2 - cards), buffer);
    }
    pen.footer(shown).render(rows(area.height - 1, 1), buffer);
}

impl Pen<'_> {
    fn line(&self, parts: &[(Ink, String)]) -> Line<'static> {
        Line::from(parts.iter().map(|(ink, text)| Span::styled(text.clone(), self.style(*ink))).collect::<Vec<_>>())
    }

    fn style(&self, ink: Ink) -> ratatui::style::Style {
        self.look.theme.style(ink)
    }

    fn frame(&self, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
        let block = Block::bordered().border_style(self.style(Ink::Border));
        let block = if self.look.glyphs.ascii {
            block.border_set(ratatui::symbols::border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            })
        } else {
            block.border_type(BorderType::Rounded)
        };
        let block = block.title(Span::styled(format!(" {title} "), self.style(Ink::Title)));
        let inside = block.inner(area);
        block.render(area, buffer);
        inside
    }

    fn title(&self, status: &Status) -> Line<'static> {
        let memory = status.rss_bytes.map_or_else(String::new, |bytes| format!("  {} MiB", bytes >> 20));
        self.line(&[
            (Ink::Title, "lockbench monitor ".to_owned()),
            (Ink::Text, status.workload.clone()),
            (
                Ink::Soft,
                format!(
                    "  {}/s each  window {} s  watched {}{memory}",
                    status.rate_per_s,
                    status.window_s,
                    clock(status.watched_s)
                ),
            ),
        ])
    }

    fn systems(&self, status: &Status, first: usize, area: Rect, buffer: &mut Buffer) {
        let inside = self.frame("Systems", area, buffer);
        let fit = usize::from(inside.height / CARD);
        for (place, system) in status.systems.iter().skip(first).take(fit).enumerate() {
            let y = inside.y + place as u16 * CARD;
            let wide = inside.width >= WIDE;
            let lines = [self.head(system, wide), self.figures(system, wide), self.course(system, inside.width)];
            for (row, line) in (y..).zip(lines) {
                line.render(Rect { y: row, height: 1, ..inside }, buffer);
            }
        }
        let hidden = status.systems.len().saturating_sub(first + fit);
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

    /// Name, state, latency.
    fn head(&self, system: &SystemStatus, wide: bool) -> Line<'static> {
        let glyphs = &self.look.glyphs;
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing).count();
        let (ink, state) = match system.state {
            State::Starting => (Ink::Soft, format!("{} starting", glyphs.waiting)),
            State::Missing => (Ink::Alarm, format!("{} missing", glyphs.failed)),
            State::Down => (Ink::Alarm, format!("{} DOWN {}", glyphs.failed, clock(system.state_for_s))),
            State::Up if system.violations.double_grants > 0 => {
                (Ink::Alarm, format!("{0}{0} GRANTED TWICE", glyphs.alarm))
            }
            State::Up if firing > 0 => (Ink::Warn, format!("{} ALERT", glyphs.alarm)),
            State::Up => (Ink::Good, format!("{} ok", glyphs.tick)),
        };
        let of = |name: &str| system.windows.iter().find(|window| window.window == name);
        let p50 = self.length(of("5m").and_then(|window: &WindowFigures| window.service_p50_ns));
        let p99 = |name| self.length(of(name).and_then(|window: &WindowFigures| window.service_p99_ns));
        self.line(&[
            (Ink::Title, format!("{:<18}", system.backend)),
            (ink, format!("{state:<17} ")),
            (Ink::First, if wide { format!("p50 5m {p50}  ") } else { String::new() }),
            (Ink::Soft, "p99 1m ".to_owned()),
            (Ink::Second, p99("1m")),
            (Ink::Soft, "  5m ".to_owned()),
            (Ink::Second, p99("5m")),
            (Ink::Soft, "  1h ".to_owned()),
            (Ink::Second, p99("1h")),
        ])
    }

    /// Shares of the last five minutes, and what was proven so far.
    fn figures(&self, system: &SystemStatus, wide: bool) -> Line<'static> {
        let nothing = WindowFigures::default();
        let window = system.windows.get(1).unwrap_or(&nothing);
        let doubles = system.violations.double_grants;
        let ink = if doubles > 0 { Ink::Alarm } else { Ink::Text };
        self.line(&[
            (Ink::Soft, "  5m ".to_owned()),
            (Ink::Text, format!("{}/s", three_digits(window.rate_per_s))),
            (Ink::Soft, if wide { "  found held " } else { "  held " }.to_owned()),
            (Ink::Text, self.share(window.contention)),
            (Ink::Soft, "  timeouts ".to_owned()),
            (Ink::Text, self.share(window.timeouts)),
            (Ink::Soft, "  up ".to_owned()),
            (Ink::Text, self.share(window.availability)),
            (Ink::Soft, if wide { "  double grants " } else { "  twice " }.to_owned()),
            (ink, format!("{} of {}", grouped(doubles), grouped(system.exercised_holds))),
        ])
    }

    /// The last hour, or what is wrong now.
    fn course(&self, system: &SystemStatus, width: u16) -> Line<'static> {
        if let (State::Down | State::Missing, Some(problem)) = (&system.state, &system.problem) {
            return self.line(&[(Ink::Alarm, format!("  {problem}"))]);
        }
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing);
        let firing: Vec<String> = firing.map(|alert| format!("not {}: {}", alert.bound, alert.because)).collect();
        if !firing.is_empty() {
            return self.line(&[(Ink::Warn, format!("  {}", firing.join("; ")))]);
        }
        let outage = match &system.last_outage {
            Some(outage) => format!("last outage {}", human_duration(outage.lasted_ns)),
            None => "no outage".to_owned(),
        };
        let label = "  p99 ";
        let room = usize::from(width).saturating_sub(label.len() + outage.len() + 3).min(60);
        let minutes = &system.p99_by_minute_ns[system.p99_by_minute_ns.len().saturating_sub(room)..];
        self.line(&[
            (Ink::Soft, label.to_owned()),
            (Ink::Second, self.spark(minutes)),
            (Ink::Soft, format!("   {outage}")),
        ])
    }

    /// A sign a minute, from nothing to the highest; blank where nothing was granted.
    fn spark(&self, minutes: &[Option<u64>]) -> String {
        let most = minutes.iter().flatten().copied().max().unwrap_or(0).max(1);
        let signs = &self.look.glyphs.spark;
        let sign = |ns: &Option<u64>| match ns {
            Some(ns) => signs[((*ns as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1],
            None => " ",
        };
        minutes.iter().map(sign).collect()
    }

    fn changes(&self, status: &Status, area: Rect, buffer: &mut Buffer) {
        let inside = self.frame("What changed", area, buffer);
        let newest = status.changes.iter().rev().take(usize::from(inside.height)).rev();
        for (y, change) in (inside.y..).zip(newest) {
            let time = change.at.get(11..19).unwrap_or_default();
            let ink = if change.firing { Ink::Alarm } else { Ink::Good };
            let sign = if change.firing { self.look.glyphs.alarm } else { self.look.glyphs.tick };
            let who = if change.backend.is_empty() { "monitor" } else { &change.backend };
            let line = self.line(&[
                (Ink::Soft, format!("{time} ")),
                (ink, format!("{sign} ")),
                (Ink::Title, format!("{who} ")),
                (Ink::Text, change.because.clone()),
            ]);
            line.render(Rect { y, height: 1, ..inside }, buffer);
        }
        if status.changes.is_empty() {
            self.line(&[(Ink::Soft, "nothing yet".to_owned())]).render(inside, buffer);
        }
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
            self.line(&[(Ink::Held, "end the watch? q or y ends it, any other key goes on".to_owned())])
        } else {
            self.line(&[(Ink::Soft, "q end   j k system   t theme   ? help".to_owned())])
        }
    }

    fn length(&self, ns: Option<u64>) -> String {
        ns.map_or_else(|| self.look.glyphs.none.to_owned(), human_duration)
    }

    fn share(&self, share: Option<f64>) -> String {
        share.map_or_else(|| self.look.glyphs.none.to_owned(), |share| format!("{} %", three_digits(share * 100.0)))
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
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier};

    use super::{Shown, clock, draw};
    use crate::report::monitor::{
        AlertStatus, Certain, Change, Outage, Standing, State, Status, SystemStatus, WindowFigures,
    };
    use crate::tui::look::Look;
    use crate::tui::theme::Theme;
    use crate::units::{MILLISECOND, SECOND};

    fn window(name: &str, p99_ms: Option<u64>) -> WindowFigures {
        WindowFigures {
            window: name.to_owned(),
            rate_per_s: 20.0,
            contention: Some(0.083),
            timeouts: Some(0.0),
            availability: Some(0.9713),
            service_p50_ns: Some(410_000),
            service_p99_ns: p99_ms.map(|ms| ms * MILLISECOND),
            ..WindowFigures::default()
        }
    }

    fn system(backend: &str, state: State) -> SystemStatus {
        let p99 = [None, Some(3), Some(4), Some(12)];
        SystemStatus {
            backend: backend.to_owned(),
            state,
            state_for_s: 75,
            windows: ["1m", "5m", "1h", "24h"].into_iter().zip(p99).map(|(name, ms)| window(name, ms)).collect(),
            p99_by_minute_ns: (0..60).map(|minute| (minute > 20).then(|| (minute % 9 + 1) * MILLISECOND)).collect(),
            exercised_holds: 12_345,
            ..SystemStatus::default()
        }
    }

    fn status() -> Status {
        let outage = Outage { began_at: String::new(), lasted_ns: 12 * SECOND };
        let firing = AlertStatus {
            bound: "acquire_service.p99 <= 50ms".to_owned(),
            fails: true,
            standing: Standing::Firing,
            value: Some(7.1e7),
            because: "71.0 ms".to_owned(),
            fired: 1,
        };
        let change = |second: u32, backend: &str, firing, because: &str| Change {
            at: format!("2026-11-20T16:40:{second:02}Z"),
            backend: backend.to_owned(),
            alert: "up".to_owned(),
            firing,
            because: because.to_owned(),
        };
        let twice = Certain { double_grants: 2, inside: 2, ..Certain::default() };
        Status {
            workload: "monitor".to_owned(),
            rate_per_s: 20.0,
            window_s: 300.0,
            watched_s: 3_723,
            rss_bytes: Some(23 << 20),
            systems: vec![
                SystemStatus { last_outage: Some(outage), outages: 1, ..system("redis", State::Up) },
                SystemStatus { problem: Some("connection refused".to_owned()), ..system("etcd", State::Down) },
                SystemStatus { alerts: vec![firing], ..system("zookeeper", State::Up) },
                SystemStatus { violations: twice, ..system("postgres:advisory", State::Up) },
                system("redlock", State::Starting),
            ],
            changes: vec![
                change(1, "redis", true, "it does not answer: connection refused"),
                change(13, "redis", false, "it answers again, after an outage of 12.0 s"),
                change(14, "", false, "the workload was read again; it counts from the next round on"),
            ],
            ..Status::default()
        }
    }

    fn drawn(width: u16, height: u16, theme: Theme, shown: Shown) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        draw(&status(), &Look::new(theme, theme == Theme::Mono), &shown, area, &mut buffer);
        buffer
    }

    fn text(buffer: &Buffer) -> String {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn the_watch_on_a_small_and_on_a_large_terminal() {
        insta::assert_snapshot!("monitor_80x24", text(&drawn(80, 24, Theme::Default, Shown::default())));
        insta::assert_snapshot!("monitor_120x40", text(&drawn(120, 40, Theme::Default, Shown::default())));
    }

    #[test]
    fn without_colour_every_state_has_its_sign_and_word() {
        let buffer = drawn(80, 24, Theme::Mono, Shown::default());
        insta::assert_snapshot!("monitor_mono", text(&buffer));
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        let reversed = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED));
        assert!(reversed.count() > 10, "a system that is down stands out");
        assert!(text(&buffer).is_ascii());
        let colour = drawn(80, 24, Theme::Default, Shown::default());
        assert!(colour.content.iter().any(|cell| cell.fg != Color::Reset));
    }

    #[test]
    fn help_and_question_say_what_the_keys_do() {
        let help = text(&drawn(80, 24, Theme::Default, Shown { help: true, ..Shown::default() }));
        assert!(help.contains("end the watch (asks once)"), "{help}");
        let asked = text(&drawn(80, 24, Theme::Default, Shown { asks: true, ..Shown::default() }));
        assert!(asked.contains("end the watch? q or y"), "{asked}");
        let small = text(&drawn(50, 10, Theme::Default, Shown::default()));
        assert!(small.contains("60 columns and 12 rows"), "{small}");
    }

    #[test]
    fn any_size_is_drawn() {
        for (width, height) in [(0, 0), (1, 1), (60, 12), (61, 13), (300, 100)] {
            for first in [0, 4, 9] {
                drawn(width, height, Theme::Light, Shown { first, ..Shown::default() });
            }
        }
        assert_eq!((clock(65), clock(3_723), clock(270_000)), ("1:05".into(), "1:02:03".into(), "3d 03:00".into()));
    }
}
