//! `lockbench keeper`: the process that `lockbench up` leaves behind, one per kind. It
//! owns the servers as a run does, guard included, until a signal ends it; nothing
//! of a terminal or of a run is left in it.

use std::error::Error;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Failure;
use super::args::KeeperArgs;
use super::signal::{HangUp, Interrupt};
use lockbench_report::Exit;
use lockbench_systems::stack::{LocalStack, Options, Register, Server};

/// Interval at which a keeper checks that its servers live.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The one line that it writes, to `up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The servers answer, and the register has them.
    Ready,
    /// Another process keeps this kind.
    Taken,
    /// They could not be started: why.
    Failed(String),
}

/// Starts the servers of a kind, reports that to `up`, and holds them.
pub fn keeper(args: &KeeperArgs) -> Result<u8, Failure> {
    // Out of the terminal's session: its end is not ours. Fails only for a leader.
    let _ = rustix::process::setsid();
    let interrupt = Interrupt::listen(HangUp::Ends, || {})?;
    let (said, code) = match held(args, &interrupt) {
        Ok(None) => return Ok(Exit::Pass.code()),
        Ok(Some(said)) => (said, Exit::Pass),
        Err(error) => (Said::Failed(error.to_string()), Exit::Backend),
    };
    say(&said);
    Ok(code.code())
}

/// Holds them until the end. `Some`: there was nothing to hold.
fn held(args: &KeeperArgs, interrupt: &Interrupt) -> Result<Option<Said>, Box<dyn Error>> {
    let register = Register::from_env()?;
    let Some(kept) = register.keep(args.kind)? else {
        return Ok(Some(Said::Taken));
    };
    let options = Options { ready_within: args.within, stop: interrupt.stop.clone(), ..Options::default() };
    let started = LocalStack::start(&[args.kind], &options).into_iter().next();
    let server = match started {
        Some((_, server)) => server?,
        None => return Err(format!("no {} server was prepared", args.kind).into()),
    };
    kept.tell(&server)?;
    say(&Said::Ready);
    watch(&server, interrupt, || {
        // No process reads the output of a keeper by now; `status` shows what the register has.
        let _ = kept.tell(&server);
    });
    Ok(None)
}

/// Waits for the signal to end; calls `died` once if a server ends by itself.
fn watch(server: &Server, interrupt: &Interrupt, died: impl Fn()) {
    let mut reported = false;
    while !interrupt.stop.draining() {
        if !reported && server.died().is_some() {
            reported = true;
            died();
        }
        sleep(LOOK_EVERY);
    }
}

fn say(said: &Said) {
    if let Ok(line) = serde_json::to_string(said) {
        // `up` may have been ended meanwhile; the servers stay then, and `status` shows them.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
