//! The colours of each theme. Inks that carry text keep a contrast of 4.5 on the
//! background that the theme sets or assumes; heat grows lighter on dark, darker on
//! light.

use ratatui::style::Color::{self, Indexed, Rgb};
use ratatui::style::{Modifier, Style};

use super::Ink;

/// A set of colours.
pub(super) struct Colours {
    /// Text and background of the whole screen; `Reset`: the terminal's own.
    pub paper: (Color, Color),
    soft: Color,
    border: Color,
    focus: Color,
    good: Color,
    warn: Color,
    alarm: (Color, Color),
    held: (Color, Color),
    series: [Color; 3],
    heat: [Color; 5],
}

/// Light ink on dark paper of its own: on the paper of a light terminal the colours of a
/// dark one are faint. From the 256, which no terminal repaints.
pub(super) const DEFAULT: Colours = Colours {
    paper: (Indexed(253), Indexed(234)),
    soft: Indexed(247),
    border: Indexed(243),
    focus: Indexed(80),
    good: Indexed(78),
    warn: Indexed(221),
    alarm: (Indexed(203), Color::Reset),
    held: (Indexed(16), Indexed(221)),
    series: [Indexed(80), Indexed(221), Indexed(177)],
    heat: [Indexed(237), Indexed(55), Indexed(162), Indexed(208), Indexed(229)],
};

/// Dark ink on the terminal's own light paper.
pub(super) const LIGHT: Colours = Colours {
    paper: (Color::Reset, Color::Reset),
    soft: Indexed(240),
    border: Indexed(245),
    focus: Indexed(25),
    good: Indexed(22),
    warn: Indexed(94),
    alarm: (Indexed(124), Color::Reset),
    held: (Indexed(231), Indexed(94)),
    series: [Indexed(25), Indexed(130), Indexed(90)],
    heat: [Indexed(255), Indexed(223), Indexed(208), Indexed(160), Indexed(52)],
};

/// White on black whatever the terminal has; from the 256, which no terminal repaints.
pub(super) const HIGH_CONTRAST: Colours = Colours {
    paper: (Indexed(231), Indexed(16)),
    soft: Indexed(252),
    border: Indexed(250),
    focus: Indexed(51),
    good: Indexed(46),
    warn: Indexed(226),
    alarm: (Indexed(231), Indexed(160)),
    held: (Indexed(16), Indexed(226)),
    series: [Indexed(51), Indexed(226), Indexed(213)],
    heat: [Indexed(236), Indexed(21), Indexed(201), Indexed(208), Indexed(231)],
};

// Okabe and Ito, "Color Universal Design" (2008): <https://jfly.uni-koeln.de/color/>.
const BLACK: Color = Rgb(0x00, 0x00, 0x00);
const ORANGE: Color = Rgb(0xe6, 0x9f, 0x00);
const SKY_BLUE: Color = Rgb(0x56, 0xb4, 0xe9);
const BLUISH_GREEN: Color = Rgb(0x00, 0x9e, 0x73);
const YELLOW: Color = Rgb(0xf0, 0xe4, 0x42);
const BLUE: Color = Rgb(0x00, 0x72, 0xb2);
const VERMILLION: Color = Rgb(0xd5, 0x5e, 0x00);
const REDDISH_PURPLE: Color = Rgb(0xcc, 0x79, 0xa7);

/// Okabe and Ito's eight, on the black that is one of them.
pub(super) const OKABE_ITO: Colours = Colours {
    paper: (Rgb(0xff, 0xff, 0xff), BLACK),
    soft: Rgb(0xb4, 0xb4, 0xb4),
    border: Rgb(0x78, 0x78, 0x78),
    focus: SKY_BLUE,
    good: BLUISH_GREEN,
    warn: ORANGE,
    alarm: (BLACK, VERMILLION),
    held: (BLACK, YELLOW),
    series: [SKY_BLUE, YELLOW, REDDISH_PURPLE],
    heat: [Rgb(0x30, 0x30, 0x30), BLUE, BLUISH_GREEN, ORANGE, YELLOW],
};

impl Colours {
    /// The look of an ink.
    pub(super) fn style(&self, ink: Ink) -> Style {
        let style = Style::new();
        let on = |(text, ground): (Color, Color)| {
            let style = style.fg(text).add_modifier(Modifier::BOLD);
            if ground == Color::Reset { style } else { style.bg(ground) }
        };
        match ink {
            Ink::Text => style,
            Ink::Soft => style.fg(self.soft),
            Ink::Border => style.fg(self.border),
            Ink::Title => style.add_modifier(Modifier::BOLD),
            Ink::Focus => style.fg(self.focus).add_modifier(Modifier::BOLD),
            Ink::Good => style.fg(self.good),
            Ink::Warn => style.fg(self.warn),
            Ink::Alarm => on(self.alarm),
            Ink::Held => on(self.held),
            Ink::Selected => style.add_modifier(Modifier::REVERSED),
            Ink::First => style.fg(self.series[0]),
            Ink::Second => style.fg(self.series[1]),
            Ink::Third => style.fg(self.series[2]),
            Ink::Heat(level) => style.fg(self.heat[usize::from(level.min(4))]),
        }
    }
}
