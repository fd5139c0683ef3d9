//! What every theme promises.

use ratatui::style::{Color, Modifier, Style};

use super::{Ink, THEMES, Theme};
use crate::palette::{contrast, luminance, rgb};

/// Inks that carry text or a sign.
const READ: [Ink; 12] = [
    Ink::Text,
    Ink::Soft,
    Ink::Title,
    Ink::Focus,
    Ink::Good,
    Ink::Warn,
    Ink::Alarm,
    Ink::Selected,
    Ink::Held,
    Ink::First,
    Ink::Second,
    Ink::Third,
];

/// Text and background of a style in a theme, as seen.
fn seen(theme: Theme, style: Style) -> ([u8; 3], [u8; 3]) {
    let style = theme.paper().patch(style);
    let (text, ground) = theme.assumed();
    let text = rgb(style.fg.unwrap_or(Color::Reset)).unwrap_or(text);
    let ground = rgb(style.bg.unwrap_or(Color::Reset)).unwrap_or(ground);
    if style.add_modifier.contains(Modifier::REVERSED) { (ground, text) } else { (text, ground) }
}

#[test]
fn every_text_is_readable_in_every_theme() {
    for theme in THEMES {
        for ink in READ {
            let (text, ground) = seen(theme, theme.style(ink));
            let ratio = contrast(text, ground);
            assert!(ratio >= 4.5, "{} {ink:?}: {ratio:.1}", theme.name());
        }
        let (frame, ground) = seen(theme, theme.style(Ink::Border));
        assert!(contrast(frame, ground) >= 3.0, "{} frames", theme.name());
    }
}

#[test]
fn inks_that_mean_different_states_look_different() {
    let states = [Ink::Good, Ink::Warn, Ink::Alarm, Ink::Held, Ink::Selected, Ink::Focus, Ink::Soft];
    let series = [Ink::First, Ink::Second, Ink::Third];
    for theme in THEMES {
        for inks in [&states[..], &series[..]] {
            for (i, one) in inks.iter().enumerate() {
                for other in &inks[..i] {
                    assert_ne!(theme.style(*one), theme.style(*other), "{}: {one:?} {other:?}", theme.name());
                }
            }
        }
    }
}

#[test]
fn heat_goes_one_way_in_lightness() {
    for theme in THEMES.into_iter().filter(|theme| *theme != Theme::Mono) {
        let levels = [0, 1, 2, 3, 4].map(|level| luminance(seen(theme, theme.style(Ink::Heat(level))).0));
        let dark = theme != Theme::Light;
        let ordered = levels.windows(2).all(|pair| if dark { pair[0] < pair[1] } else { pair[0] > pair[1] });
        assert!(ordered, "{}: {levels:?}", theme.name());
    }
}

#[test]
fn mono_has_no_colour_at_all() {
    let heat = [0, 1, 2, 3, 4].map(Ink::Heat);
    for ink in READ.into_iter().chain(heat).chain([Ink::Border]) {
        let style = Theme::Mono.style(ink);
        assert_eq!((style.fg, style.bg), (None, None), "{ink:?}");
    }
    assert_eq!(Theme::Mono.paper(), Style::new());
}

#[test]
fn the_key_goes_through_all_themes() {
    let mut theme = Theme::default();
    for _ in THEMES {
        theme = theme.next();
    }
    assert_eq!(theme, Theme::default());
}

#[test]
fn no_theme_but_the_light_one_relies_on_the_background_of_the_terminal() {
    let fixed = |color: Option<Color>| match color {
        None | Some(Color::Rgb(..)) => true,
        Some(Color::Indexed(place)) => place >= 16,
        Some(_) => false,
    };
    for theme in THEMES.into_iter().filter(|theme| *theme != Theme::Mono) {
        let paper = theme.paper();
        assert_eq!(paper.bg.is_some() && paper.fg.is_some(), theme != Theme::Light, "{}", theme.name());
        let heat = [0, 1, 2, 3, 4].map(Ink::Heat);
        for ink in READ.into_iter().chain(heat).chain([Ink::Border]) {
            let style = theme.style(ink);
            // What a terminal makes of its own sixteen colours is unknown.
            assert!(fixed(style.fg) && fixed(style.bg), "{} {ink:?}", theme.name());
        }
    }
}
