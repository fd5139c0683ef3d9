//! One direction of one connection.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::{Lane, Of, Rule};
use lockbench_core::units::SECOND;

/// Bytes that are kept of a connection before its sender has to wait, as a socket's buffers do.
const MOST_QUEUED: usize = 1 << 20;
const CHUNK: usize = 64 * 1024;

/// Passes bytes on until the sender has ended and all are delivered.
///
/// # Errors
/// Either side is gone.
pub(super) async fn pump(lane: Lane, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, of: &Of) -> io::Result<()> {
    let mut rules = of.rules.clone();
    let mut queue = Queue::default();
    let (mut buffer, mut ended) = (vec![0; CHUNK], false);
    loop {
        let rule = rules.borrow_and_update().of(lane);
        let due = if rule.cut { u64::MAX } else { queue.due() };
        tokio::select! {
            biased;
            changed = rules.changed() => if changed.is_err() { return Ok(()) },
            () = of.timer.sleep_until(due) => to.write_all(&queue.take()).await?,
            read = from.read(&mut buffer), if !ended && queue.bytes < MOST_QUEUED => match read? {
                0 => ended = true,
                count if rule == Rule::default() && queue.chunks.is_empty() => to.write_all(&buffer[..count]).await?,
                count => {
                    of.counts.held.fetch_add(count as u64, Ordering::Relaxed);
                    let jitter = if rule.jitter_ns == 0 { 0 } else { of.rng.borrow_mut().random_range(0..=rule.jitter_ns) };
                    queue.put(&buffer[..count], of.timer.now().saturating_add(rule.delay_ns + jitter), rule.bytes_per_s);
                }
            },
        }
        if ended && queue.chunks.is_empty() && !rules.borrow().of(lane).cut {
            return to.shutdown().await;
        }
    }
}

/// Chunks that wait, each with the instant at which it is due.
#[derive(Default)]
struct Queue {
    chunks: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    /// When the last one is due: none overtakes another.
    last: u64,
}

impl Queue {
    fn due(&self) -> u64 {
        self.chunks.front().map_or(u64::MAX, |(due, _)| *due)
    }

    fn put(&mut self, chunk: &[u8], at: u64, bytes_per_s: u64) {
        let takes = (chunk.len() as u64).saturating_mul(SECOND).checked_div(bytes_per_s).unwrap_or(0);
        self.last = at.max(self.last).saturating_add(takes);
        self.bytes += chunk.len();
        self.chunks.push_back((self.last, chunk.to_vec()));
    }

    fn take(&mut self) -> Vec<u8> {
        let chunk = self.chunks.pop_front().map(|(_, chunk)| chunk).unwrap_or_default();
        self.bytes -= chunk.len();
        chunk
    }
}
