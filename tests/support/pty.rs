//! A terminal for tests: a pseudo terminal with a program on one side, and on the
//! other what a person would see (an emulator) and press.
//!
//! The program is a session leader and the terminal is its controlling one, so that
//! job control, SIGWINCH and SIGHUP are as at a desk. The parent keeps the program's
//! side open: its modes can be read after the program has ended.

use std::fs::File;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize};
use vt100::{MouseProtocolMode, Parser};

/// Long enough for a loaded machine, short enough to notice a hang.
pub const LIMIT: Duration = Duration::from_secs(60);
/// Lines that have left the screen and can still be read.
const HISTORY: usize = 2_000;

/// A program on a terminal. Dropping it kills the program and takes the terminal away.
pub struct Pty {
    near: Arc<OwnedFd>,
    /// The program's side; `None` once it is hung up.
    far: Option<OwnedFd>,
    child: Child,
    eye: Arc<Eye>,
    reader: Option<JoinHandle<()>>,
    before: Termios,
}

/// What reads the terminal.
struct Eye {
    parser: Mutex<Parser>,
    /// Every byte that came, for what an emulator does not tell.
    bytes: Mutex<Vec<u8>>,
    /// Does not read: the terminal fills up, as on a line that hangs.
    shut: AtomicBool,
    ended: AtomicBool,
}

impl Pty {
    /// Starts the program on a terminal of that size. Only its name, arguments,
    /// directory and variables are taken from the command; `TERM` is set unless the
    /// command sets it, and `CI` and `NO_COLOR` are removed in the same way.
    pub fn spawn(command: &Command, columns: u16, rows: u16) -> Self {
        Self::start(command, columns, rows, None)
    }

    /// As `lockbench ... > file`: stdout goes elsewhere.
    pub fn spawn_with_stdout(command: &Command, columns: u16, rows: u16, stdout: File) -> Self {
        Self::start(command, columns, rows, Some(stdout))
    }

    fn start(command: &Command, columns: u16, rows: u16, stdout: Option<File>) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = rustix::fs::open(ptsname(&near, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
        tcsetwinsize(&near, size(columns, rows)).unwrap();
        let before = tcgetattr(&far).unwrap();
        let side = || Stdio::from(far.try_clone().unwrap());
        // setsid(1) of util-linux makes it a session of its own with stdin as its
        // terminal, and becomes the program: its pid is that of the child. env(1) of
        // coreutils before it: where the tests run under nohup(1), or in the background
        // of a shell, children would ignore signals, which a program at a terminal does not.
        let mut whole = Command::new("env");
        whole.args(["--default-signal", "setsid", "--ctty"]).arg(command.get_program()).args(command.get_args());
        whole.env("TERM", "xterm-256color").env_remove("CI").env_remove("NO_COLOR");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => whole.env(name, value),
                None => whole.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            whole.current_dir(directory);
        }
        whole.stdin(side()).stdout(stdout.map_or_else(side, Stdio::from)).stderr(side());
        let child = whole.spawn().unwrap_or_else(|error| panic!("env(1) of coreutils: {error}"));
        let eye = Arc::new(Eye {
            parser: Mutex::new(Parser::new(non_zero(rows), non_zero(columns), HISTORY)),
            bytes: Mutex::default(),
            shut: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let near = Arc::new(near);
        let reader = {
            let (near, eye) = (Arc::clone(&near), Arc::clone(&eye));
            std::thread::spawn(move || eye.read(&near))
        };
        Self { near, far: Some(far), child, eye, reader: Some(reader), before }
    }

    /// Presses keys: letters, or bytes as a terminal sends them (`"\x1b[A"` is the
    /// arrow up, `"\x03"` Ctrl-C, `"\x1a"` Ctrl-Z).
    pub fn keys(&self, keys: &str) {
        let mut bytes = keys.as_bytes();
        while !bytes.is_empty() {
            bytes = &bytes[rustix::io::write(&self.near, bytes).unwrap()..];
        }
    }

    /// What is on the screen, a line a row, without blanks at their ends.
    pub fn screen(&self) -> String {
        let parser = self.parser();
        let (_, columns) = parser.screen().size();
        let rows: Vec<String> = parser.screen().rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// What has left the screen at its top, then what is on it: all that a person can
    /// scroll to.
    pub fn history(&self) -> String {
        let mut parser = self.parser();
        let (rows, columns) = parser.screen().size();
        let mut lines: Vec<String> = Vec::new();
        let mut above = parser.screen().scrollback_len();
        while above > 0 {
            parser.screen_mut().set_scrollback(above);
            let fresh = above.min(usize::from(rows.get()));
            lines.extend(parser.screen().rows(0, columns.get()).take(fresh).map(|row| row.trim_end().to_owned()));
            above -= fresh;
        }
        parser.screen_mut().set_scrollback(0);
        lines.extend(parser.screen().rows(0, columns.get()).map(|row| row.trim_end().to_owned()));
        lines.join("\n").trim_end().to_owned()
    }

    /// The screen with its colours and attributes, as the sequences that draw it.
    pub fn formatted(&self) -> String {
        self.parser().screen().contents_formatted()
    }

    /// Everything that was ever written to the terminal.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.eye.bytes.lock().unwrap()).into_owned()
    }

    /// Waits until the screen, or what left it, shows this.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("\"{text}\" on the screen"), |pty| pty.history().contains(text));
    }

    /// Waits until the screen does not show this any more.
    pub fn wait_for_no(&mut self, text: &str) {
        self.wait_until(&format!("no \"{text}\" on the screen"), |pty| !pty.screen().contains(text));
    }

    /// Waits until something holds.
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        loop {
            // Looked at before: what a program wrote last is read after its end.
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() {
                self.settle();
            }
            if holds(self) {
                return;
            }
            let hopeless = ended.is_some() || begin.elapsed() > LIMIT;
            assert!(!hopeless, "never: {what} (ended: {ended:?}); the screen:\n{}", self.history());
            sleep(Duration::from_millis(5));
        }
    }

    /// Changes the size of the terminal, which sends SIGWINCH.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser().screen_mut().set_size(non_zero(rows), non_zero(columns));
        tcsetwinsize(&self.near, size(columns, rows)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The process group that has the terminal: the program's, or that of a job that a
    /// shell started.
    pub fn foreground(&self) -> Pid {
        tcgetpgrp(&self.near).unwrap()
    }

    /// Waits for the end of the program, and for all that it wrote.
    pub fn exit(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.settle();
                return status;
            }
            assert!(begin.elapsed() < LIMIT, "not ended; the screen:\n{}", self.history());
            sleep(Duration::from_millis(5));
        }
    }

    /// Asserts that a person could go on working: lines, echo and signals as they were
    /// before the program, the main screen, a cursor, and a mouse that selects text.
    pub fn assert_sane(&self) {
        let now = tcgetattr(self.far.as_ref().unwrap()).unwrap();
        let wrong = self.oddities();
        assert!(wrong.is_empty(), "the terminal is left with {wrong:?}; the screen:\n{}", self.screen());
        let modes = |of: &Termios| (of.input_modes, of.output_modes, of.control_modes, of.local_modes);
        assert_eq!(modes(&now), modes(&self.before), "the modes are not those of before");
    }

    /// What is unusual about the terminal now.
    pub fn oddities(&self) -> Vec<&'static str> {
        let modes = tcgetattr(self.far.as_ref().unwrap()).unwrap();
        let parser = self.parser();
        let screen = parser.screen();
        [
            ("no lines", !modes.local_modes.contains(LocalModes::ICANON)),
            ("no echo", !modes.local_modes.contains(LocalModes::ECHO)),
            ("no signals", !modes.local_modes.contains(LocalModes::ISIG)),
            ("no line breaks", !modes.output_modes.contains(OutputModes::OPOST)),
            ("alternate screen", screen.alternate_screen()),
            ("no cursor", screen.hide_cursor()),
            ("mouse taken", screen.mouse_protocol_mode() != MouseProtocolMode::None),
            ("keypad", screen.application_keypad()),
            ("paste", screen.bracketed_paste()),
        ]
        .into_iter()
        .filter_map(|(word, odd)| odd.then_some(word))
        .collect()
    }

    /// The line hangs: nothing is read from the terminal, until it is opened again.
    pub fn hang(&self, hangs: bool) {
        self.eye.shut.store(hangs, Ordering::SeqCst);
        // A read that is under way comes to its end.
        sleep(Duration::from_millis(50));
    }

    /// The terminal goes away, as when its window is closed. SIGHUP follows.
    pub fn hang_up(&mut self) {
        self.end_reading();
        self.far = None;
        self.near = Arc::new(File::open("/dev/null").unwrap().into());
    }

    fn end_reading(&mut self) {
        self.eye.ended.store(true, Ordering::SeqCst);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// Waits until what is in the terminal has been read.
    fn settle(&self) {
        let mut seen = usize::MAX;
        for _ in 0..200 {
            let now = self.eye.bytes.lock().unwrap().len();
            if now == seen && !readable(&self.near, 10) {
                return;
            }
            seen = now;
            sleep(Duration::from_millis(5));
        }
    }

    fn parser(&self) -> MutexGuard<'_, Parser> {
        self.eye.parser.lock().unwrap()
    }
}

impl Eye {
    fn read(&self, near: &OwnedFd) {
        let mut buffer = [0; 65_536];
        while !self.ended.load(Ordering::SeqCst) {
            if self.shut.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(5));
                continue;
            }
            if !readable(near, 20) {
                continue;
            }
            let Ok(length @ 1..) = rustix::io::read(near, &mut buffer) else { return };
            self.bytes.lock().unwrap().extend_from_slice(&buffer[..length]);
            self.parser.lock().unwrap().process(&buffer[..length]);
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.end_reading();
    }
}

fn readable(near: &OwnedFd, within_ms: i64) -> bool {
    let limit = Timespec { tv_sec: 0, tv_nsec: within_ms * 1_000_000 };
    poll(&mut [PollFd::new(near, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn non_zero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}
