//! What the keys can do to a run that is played or followed: how it is shown, never what
//! it was.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::signal::Interrupt;
use crate::cli::terminal::Taken;
use lockbench_core::units::SECOND;
use lockbench_dashboard::controls::{Controls, Paused, Saved};
use lockbench_report::live::Tempo;

/// Most files of one name.
const NAMES: u32 = 10_000;

/// The remote control of a player.
pub struct Remote {
    tempo: Tempo,
    followed: bool,
    /// Where screens are saved: not in the run's own directory, which stays as it is.
    screens: PathBuf,
    terminal: Option<Taken>,
    interrupt: Interrupt,
}

impl Remote {
    /// Returns the remote control of a player, or of a follower.
    pub fn new(tempo: Tempo, followed: bool, screens: PathBuf, terminal: Taken, interrupt: Interrupt) -> Self {
        Self { tempo, followed, screens, terminal: Some(terminal), interrupt }
    }
}

impl Controls for Remote {
    fn pause(&self, paused: bool) {
        // A run under way is not held; before it is known to be one, the key may be pressed.
        if !self.followed {
            self.tempo.pause(paused);
        }
    }

    fn paused(&self) -> Paused {
        if self.tempo.paused() { Paused::InForce } else { Paused::No }
    }

    fn mark(&self) -> Result<(), String> {
        Err(if self.followed {
            "only the process that runs it can drop a marker".to_owned()
        } else {
            "a stored run takes no markers".to_owned()
        })
    }

    fn finish(&self) {
        self.tempo.stop();
    }

    fn abort(&self) {
        self.tempo.stop();
    }

    fn leave(&self) -> bool {
        self.interrupt.must_leave() || self.terminal.as_ref().is_some_and(Taken::gone)
    }

    fn leaving(&self) -> bool {
        false
    }

    fn taken(&self, name: &str) -> bool {
        self.screens.join(name).exists()
    }

    fn look_at_servers(&self, _wanted: bool) {
        // They are gone, or another process's own.
    }

    fn set_speed(&self, speed: f64) {
        self.tempo.set_speed(speed);
    }

    fn seek(&self, by_s: i64) -> Option<u64> {
        let second = SECOND as i64;
        (!self.followed).then(|| self.tempo.seek_by(by_s.saturating_mul(second)))
    }

    fn save(&self, files: &[Saved]) -> Result<String, String> {
        save(&self.screens, files).map_err(|(path, error)| format!("cannot write {}: {error}", path.display()))?;
        Ok(format!("./{}", self.screens.display()))
    }

    fn suspend(&self) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), Taken::suspend)
    }
}

/// Writes files that belong together; none takes the place of one that is there.
fn save(directory: &Path, files: &[Saved]) -> Result<(), (PathBuf, io::Error)> {
    fs::create_dir_all(directory).map_err(|error| (directory.to_owned(), error))?;
    let place = |name: &str, number: u32| {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        match number {
            1 => directory.join(name),
            _ => directory.join(format!("{stem}-{number}.{extension}")),
        }
    };
    let free = |number: &u32| files.iter().all(|file| !place(&file.name, *number).exists());
    let number = (1..NAMES).find(free).unwrap_or(NAMES);
    for file in files {
        let path = place(&file.name, number);
        // Others may save at the same time.
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        opened.and_then(|mut out| out.write_all(&file.bytes)).map_err(|error| (path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Remote, save};
    use crate::cli::signal::Interrupt;
    use lockbench_core::units::SECOND;
    use lockbench_dashboard::controls::{Controls, Paused, Saved};
    use lockbench_report::live::Tempo;

    #[test]
    fn screens_are_saved_beside_those_that_are_there() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a-screens");
        let files = |text: &str| {
            ["safety-1.txt", "safety-1.svg"]
                .map(|name| Saved { name: name.to_owned(), bytes: text.as_bytes().to_vec() })
        };
        for text in ["first", "second", "third"] {
            save(&place, &files(text)).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
        assert_eq!(
            [read("safety-1.txt"), read("safety-1-2.svg"), read("safety-1-3.txt")],
            ["first", "second", "third"]
        );
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 6);
        std::fs::write(root.path().join("file"), "").unwrap();
        assert!(save(&root.path().join("file"), &files("x")).is_err());
    }

    #[test]
    fn the_keys_steer_the_player_and_nothing_else() {
        let tempo = Tempo::new(1.0);
        let interrupt = Interrupt::default();
        let remote = Remote { tempo: tempo.clone(), followed: false, screens: "x".into(), terminal: None, interrupt };
        remote.pause(true);
        remote.set_speed(4.0);
        assert!(tempo.paused() && remote.paused() == Paused::InForce && tempo.now().speed == 4.0);
        assert_eq!((remote.seek(5), remote.seek(5), remote.seek(-60)), (Some(5 * SECOND), Some(10 * SECOND), Some(0)));
        assert_eq!(remote.mark().unwrap_err(), "a stored run takes no markers");
        assert!(!tempo.stopped() && remote.suspend().is_ok());
        let (tempo, follows) = (Tempo::new(1.0), Remote { followed: true, ..remote });
        let remote = Remote { tempo: tempo.clone(), ..follows };
        remote.pause(true);
        assert!(!tempo.paused() && remote.paused() == Paused::No && remote.seek(5).is_none());
        remote.finish();
        assert!(tempo.stopped());
    }
}
