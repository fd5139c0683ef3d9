//! Flags that choose what is shown, and how.

use clap::{Args, ValueEnum};

use super::heading;
use lockbench_dashboard::theme::Theme;

/// What is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UiChoice {
    /// The dashboard on a terminal, else plain lines
    Auto,
    /// The dashboard; plain lines, and why, where there is no terminal for it
    Tui,
    /// Plain lines on stderr
    Plain,
    /// Nothing
    None,
}

/// Colours and signs of the dashboard. Every state has a sign and a word as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ThemeName {
    /// For a dark terminal
    Default,
    /// For a light terminal
    Light,
    /// For poor eyesight and bad projectors
    HighContrast,
    /// Colours that colour-blind people can distinguish (Okabe and Ito)
    OkabeIto,
    /// No colour at all
    Mono,
}

/// The themes, for the help: they explain themselves.
const THEMES: &str = "default|light|high-contrast|okabe-ito|mono";

/// What is drawn with, on a screen or in lines.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = heading::DISPLAY)]
pub(in crate::cli) struct SignArgs {
    /// Draw with ASCII signs only
    #[arg(
        long,
        env = "LOCKBENCH_ASCII",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub ascii: Option<bool>,
}

/// How the dashboard looks. What is not given here is in the configuration file, or
/// has its default.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = heading::DISPLAY)]
pub(in crate::cli) struct UiArgs {
    /// Colours of the dashboard
    #[arg(long, value_enum, env = "LOCKBENCH_THEME", hide_possible_values = true, value_name = THEMES)]
    pub theme: Option<ThemeName>,
    /// Frames of the dashboard per second, 1 to 30
    #[arg(long, env = "LOCKBENCH_FPS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=30))]
    pub fps: Option<u32>,
    #[command(flatten)]
    pub signs: SignArgs,
    /// Leave the mouse to the terminal
    #[arg(
        long,
        env = "LOCKBENCH_NO_MOUSE",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub no_mouse: Option<bool>,
}

impl ThemeName {
    /// Returns the theme of that name.
    pub fn theme(self) -> Theme {
        match self {
            Self::Default => Theme::Default,
            Self::Light => Theme::Light,
            Self::HighContrast => Theme::HighContrast,
            Self::OkabeIto => Theme::OkabeIto,
            Self::Mono => Theme::Mono,
        }
    }
}
