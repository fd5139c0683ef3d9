//! Looks at the servers: on a thread of its own where it looks again and again, so that a server
//! that takes its time holds up no key.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::first_seen::FirstSeen;
use crate::cli::runtime;
use lockbench_core::clock::Clock;
use lockbench_core::lock::inspection::{Inspection, Inspector, Scope};
use lockbench_core::lock::{Endpoint, SystemError};
use lockbench_core::stop::Stop;
use lockbench_systems::{ServerKind, Target};

/// Which servers are asked for what.
pub struct Asked {
    pub kind: ServerKind,
    pub endpoints: Vec<Endpoint>,
    pub scope: Scope,
}

/// What came of a look.
pub enum Look {
    /// The picture.
    Seen(Box<Inspection>),
    /// No server answered.
    Failed { at: String, problem: String },
}

impl Asked {
    pub fn target(&self) -> Target {
        Target::new(self.endpoints.clone(), "inspect")
    }

    async fn look(
        &self,
        inspector: &mut dyn Inspector,
        memory: &mut FirstSeen,
        clock: Clock,
    ) -> Result<Inspection, SystemError> {
        let mut look = inspector.observe().await?;
        memory.note(&mut look, clock.now());
        Ok(Inspection::new(self.kind.name(), self.kind.servers().waits_are_certain, now(), look))
    }
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Looks once.
pub fn once(asked: &Asked) -> Result<Inspection, SystemError> {
    let runtime = runtime().map_err(|error| {
        let addresses = asked.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        SystemError::new(asked.kind.name(), addresses, format!("cannot begin to ask: {error}"))
    })?;
    runtime.block_on(async {
        let target = asked.target();
        let clock = target.clock;
        let mut inspector = asked.kind.inspector(&target, asked.scope.clone())?;
        let seen = asked.look(&mut *inspector, &mut FirstSeen::default(), clock).await;
        inspector.close().await;
        seen
    })
}

/// Looks until it is stopped.
pub struct Observer {
    looks: Receiver<Look>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Starts the thread.
    pub fn start(asked: Asked, interval: Duration, stop: Stop) -> std::io::Result<Self> {
        let runtime = runtime()?;
        // One look ahead at most: a slow reader gets fewer of them.
        let (sender, looks) = sync_channel(1);
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("observer".to_owned())
            .spawn(move || runtime.block_on(again(&asked, interval, &stopped, &sender)))?;
        Ok(Self { looks, stop, thread: Some(thread) })
    }

    /// The next look; `None` when there will be none.
    pub fn next(&mut self) -> Option<Look> {
        self.looks.recv().ok()
    }

    /// The next look, if there is one by now; an error when there will be none.
    pub fn within(&mut self, wait: Duration) -> Result<Option<Look>, ()> {
        match self.looks.recv_timeout(wait) {
            Ok(look) => Ok(Some(look)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    /// Ends it, and waits for that.
    pub fn end(&mut self) {
        self.stop.drain();
        // The thread may wait to hand over a look that is not read any more.
        while self.looks.recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic was printed already.
            let _ = thread.join();
        }
    }
}

async fn again(asked: &Asked, interval: Duration, stop: &Stop, sender: &SyncSender<Look>) {
    let target = asked.target();
    let clock = target.clock;
    let mut memory = FirstSeen::default();
    // It was made once already, to find mistakes.
    let Ok(mut inspector) = asked.kind.inspector(&target, asked.scope.clone()) else { return };
    while !stop.draining() {
        let seen = tokio::select! {
            seen = asked.look(&mut *inspector, &mut memory, clock) => seen,
            () = stop.drained() => break,
        };
        let look = match seen {
            Ok(seen) => Look::Seen(Box::new(seen)),
            Err(error) => Look::Failed { at: now(), problem: error.to_string() },
        };
        if sender.send(look).is_err() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = stop.drained() => {}
        }
    }
    inspector.close().await;
}
