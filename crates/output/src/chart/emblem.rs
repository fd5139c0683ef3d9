//! A mark that says what a crash leaves of a system's locks (shape, ring) and what
//! the oracle saw of them (fill).

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use super::palette::{ALARM, Mark, PAPER, SOFT};
use super::sheet::{Drawn, Pixel, Sheet};
use lockbench_report::{Copies, Durability, SafetyVerdict, Storage};

/// A verdict without a violation.
pub const CALM: RGBColor = RGBColor(0x00, 0x9e, 0x73);
/// A verdict that cannot be relied on.
const DOUBT: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

/// Colour of a verdict.
#[must_use]
pub fn color(verdict: SafetyVerdict) -> RGBColor {
    match verdict {
        SafetyVerdict::Valid => CALM,
        SafetyVerdict::Violated => ALARM,
        SafetyVerdict::Unknown => DOUBT,
        SafetyVerdict::NotExercised => SOFT,
    }
}

/// Shape of a storage.
#[must_use]
pub fn shape(storage: Storage) -> Mark {
    match storage {
        Storage::Unknown => Mark::Diamond,
        Storage::Memory => Mark::Triangle,
        Storage::Unsynced => Mark::Square,
        Storage::Synced => Mark::Disc,
    }
}

/// Returns whether the answer is on several nodes before it is given.
#[must_use]
pub fn ringed(copies: Copies) -> bool {
    matches!(copies, Copies::Quorum(_) | Copies::Standby)
}

/// Half the size of the ring around a mark of half size `r`.
#[must_use]
pub fn around(r: i32) -> i32 {
    r + (r / 2).max(3)
}

/// Draws the mark; `r` is half its size, without the ring.
pub fn emblem<DB: DrawingBackend>(
    sheet: &Sheet<DB>,
    at: Pixel,
    r: i32,
    durability: Durability,
    verdict: SafetyVerdict,
) -> Drawn<DB> {
    let (shape, color) = (shape(durability.storage), color(verdict));
    if ringed(durability.copies) {
        // A white gap, so that the ring is seen around any shape.
        sheet.mark(at, Mark::Disc, around(r), PAPER)?;
        sheet.mark(at, Mark::Ring, around(r), color)?;
    }
    // A white edge, so that bars through the mark do not blur its shape.
    sheet.mark(at, shape, r + 2, PAPER)?;
    sheet.mark(at, shape, r, color)?;
    match verdict {
        SafetyVerdict::Valid => Ok(()),
        // The smallest have no room for it: their label says so too.
        SafetyVerdict::Violated if r < 8 => Ok(()),
        SafetyVerdict::Violated => sheet.mark(at, Mark::Cross, r / 2, PAPER),
        SafetyVerdict::Unknown => sheet.mark(at, Mark::Disc, (r / 3).max(2), PAPER),
        SafetyVerdict::NotExercised => sheet.mark(at, shape, (r - 3).max(2), PAPER),
    }
}
