//! `lockbench watch`: a stored run played again, or one that another process is running,
//! followed. In the terminal UI where there is a terminal, else in lines. It shows and
//! judges nothing: that is what `verify` is for.

mod plain;
mod remote;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::plain::Lines;
use self::remote::Remote;
use super::Failure;
use super::args::{UiChoice, WatchArgs};
use super::config::UiOptions;
use super::dashboard::{Surroundings, wants_tui};
use super::signal::{HangUp, Interrupt};
use super::stored::{locate, open_at, promise};
use super::terminal::Taken;
use lockbench_core::clock::Clock;
use lockbench_core::units::parse_duration_ns;
use lockbench_report::live::{Followed, Follower, Player, Publisher, Tempo, feed};
use lockbench_report::monitor::is_watch;
use lockbench_report::{OpenError, REPORT, RecordedRun, Writer, is_partial, writer};
use lockbench_systems::Registry;

/// Slowest and fastest replay, times the speed of the run.
const SPEEDS: (f64, f64) = (0.01, 1_000.0);

/// Shows it; exits 0 at its end or when the user leaves, whatever the verdict of the run was.
pub fn watch(args: &WatchArgs, registry: &Registry) -> Result<u8, Failure> {
    let speed = args.speed.as_deref().map(speed).transpose()?;
    let at = args.at.as_deref().map(instant).transpose()?;
    // It stays at the end: what is watched is there to be looked at.
    let options = UiOptions { stay: true, ..UiOptions::read(&args.look)? };
    let show = find(args, speed.is_some(), at.is_some(), registry)?;
    // What cannot be shown was refused above, before the terminal is touched.
    let wanted = wants_tui(UiChoice::Auto, &Surroundings::read());
    if let (Err(why), Some(_)) = (wanted, at) {
        return Err(Failure::usage(format!("--at is for the terminal UI, and there is none: {why}")));
    }
    if wanted.is_ok() {
        match Taken::take(&options) {
            Ok(taken) => return on_screen(show, (speed, at), &taken, &options),
            Err(error) => super::tell(&format!("lockbench: the terminal cannot be used: {error}; plain lines follow")),
        }
    }
    in_lines(show, speed, &options)
}

/// `10x`, `0.5x` or `10`.
fn speed(text: &str) -> Result<f64, Failure> {
    let number = text.strip_suffix(['x', 'X']).unwrap_or(text).parse::<f64>();
    match number {
        Ok(speed) if (SPEEDS.0..=SPEEDS.1).contains(&speed) => Ok(speed),
        _ => Err(Failure::usage(format!(
            "--speed {text} is no speed: write how many times as fast as the run was, {} to {}, as in --speed 10x or \
             --speed 0.5x",
            SPEEDS.0, SPEEDS.1
        ))),
    }
}

/// `90s` or `1m30s`.
fn instant(text: &str) -> Result<u64, Failure> {
    parse_duration_ns(text).map_err(|error| {
        Failure::usage(format!(
            "--at {text}: {error}; write a time of the run's trials, one after the other, as in --at 1m30s"
        ))
    })
}

/// The run to show.
enum Show {
    /// A run that is over.
    Stored { directory: PathBuf, run: Box<RecordedRun> },
    /// A run under way, by its partial directory.
    UnderWay(PathBuf, Registry),
}

fn find(args: &WatchArgs, speed: bool, at: bool, registry: &Registry) -> Result<Show, Failure> {
    let directory = locate(&args.run, &args.stored.output)?;
    if is_watch(&directory) {
        return Err(OpenError::Watch { path: directory.display().to_string() }.into());
    }
    if under_way(&directory) {
        let refused = |flag: &str, then: &str| {
            let place = directory.display();
            let text = format!(
                "{place} is still under way: it is followed as it runs, and has no {flag}; once it is over {then}"
            );
            Err(Failure::usage(text))
        };
        return match (speed, at) {
            (true, _) => refused("--speed", "it can be played at any"),
            (_, true) => refused("--at", "it can be played from any instant"),
            (false, false) => Ok(Show::UnderWay(directory, registry.clone())),
        };
    }
    // It may have got its final name since it was found.
    let directory = if directory.exists() { directory } else { locate(&args.run, &args.stored.output)? };
    let run = Box::new(open_at(&directory, registry)?);
    Ok(Show::Stored { directory, run })
}

/// Returns whether another process is writing it.
fn under_way(directory: &Path) -> bool {
    is_partial(directory)
        && match writer(directory) {
            Writer::Alive => true,
            Writer::Gone => false,
            Writer::Unknown => directory.exists() && !directory.join(REPORT).exists(),
        }
}

/// The source of what is shown.
enum Source {
    Player(Player, PathBuf),
    Follower(Follower),
}

impl Show {
    fn run_id(&self) -> String {
        match self {
            Self::Stored { run, .. } => run.report.run_id.clone(),
            Self::UnderWay(directory, _) => {
                let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                name.trim_start_matches('.').trim_end_matches(".partial").to_owned()
            }
        }
    }

    fn start(self, tempo: Tempo, to: Publisher) -> Result<Source, Failure> {
        match self {
            Self::Stored { directory, run } => {
                let player = Player::start(*run, directory.clone(), tempo, to).map_err(Failure::internal)?;
                Ok(Source::Player(player, directory))
            }
            Self::UnderWay(directory, registry) => {
                let promises = move |name: &str| promise(&registry, name);
                Follower::start(directory, promises, tempo, to).map(Source::Follower).map_err(Failure::internal)
            }
        }
    }
}

impl Source {
    /// Waits for its end; returns where the files of the run are then, if it has any.
    fn finish(self) -> Result<Option<PathBuf>, Failure> {
        match self {
            Self::Player(player, directory) => {
                player.finish()?;
                Ok(Some(directory))
            }
            Self::Follower(follower) => match follower.finish()? {
                Followed::Reported(directory) | Followed::BrokenOff(directory) => Ok(Some(directory)),
                Followed::Left => Ok(None),
                Followed::GivenUp => Err(Failure::internal(
                    "the run was given up before it had anything to report: its directory is gone",
                )),
            },
        }
    }
}

/// Shows it in lines, as fast as it can be read unless a speed was asked for.
fn in_lines(show: Show, speed: Option<f64>, ui: &UiOptions) -> Result<u8, Failure> {
    let (publisher, updates) = feed();
    let mut lines = Lines::default();
    let source = show.start(Tempo::new(speed.unwrap_or(SPEEDS.1)), publisher)?;
    while let Ok(update) = updates.wait(Duration::from_secs(60)) {
        update.map_or(Ok(()), |update| lines.update(&update))?;
    }
    let ended = source.finish();
    lines.finish(ended.as_ref().ok().and_then(Option::as_deref), ui)?;
    ended.map(|_| 0)
}

/// Shows it in the terminal UI, until the user leaves.
fn on_screen(
    show: Show,
    (speed, at): (Option<f64>, Option<u64>),
    taken: &Taken,
    options: &UiOptions,
) -> Result<u8, Failure> {
    // A process that a signal kills cannot give the terminal back.
    let interrupt = Interrupt::listen(HangUp::Ends, || {})?;
    let followed = matches!(show, Show::UnderWay(..));
    let (publisher, mut updates) = feed();
    let tempo = Tempo::new(speed.unwrap_or(1.0));
    // A user who came to the end may go back.
    tempo.stay();
    at.into_iter().for_each(|at| tempo.seek(at));
    let screens = PathBuf::from(format!("{}-screens", show.run_id()));
    let remote = Remote::new(tempo.clone(), followed, screens, taken.clone(), interrupt.clone());
    let source = show.start(tempo.clone(), publisher)?;
    let shown = taken.draw(options, &remote, Clock::monotonic(), &mut updates);
    tempo.stop();
    let ended = source.finish();
    if let Some(exit) = interrupt.exit() {
        return Ok(exit.code());
    }
    shown.map_err(|error| Failure::internal(format!("the terminal is gone: {error}")))?;
    ended.map(|_| 0)
}

#[cfg(test)]
mod tests {
    use super::speed;

    #[test]
    fn a_speed_is_a_factor_with_or_without_its_sign() {
        for (text, factor) in [("10x", 10.0), ("0.5x", 0.5), ("10", 10.0), ("0.01", 0.01), ("1000X", 1_000.0)] {
            assert_eq!(speed(text).ok(), Some(factor), "{text}");
        }
        for text in ["", "x", "fast", "0", "0x", "-1x", "1001x", "0.009", "NaN", "inf", "10xx", "1e9"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
