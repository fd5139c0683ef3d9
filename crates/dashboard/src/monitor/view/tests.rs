//! The screen of the monitor on terminals of several sizes, with and without colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::{Shown, clock, draw};
use crate::theme::Theme;
use crate::user_view::UserView;
use lockbench_core::units::{MILLISECOND, SECOND};
use lockbench_report::monitor::{
    AlertStatus, Certain, Change, Outage, Standing, State, Status, SystemStatus, WindowFigures,
};

fn window(name: &str, seen_s: f64, p99_ms: Option<u64>) -> WindowFigures {
    WindowFigures {
        window: name.to_owned(),
        seen_s,
        dropped: 3,
        missed: 240,
        rate_per_s: 20.0,
        contention: Some(0.083),
        timeouts: Some(0.0),
        availability: Some(0.9713),
        service_p50_ns: Some(410_000),
        service_p95_ns: p99_ms.map(|ms| ms * MILLISECOND / 2),
        service_p99_ns: p99_ms.map(|ms| ms * MILLISECOND),
        response_p50_ns: Some(420_000),
        response_p95_ns: p99_ms.map(|ms| ms * MILLISECOND * 2 / 3),
        response_p99_at_least_ns: p99_ms.map(|ms| ms * 800 * MILLISECOND),
        response_max_ns: Some(12 * SECOND),
        response_max_is_lower_bound: true,
        ..WindowFigures::default()
    }
}

fn system(backend: &str, state: State) -> SystemStatus {
    let p99 = [None, Some(3), Some(4), Some(12)];
    // An hour and a bit.
    let seen = [60.0, 300.0, 3_600.0, 3_723.0];
    let windows = ["1m", "5m", "1h", "24h"].into_iter().zip(seen).zip(p99);
    let by_minute = (0..60).map(|minute| (minute > 20).then(|| (minute % 9 + 1) * MILLISECOND));
    SystemStatus {
        backend: backend.to_owned(),
        state,
        state_for_s: 75,
        windows: windows.map(|((name, seen_s), ms)| window(name, seen_s, ms)).collect(),
        server_version: "7.0.15".to_owned(),
        response_p99_by_minute_ns: by_minute.collect(),
        exercised_holds: 12_345,
        ..SystemStatus::default()
    }
}

fn status() -> Status {
    let outage = Outage { lasted_ns: 12 * SECOND, ..Outage::default() };
    let firing = AlertStatus {
        bound: "acquire_service.p99 <= 50ms".to_owned(),
        fails: true,
        standing: Standing::Firing,
        judged: true,
        because: "71.0 ms".to_owned(),
        says: "acquire_service.p99 is 71.0 ms, and must be at most 50.0 ms".to_owned(),
        fired: 1,
        ..AlertStatus::default()
    };
    let change = |second: u32, backend: &str, firing, because: &str| Change {
        at: format!("2026-11-20T16:40:{second:02}Z"),
        backend: backend.to_owned(),
        alert: "up".to_owned(),
        firing,
        because: because.to_owned(),
    };
    let twice = Certain { double_grants: 2, inside: 2, ..Certain::default() };
    Status {
        workload: "monitor".to_owned(),
        rate_per_s: 20.0,
        window_s: 300.0,
        watched_s: 3_723,
        rss_bytes: Some(23 << 20),
        systems: vec![
            SystemStatus { last_outage: Some(outage), outages: 1, ..system("redis", State::Up) },
            SystemStatus { problem: Some("connection refused".to_owned()), ..system("etcd", State::Down) },
            SystemStatus { alerts: vec![firing], ..system("zookeeper", State::Up) },
            SystemStatus { violations: twice, ..system("postgres:advisory", State::Up) },
            system("redlock", State::Starting),
        ],
        changes: vec![
            change(1, "redis", true, "it does not answer: connection refused"),
            change(13, "redis", false, "it answers again, after an outage of 12.0 s"),
            change(14, "", false, "the workload was read again; it counts from the next round on"),
        ],
        ..Status::default()
    }
}

fn drawn(width: u16, height: u16, theme: Theme, shown: Shown) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(&status(), &UserView::new(theme, theme == Theme::Mono), &shown, area, &mut buffer);
    buffer
}

/// Of some systems only.
fn of(systems: &[usize], (width, height): (u16, u16)) -> String {
    let mut few = status();
    few.systems = systems.iter().map(|place| few.systems[*place].clone()).collect();
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(&few, &UserView::new(Theme::Default, false), &Shown::default(), area, &mut buffer);
    text(&buffer)
}

fn text(buffer: &Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_watch_on_a_small_and_on_a_large_terminal() {
    insta::assert_snapshot!("monitor_80x24", text(&drawn(80, 24, Theme::Default, Shown::default())));
    insta::assert_snapshot!("monitor_120x40", text(&drawn(120, 40, Theme::Default, Shown::default())));
    insta::assert_snapshot!("monitor_200x60", text(&drawn(200, 60, Theme::Default, Shown::default())));
}

#[test]
fn one_or_two_systems_have_their_windows_and_a_taller_curve() {
    insta::assert_snapshot!("monitor_two_80x24", of(&[0, 2], (80, 24)));
    insta::assert_snapshot!("monitor_one_120x40", of(&[0], (120, 40)));
    insta::assert_snapshot!("monitor_one_200x60", of(&[0], (200, 60)));
}

#[test]
fn a_young_watch_shows_no_window_twice_and_no_part_of_a_minute() {
    let mut young = status();
    young.watched_s = 72;
    for (window, seen_s) in young.systems[0].windows.iter_mut().zip([60.0, 72.0, 72.0, 72.0]) {
        window.seen_s = seen_s;
    }
    let mut minutes = vec![None; 60];
    minutes[59] = Some(MILLISECOND);
    young.systems = vec![SystemStatus { response_p99_by_minute_ns: minutes, ..young.systems[0].clone() }];
    let area = Rect::new(0, 0, 120, 24);
    let mut buffer = Buffer::empty(area);
    draw(&young, &UserView::new(Theme::Default, false), &Shown::default(), area, &mut buffer);
    let text = text(&buffer);
    assert!(text.contains("1m 12s so far") && !text.contains(" 1h ") && !text.contains("24h"), "{text}");
    assert!(text.contains("from the first whole minute on") && text.contains("(not full yet)"), "{text}");
}

#[test]
fn without_colour_every_state_has_its_sign_and_word() {
    let buffer = drawn(80, 24, Theme::Mono, Shown::default());
    insta::assert_snapshot!("monitor_mono", text(&buffer));
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let reversed = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED));
    assert!(reversed.count() > 10, "a system that is down stands out");
    assert!(text(&buffer).is_ascii());
    let colour = drawn(80, 24, Theme::Default, Shown::default());
    assert!(colour.content.iter().any(|cell| cell.fg != Color::Reset));
}

#[test]
fn help_and_question_say_what_the_keys_do() {
    let help = text(&drawn(80, 24, Theme::Default, Shown { help: true, ..Shown::default() }));
    assert!(help.contains("end the monitor (asks once)"), "{help}");
    let asked = text(&drawn(80, 24, Theme::Default, Shown { asks: true, ..Shown::default() }));
    assert!(asked.contains("end the monitor? q or y"), "{asked}");
    let small = text(&drawn(50, 10, Theme::Default, Shown::default()));
    assert!(small.contains("60 columns and 12 rows"), "{small}");
}

#[test]
fn what_is_wrong_is_told_to_its_last_word() {
    let long = "the server at 10.0.0.7:6379 did not answer within 2 s: os error 110, connection timed out while \
                reading the reply to EVALSHA; this is the last word";
    let told = |status: &Status, height| {
        let area = Rect::new(0, 0, 72, height);
        let mut buffer = Buffer::empty(area);
        draw(status, &UserView::new(Theme::Default, false), &Shown::default(), area, &mut buffer);
        text(&buffer)
    };
    let mut down = status();
    down.systems = vec![SystemStatus { problem: Some(long.to_owned()), ..system("redis", State::Down) }];
    down.changes = vec![Change { backend: "redis".to_owned(), because: long.to_owned(), ..down.changes[0].clone() }];
    insta::assert_snapshot!("monitor_wrapped", told(&down, 14));
    // Several alerts at once, each whole.
    let mut broken = status();
    let alert = broken.systems[2].alerts[0].clone();
    broken.systems = vec![SystemStatus { alerts: vec![alert; 3], ..system("redis", State::Up) }];
    let drawn = told(&broken, 20);
    assert_eq!(drawn.matches("71.0 ms").count(), 3, "{drawn}");
    // Where it cannot fit, it is seen that there is more.
    down.systems[0].problem = Some(long.repeat(9));
    let drawn = told(&down, 14);
    assert!(drawn.contains('…'), "{drawn}");
}

#[test]
fn no_system_is_scrolled_away_while_there_is_room_for_it() {
    let shown = |height, first| text(&drawn(120, height, Theme::Default, Shown { first, ..Shown::default() }));
    assert_eq!(shown(40, 1), shown(40, 0));
    let small = shown(16, 1);
    assert!(small.contains("1 above: k") && small != shown(16, 0), "{small}");
}

#[test]
fn any_size_is_drawn() {
    for (width, height) in [(0, 0), (1, 1), (60, 12), (61, 13), (300, 100)] {
        for first in [0, 4, 9] {
            drawn(width, height, Theme::Light, Shown { first, ..Shown::default() });
        }
    }
    assert_eq!((clock(65), clock(3_723), clock(270_000)), ("1:05".into(), "1:02:03".into(), "3d 03:00".into()));
}
