//! Colours, dashes and marks. The colours are those of Okabe and Ito, "Color
//! Universal Design" (2008), which people with any colour vision tell apart; a mark
//! and a dash pattern of its own goes with each, so that colour is never alone.

use plotters::style::RGBColor;

use crate::report::RecordedRun;

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

/// Okabe and Ito's eight, yellow, the faintest on white, as the last of them; then a
/// grey and a brown, for there may be ten.
const COLORS: [RGBColor; 10] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xd9, 0xcb, 0x1a),
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
pub struct Look {
    /// Colour.
    pub color: RGBColor,
    /// Shape at its points.
    pub mark: Mark,
    /// Pattern of its line.
    pub dash: Dash,
}

/// The look of series number `i`; the first ten differ in colour, mark and dash.
#[must_use]
pub fn look(i: usize) -> Look {
    Look { color: COLORS[i % COLORS.len()], mark: MARKS[i % MARKS.len()], dash: DASHES[i % DASHES.len()] }
}

/// The number that a system has in every run, so that two reports look alike.
const KNOWN: [&str; 8] =
    ["redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "memory", "sqlite", "postgres:lease"];

/// The looks of these names: known ones have their own, others the next free one.
#[must_use]
pub fn looks(names: &[&str]) -> Vec<Look> {
    let known = |name: &str| KNOWN.iter().position(|known| *known == name);
    let taken: Vec<usize> = names.iter().filter_map(|name| known(name)).collect();
    let mut free = (0..).filter(|i| !taken.contains(i));
    names.iter().map(|name| look(known(name).or_else(|| free.next()).unwrap_or(0))).collect()
}

/// The systems of a run in the order of its report.
#[must_use]
pub fn backends(run: &RecordedRun) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let reported = run.report.results.iter().map(|result| result.backend.as_str());
    for name in reported.chain(run.measured.iter().map(|measured| measured.backend.as_str())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
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

#[cfg(test)]
mod tests {
    use super::{look, looks};

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
