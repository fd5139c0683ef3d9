//! Double grants as stories, and what their kinds mean.

use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::units::grouped;
use lockbench_report::{RecordedRun, Scene};

/// Stories of a run that are on the page; the rest is in `report.json`.
const ON_PAGE: usize = 20;
/// Of these, shown without a click.
const OPEN: usize = 3;

/// One double grant.
pub struct Story {
    /// Its number within the run.
    pub number: u32,
    /// Where it happened.
    pub title: String,
    /// What happened.
    pub story: String,
    /// What its kind means.
    pub meaning: &'static str,
}

/// The stories of a run on the page.
pub struct Stories {
    /// Shown.
    pub open: Vec<Story>,
    /// Folded.
    pub folded: Vec<Story>,
    /// How many more are kept.
    pub left_out: usize,
}

/// The first stories of every system.
pub fn stories(run: &RecordedRun) -> Stories {
    let mut backends: Vec<&str> = run.scenes.iter().map(|scene| scene.backend.as_str()).collect();
    backends.dedup();
    let share = ON_PAGE / backends.len().max(1);
    let (mut open, mut folded) = (Vec::new(), Vec::new());
    for backend in backends {
        let own = run.scenes.iter().filter(|scene| scene.backend == backend).take(share.max(1));
        for (i, scene) in own.enumerate() {
            if i < OPEN { open.push(story(scene)) } else { folded.push(story(scene)) }
        }
    }
    let left_out = run.scenes.len() - open.len() - folded.len();
    Stories { open, folded, left_out }
}

fn story(scene: &Scene) -> Story {
    let double = &scene.violation.double_grant;
    let (side, meaning) = match double.kind {
        DoubleGrantKind::Inside => ("inside a lease", INSIDE),
        DoubleGrantKind::Withdrawn => ("withdrawn before its end", WITHDRAWN),
        DoubleGrantKind::Outside => ("outside a lease", OUTSIDE),
    };
    let number = grouped(u64::from(scene.number));
    Story {
        number: scene.number,
        title: format!("{number}. {}, trial {}, key {}: {side}", scene.backend, scene.trial, double.key),
        story: sentence(&scene.violation.told()),
        meaning,
    }
}

/// With a capital: stories begin in the middle of a line elsewhere.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const INSIDE: &str = "Inside: the first holder still had every right to believe in its grant. The service, or the client \
                      library, broke its promise (V1, V3, V4, V5 or V6 below).";
const WITHDRAWN: &str = "Withdrawn: the first holder's promise still ran, but the service took the lock back early and notified the \
                         holder's session. The service let the next client in; the first one had not stopped yet.";
const OUTSIDE: &str = "Outside: the first holder's lease was over and the service was free to grant again. The client stayed \
                       inside too long (V2 below); a fencing token would keep its late writes out.";

/// The words of this section.
pub static CLASSES: &[(&str, &str)] = &[
    ("inside", "The second grant came while the earlier holder's lease was still valid, or it had no lease at all."),
    (
        "withdrawn",
        "The second grant came while the earlier holder's promise still ran, and that holder's session learned, before or \
         after it, that the service had taken the lock back.",
    ),
    (
        "outside",
        "The second grant came after the earlier holder's lease had lapsed, while that client went on as if it held it.",
    ),
    (
        "V1",
        "The service lost the grant, or gave it twice: after a crash without a disk, a failover, a jump of its clock.",
    ),
    (
        "V2",
        "The lease was lawfully over and the client still believed in it: a long pause, a slow network, no renewal.",
    ),
    ("V3", "The service reported a grant for a lock that was already lost, such as a waiter whose session had ended."),
    ("V4", "Another client's release or renewal hit a lock that was not its own."),
    ("V5", "Two clients shared one identity, so the service took them for one."),
    ("V6", "A client went inside without a grant, for example by taking an error for a yes."),
    (
        "which of them",
        "This version derives inside, withdrawn and outside from the clients' own events. Only the server's own record shows which of \
         V1 and V3 to V6 an inside one is.",
    ),
];

#[cfg(test)]
mod tests {
    use super::{ON_PAGE, OPEN, stories};
    use crate::sample::recorded;
    use lockbench_report::Scene;

    #[test]
    fn a_story_says_where_and_what_it_means() {
        let stories = stories(&recorded());
        assert_eq!((stories.open.len(), stories.folded.len(), stories.left_out), (1, 0, 0));
        let story = &stories.open[0];
        insta::assert_snapshot!(format!("{}\n{}\n{}", story.title, story.story, story.meaning), @"
1. redlock, trial 1, key 0: inside a lease
Key 0: client 1 and client 2 …
Inside: the first holder still had every right to believe in its grant. The service, or the client library, broke its promise (V1, V3, V4, V5 or V6 below).
");
    }

    #[test]
    fn many_stories_are_folded_then_cut_and_counted() {
        let mut run = recorded();
        let scene = run.scenes[0].clone();
        let backend = |i| if i < 60 { "a" } else { "b" }.to_owned();
        run.scenes = (0..100).map(|i| Scene { number: i + 1, backend: backend(i), ..scene.clone() }).collect();
        let stories = stories(&run);
        assert_eq!(
            (stories.open.len(), stories.folded.len(), stories.left_out),
            (2 * OPEN, ON_PAGE - 2 * OPEN, 100 - ON_PAGE)
        );
        assert!(stories.open.iter().any(|story| story.number == 61), "the second system has its turn");
    }
}
