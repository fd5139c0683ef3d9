//! The screen "Faults": what the plan injects, what is in force, and when it was.

use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::{Panel, Room, Screen, View};
use crate::state::SystemState;
use crate::theme::Ink;

/// The screen.
pub static SCREEN: Screen = Screen { name: "Faults", short: "Faults", panels: &[&FAULTS], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static FAULTS: Panel = Panel {
    name: "Faults",
    about: "Which faults the plan injects, which are in force now, and when they were",
    draw: |view, area, buffer| {
        let inside = view.frame("Faults", area, buffer);
        Paragraph::new(lines(view)).wrap(Wrap { trim: true }).render(inside, buffer);
    },
    explain: |view| {
        if planned(view).is_empty() {
            "No fault was injected, so the run says nothing about what a fault would do.".to_owned()
        } else {
            "A fault is injected into servers that this run started, and healed again. Every figure and every verdict \
             of the system holds for servers that were disturbed in this way."
                .to_owned()
        }
    },
    ..Panel::PLAIN
};

fn planned<'a>(view: &View<'a>) -> &'a [String] {
    view.state.run.as_ref().map_or(&[][..], |run| &run.faults)
}

fn lines(view: &View<'_>) -> Vec<Line<'static>> {
    let planned = planned(view);
    if planned.is_empty() {
        return vec![
            Line::styled("The plan injects no faults.", view.ink(Ink::Text)),
            Line::default(),
            Line::styled(
                "Every figure and every verdict of this run holds for undisturbed servers only.",
                view.ink(Ink::Soft),
            ),
        ];
    }
    let mut lines = Vec::new();
    for (number, fault) in (1_u32..).zip(planned) {
        lines.push(Line::styled(format!("fault {number}: {fault}"), view.ink(Ink::Text)));
        if let Some(system) = view.system() {
            let (state, ink) = state(view, system, number);
            lines.push(Line::styled(format!("         {}: {state}", system.name), view.ink(ink)));
        }
    }
    lines
}

/// How a fault stands on a system, in words.
fn state(view: &View<'_>, system: &SystemState, number: u32) -> (String, Ink) {
    let in_force =
        system.result.is_none() && system.snapshot.iter().any(|snapshot| snapshot.faults_in_force.contains(&number));
    if in_force {
        return ("IN FORCE".to_owned(), Ink::Alarm);
    }
    let name = format!("fault {number}");
    let times: Vec<String> = system
        .marks()
        .filter(|(.., mark)| *mark == name)
        .map(|(from, to, _)| format!("{} to {}", view.duration(from), view.duration(to)))
        .collect();
    if times.is_empty() {
        ("not injected yet".to_owned(), Ink::Soft)
    } else {
        (format!("was in force {} after the start of the warm-up", times.join(", ")), Ink::Soft)
    }
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::stage::frames::frames;
    use crate::stage::{panels, text};
    use crate::theme::Theme;
    use crate::user_view::{SCREENS, UserView};
    use lockbench_core::record::figures::{Mark, MarkKind};

    #[test]
    fn snapshots() {
        let state = sample::at_the_end();
        let draw = |theme, size| panels(4, &state, &UserView::new(theme, theme == Theme::Mono), size);
        for (name, shown) in frames("faults_end", draw) {
            insta::assert_snapshot!(name, shown);
        }
    }

    #[test]
    fn a_fault_in_force_and_one_that_was() {
        let mut state = sample::in_the_middle_of("redis", 3);
        let run = state.run.as_mut().unwrap();
        run.faults = vec![
            "server-pause of all, 1 s after measuring begins, for 2 s".to_owned(),
            "server-kill of one, every 4 s, for 500 ms".to_owned(),
            "server-pause of one, 9 s after measuring begins, for 1 s".to_owned(),
        ];
        let running = state.systems.iter_mut().find(|system| system.name == "redis").unwrap();
        let snapshot = running.snapshot.as_mut().unwrap();
        let from_ns = snapshot.origin_ns + 3_000_000_000;
        snapshot.marks.push(Mark { from_ns, to_ns: from_ns + 2_000_000_000, kind: MarkKind::Fault, number: 1 });
        snapshot.faults_in_force = vec![2];
        let shown = text(&panels(4, &state, &UserView::new(Theme::Mono, false), (80, 24)));
        insta::assert_snapshot!("faults_in_force", shown);
        // No other screen says that there was none.
        for screen in 0..SCREENS {
            let shown = text(&panels(screen, &state, &UserView::new(Theme::Mono, false), (200, 60)));
            assert!(!shown.contains("no faults injected"), "{shown}");
        }
        let safety = text(&panels(3, &state, &UserView::new(Theme::Mono, false), (200, 60)));
        assert!(safety.contains("under this plan, with its faults injected"), "{safety}");
    }
}
