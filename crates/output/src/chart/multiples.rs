//! Small multiples: the same drawing of each system on axes that all of them share.

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use super::legend::{Entry, with_legend};
use super::lettering::{Lettering, shortened};
use super::picture::Draw;
use super::sheet::{Drawn, Sheet};
use super::view::view;
use super::{Chart, Words, finish};

/// Size of one drawing on a page.
const PANEL: (u32, u32) = (400, 270);

/// The drawing of one system.
pub struct Panel<D> {
    /// Registry name.
    pub system: String,
    /// What stands above it: the name, and what else is to be known.
    pub title: String,
    /// What is drawn.
    pub body: Arc<D>,
}

/// All of them.
pub struct Multiples<D> {
    panels: Vec<Panel<D>>,
    legend: Vec<Entry>,
}

impl<D: Draw> Multiples<D> {
    /// One drawing per system and the legend of all.
    pub fn new(panels: Vec<Panel<D>>, legend: Vec<Entry>) -> Self {
        Self { panels, legend }
    }

    /// The chart, with each drawing as a part of a page.
    pub fn chart(self, words: Words<'_>) -> Result<Vec<Chart>, String> {
        let one = |panel: &Panel<D>| view(Some(&panel.system), panel.title.as_str(), PANEL, Arc::clone(&panel.body));
        let views = self.panels.iter().map(one).collect::<Result<_, String>>()?;
        let legend = self.legend.clone();
        Ok(vec![finish(words, self)?.on_page(views, &legend)?])
    }
}

impl<D: Draw> Draw for Arc<D> {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        self.as_ref().draw(sheet)
    }
}

/// How many stand side by side, and how large their letters are.
fn layout(count: usize) -> (i32, f64) {
    match count {
        0 | 1 => (1, 1.0),
        2 => (2, 0.85),
        3 | 4 => (2, 0.75),
        5 | 6 => (3, 0.7),
        7..=9 => (3, 0.62),
        _ => (4, 0.55),
    }
}

impl<D: Draw> Draw for Multiples<D> {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let rest = with_legend(sheet, &self.legend)?;
        let (columns, scale) = layout(self.panels.len());
        let parts = rest.grid(columns, self.panels.len(), rest.ems(0.8));
        for (panel, part) in self.panels.iter().zip(parts) {
            let part = part.scaled(scale);
            let (w, h) = part.size();
            let name = Lettering { scale: 1.1, bold: true, ..Lettering::PLAIN };
            let text = shortened(&panel.title, part.em() * name.scale, true, w);
            part.text((part.ems(0.4), part.ems(0.7)), &text, name)?;
            panel.body.draw(&part.part((0, part.ems(1.6)), (w, h)))?;
        }
        Ok(())
    }
}
