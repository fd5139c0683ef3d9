//! Labels beside their points: where none covers another.

use super::sheet::Pixel;

/// A rectangle: upper left and lower right corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub Pixel, pub Pixel);

impl Frame {
    /// A rectangle around a place.
    #[must_use]
    pub fn around((x, y): Pixel, (half_w, half_h): Pixel) -> Self {
        Self((x - half_w, y - half_h), (x + half_w, y + half_h))
    }

    fn touches(self, other: Self) -> bool {
        self.0.0 < other.1.0 && other.0.0 < self.1.0 && self.0.1 < other.1.1 && other.0.1 < self.1.1
    }

    fn holds(self, other: Self) -> bool {
        self.0.0 <= other.0.0 && self.0.1 <= other.0.1 && self.1.0 >= other.1.0 && self.1.1 >= other.1.1
    }
}

/// Places where labels may go.
pub struct Places {
    bounds: Frame,
    /// What no label may cover.
    taken: Vec<Frame>,
    /// What it should not cover, if that can be.
    spared: Vec<Frame>,
}

impl Places {
    /// Everything within these bounds is free.
    #[must_use]
    pub fn new(bounds: Frame) -> Self {
        Self { bounds, taken: Vec::new(), spared: Vec::new() }
    }

    /// Nothing may cover this.
    pub fn take(&mut self, frame: Frame) {
        self.taken.push(frame);
    }

    /// Better nothing covers this.
    pub fn spare(&mut self, frame: Frame) {
        self.spared.push(frame);
    }

    /// The place of a label of that half size near a point, at least `gap` from it:
    /// the nearest that is free, to the right and the left first. Takes it.
    pub fn label(&mut self, (x, y): Pixel, (half_w, half_h): Pixel, gap: i32) -> Pixel {
        let mut candidates = Vec::new();
        for ring in 0..12 {
            let (dx, dy) = (half_w + gap + ring * half_h, half_h + gap + ring * half_h);
            let beside = [(dx, 0), (-dx, 0), (0, -dy), (0, dy)];
            let askew = [(dx, -dy), (dx, dy), (-dx, -dy), (-dx, dy), (half_w, -dy), (half_w, dy)];
            candidates.extend(beside.into_iter().chain(askew).map(|(dx, dy)| (x + dx, y + dy)));
        }
        let frame = |at: Pixel| Frame::around(at, (half_w, half_h));
        let free = |at: &Pixel, others: &[Frame]| others.iter().all(|other| !frame(*at).touches(*other));
        let inside: Vec<Pixel> = candidates.into_iter().filter(|at| self.bounds.holds(frame(*at))).collect();
        let best = inside.iter().find(|at| free(at, &self.taken) && free(at, &self.spared));
        let best = best.or_else(|| inside.iter().find(|at| free(at, &self.taken)));
        let place = best.or(inside.first()).copied().unwrap_or((x, y));
        self.taken.push(frame(place));
        place
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::{Frame, Places};

    #[test]
    fn a_lone_label_stands_to_the_right_and_at_the_edge_to_the_left() {
        let mut places = Places::new(Frame((0, 0), (400, 300)));
        assert_eq!(places.label((100, 100), (30, 6), 5), (135, 100));
        assert_eq!(places.label((390, 200), (30, 6), 5), (355, 200));
    }

    proptest! {
        #[test]
        fn ten_labels_never_cover_each_other_nor_a_mark(
            points in proptest::collection::vec((60_i32..540, 40_i32..360), 1..=10),
        ) {
            let mut places = Places::new(Frame((0, 0), (600, 400)));
            let marks: Vec<Frame> = points.iter().map(|at| Frame::around(*at, (6, 6))).collect();
            marks.iter().for_each(|mark| places.take(*mark));
            let labels: Vec<Frame> =
                points.iter().map(|at| Frame::around(places.label(*at, (45, 7), 8), (45, 7))).collect();
            for (i, label) in labels.iter().enumerate() {
                prop_assert!(labels[..i].iter().all(|other| !label.touches(*other)), "{labels:?}");
                prop_assert!(marks.iter().all(|mark| !label.touches(*mark)), "{labels:?} {marks:?}");
            }
        }
    }
}
