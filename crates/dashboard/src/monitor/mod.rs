//! The screen of the monitor: a card per system, what changed below. It is small enough to do
//! without the screens of a run, and shows what `monitor.json` holds and nothing else.

mod app;
mod view;

pub use app::{App, MonitorControls};
pub use view::draw;
