//! Colours by what they mean. Every theme tells the same; the monochrome one with
//! bold, dim, underlined and reversed alone.

use ratatui::style::{Color, Modifier, Style};

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
    /// For dark terminals: the terminal's own sixteen colours.
    #[default]
    Default,
    /// For light terminals.
    Light,
    /// Bright on black, bold.
    HighContrast,
    /// Okabe and Ito's colours, which people with any colour vision tell apart.
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
        match self {
            Self::Mono => mono(ink),
            _ => coloured(ink),
        }
    }
}

fn mono(ink: Ink) -> Style {
    let style = Style::new();
    match ink {
        Ink::Text | Ink::First | Ink::Good | Ink::Heat(_) => style,
        Ink::Soft | Ink::Border => style.add_modifier(Modifier::DIM),
        Ink::Title | Ink::Warn | Ink::Second => style.add_modifier(Modifier::BOLD),
        Ink::Focus | Ink::Third => style.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Ink::Alarm => style.add_modifier(Modifier::BOLD.union(Modifier::REVERSED)),
        Ink::Selected | Ink::Held => style.add_modifier(Modifier::REVERSED),
    }
}

fn coloured(ink: Ink) -> Style {
    let style = Style::new();
    match ink {
        Ink::Text => style,
        Ink::Soft | Ink::Border => style.fg(Color::DarkGray),
        Ink::Title => style.add_modifier(Modifier::BOLD),
        Ink::Focus => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Ink::Good => style.fg(Color::Green),
        Ink::Warn => style.fg(Color::Yellow),
        Ink::Alarm => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        Ink::Selected => style.add_modifier(Modifier::REVERSED),
        Ink::Held => style.fg(Color::Black).bg(Color::Yellow),
        Ink::First => style.fg(Color::Cyan),
        Ink::Second => style.fg(Color::Yellow),
        Ink::Third => style.fg(Color::Magenta),
        Ink::Heat(level) => style.fg(match level {
            0 => Color::DarkGray,
            1 => Color::Blue,
            2 => Color::Cyan,
            3 => Color::Yellow,
            _ => Color::Red,
        }),
    }
}
