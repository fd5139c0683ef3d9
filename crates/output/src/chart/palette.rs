//! Colours, dashes and marks. The colours are those of Okabe and Ito, "Color
//! Universal Design" (2008), which people with any colour vision distinguish; a mark
//! and a dash pattern of its own goes with each, so that colour is never alone.

use plotters::style::RGBColor;

use lockbench_report::RecordedRun;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x22, 0x26, 0x2b);
/// What is read second: tick labels, captions.
pub const SOFT: RGBColor = RGBColor(0x55, 0x5c, 0x66);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
/// Shades behind the data: warm-up, fault windows.
pub const SHADE: RGBColor = RGBColor(0xf1, 0xf2, 0xf4);
/// Violations.
pub const ALARM: RGBColor = RGBColor(0xb0, 0x00, 0x20);
/// Paper.
pub const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Okabe and Ito's eight, yellow as the last of them and darkened until it is seen on
/// white; then a grey and a brown, for there may be ten.
const COLORS: [RGBColor; 10] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x9a, 0x8c, 0x00),
    RGBColor(0x8a, 0x8f, 0x98),
    RGBColor(0x7a, 0x4a, 0x1e),
];

/// Pixels drawn and left out, in turns; empty for a solid line.
pub type Dash = &'static [i32];

const DASHES: [Dash; 10] =
    [&[], &[9, 4], &[3, 3], &[12, 4, 3, 4], &[6, 3], &[12, 3, 3, 3, 3, 3], &[16, 5], &[2, 5], &[7, 2, 2, 2], &[10, 6]];

/// The shape at a point of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mark {
    Disc,
    Square,
    Triangle,
    Diamond,
    Cross,
    Plus,
    Wedge,
    Ring,
    Box,
    Star,
}

const MARKS: [Mark; 10] = [
    Mark::Disc,
    Mark::Square,
    Mark::Triangle,
    Mark::Diamond,
    Mark::Wedge,
    Mark::Cross,
    Mark::Plus,
    Mark::Ring,
    Mark::Box,
    Mark::Star,
];

/// How the data of one series looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesStyle {
    /// Colour.
    pub color: RGBColor,
    /// Shape at its points.
    pub mark: Mark,
    /// Pattern of its line.
    pub dash: Dash,
}

/// The look of series number `i`; the first ten differ in colour, mark and dash.
#[must_use]
pub fn look(i: usize) -> SeriesStyle {
    SeriesStyle { color: COLORS[i % COLORS.len()], mark: MARKS[i % MARKS.len()], dash: DASHES[i % DASHES.len()] }
}

/// The number that a system has in every run, so that two reports look alike.
const KNOWN: [&str; 8] =
    ["redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "memory", "sqlite", "postgres:lease"];

/// The looks of these names: known ones have their own, others the next free one.
#[must_use]
pub fn looks(names: &[&str]) -> Vec<SeriesStyle> {
    let known = |name: &str| KNOWN.iter().position(|known| *known == name);
    let taken: Vec<usize> = names.iter().filter_map(|name| known(name)).collect();
    let mut free = (0..).filter(|i| !taken.contains(i));
    names.iter().map(|name| look(known(name).or_else(|| free.next()).unwrap_or(0))).collect()
}

/// The systems of a run that ran, in the order of its report: those that have a trial
/// without an error, or attempts that were made before one.
#[must_use]
pub fn backends(run: &RecordedRun) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for result in run.report.results.iter().filter(|result| result.error.is_none() || result.attempts > 0) {
        if !names.contains(&result.backend.as_str()) {
            names.push(&result.backend);
        }
    }
    names
}

/// The colours that belong to each of these systems alone in a drawing of lines: of its
/// line, and of the part of it that is not to be relied on. Empty where two systems
/// have the same.
#[must_use]
pub fn pick_colors(names: &[&str]) -> Vec<Vec<RGBColor>> {
    let looks = looks(names);
    let shared = |look: &SeriesStyle| looks.iter().filter(|other| other.color == look.color).count() > 1;
    looks.iter().map(|look| if shared(look) { Vec::new() } else { vec![look.color, pale(look.color)] }).collect()
}

/// The colour, faded: for what is there but not to be relied on.
#[must_use]
pub fn pale(color: RGBColor) -> RGBColor {
    mixed(color, PAPER, 0.68)
}

/// `share` (0..1) of the way from one colour to another.
#[must_use]
pub fn mixed(from: RGBColor, to: RGBColor, share: f64) -> RGBColor {
    let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    RGBColor(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}

/// Dark page, light ink: where paper and ink go on it.
const DARK_PAPER: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
const DARK_INK: RGBColor = RGBColor(0xe4, 0xe8, 0xec);

/// The colours of series that the rule of [`dark`] would bring too near to each other
/// or to the paper.
const DARK_SERIES: [(RGBColor, RGBColor); 3] = [
    (COLORS[3], RGBColor(0xe0, 0x9a, 0xc2)),
    (COLORS[5], RGBColor(0x8f, 0xd3, 0xff)),
    (COLORS[0], RGBColor(0x3d, 0x9b, 0xe9)),
];

/// The same colour on dark paper. A colour is so much white, so much black and so much
/// of a pure hue; the white becomes dark paper, the black light ink, the hue stays.
#[must_use]
pub fn dark(color: RGBColor) -> RGBColor {
    if let Some((_, dark)) = DARK_SERIES.iter().find(|(light, _)| *light == color) {
        return *dark;
    }
    let channels = [color.0, color.1, color.2];
    let (low, high) = channels.iter().fold((u8::MAX, 0), |(low, high), c| (low.min(*c), high.max(*c)));
    let (white, black) = (f64::from(low) / 255.0, 1.0 - f64::from(high) / 255.0);
    let channel = |c: u8, paper: u8, ink: u8| {
        (white * f64::from(paper) + black * f64::from(ink) + f64::from(c - low)).round().min(255.0) as u8
    };
    RGBColor(
        channel(color.0, DARK_PAPER.0, DARK_INK.0),
        channel(color.1, DARK_PAPER.1, DARK_INK.1),
        channel(color.2, DARK_PAPER.2, DARK_INK.2),
    )
}

/// A colour as SVG and CSS write it.
#[must_use]
pub fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::{COLORS, DARK_PAPER, INK, PAPER, SOFT, dark, look, looks};

    /// Contrast as the Web Content Accessibility Guidelines 2.2 define it.
    fn contrast(a: RGBColor, b: RGBColor) -> f64 {
        let light = |RGBColor(r, g, b): RGBColor| {
            let [r, g, b] = [r, g, b].map(|c| {
                let c = f64::from(c) / 255.0;
                if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        light(a).max(light(b)) / light(a).min(light(b))
    }

    #[test]
    fn on_dark_paper_text_is_read_and_lines_are_seen() {
        assert_eq!(dark(PAPER), DARK_PAPER);
        for text in [INK, SOFT] {
            assert!(contrast(dark(text), DARK_PAPER) > 4.5, "{text:?} {:?}", dark(text));
        }
        for (i, color) in COLORS.iter().enumerate() {
            assert!(contrast(dark(*color), DARK_PAPER) > 3.0, "{color:?} {:?}", dark(*color));
            for other in &COLORS[..i] {
                assert_ne!(dark(*color), dark(*other));
            }
        }
    }

    #[test]
    fn a_known_system_looks_the_same_in_every_run() {
        let alone = looks(&["etcd"]);
        let crowd = looks(&["control:no-lock", "redis", "etcd", "postgres:table"]);
        assert_eq!(alone[0], crowd[2]);
        assert_eq!((crowd[0], crowd[3]), (look(1), look(2)));
    }

    #[test]
    fn no_two_of_ten_look_alike_even_in_grey() {
        for i in 0..10 {
            for j in 0..i {
                assert!(look(i).mark != look(j).mark && look(i).dash != look(j).dash, "{i} {j}");
            }
        }
    }
}
