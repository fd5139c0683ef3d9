//! The signs: one set with Unicode, one with plain ASCII. Every sign is one column wide.

/// A set of signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Whether the signs are ASCII alone.
    pub ascii: bool,
    /// It holds.
    pub tick: &'static str,
    /// It does not hold: shown twice for a double grant.
    pub alarm: &'static str,
    /// It is not known.
    pub unknown: &'static str,
    /// Not yet.
    pub waiting: &'static str,
    /// Under way.
    pub running: &'static str,
    /// Over, whatever came of it.
    pub done: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Does not take part.
    pub skipped: &'static str,
    /// Paused.
    pub paused: &'static str,
    /// Frozen display.
    pub frozen: &'static str,
    /// A figure that does not exist.
    pub none: &'static str,
    /// The selected row.
    pub pointer: &'static str,
    /// Sorted by this column.
    pub sorted: &'static str,
    /// More text than fits.
    pub more: &'static str,
    /// A hold.
    pub hold: &'static str,
    /// A hold that overlaps another: the hatch.
    pub overlap: &'static str,
    /// A wait.
    pub wait: &'static str,
    /// End of a lease.
    pub lease: &'static str,
    /// A marker of the user.
    pub marker: &'static str,
    /// Columns of rising height, eight of them.
    pub spark: [&'static str; 8],
    /// Shades of rising density, from nothing on.
    pub shade: [&'static str; 5],
}

/// With Unicode.
pub const UNICODE: Glyphs = Glyphs {
    ascii: false,
    tick: "✓",
    alarm: "!",
    unknown: "?",
    waiting: "·",
    running: "▶",
    done: "●",
    failed: "×",
    skipped: "○",
    paused: "‖",
    frozen: "■",
    none: "—",
    pointer: "▸",
    sorted: "↓",
    more: "…",
    hold: "█",
    overlap: "▒",
    wait: "·",
    lease: "│",
    marker: "◆",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    shade: [" ", "░", "▒", "▓", "█"],
};

/// With ASCII alone.
pub const ASCII: Glyphs = Glyphs {
    ascii: true,
    tick: "+",
    alarm: "!",
    unknown: "?",
    waiting: ".",
    running: ">",
    done: "*",
    failed: "x",
    skipped: "o",
    paused: "=",
    frozen: "#",
    none: "-",
    pointer: ">",
    sorted: "v",
    more: "~",
    hold: "=",
    overlap: "#",
    wait: ".",
    lease: "|",
    marker: "^",
    spark: ["_", "_", ".", ".", "-", "-", "=", "#"],
    shade: [" ", ".", ":", "+", "#"],
};
