//! One direction of one connection.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::{Lane, Of, Peer, Rule};
use lockbench_core::units::SECOND;

/// Bytes that are kept of a connection before its sender has to wait, as a socket's buffers do.
const MOST_QUEUED: usize = 1 << 20;
const CHUNK: usize = 64 * 1024;

/// Passes bytes on until the sender has ended and all are delivered.
///
/// # Errors
/// Either side is gone.
pub(super) async fn pump(
    (lane, peer): (Lane, &Peer),
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    of: &Of,
) -> io::Result<()> {
    let mut rules = of.rules.clone();
    let mut queue = Queue::default();
    let mut buffer = vec![0; CHUNK];
    // When the end of the sender is passed on, once it has ended.
    let mut closes = None;
    let mut first = of.between.first.as_ref().filter(|_| lane == Lane::Requests);
    loop {
        let sender = peer.sender(of);
        let rule = rules.borrow_and_update().of(lane, sender);
        let due = match (rule.cut, queue.due()) {
            (true, _) => u64::MAX,
            (false, None) => closes.unwrap_or(u64::MAX),
            (false, Some(due)) => due,
        };
        tokio::select! {
            biased;
            changed = rules.changed() => if changed.is_err() { return Ok(()) },
            () = of.timer.sleep_until(due) => match queue.take() {
                Some(chunk) => to.write_all(&chunk).await?,
                None => return to.shutdown().await,
            },
            read = from.read(&mut buffer), if closes.is_none() && queue.bytes < MOST_QUEUED => match read? {
                0 => {
                    of.counts.closed_late.fetch_add(u64::from(rule.close_ns > 0), Ordering::Relaxed);
                    closes = Some(of.timer.now().saturating_add(rule.close_ns));
                }
                count => {
                    let rewritten = first.take().and_then(|first| first(&buffer[..count]));
                    let bytes = rewritten.as_deref().unwrap_or(&buffer[..count]);
                    let (delay_ns, jitter_ns) = peer.late(lane, &rule);
                    let passes = (delay_ns, jitter_ns) == (0, 0) && Rule { nth: None, ..rule } == Rule::PASS;
                    if passes && queue.chunks.is_empty() {
                        to.write_all(bytes).await?;
                        continue;
                    }
                    of.counts.held.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    let jitter = if jitter_ns == 0 { 0 } else { of.rng.borrow_mut().random_range(0..=jitter_ns) };
                    queue.put(bytes, of.timer.now().saturating_add(delay_ns + jitter), &rule);
                }
            },
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
    fn due(&self) -> Option<u64> {
        self.chunks.front().map(|(due, _)| *due)
    }

    fn put(&mut self, bytes: &[u8], at: u64, rule: &Rule) {
        let size = if rule.piece == 0 { bytes.len() } else { rule.piece };
        for (place, piece) in bytes.chunks(size.max(1)).enumerate() {
            let takes = (piece.len() as u64).saturating_mul(SECOND).checked_div(rule.bytes_per_s).unwrap_or(0);
            let gap = if place == 0 { 0 } else { rule.gap_ns };
            self.last = at.max(self.last).saturating_add(takes + gap);
            self.bytes += piece.len();
            self.chunks.push_back((self.last, piece.to_vec()));
        }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let (_, chunk) = self.chunks.pop_front()?;
        self.bytes -= chunk.len();
        Some(chunk)
    }
}
