//! A small screen as a picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{svg, text};
use crate::theme::{Ink, Theme};

fn small() -> Buffer {
    let theme = Theme::OkabeIto;
    let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 6));
    buffer.set_style(buffer.area, theme.paper());
    buffer.set_string(0, 0, "┏━ a<b&c ━━┓", theme.style(Ink::Border));
    buffer.set_string(0, 1, "┃▂▅█ ░▒▓ ⣿┃", theme.style(Ink::Good));
    buffer.set_string(1, 2, "!! 2 double", theme.style(Ink::Alarm));
    buffer.set_string(1, 3, "▸ row  ✓ µ", Style::new().add_modifier(Modifier::REVERSED));
    buffer.set_string(1, 4, "faint", Style::new().add_modifier(Modifier::DIM | Modifier::UNDERLINED));
    buffer
}

#[test]
fn a_small_screen_is_drawn_in_its_colours() {
    insta::assert_snapshot!(svg(&small(), Theme::OkabeIto));
}

#[test]
fn text_is_escaped_and_each_row_a_line() {
    let picture = svg(&small(), Theme::OkabeIto);
    assert!(picture.contains("a&lt;b&amp;c"), "{picture}");
    assert_eq!(text(&small()).lines().count(), 6);
    assert_eq!(text(&small()).lines().last(), Some(""));
}

#[test]
fn the_paper_is_dark_for_dark_themes_and_light_for_light() {
    let ground = |theme| {
        let picture = svg(&Buffer::empty(Rect::new(0, 0, 1, 1)), theme);
        picture.lines().nth(1).unwrap().to_owned()
    };
    assert!(ground(Theme::Default).contains("#1c1c1c") && ground(Theme::Mono).contains("#14171c"));
    assert!(ground(Theme::Light).contains("#ffffff") && ground(Theme::HighContrast).contains("#000000"));
}
