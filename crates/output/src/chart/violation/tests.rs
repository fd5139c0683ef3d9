use super::{MOST, MOST_OF_TRIAL, scene_chart, violations};
use crate::sample;
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_report::HoldEnd;

#[test]
fn a_pause_and_a_marker_in_the_time_shown_are_in_the_picture() {
    let steered = sample::steered();
    let chart = violations(&steered).unwrap().remove(0);
    assert!(chart.svg.contains(">load paused</text>") && chart.svg.contains(">1</text>"));
    assert!(chart.caption.contains("Hatched: the load was paused"));
    let mut scene = steered.scenes[0].clone();
    scene.marks.iter_mut().for_each(|mark| (mark.from_ns, mark.to_ns) = (scene.to_ns + 1, scene.to_ns + 9));
    assert!(!scene_chart(&scene).unwrap().svg.contains("load paused"));
}

#[test]
fn a_double_grant_tells_who_believed_what_and_for_how_long() {
    let mut scene = sample::recorded().scenes.remove(0);
    scene.holds[0].ended = HoldEnd::NotOwner;
    scene.holds[1].ended = HoldEnd::Confirmed;
    let chart = scene_chart(&scene).unwrap();
    assert_eq!(chart.name, "violation-1");
    insta::assert_snapshot!(chart.caption, @"Trial 1, key 0: client 2 was granted the key while client 1 was inside; both were inside for 8.00 ms. No lease limited the earlier hold: the service broke its promise (inside). Earlier holder: release refused: not the holder; later holder: release confirmed.");
    for text in ["both inside: 8.00 ms", "earlier holder", "later holder", ">token 9<", "no lease", ">lease ends<"] {
        assert!(chart.svg.contains(text), "{text}");
    }
    assert_eq!(
        chart.rows[0],
        ["1", "earlier holder", "none", "-", "-1.00 ms", "+8.00 ms", "no lease", "release refused: not the holder"]
    );
}

#[test]
fn the_words_on_a_lease_do_not_lie_on_the_line_of_the_second_grant() {
    let mut scene = sample::recorded().scenes.remove(0);
    let granted_ns = scene.violation.double_grant.later.start_ns;
    let far_ns = scene.to_ns + 5_000_000_000;
    for hold in &mut scene.holds[..2] {
        hold.validity_ns = Some(far_ns);
    }
    for early_ns in [0, 1, 1_000_000] {
        scene.holds[0].start_ns = granted_ns - early_ns;
        scene.violation.double_grant.earlier.start_ns = granted_ns - early_ns;
        let svg = scene_chart(&scene).unwrap().svg;
        let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<i32>().unwrap();
        // The first piece of the dashed red line.
        let line = svg.split("stroke=\"#b00020\" d=\"M").nth(1).map(number).unwrap();
        let words: Vec<i32> = svg
            .match_indices(">lease valid until")
            .map(|(at, _)| number(svg[..at].rsplit("<text x=\"").next().unwrap()))
            .collect();
        assert_eq!(words.len(), 2);
        assert!(words.iter().all(|x| *x > line || *x + 150 < line), "{words:?} {line}");
    }
}

#[test]
fn an_overstayed_lease_is_not_blamed_on_the_service() {
    let mut scene = sample::recorded().scenes.remove(0);
    let start_ns = scene.violation.double_grant.later.start_ns;
    scene.violation.double_grant.kind = DoubleGrantKind::Outside;
    scene.violation.double_grant.earlier.validity_ns = Some(start_ns - 400_000);
    let caption = scene_chart(&scene).unwrap().caption;
    assert!(caption.contains("had ended 400 us before, and it stayed: the holder overstayed (outside)"), "{caption}");
}

#[test]
fn a_lock_that_was_taken_back_early_is_the_service_s_doing_and_shows_when_it_said_so() {
    let mut scene = sample::recorded().scenes.remove(0);
    let double = &mut scene.violation.double_grant;
    double.kind = DoubleGrantKind::Withdrawn;
    double.earlier.lost_ns = Some(double.later.start_ns + 2_800_000);
    let chart = scene_chart(&scene).unwrap();
    let told = "and notified its session 2.80 ms after the other grant (withdrawn)";
    assert!(chart.caption.contains(told), "{}", chart.caption);
    assert!(chart.svg.contains(">session learns of the loss<") && !chart.caption.contains("overstayed"));
}

#[test]
fn only_the_first_few_are_drawn() {
    let mut run = sample::recorded();
    let first = run.scenes.remove(0);
    for (number, trial) in (1..=50).zip((1..=5).cycle()) {
        run.scenes.push(lockbench_report::Scene { number, trial, ..first.clone() });
    }
    let charts = violations(&run).unwrap();
    assert_eq!(charts.len(), MOST);
    let of_trial = charts.iter().filter(|chart| chart.caption.starts_with("Trial 1,")).count();
    assert_eq!(of_trial, MOST_OF_TRIAL);
    assert!(violations(&sample::crowd(10)).unwrap().is_empty());
}

#[test]
fn a_hold_of_no_length_can_be_drawn() {
    let mut scene = sample::recorded().scenes.remove(0);
    let later = &mut scene.violation.double_grant.later;
    later.end_ns = later.start_ns;
    assert!(scene_chart(&scene).unwrap().svg.contains("both inside: 0 ns"));
}
