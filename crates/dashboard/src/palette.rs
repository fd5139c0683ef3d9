//! Terminal colours as red, green and blue, for pictures of the screen and to judge
//! contrast. The first sixteen are each terminal's own, so ours are but an assumption;
//! the others are fixed by xterm's 256-colour scheme
//! (<https://invisible-island.net/xterm/xterm.faq.html#color_by_number>).

use ratatui::style::Color;

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The sixteen as we draw them in pictures.
const SIXTEEN: [Rgb; 16] = [
    [0x0c, 0x0e, 0x11],
    [0xd9, 0x53, 0x4f],
    [0x4c, 0xc2, 0x6b],
    [0xe0, 0xb3, 0x41],
    [0x5a, 0x9c, 0xf0],
    [0xc6, 0x7b, 0xe0],
    [0x3f, 0xc6, 0xd4],
    [0xc3, 0xca, 0xd2],
    [0x7d, 0x85, 0x90],
    [0xff, 0x6b, 0x62],
    [0x7e, 0xe7, 0x87],
    [0xf5, 0xd7, 0x6e],
    [0x79, 0xb8, 0xff],
    [0xe2, 0x9b, 0xff],
    [0x76, 0xe3, 0xea],
    [0xff, 0xff, 0xff],
];

/// Steps of the colour cube that follows the sixteen.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colour; `None` for the terminal's own foreground or background.
#[must_use]
pub fn rgb(color: Color) -> Option<Rgb> {
    let place = match color {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => return Some([red, green, blue]),
        Color::Indexed(place) => place,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(place))
}

fn indexed(place: u8) -> Rgb {
    let at = usize::from(place);
    match place {
        0..=15 => SIXTEEN[at],
        16..=231 => [CUBE[(at - 16) / 36], CUBE[(at - 16) / 6 % 6], CUBE[(at - 16) % 6]],
        232.. => [8 + 10 * (place - 232); 3],
    }
}

/// Relative luminance from 0 (black) to 1 (white), as WCAG 2.2 defines it.
#[must_use]
pub fn luminance(color: Rgb) -> f64 {
    let [red, green, blue] = color.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Contrast ratio of two colours from 1 to 21, as WCAG 2.2 defines it.
#[must_use]
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::{contrast, rgb};

    #[test]
    fn the_256_colours_are_those_of_xterm() {
        let all = [16, 21, 160, 208, 231, 232, 255].map(|place| rgb(Color::Indexed(place)));
        let hex = ["000000", "0000ff", "d70000", "ff8700", "ffffff", "080808", "eeeeee"];
        let text = all.map(|color| color.map(|[r, g, b]| format!("{r:02x}{g:02x}{b:02x}")));
        assert_eq!(text.map(Option::unwrap), hex);
        assert_eq!((rgb(Color::Reset), rgb(Color::White)), (None, rgb(Color::Indexed(15))));
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        // The standard's own example of a grey that just fails on white.
        let grey = contrast([0x77; 3], [255; 3]);
        assert!((4.4..4.5).contains(&grey), "{grey}");
    }
}
