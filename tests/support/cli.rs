//! Support for tests that run the binary as a person would: a place of its own
//! for each run, what came out, and which processes it started.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lockbench::stack::Search;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for a loaded machine, short enough to notice a hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Settings of a live run as short as it can be and still grant locks.
pub const SHORT: [&str; 4] = ["--set", "duration=1s", "--set", "warmup=200ms"];

/// A directory for one test: results, workloads, and what servers write.
pub struct Place {
    root: tempfile::TempDir,
}

/// What a command left behind.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Asserts the exit code, showing everything that was printed if it differs.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Asserts that stderr says each of these.
    pub fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "\"{part}\" is not in stderr:\n{}", self.err);
        }
        self
    }

    /// Asserts that stdout says each of these.
    pub fn tells(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "\"{part}\" is not in stdout:\n{}", self.out);
        }
        self
    }

    /// Asserts that a mistake was answered in one message and nothing else.
    pub fn in_one_message(self) -> Self {
        assert_eq!(self.out, "", "stdout is for results");
        let lines = self.err.lines().count();
        assert!(lines == 1 && self.err.starts_with("lockbench: "), "not one message:\n{}", self.err);
        self
    }
}

impl Place {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        // A server that drops its privileges must be able to pass through.
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(root.path().join("servers")).unwrap();
        fs::set_permissions(root.path().join("servers"), Permissions::from_mode(0o755)).unwrap();
        Self { root }
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where runs are written to unless a test says otherwise.
    pub fn results(&self) -> PathBuf {
        self.path().join("results")
    }

    /// A file in here.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A shipped workload.
    pub fn shipped(name: &str) -> String {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads").join(name).display().to_string()
    }

    /// The binary with these arguments, without flags from the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockbench"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("LOCKBENCH_") && !Search::variables().any(|variable| variable == name) {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.path()).env("TMPDIR", self.path().join("servers"));
        // Whoever runs the tests may have a configuration of their own.
        command.env("XDG_CONFIG_HOME", self.path().join("config"));
        // And servers left running, as programs or as containers.
        command.env("XDG_STATE_HOME", self.path().join("state")).env("LOCKBENCH_PROJECT", "lockbench-test-none");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Running::start(&mut self.command(arguments)).finish(LIMIT)
    }

    /// Names in the results directory, hidden ones too.
    pub fn entries(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.results()) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Directory of the only run.
    pub fn only_run(&self) -> PathBuf {
        let names = self.entries();
        assert!(names.len() == 1 && !names[0].starts_with('.'), "not one complete run: {names:?}");
        self.results().join(&names[0])
    }

    /// `report.json` of the only run.
    pub fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.only_run().join("report.json")).unwrap()).unwrap()
    }

    /// Directories and files that servers or their guard have left.
    pub fn server_files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.path().join("servers")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// A command under way. Killed with the value; the stack's guard then stops its servers.
pub struct Running {
    child: Child,
    out: Option<JoinHandle<String>>,
    err: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let out = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        });
        let err = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&err);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                shared.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, out: Some(out), err, reader: Some(reader) }
    }

    /// What it said on stderr so far.
    pub fn said(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Waits until stderr says this.
    pub fn until(&mut self, text: &str) {
        let begin = Instant::now();
        while !self.said().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begin.elapsed() < LIMIT, "never said \"{text}\" ({ended:?}):\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Every process below it now.
    pub fn family(&self) -> Vec<Process> {
        let all = processes();
        let mut family: Vec<Process> = Vec::new();
        let mut parents = vec![self.child.id()];
        while let Some(parent) = parents.pop() {
            for process in all.iter().filter(|process| process.parent == parent) {
                parents.push(process.pid);
                family.push(process.clone());
            }
        }
        family
    }

    /// Waits for its end.
    pub fn finish(mut self, limit: Duration) -> Ran {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < limit, "not ended within {limit:?}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        };
        let out = self.out.take().unwrap().join().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let code = status.code().unwrap_or_else(|| panic!("ended by a signal: {status}\n{}", self.said()));
        Ran { code, out, err: self.said() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process; pid and start time together are unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub name: String,
    parent: u32,
    started: u64,
}

impl Process {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap(), signal).unwrap();
    }
}

/// All that run; zombies do not.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    // proc(5): after the name come state, parent, ...; start time is field 22.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let alive = !matches!(fields[0], "Z" | "X");
    alive.then_some(Process { pid, name, parent: fields[1].parse().ok()?, started: fields[19].parse().ok()? })
}

/// Asserts that all of these end soon: the guard may still be removing a directory.
pub fn assert_gone(family: &[Process]) {
    assert_gone_within(family, Duration::from_secs(3));
}

/// The same with a time of its own.
pub fn assert_gone_within(family: &[Process], limit: Duration) {
    let begin = Instant::now();
    loop {
        let left: Vec<&Process> =
            family.iter().filter(|old| process(old.pid).is_some_and(|now| now.started == old.started)).collect();
        if left.is_empty() {
            return;
        }
        assert!(begin.elapsed() < limit, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every file that is drawn from the raw data of a run, with its path in the directory:
/// what must be beside it.
pub fn drawn(run: &Path) -> Vec<(String, Vec<u8>)> {
    let recorded = lockbench::report::RecordedRun::open(run).unwrap();
    let outputs = lockbench::output::OUTPUTS.iter();
    outputs.flat_map(|output| (output.render)(&recorded).unwrap()).map(|file| (file.path, file.bytes)).collect()
}

/// Every file below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
