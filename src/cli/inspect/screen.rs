//! The looks on a terminal, each in the place of the one before. Only what has changed is
//! written, so nothing flickers.

use std::io;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Row, Span, Text};
use ratatui::widgets::Paragraph;

use super::super::Failure;
use super::super::config::UiOptions;
use super::super::terminal::{Keys, Taken};
use super::Printing;
use super::filter::Filter;
use super::observer::{Look, Observer};
use lockbench_core::lock::inspection::Inspection;
use lockbench_dashboard::app::Events;
use lockbench_dashboard::term::Screen;
use lockbench_output::{Line, Tone, inspection_lines};

/// Longest wait for a key before it is asked whether there is a new look.
const GLANCE: Duration = Duration::from_millis(100);

/// What is on the screen.
struct View {
    seen: Option<Inspection>,
    /// Why the last look failed.
    problem: Option<String>,
    /// First line shown.
    top: usize,
    printing: Printing,
    every: String,
}

/// What a key asks for.
enum Asked {
    Nothing,
    Leave,
    Suspend,
}

/// Shows every look until the user leaves or a signal ends the process.
pub fn show(
    first: Option<Look>,
    observer: &mut Observer,
    filter: &Filter,
    printing: Printing,
    options: &UiOptions,
    interval: Duration,
) -> Result<(), Failure> {
    let taken = Taken::take(&UiOptions { mouse: false, ..*options })
        .map_err(|error| Failure::internal(format!("the terminal cannot be used: {error}")))?;
    let every = lockbench_core::units::span(interval.as_millis() as u64);
    let printing = Printing { ascii: options.ascii, ..printing };
    let mut view = View { seen: None, problem: None, top: 0, printing, every };
    if let Some(first) = first {
        view.take(first, filter);
    }
    taken
        .lend(|terminal, keys| run(&taken, terminal, keys, &mut view, observer, filter))
        .map_err(|error| Failure::internal(format!("the terminal is gone: {error}")))
}

fn run(
    taken: &Taken,
    terminal: &mut Terminal<CrosstermBackend<Screen>>,
    keys: &mut Keys<'_>,
    view: &mut View,
    observer: &mut Observer,
    filter: &Filter,
) -> io::Result<()> {
    view.draw(terminal)?;
    while !taken.gone() {
        let mut changed = true;
        match observer.within(Duration::ZERO) {
            Ok(Some(look)) => view.take(look, filter),
            Ok(None) => changed = false,
            Err(()) => return Ok(()),
        }
        if let Some(event) = keys.next(GLANCE)? {
            changed = true;
            let height = usize::from(terminal.size()?.height);
            match event {
                Event::Key(key) if key.kind != KeyEventKind::Release => match view.key(key, height) {
                    Asked::Nothing => {}
                    Asked::Leave => return Ok(()),
                    Asked::Suspend => {
                        taken.suspend()?;
                        anew(terminal)?;
                    }
                },
                Event::Resize(..) => anew(terminal)?,
                _ => {}
            }
        }
        if changed {
            view.draw(terminal)?;
        }
    }
    Ok(())
}

/// Forgets what was on the screen.
fn anew(terminal: &mut Terminal<CrosstermBackend<Screen>>) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(ratatui::layout::Rect::new(0, 0, size.width, size.height))
}

impl View {
    fn take(&mut self, look: Look, filter: &Filter) {
        match look {
            Look::Seen(seen) => (self.seen, self.problem) = (Some(filter.apply(*seen)), None),
            Look::Failed { at, problem } => self.problem = Some(format!("{at}: {problem}")),
        }
    }

    fn key(&mut self, key: KeyEvent, height: usize) -> Asked {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Asked::Leave,
            KeyCode::Char('c') if control => return Asked::Leave,
            KeyCode::Char('z') if control => return Asked::Suspend,
            KeyCode::Down | KeyCode::Char('j') => self.top += 1,
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.top += height.saturating_sub(2),
            KeyCode::PageUp => self.top = self.top.saturating_sub(height.saturating_sub(2)),
            KeyCode::Home | KeyCode::Char('g') => self.top = 0,
            KeyCode::End | KeyCode::Char('G') => self.top = usize::MAX,
            KeyCode::Char('f') => self.printing.full = !self.printing.full,
            _ => {}
        }
        Asked::Nothing
    }

    fn draw(&mut self, terminal: &mut Terminal<CrosstermBackend<Screen>>) -> io::Result<()> {
        terminal.draw(|frame| {
            let [body, foot] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
            let mut lines: Vec<Line> = Vec::new();
            if let Some(problem) = &self.problem {
                lines.push(Line::of(Tone::Bad, format!("no answer, {problem}")));
                lines.push(Line::of(Tone::Bad, "what follows is from before:"));
            }
            if let Some(seen) = &self.seen {
                lines.extend(inspection_lines(seen, self.printing.appearance(body.width)));
            }
            self.top = self.top.min(lines.len().saturating_sub(usize::from(body.height)));
            let below = lines.len().saturating_sub(self.top + usize::from(body.height));
            let rows: Vec<Row<'_>> = lines.iter().skip(self.top).map(|line| self.row(line)).collect();
            frame.render_widget(Paragraph::new(Text::from(rows)), body);
            let more = if below > 0 { format!("  {below} lines below") } else { String::new() };
            let keys = format!(
                "every {}  q leave  f {}  j k scroll{more}",
                self.every,
                if self.printing.full { "short" } else { "full" }
            );
            frame.render_widget(Paragraph::new(Span::styled(keys, self.style(Tone::Faint))), foot);
        })?;
        Ok(())
    }

    fn row<'a>(&self, line: &'a Line) -> Row<'a> {
        Row::from(
            line.parts.iter().map(|(tone, text)| Span::styled(text.as_str(), self.style(*tone))).collect::<Vec<_>>(),
        )
    }

    fn style(&self, tone: Tone) -> Style {
        let coloured = |colour: Color| if self.printing.colour { Style::new().fg(colour) } else { Style::new() };
        match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
            Tone::Good => coloured(Color::Green),
            Tone::Warning => coloured(Color::Yellow),
            Tone::Bad => coloured(Color::Red).add_modifier(Modifier::BOLD),
        }
    }
}
