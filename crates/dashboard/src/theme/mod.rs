//! Colours by what they mean. Every theme says the same; the monochrome one with
//! bold, dim, underlined and reversed alone.

mod colours;

use ratatui::style::{Color, Modifier, Style};

use super::palette::Rgb;
use colours::Colours;

/// What a piece of the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Plain text.
    Text,
    /// What is read second: labels, captions.
    Soft,
    /// Headings.
    Title,
    /// Frames.
    Border,
    /// The frame of the focused panel, the tab of the screen.
    Focus,
    /// All is well.
    Good,
    /// Worth a look.
    Warn,
    /// A broken promise.
    Alarm,
    /// The selected row or figure.
    Selected,
    /// Paused, frozen: the user's own doing.
    Held,
    /// The first of two series (service time, p50).
    First,
    /// The second of two series (response time, p99).
    Second,
    /// The third series (maximum).
    Third,
    /// Heat from 0 (none) to 4 (most).
    Heat(u8),
}

/// A theme by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light on dark, whatever the terminal has.
    #[default]
    Default,
    /// For light terminals.
    Light,
    /// Bright on black, bold.
    HighContrast,
    /// Okabe and Ito's colours, which people with any colour vision distinguish.
    OkabeIto,
    /// No colour.
    Mono,
}

/// All themes, in the order in which a key goes through them.
pub const THEMES: [Theme; 5] = [Theme::Default, Theme::Light, Theme::HighContrast, Theme::OkabeIto, Theme::Mono];

impl Theme {
    /// Its name, as flags have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::OkabeIto => "okabe-ito",
            Self::Mono => "mono",
        }
    }

    /// The theme after this one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = THEMES.iter().position(|theme| *theme == self).unwrap_or(0);
        THEMES[(at + 1) % THEMES.len()]
    }

    /// The look of an ink.
    #[must_use]
    pub fn style(self, ink: Ink) -> Style {
        self.colours().map_or_else(|| mono(ink), |colours| colours.style(ink))
    }

    /// Text and background of the whole screen; plain where they are the terminal's own.
    #[must_use]
    pub fn paper(self) -> Style {
        match self.colours().map(|colours| colours.paper) {
            None | Some((Color::Reset, _)) => Style::new(),
            Some((text, ground)) => Style::new().fg(text).bg(ground),
        }
    }

    /// Text and background that the terminal has of its own, as this theme assumes.
    #[must_use]
    pub fn assumed(self) -> (Rgb, Rgb) {
        match self {
            Self::Light => ([0x1f, 0x23, 0x28], [0xff, 0xff, 0xff]),
            _ => ([0xd8, 0xde, 0xe4], [0x14, 0x17, 0x1c]),
        }
    }

    fn colours(self) -> Option<&'static Colours> {
        match self {
            Self::Default => Some(&colours::DEFAULT),
            Self::Light => Some(&colours::LIGHT),
            Self::HighContrast => Some(&colours::HIGH_CONTRAST),
            Self::OkabeIto => Some(&colours::OKABE_ITO),
            Self::Mono => None,
        }
    }
}

fn mono(ink: Ink) -> Style {
    let style = Style::new();
    match ink {
        Ink::Text | Ink::First | Ink::Good | Ink::Heat(2 | 3) => style,
        Ink::Soft | Ink::Border | Ink::Heat(0 | 1) => style.add_modifier(Modifier::DIM),
        Ink::Title | Ink::Warn | Ink::Second | Ink::Heat(_) => style.add_modifier(Modifier::BOLD),
        Ink::Focus | Ink::Third => style.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Ink::Alarm => style.add_modifier(Modifier::BOLD.union(Modifier::REVERSED)),
        Ink::Held => style.add_modifier(Modifier::REVERSED.union(Modifier::UNDERLINED)),
        Ink::Selected => style.add_modifier(Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests;
