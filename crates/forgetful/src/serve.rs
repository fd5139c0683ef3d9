//! The process of a disk.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::mount::Mounted;

/// What the process says when it has mounted its disk; anything else is why it has not.
pub const READY: &str = "ready";

/// How long it waits, when nobody gives orders any more, for the one that removes its directory.
const PATIENCE: Duration = Duration::from_secs(10);

/// Mounts a disk over a directory, and carries out the orders on standard input, a line for each on standard output,
/// until the input ends; then serves those who have files open. Returns whether it was mounted.
pub fn serve(directory: &Path) -> bool {
    let mut out = std::io::stdout().lock();
    let mut say = |line: &str| writeln!(out, "{line}").and_then(|()| out.flush()).is_ok();
    let mounted = match Mounted::over(directory) {
        Ok(mounted) => mounted,
        Err(error) => {
            let why = super::unavailable().unwrap_or_else(|| error.to_string());
            say(&format!("cannot mount a disk over {}: {why}", directory.display()));
            return false;
        }
    };
    if say(READY) {
        for line in BufReader::new(std::io::stdin().lock()).lines() {
            let Ok(line) = line else { break };
            let told = line.parse().map(|order| mounted.obey(order));
            if !say(&told.map_or_else(|why: String| why, |told| told.to_string())) {
                break;
            }
        }
    }
    // Whoever started it is gone, or removes the directory now. A server that waits for a slow fsync must not wait.
    mounted.obey(super::Order::Delay(0));
    let limit = Instant::now() + PATIENCE;
    while !mounted.ended() && Instant::now() < limit {
        sleep(Duration::from_millis(20));
    }
    if !mounted.ended() {
        // It may be out of sight already, with files open.
        let _ = mounted.detach();
    }
    let _ = mounted.wait();
    true
}
