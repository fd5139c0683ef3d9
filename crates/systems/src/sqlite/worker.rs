//! SQLite blocks, so each connection lives on a thread of its own and is sent
//! one job at a time. A thread a session rather than the runtime's blocking
//! pool: the connection and its prepared statements never change threads, and
//! no session waits for a free pool thread behind other sessions' fsyncs.
//! The way there and back costs two thread wake-ups, which every figure of this
//! backend includes: a refused try takes about 9 us in all on two cores, which is
//! small beside the fsync of a grant.

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::oneshot;

use super::super::planted::Planted;
use super::store::Store;
use lockbench_core::clock::Clock;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// A thread with an open file. Its owner sends one job at a time.
pub(super) struct Worker {
    jobs: SyncSender<Job>,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts the thread and opens the file on it.
    ///
    /// # Errors
    /// SQLite's reason, or that there can be no more threads.
    pub(super) async fn open(path: PathBuf, clock: Clock, planted: Planted) -> Result<Self, String> {
        let (jobs, queue) = sync_channel::<Job>(1);
        let (opened, opening) = oneshot::channel();
        let (ending, ended) = oneshot::channel::<()>();
        let body = move || {
            // Dropped last, when the file is closed: that is the signal.
            let _ending = ending;
            match Store::open(&path, clock, planted) {
                Ok(mut store) => {
                    if opened.send(Ok(())).is_ok() {
                        queue.iter().for_each(|job| job(&mut store));
                    }
                }
                // Nobody listens any more: the file is not open either way.
                Err(problem) => drop(opened.send(Err(problem))),
            }
        };
        let thread = std::thread::Builder::new().name("sqlite".to_owned()).spawn(body);
        // The thread tells its end through `ended`, which an async owner can await.
        drop(thread.map_err(|error| format!("cannot start a thread: {error}"))?);
        opening.await.unwrap_or_else(|_| Err("the thread ended while opening".to_owned()))?;
        Ok(Self { jobs, ended })
    }

    /// Runs `work` on the thread. `None`: the thread is gone, the work may have been done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(answer.send(work(store))));
        self.jobs.try_send(job).ok()?;
        answered.await.ok()
    }

    /// Closes the file and waits for the thread's end.
    pub(super) async fn close(self) {
        drop(self.jobs);
        // An error says that the sender was dropped, which is the end.
        drop(self.ended.await);
    }
}
