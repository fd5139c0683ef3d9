//! The live terminal UI: what a person watches while a run is under way, or when a
//! stored run is played again.
//!
//! | part | what it holds |
//! |---|---|
//! | [`app`] | the loop: updates and keys in, frames out; terminal, events and updates are given to it |
//! | [`state`] | a fold over the [`lockbench_report::live::Update`]s; knows nothing of the screen |
//! | [`user_view`] | how the user looks at it: screen, focus, selection, filter, window, units, theme |
//! | [`input`] | which key means which action; the help is made from this map |
//! | [`view`] | state and look to cells, one file per panel |
//! | [`monitor`] | the one screen of `lockbench monitor`, with a loop of its own |
//! | [`theme`], [`palette`], [`glyph`] | colours and signs; a state never shows by colour alone |
//! | [`term`] | the terminal, taken and given back whatever happens |
//! | [`picture`] | a screen as text and as a picture, for the key that writes them |
//! | [`controls`] | what the user can do to the run; the composition root does it |
//!
//! It draws on its own thread from updates that were published, and takes no lock that
//! the load could wait for.

pub mod app;
pub mod controls;
pub mod glyph;
pub mod input;
pub mod monitor;
pub mod palette;
pub mod picture;
pub mod state;
pub mod term;
pub mod text;
pub mod theme;
pub mod user_view;
pub mod view;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod stage;
