//! The terminal guard on a real (pseudo) terminal: whatever ends the dashboard, a
//! person can go on working. The test program plays the dashboard itself: it starts
//! itself again on the terminal with the name of a play.

use crate::support::pty;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::cli::Place;
use crate::support::pty::Pty;
use lockbench::tui::term::{Screen, Term};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{Event, KeyCode};
use rustix::process::Signal;

const PLAY: &str = "LOCKBENCH_TEST_PLAY";

// --- the plays --------------------------------------------------------------------

/// What runs on the terminal, when this program is started for it.
#[test]
#[ignore = "is run by the others, on a terminal"]
fn play() {
    match std::env::var(PLAY).unwrap_or_default().as_str() {
        "key" => until_a_key(),
        "drop" => dropped(),
        "panic" => panic_of_another_thread(),
        "suspend" => suspended(),
        "events" => events(),
        "flood" => flooded(),
        "gone" => gone(),
        "refuse" => assert!(Term::enter(true).is_err(), "there is no terminal"),
        other => panic!("no play {other:?}"),
    }
}

type Dashboard = Terminal<CrosstermBackend<Screen>>;

fn dashboard(term: &Term) -> Dashboard {
    let mut dashboard = Terminal::new(CrosstermBackend::new(term.screen())).unwrap();
    draw(&mut dashboard, "drawn");
    dashboard
}

fn draw(dashboard: &mut Dashboard, text: &str) {
    dashboard.draw(|frame| frame.render_widget(text, frame.area())).unwrap();
}

fn key() -> u8 {
    let mut key = [0];
    std::io::stdin().read_exact(&mut key).unwrap();
    key[0]
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn until_a_key() {
    say("before");
    let term = Term::enter(true).unwrap();
    let mut dashboard = dashboard(&term);
    while key() != b'q' {}
    term.leave();
    term.leave();
    draw(&mut dashboard, "drawn too late");
    drop(dashboard);
    say("after");
    drop(term);
    say("the end");
}

fn dropped() {
    let term = Term::enter(false).unwrap();
    let _dashboard = dashboard(&term);
    key();
    // No hook: unwinding gives the terminal back.
    std::panic::resume_unwind(Box::new("silent"));
}

fn panic_of_another_thread() {
    let term = Term::enter(true).unwrap();
    let stopped = Arc::new(AtomicBool::new(false));
    term.install_panic_hook(Arc::clone(&stopped));
    let mut dashboard = dashboard(&term);
    key();
    let thread = std::thread::spawn(|| panic!("boom goes the worker"));
    assert!(thread.join().is_err());
    assert!(stopped.load(Ordering::SeqCst));
    draw(&mut dashboard, "drawn too late");
    assert!(term.suspend().is_err(), "the terminal is not taken again");
    say("went on");
    key();
}

fn suspended() {
    let term = Term::enter(true).unwrap();
    // Others run meanwhile: the signal must reach the one that asks for it.
    let busy = Arc::new(AtomicBool::new(true));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let busy = Arc::clone(&busy);
            std::thread::spawn(move || while busy.load(Ordering::Relaxed) {})
        })
        .collect();
    let mut dashboard = dashboard(&term);
    for round in 1.. {
        // Everything, since the screen is empty after each stop.
        let size = dashboard.size().unwrap();
        dashboard.resize(size.into()).unwrap();
        draw(&mut dashboard, &format!("drawn {round}"));
        match key() {
            b'z' => term.suspend().unwrap(),
            _ => break,
        }
    }
    busy.store(false, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    term.leave();
    say("after");
}

fn events() {
    let term = Term::enter(true).unwrap();
    let mut dashboard = dashboard(&term);
    let keyboard = term.keyboard();
    loop {
        let Some(event) = keyboard.next(Duration::from_millis(20)).unwrap() else { continue };
        let seen = match event {
            Event::Key(key) if key.code == KeyCode::Char('q') => break,
            Event::Key(key) => format!("key {:?} {:?}", key.code, key.modifiers),
            Event::Mouse(mouse) => format!("mouse {:?} at {} {}", mouse.kind, mouse.column, mouse.row),
            Event::Resize(columns, rows) => format!("size {columns} {rows}"),
            other => format!("{other:?}"),
        };
        draw(&mut dashboard, &seen);
    }
}

fn flooded() {
    let term = Term::enter(true).unwrap();
    let _dashboard = dashboard(&term);
    key();
    let mut screen = term.screen();
    let flood = std::thread::spawn(move || {
        screen.write_all("flood ".repeat(1_000_000).as_bytes()).unwrap();
        screen.flush()
    });
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    term.leave();
    let took = begin.elapsed();
    let broken_off = flood.join().unwrap();
    std::fs::write(
        std::env::var("OUT").unwrap(),
        format!("{} {:?}", took.as_millis(), broken_off.map_err(|error| error.kind())),
    )
    .unwrap();
}

fn gone() {
    let term = Term::enter(true).unwrap();
    term.install_panic_hook(Arc::default());
    let mut dashboard = dashboard(&term);
    // The end of the terminal is the end of its keys.
    assert!(!term.keyboard().wait(Duration::from_millis(1)).unwrap(), "no key yet");
    let gone = term.keyboard().wait(pty::LIMIT).unwrap_err();
    assert_eq!(gone.to_string(), "the terminal is gone");
    let drawn = dashboard.draw(|frame| frame.render_widget("nobody sees it", frame.area()));
    assert!(drawn.is_err(), "told once");
    draw(&mut dashboard, "nor this");
    drop(dashboard);
    term.leave();
    assert!(Term::enter(true).is_err());
    let _ = std::thread::spawn(|| panic!("unheard")).join();
    drop(term);
    std::fs::write(std::env::var("OUT").unwrap(), "came to its end").unwrap();
}

// --- what a person sees of them ---------------------------------------------------------

/// This program again, as a play; what the harness prints goes to nobody.
fn command(play: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "term::play", "--ignored", "--nocapture"]).env(PLAY, play).env("RUST_BACKTRACE", "0");
    command
}

fn start(play: &str) -> Pty {
    let mut pty = Pty::spawn_with_stdout(&command(play), 80, 24, File::create("/dev/null").unwrap());
    pty.wait_for("drawn");
    pty
}

const TAKEN: [&str; 7] =
    ["no lines", "no echo", "no signals", "no line breaks", "alternate screen", "no cursor", "mouse taken"];

#[test]
fn the_terminal_is_taken_and_given_back_with_what_was_on_it() {
    let mut pty = start("key");
    assert_eq!(pty.oddities(), TAKEN);
    assert_eq!(pty.screen(), "drawn", "the screen is the program's own");
    pty.keys("xq");
    pty.wait_for("the end");
    assert_eq!(pty.screen(), "before\nafter\nthe end");
    assert!(pty.exit().success());
    pty.assert_sane();
    assert!(!pty.raw().contains("too late"), "a frame after the end is nobody's");
}

#[test]
fn unwinding_gives_it_back_and_the_mouse_may_stay_with_the_terminal() {
    let mut pty = start("drop");
    assert_eq!(pty.oddities(), TAKEN[..6], "the mouse was not asked for");
    pty.keys("x");
    assert!(!pty.exit().success());
    pty.assert_sane();
}

#[test]
fn a_panic_of_any_thread_is_read_on_a_sane_terminal() {
    let mut pty = start("panic");
    pty.keys("x");
    pty.wait_for("went on");
    pty.assert_sane();
    let screen = pty.screen();
    assert!(screen.contains("boom goes the worker") && !screen.contains("drawn"), "{screen}");
    let raw = pty.raw();
    let left = raw.find("\x1b[?1049l").unwrap();
    assert!(left < raw.find("boom").unwrap(), "the message came before the terminal was given back");
    pty.keys("\n");
    assert!(pty.exit().success());
    pty.assert_sane();
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let mut shell = Command::new("bash");
    shell.args(["--noediting", "--norc", "--noprofile", "-i"]).env("PS1", "ready> ").env(PLAY, "suspend");
    let mut pty = Pty::spawn(&shell, 100, 24);
    pty.wait_for("ready>");
    let program = std::env::current_exe().unwrap().display().to_string();
    pty.keys(&format!("{program} --exact term::play --ignored --nocapture > /dev/null\n"));
    pty.wait_for("drawn 1");
    for round in 2..5 {
        assert_eq!(pty.oddities(), TAKEN);
        pty.keys("z");
        pty.wait_until("the shell's prompt", |pty| pty.screen().contains("Stopped") && pty.oddities().is_empty());
        pty.assert_sane();
        pty.keys("clear; fg\n");
        pty.wait_for(&format!("drawn {round}"));
    }
    pty.keys("q");
    pty.wait_for("after");
    pty.keys("echo code $?\n");
    pty.wait_for("code 0");
    pty.assert_sane();
    pty.keys("exit\n");
    pty.exit();
}

#[test]
fn continued_in_the_background_it_waits_for_the_foreground() {
    let mut shell = Command::new("bash");
    shell.args(["--noediting", "--norc", "--noprofile", "-i"]).env("PS1", "ready> ").env(PLAY, "suspend");
    let mut pty = Pty::spawn(&shell, 100, 24);
    pty.wait_for("ready>");
    let program = std::env::current_exe().unwrap().display().to_string();
    pty.keys(&format!("{program} --exact term::play --ignored --nocapture > /dev/null\n"));
    pty.wait_for("drawn 1");
    pty.keys("z");
    pty.wait_for("Stopped");
    pty.keys("bg\n");
    pty.wait_until("stopped again", |pty| {
        pty.screen().matches("Stopped").count() == 2 || {
            // The shell tells it with its next prompt.
            pty.keys("\n");
            std::thread::sleep(Duration::from_millis(50));
            false
        }
    });
    assert!(!pty.screen().contains("drawn"), "it draws on the shell's screen:\n{}", pty.screen());
    pty.assert_sane();
    pty.keys("fg\n");
    pty.wait_for("drawn 2");
    pty.keys("q");
    pty.wait_for("after");
    pty.keys("exit\n");
    pty.exit();
}

#[test]
fn keys_mouse_and_size_come_through() {
    let mut pty = start("events");
    for (keys, seen) in [
        ("x", "key Char('x') KeyModifiers(0x0)"),
        ("\x1b[A", "key Up"),
        ("\r", "key Enter"),
        ("\x03", "key Char('c') KeyModifiers(CONTROL)"),
        ("\x1a", "key Char('z') KeyModifiers(CONTROL)"),
        ("\x1b[<0;5;7M", "mouse Down(Left) at 4 6"),
        ("\x1b[<65;300;7M", "mouse ScrollDown at 299 6"),
    ] {
        pty.keys(keys);
        pty.wait_for(seen);
    }
    pty.resize(100, 30);
    pty.wait_for("size 100 30");
    pty.keys("q");
    assert!(pty.exit().success());
    pty.assert_sane();
}

#[test]
fn a_key_that_comes_with_a_change_of_size_is_not_lost() {
    let mut pty = start("events");
    pty.wait_for("drawn");
    for (turn, key) in ('a'..='p').enumerate() {
        pty.resize(80 + turn as u16, 24);
        pty.keys(&key.to_string());
        // Whichever of the two was drawn last: the key was read.
        pty.wait_until(&format!("the key {key}"), |pty| pty.raw().contains(&format!("Char('{key}')")));
    }
    pty.keys("q");
    assert!(pty.exit().success());
}

#[test]
fn a_line_that_hangs_does_not_hold_up_whoever_gives_the_terminal_back() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let mut command = command("flood");
    command.env("OUT", &out);
    let mut pty = Pty::spawn_with_stdout(&command, 80, 24, File::create("/dev/null").unwrap());
    pty.wait_for("drawn");
    pty.hang(true);
    pty.keys("x");
    assert!(pty.exit().success());
    let told = std::fs::read_to_string(out).unwrap();
    let (took_ms, broken_off) = told.split_once(' ').unwrap();
    assert_eq!(broken_off, "Err(TimedOut)", "the frame was broken off");
    assert!(took_ms.parse::<u64>().unwrap() < 5_000, "waited for the line: {took_ms} ms");
}

#[test]
fn a_terminal_that_is_gone_is_no_panic_and_no_hang() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    // As `nohup` has it: the hang-up kills nobody.
    let mut command = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" --exact term::play --ignored --nocapture";
    command.args(["-c", script]).arg(std::env::current_exe().unwrap()).env(PLAY, "gone").env("OUT", &out);
    let mut pty = Pty::spawn_with_stdout(&command, 80, 24, File::create("/dev/null").unwrap());
    pty.wait_for("drawn");
    pty.hang_up();
    assert!(pty.exit().success());
    assert_eq!(std::fs::read_to_string(out).unwrap(), "came to its end");
}

#[test]
fn without_a_terminal_there_is_an_error_and_nothing_else() {
    let output = command("refuse").stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains('\x1b'));
}

// --- the program itself -------------------------------------------------------------------

#[test]
fn quick_on_a_terminal_leaves_its_tables_and_a_sane_terminal() {
    let place = Place::new();
    let sets = ["--set", "duration=300ms", "--set", "warmup=0s"];
    let mut command = place.command(&["quick", "--ui", "plain", "-b", "memory"]);
    command.args(sets);
    let mut pty = Pty::spawn(&command, 120, 40);
    pty.wait_for("[1/1] memory");
    pty.wait_for("verdict: pass");
    assert!(pty.exit().success());
    pty.assert_sane();
    let history = pty.history();
    assert!(history.contains("grants/s") && history.contains("files: results/"), "{history}");
}

#[test]
fn ctrl_c_on_a_terminal_is_an_interruption() {
    let place = Place::new();
    let command = place.command(&["quick", "--ui", "plain", "-b", "memory", "--set", "duration=30s"]);
    let mut pty = Pty::spawn(&command, 120, 40);
    pty.wait_for("[1/1] memory");
    std::thread::sleep(Duration::from_millis(300));
    pty.keys("\x03");
    pty.wait_for("stopping: releasing locks");
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
}

#[test]
fn a_kill_on_a_terminal_leaves_it_sane() {
    let place = Place::new();
    let command = place.command(&["quick", "--ui", "auto", "-b", "memory", "--set", "duration=30s"]);
    let mut pty = Pty::spawn(&command, 120, 40);
    pty.wait_for("memory");
    pty.resize(80, 24);
    std::thread::sleep(Duration::from_millis(300));
    pty.signal(Signal::TERM);
    assert_eq!(pty.exit().code(), Some(143));
    pty.assert_sane();
}
