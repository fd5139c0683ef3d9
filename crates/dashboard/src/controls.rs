//! What the user can do to the run. The composition root carries it out.

/// A file that the user asked for.
pub struct Saved {
    /// Name within the directory of the run's screens.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How far a pause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    /// Nothing is paused.
    No,
    /// A pause is asked for; the load has not taken it yet and still runs, or none runs.
    Asked,
    /// No attempt begins.
    InForce,
}

/// The run's steering wheel. Nothing here waits for the load.
pub trait Controls {
    /// Pauses the load, or lets it go on; of a replay: the replay.
    fn pause(&self, paused: bool);
    /// How far the pause is that was asked for last.
    fn paused(&self) -> Paused;
    /// Drops a marker at this moment.
    ///
    /// # Errors
    /// Why it cannot be done now.
    fn mark(&self) -> Result<(), String>;
    /// Ends the load in order and reports.
    fn finish(&self);
    /// Ends everything at once.
    fn abort(&self);
    /// Returns whether the screen must go as soon as the run is over, whatever the user wants:
    /// where a signal ends the process, and where the run failed.
    fn leaving(&self) -> bool;
    /// Asks the servers about their state, for as long as it is on the screen.
    fn look_at_servers(&self, wanted: bool);
    /// Plays a stored run at so many times its speed; does nothing to a live one.
    fn set_speed(&self, speed: f64);
    /// Goes so many seconds on in a stored run, or back; returns where that is, in nanoseconds
    /// of its trials, one after the other. `None`: it cannot.
    fn seek(&self, by_s: i64) -> Option<u64> {
        let _ = by_s;
        None
    }
    /// Returns whether the directory of the run's screens has a file of this name already.
    fn taken(&self, name: &str) -> bool {
        let _ = name;
        false
    }
    /// Returns whether the terminal must be given back now, whatever is on it (SIGTERM).
    fn leave(&self) -> bool {
        false
    }
    /// Writes files into the directory of the run's screens; returns that directory.
    /// Never overwrites one.
    ///
    /// # Errors
    /// Which file could not be written, and why.
    fn save(&self, files: &[Saved]) -> Result<String, String>;
    /// Gives the terminal back to the shell (Ctrl-Z) and takes it again when the shell
    /// says so. Returns after that.
    ///
    /// # Errors
    /// If the terminal cannot be had again.
    fn suspend(&self) -> std::io::Result<()>;
}
