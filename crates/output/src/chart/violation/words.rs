//! What stands beside the picture of a double grant: its caption and its table.

use crate::chart::lanes::{Lane, answer};
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::units::human_duration;
use lockbench_report::{Scene, SceneHold, notice};

/// How the two came to be inside at once, and how each release was answered.
pub(super) fn caption(scene: &Scene, lanes: &[Lane], left_out: usize) -> String {
    let facts = &scene.violation.double_grant;
    let (earlier, later) = (&facts.earlier, &facts.later);
    let both = earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns);
    let promise = match (facts.kind, earlier.validity_ns) {
        (DoubleGrantKind::Inside, None) => {
            "No lease limited the earlier hold: the service broke its promise (inside).".to_owned()
        }
        (DoubleGrantKind::Inside, Some(end)) => format!(
            "The earlier holder could still believe in its lease, for another {}: the service broke its promise (inside).",
            human_duration(end.saturating_sub(later.start_ns))
        ),
        (DoubleGrantKind::Withdrawn, _) => {
            let noticed =
                notice(facts).map_or_else(String::new, |notice| format!(", and notified its session {notice}"));
            format!("The service took the earlier lock back before its promise ended{noticed} (withdrawn).")
        }
        (DoubleGrantKind::Outside, end) => format!(
            "The earlier holder's lease had ended {} before, and it stayed: the holder overstayed (outside).",
            human_duration(later.start_ns.saturating_sub(end.unwrap_or(later.start_ns)))
        ),
    };
    let admitted = if facts.admitted { " The server itself admitted both holds." } else { "" };
    let answered = |client: u32, start_ns: u64| {
        let holds = lanes.iter().filter(|lane| lane.client == client).flat_map(|lane| &lane.holds);
        holds
            .filter(|hold| hold.start_ns == start_ns)
            .map(|hold| answer(hold.ended))
            .next()
            .unwrap_or("no release known")
    };
    let more = match left_out {
        0 => String::new(),
        1 => " One more client held the key in this time and is not shown.".to_owned(),
        count => format!(" {count} more clients held the key in this time and are not shown."),
    };
    format!(
        "Trial {}, key {}: client {} was granted the key while client {} was inside; both were inside for {}. {promise}{admitted} \
         Earlier holder: {}; later holder: {}.{more}",
        scene.trial,
        facts.key,
        later.client,
        earlier.client,
        human_duration(both),
        answered(earlier.client, earlier.start_ns),
        answered(later.client, later.start_ns),
    )
}

/// The holds of a lane, instants relative to the second grant.
pub(super) fn rows(lane: &Lane, zero_ns: u64) -> Vec<Vec<String>> {
    let at = |ns: u64| {
        let sign = if ns < zero_ns { '-' } else { '+' };
        if ns == zero_ns { "0".to_owned() } else { format!("{sign}{}", human_duration(ns.abs_diff(zero_ns))) }
    };
    let row = |hold: &SceneHold| {
        vec![
            lane.client.to_string(),
            lane.role.name().to_owned(),
            hold.token.map_or_else(|| "none".to_owned(), |token| token.to_string()),
            if hold.invoke_ns < hold.start_ns { at(hold.invoke_ns) } else { "-".to_owned() },
            at(hold.start_ns),
            at(hold.end_ns),
            hold.validity_ns.map_or_else(|| "no lease".to_owned(), at),
            answer(hold.ended).to_owned(),
        ]
    };
    lane.holds.iter().map(row).collect()
}
