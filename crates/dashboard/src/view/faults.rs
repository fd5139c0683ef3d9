//! The screen "Faults": its key and its place. Faults cannot be injected yet.

use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::{Panel, Room, Screen};
use crate::theme::Ink;

/// The screen.
pub static SCREEN: Screen = Screen { name: "Faults", short: "Faults", panels: &[&FAULTS], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static FAULTS: Panel = Panel {
    name: "Faults",
    about: "Which faults are injected, when, and whether they bit: none can be, in this version",
    draw: |view, area, buffer| {
        let inside = view.frame("Faults", area, buffer);
        let lines = vec![
            Line::styled("No faults are injected: this version of lockbench cannot.", view.ink(Ink::Text)),
            Line::default(),
            Line::styled(
                "Every figure and every verdict of this run holds for undisturbed servers only.",
                view.ink(Ink::Soft),
            ),
        ];
        Paragraph::new(lines).wrap(Wrap { trim: true }).render(inside, buffer);
    },
    explain: |_| "No fault was injected, so the run says nothing about what a fault would do.".to_owned(),
    ..Panel::PLAIN
};

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::stage::frames::frames;
    use crate::stage::panels;
    use crate::theme::Theme;
    use crate::user_view::UserView;

    #[test]
    fn snapshots() {
        let state = sample::at_the_end();
        let draw = |theme, size| panels(4, &state, &UserView::new(theme, theme == Theme::Mono), size);
        for (name, shown) in frames("faults_end", draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
}
