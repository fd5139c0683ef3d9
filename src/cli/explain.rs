//! `lockbench explain`: one double grant of a stored run: its story, what it means,
//! what would have prevented it, and a picture.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::args::ExplainArgs;
use super::stored::{open, write};
use super::terminal::terminal_width;
use super::{Failure, kept_rounds, print};
use lockbench_core::oracle::{Cause, DoubleGrantKind, Fact};
use lockbench_core::units::{grouped, human_duration};
use lockbench_output::chart::scene_chart;
use lockbench_output::{Rendered, timeline};
use lockbench_report::{HoldEnd, Scene, SceneHold, Violation, notice};
use lockbench_systems::Registry;

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 100;

/// Prints it and writes the picture.
pub fn explain(args: &ExplainArgs, registry: &Registry) -> Result<u8, Failure> {
    let grants = DoubleGrants::open(&args.run, &args.stored.output, registry)?;
    let scene = grants.find(args.number)?;
    let mut text = format!(
        "double grant {} of {}: {} {} {}, {}\n\n{}\n\n",
        scene.number,
        grants.scenes.len(),
        scene.backend,
        grants.part,
        scene.trial,
        match scene.violation.double_grant.kind {
            DoubleGrantKind::Inside => "inside a lease",
            DoubleGrantKind::Withdrawn => "under a promise that was withdrawn",
            DoubleGrantKind::Outside => "outside a lease",
        },
        scene.violation.story
    );
    text += &facts(scene);
    let columns = usize::from(terminal_width().unwrap_or(NO_TERMINAL));
    let _ = write!(text, "\n{}", timeline(scene, columns));
    // The story first: a place that cannot be written must not cost it.
    print(&text)?;
    let chart = scene_chart(scene).map_err(|error| Failure::internal(format!("the picture: {error}")))?;
    let path = match &args.svg {
        Some(path) => {
            std::fs::write(path, chart.svg).map_err(|error| {
                Failure::internal(format!("cannot write {}: {error}; --svg names another file", path.display()))
            })?;
            path.clone()
        }
        // The current directory may be that of a run: no link there is followed.
        None => write(Path::new(""), &Rendered::new(format!("{}.svg", chart.name), chart.svg), "--svg")?,
    };
    print(&format!("picture: {}\n", path.display()))?;
    Ok(0)
}

/// The double grants of a run, or of the rounds that a monitor run kept.
struct DoubleGrants {
    place: PathBuf,
    scenes: Vec<Scene>,
    /// How many there were.
    all: u64,
    /// What a part of it is called.
    part: &'static str,
}

impl DoubleGrants {
    fn open(run: &str, root: &Path, registry: &Registry) -> Result<Self, Failure> {
        let (place, scenes, results, part) = match kept_rounds::find(run, root, registry)? {
            Some((place, kept)) => (place, kept.scenes, kept.rounds, "round"),
            None => {
                let (directory, run) = open(run, root, registry)?;
                (directory, run.scenes, run.report.results, "trial")
            }
        };
        let all = results.iter().map(|result| result.safety.double_grants_certain).sum();
        Ok(Self { place, scenes, all, part })
    }

    /// The scene of that number.
    fn find(&self, number: u32) -> Result<&Scene, Failure> {
        if let Some(scene) = self.scenes.iter().find(|scene| scene.number == number) {
            return Ok(scene);
        }
        let part = self.part;
        let problem = match self.scenes.len() {
            0 => "this run has none: no double grant was found".to_owned(),
            kept if self.all > kept as u64 => {
                let all = grouped(self.all);
                format!(
                    "there is no double grant {number}: of {all} the first 100 per {part} are kept, numbered 1 to {kept}"
                )
            }
            kept => format!("there is no double grant {number}: they are numbered 1 to {kept}"),
        };
        Err(Failure::usage(format!("{}: {problem}", self.place.display())))
    }
}

/// What it means and what would have prevented it, a paragraph each.
fn facts(scene: &Scene) -> String {
    let double = &scene.violation.double_grant;
    let meaning = match (double.kind, double.earlier.validity_ns) {
        (DoubleGrantKind::Inside, None) => {
            "inside: nothing limited the earlier holder's right, and the service gave the key away all the same. \
             That is the service's fault."
        }
        (DoubleGrantKind::Inside, Some(_)) => {
            "inside: by its own clock the earlier holder was still entitled when the key was given away. That is \
             the service's fault, not the client's."
        }
        (DoubleGrantKind::Withdrawn, _) => {
            "withdrawn: the promise to the earlier holder still ran; the service took the lock back early and said \
             so to the holder's session. That is the service's doing; a client that listens to its session can stop."
        }
        (DoubleGrantKind::Outside, _) => {
            "outside: the earlier holder's lease had lawfully ended and it worked on. The service kept its promise; \
             the client did not notice that its own was over."
        }
    };
    [
        ("what it is", meaning.to_owned()),
        ("why", because(scene)),
        ("a careful client", careful(scene)),
        ("what the server said", evidence(scene)),
        ("fencing", fencing(scene)),
    ]
    .into_iter()
    .fold(String::new(), |text, (name, fact)| text + &paragraph(name, &fact))
}

/// Its cause, with what that means and by what one knows.
fn because(scene: &Scene) -> String {
    let Violation { attribution, why, .. } = &scene.violation;
    if why.is_empty() {
        return "this run was stored before causes were told.".to_owned();
    }
    let zero = scene.origin_ns;
    let one = |fact: &Fact| {
        let word = serde_json::to_value(fact.fact).ok().and_then(|word| word.as_str().map(str::to_owned));
        let whose = fact.client.map_or_else(String::new, |client| format!(" client {client}"));
        let at = |ns: u64| human_duration(ns.saturating_sub(zero));
        let span = match (fact.from_ns, fact.to_ns) {
            (from, to) if from == to => format!(" at {}", at(from)),
            (from, to) => format!(" from {} to {}", at(from), at(to)),
        };
        format!("{}{whose}{span}", word.unwrap_or_default())
    };
    let evidence: Vec<String> = attribution.evidence.iter().map(one).collect();
    let meaning = match attribution.cause {
        Cause::Undetermined => String::new(),
        cause => format!(" ({}: {})", cause.name(), cause.meaning()),
    };
    let evidence = if evidence.is_empty() { String::new() } else { format!(" Evidence: {}.", evidence.join("; ")) };
    format!("{why}{meaning}{evidence}")
}

/// Says whether it would have helped to stop at the local deadline.
fn careful(scene: &Scene) -> String {
    let double = &scene.violation.double_grant;
    let (earlier, later) = (&double.earlier, &double.later);
    if let (DoubleGrantKind::Withdrawn, Some(notice)) = (double.kind, notice(double)) {
        let early = earlier.lost_ns.is_some_and(|lost| lost <= later.start_ns);
        return if early {
            format!(
                "client {}'s session learned {notice} that the lock was lost: a client that stops then would have \
                 prevented it.",
                earlier.client
            )
        } else {
            format!(
                "client {}'s session learned only {notice} that the lock was lost: a client that stops then would have \
                 made it shorter, and would not have prevented it.",
                earlier.client
            )
        };
    }
    match earlier.validity_ns {
        None => "there is no lease, so that no deadline could have made the earlier holder stop.".to_owned(),
        Some(_) if double.kind == DoubleGrantKind::Inside => format!(
            "stopping at the end of its own lease would not have helped client {}: it had not come yet.",
            earlier.client
        ),
        Some(end) => format!(
            "a client that stops when its own lease is over would have prevented it: client {} would have stopped {} \
             before client {} came.",
            earlier.client,
            human_duration(later.start_ns.saturating_sub(end)),
            later.client
        ),
    }
}

/// What the answer to the earlier holder's release proves.
fn evidence(scene: &Scene) -> String {
    let double = &scene.violation.double_grant;
    let answer = answered(scene);
    if double.admitted {
        return format!("{answer} By all of its answers it let both hold the key at once: no plan can expect that.");
    }
    answer
}

/// The answer to the earlier holder's release.
fn answered(scene: &Scene) -> String {
    let earlier = &scene.violation.double_grant.earlier;
    let earlier_hold = |hold: &&SceneHold| hold.client == earlier.client && hold.start_ns == earlier.start_ns;
    let client = earlier.client;
    match scene.holds.iter().find(earlier_hold).map(|hold| hold.ended) {
        Some(HoldEnd::Confirmed) => format!(
            "it confirmed client {client}'s release as that of the holder, after it had given the key to another: by \
             its own words two held it at once."
        ),
        Some(HoldEnd::NotOwner) => format!(
            "to client {client}'s release it said that it was not the holder any more: it had taken the key back, and \
             a client that counts only on what the server confirms would not have believed in it."
        ),
        Some(HoldEnd::Unanswered) => format!("client {client}'s release got no answer: it proves nothing."),
        Some(HoldEnd::Open) | None => {
            format!(
                "how client {client}'s hold ended is not known: the client died, or the history does not reach there."
            )
        }
    }
}

/// What a resource that checks tokens would have done.
fn fencing(scene: &Scene) -> String {
    let double = &scene.violation.double_grant;
    let (earlier, later) = (&double.earlier, &double.later);
    match (earlier.token, later.token) {
        (Some(old), Some(new)) if new > old => format!(
            "a resource that checks tokens refuses client {}'s writes (token {old}) as soon as client {} has shown \
             token {new}. What is written before that is not undone.",
            earlier.client, later.client
        ),
        (Some(old), Some(new)) if new == old => {
            format!("both have token {old}: a resource that checks tokens cannot distinguish them.")
        }
        (Some(old), Some(new)) => format!(
            "the later grant has the lower token ({new} after {old}): a resource that checks tokens would refuse the \
             rightful holder, client {}.",
            later.client
        ),
        _ => "this recipe has no fencing token: a resource has nothing to check.".to_owned(),
    }
}

/// Text under a name, wrapped for a terminal of 80 columns.
fn paragraph(name: &str, text: &str) -> String {
    const WIDTH: usize = 78;
    let mut out = format!("{name}:");
    let mut column = out.len();
    for word in text.split(' ') {
        if column + 1 + word.len() > WIDTH {
            out.push_str("\n ");
            column = 1;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.push('\n');
    out
}
