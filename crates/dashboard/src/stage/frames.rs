//! For snapshot tests: a screen at every size as text, and its styles at the smallest size as a
//! map of letters, in both themes.

#![allow(clippy::expect_used, reason = "for tests")]

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;

use super::text;
use crate::theme::Theme;

/// The sizes of a terminal that every screen is drawn at.
pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Returns a snapshot's name and content per size. Each has the text; the mono theme's text follows
/// only where it differs. The first size has the styles of both themes too.
pub fn frames(name: &str, draw: impl Fn(Theme, (u16, u16)) -> Buffer) -> Vec<(String, String)> {
    SIZES
        .into_iter()
        .map(|size| {
            let (colour, mono) = (draw(Theme::Default, size), draw(Theme::Mono, size));
            let mut shown = text(&colour);
            if text(&mono) != shown {
                shown.push_str(&format!("\n--- mono ---\n{}", text(&mono)));
            }
            if size == SIZES[0] {
                shown.push_str(&format!("\n--- styles ---\n{}", styles(&colour)));
                shown.push_str(&format!("\n--- styles, mono ---\n{}", styles(&mono)));
            }
            (format!("{name}_{}x{}", size.0, size.1), shown)
        })
        .collect()
}

/// A buffer as text, then its styles.
pub fn styled(buffer: &Buffer) -> String {
    format!("{}\n--- styles ---\n{}", text(buffer), styles(buffer))
}

/// Returns a letter per cell for its style, blank for a plain one, and what each letter means.
fn styles(buffer: &Buffer) -> String {
    let mut legend: Vec<String> = Vec::new();
    let mut out = String::new();
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut row = String::new();
        for x in area.left()..area.right() {
            let style = style(&buffer[(x, y)]);
            let known = legend.iter().position(|known| *known == style);
            row.push(match known {
                _ if style.is_empty() => ' ',
                Some(at) => letter(at),
                None => {
                    legend.push(style);
                    letter(legend.len() - 1)
                }
            });
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    for (at, style) in legend.iter().enumerate() {
        out.push_str(&format!("{} = {style}\n", letter(at)));
    }
    out
}

/// The letter of a style: `a` to `z`, then `A` to `Z`.
fn letter(at: usize) -> char {
    ('a'..='z').chain('A'..='Z').nth(at).expect("fewer styles than letters")
}

/// Colours and modifiers of a cell in words; empty for a plain one.
fn style(cell: &Cell) -> String {
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(format!("{}", cell.fg));
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {}", cell.bg));
    }
    if !cell.modifier.is_empty() {
        parts.push(format!("{:?}", cell.modifier));
    }
    parts.join(" ")
}
