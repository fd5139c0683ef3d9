//! The wall clock of a server that we start, or of a client's process, moved by libfaketime
//! (<https://github.com/wolfcw/libfaketime>): a library that is loaded before the C library and adds to the time what a
//! file says.
//!
//! * Only that process is started with it: a server by env(1) behind the guard's shell. Neither we nor a step that
//!   prepares have it.
//! * `FAKETIME_DONT_FAKE_MONOTONIC`: the monotonic clock stays what it is, as where somebody sets the wall clock.
//!   Without it libfaketime gives the wall clock for the monotonic one.
//! * The C library is named behind it, or redis-server with jemalloc hangs at start.
//! * `FAKETIME_NO_CACHE`: the file is read at every look at the clock, so that all processes of a server agree.
//! * A clock that drifts is moved by us in small steps: the multiplier that the library offers counts from the start of
//!   each process, and so begins with a jump.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use super::search::Search;
use super::start_recipe::Call;

/// Names the library, instead of a search.
pub(super) const VARIABLE: &str = "LOCKBENCH_FAKETIME";

/// Where distributions put libraries.
const LIBRARIES: [&str; 5] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64"];
/// Lets in one thread at a time. Without that two of them can read one another's numbers: seen once in a million
/// calls.
const THREADED: &str = "libfaketimeMT.so.1";
const PLAIN: &str = "libfaketime.so.1";
const C_LIBRARY: &str = "libc.so.6";

/// libfaketime, as this machine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Faketime {
    dir: PathBuf,
    c_library: PathBuf,
}

impl Faketime {
    /// Finds it. The error says what was looked for and what to do.
    pub(super) fn find(search: &Search) -> Result<Self, String> {
        let dir = match search.given(VARIABLE).map(PathBuf::from) {
            Some(given) if given.join(PLAIN).is_file() => given,
            Some(given) => {
                let given = given.display();
                return Err(format!("no {PLAIN} is in {given}, which {VARIABLE} names: name the directory that has it"));
            }
            None => libraries().map(|dir| dir.join("faketime")).find(|dir| dir.join(PLAIN).is_file()).ok_or(format!(
                "{PLAIN} was not found: install it with `apt-get install faketime`, or name its directory with {VARIABLE}"
            ))?,
        };
        let beside = dir.parent().map(Path::to_owned).into_iter();
        let c_library = beside.chain(libraries()).map(|dir| dir.join(C_LIBRARY)).find(|path| path.is_file());
        Ok(Self {
            dir,
            c_library: c_library.ok_or(format!("{C_LIBRARY} was not found: {PLAIN} needs the GNU C library"))?,
        })
    }

    fn preload(&self, threaded: bool) -> OsString {
        let of_threads = self.dir.join(THREADED);
        let library = if threaded && of_threads.is_file() { of_threads } else { self.dir.join(PLAIN) };
        let mut preload = library.into_os_string();
        preload.push(":");
        preload.push(&self.c_library);
        preload
    }
}

/// The directories of libraries, those of the machine's architecture first.
fn libraries() -> impl Iterator<Item = PathBuf> {
    let own = format!("{}-linux-gnu", std::env::consts::ARCH);
    let plain = LIBRARIES.map(PathBuf::from);
    plain.clone().map(|dir| dir.join(&own)).into_iter().chain(plain)
}

/// The clock of one node or client. Dropping it removes its file.
pub struct Clock {
    file: PathBuf,
    preload: OsString,
}

impl Clock {
    /// One that is right, in a directory that the server may search.
    pub(super) fn new(faketime: &Faketime, threaded: bool, dir: &Path, name: &str) -> io::Result<Self> {
        let clock = Self { file: dir.join(format!("{name}.clock")), preload: faketime.preload(threaded) };
        clock.set(0)?;
        Ok(clock)
    }

    /// One that is right, for a process of ours, in a directory of ours.
    ///
    /// # Errors
    /// This machine has no libfaketime, or the file cannot be written.
    pub fn of_a_client(dir: &Path, name: &str) -> io::Result<Self> {
        let faketime = Faketime::find(&Search::from_env()).map_err(io::Error::other)?;
        Self::new(&faketime, true, dir, name)
    }

    /// Moves it by so many nanoseconds from the true time. The file is replaced at once: nobody reads half of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set(&self, offset_ns: i64) -> io::Result<()> {
        let next = self.file.with_extension("next");
        let (sign, ns) = (if offset_ns < 0 { '-' } else { '+' }, offset_ns.unsigned_abs());
        fs::write(&next, format!("{sign}{}.{:09}\n", ns / 1_000_000_000, ns % 1_000_000_000))?;
        fs::set_permissions(&next, Permissions::from_mode(0o644))?;
        fs::rename(&next, &self.file)
    }

    /// The variables with which a process has it.
    pub fn variables(&self) -> [(&'static str, OsString); 5] {
        let yes = || OsString::from("1");
        [
            ("LD_PRELOAD", self.preload.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.clone().into_os_string()),
            ("FAKETIME_NO_CACHE", yes()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", yes()),
            ("NO_FAKE_STAT", yes()),
        ]
    }

    /// The same call with the library before it.
    pub(super) fn before(&self, call: &Call) -> Call {
        let assigned = self.variables().map(|(name, value)| {
            let mut text = OsString::from(name);
            text.push("=");
            text.push(value);
            text
        });
        Call::new(Path::new("/usr/bin/env")).args(assigned).arg(call.program.clone()).args(call.arguments.clone())
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Takes the names from what the library of this process has in memory that is shared, where it has the library: nobody
/// else is to open that, and nothing is left when the process is killed.
pub fn forget_own_names() {
    if std::env::var_os("FAKETIME_TIMESTAMP_FILE").is_some() {
        forget(rustix::process::getpid());
    }
}

/// What the library leaves in memory that is shared of a process that was killed, by its number. The guard does the
/// same.
pub(super) fn forget(leader: Pid) {
    let number = leader.as_raw_pid();
    for left in [format!("/dev/shm/faketime_shm_{number}"), format!("/dev/shm/sem.faketime_sem_{number}")] {
        let _ = fs::remove_file(left);
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Faketime, PLAIN, THREADED, VARIABLE};
    use crate::stack::search::Search;
    use crate::stack::start_recipe::Call;
    use std::path::Path;

    #[test]
    fn the_file_says_how_far_the_clock_is_off_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let faketime = Faketime { dir: "/x".into(), c_library: "/c".into() };
        let clock = Clock::new(&faketime, false, dir.path(), "redis-0").unwrap();
        let text = || std::fs::read_to_string(dir.path().join("redis-0.clock")).unwrap();
        assert_eq!(text(), "+0.000000000\n");
        clock.set(-1_500_000_000).unwrap();
        assert_eq!(text(), "-1.500000000\n");
        let call = clock.before(&Call::new(Path::new("/usr/bin/true")).arg("x"));
        assert!(call.arguments.contains(&format!("LD_PRELOAD=/x/{PLAIN}:/c").into()));
        drop(clock);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_without_the_library_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let search = Search::from_env().with(VARIABLE, dir.path());
        assert!(Faketime::find(&search).unwrap_err().contains(VARIABLE));
        for name in [PLAIN, THREADED] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = Faketime::find(&search).unwrap();
        assert!(found.preload(true).to_str().unwrap().contains(THREADED));
    }
}
