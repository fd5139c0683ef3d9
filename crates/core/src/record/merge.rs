//! The reader: merges the shards in order of time behind a watermark and shows
//! every event to the observers. A consumer that folded shards in order of
//! arrival would report millions of false violations.

use std::collections::VecDeque;

use super::event::Event;
use super::shard::ShardReader;

/// Something that folds over the ordered stream of events.
pub trait Observer {
    /// The next event; stamps never decrease.
    fn observe(&mut self, event: &Event);
    /// A pause in the stream: a good moment to flush or to publish.
    fn pause(&mut self) {}
}

/// Where a reader gets the events of one shard from.
pub trait Source {
    /// Hands every event recorded so far to `take`, in order of time; returns the
    /// watermark: every event stamped before it has been handed over.
    fn drain(&mut self, take: impl FnMut(Event)) -> u64;
    /// Events that were lost because the ring was full.
    fn lost(&self) -> u64;
}

/// What the reader itself has to report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderCounts {
    /// Events shown to the observers.
    pub events: u64,
    /// Events lost because a ring was full. Any loss makes verdicts unknown.
    pub lost: u64,
}

/// Merges shards; owned by one thread.
pub struct Reader<S = ShardReader> {
    shards: Vec<S>,
    heads: Vec<VecDeque<Event>>,
    watermarks: Vec<u64>,
    events: u64,
}

impl<S: Source> Reader<S> {
    /// A reader of these shards.
    #[must_use]
    pub fn new(shards: Vec<S>) -> Self {
        let count = shards.len();
        Self { shards, heads: vec![VecDeque::new(); count], watermarks: vec![0; count], events: 0 }
    }

    /// One of its shards, by place.
    pub fn shard_mut(&mut self, place: usize) -> Option<&mut S> {
        self.shards.get_mut(place)
    }

    /// Everything stamped before this instant has been shown.
    #[must_use]
    pub fn complete(&self) -> u64 {
        self.watermarks.iter().copied().min().unwrap_or(0)
    }

    /// Shows what is complete so far; returns how many events that was.
    pub fn poll(&mut self, observers: &mut [&mut dyn Observer]) -> u64 {
        for ((shard, heads), watermark) in self.shards.iter_mut().zip(&mut self.heads).zip(&mut self.watermarks) {
            *watermark = shard.drain(|event| heads.push_back(event));
        }
        let shown = self.show(self.complete(), observers);
        for observer in observers {
            observer.pause();
        }
        shown
    }

    /// Shows everything that is left. Call it when no worker records any more.
    pub fn finish(&mut self, observers: &mut [&mut dyn Observer]) -> ReaderCounts {
        for (shard, heads) in self.shards.iter_mut().zip(&mut self.heads) {
            shard.drain(|event| heads.push_back(event));
        }
        self.show(u64::MAX, observers);
        for observer in observers {
            observer.pause();
        }
        ReaderCounts { events: self.events, lost: self.shards.iter().map(Source::lost).sum() }
    }

    /// Shows all events stamped before `end`, in order; ties in order of shard.
    fn show(&mut self, end: u64, observers: &mut [&mut dyn Observer]) -> u64 {
        let mut shown = 0;
        loop {
            let mut first: Option<(usize, u64)> = None;
            let mut limit = end;
            for (i, heads) in self.heads.iter().enumerate() {
                let Some(event) = heads.front() else { continue };
                match first {
                    Some((_, t)) if event.t >= t => limit = limit.min(event.t),
                    Some((_, t)) => {
                        limit = limit.min(t);
                        first = Some((i, event.t));
                    }
                    None => first = Some((i, event.t)),
                }
            }
            let Some((i, _)) = first.filter(|(_, t)| *t < end) else { break };
            // A run of one shard's events before the next shard's first needs no comparison.
            let heads = &mut self.heads[i];
            while let Some(event) = heads.pop_front() {
                shown += 1;
                for observer in observers.iter_mut() {
                    observer.observe(&event);
                }
                if heads.front().is_none_or(|next| next.t >= limit) {
                    break;
                }
            }
        }
        self.events += shown;
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::{Observer, Reader, Source};
    use crate::clock::Clock;
    use crate::record::{Event, What, shard};

    #[derive(Default)]
    struct WitnessReading(Vec<Event>);
    impl Observer for WitnessReading {
        fn observe(&mut self, event: &Event) {
            self.0.push(*event);
        }
    }

    #[test]
    fn shards_of_several_threads_arrive_in_order_and_complete() {
        let clock = Clock::monotonic();
        let (seeds, readers): (Vec<_>, Vec<_>) = (0..3).map(|_| shard(1, clock)).unzip();
        let mut reader = Reader::new(readers);
        let mut seen = WitnessReading::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0_u32..)
                .zip(seeds)
                .map(|(client, seed)| {
                    scope.spawn(move || {
                        let shard = seed.bind();
                        for key in 0..5_000 {
                            shard.stamp(client, key, What::Invoke { due: 0 });
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                reader.poll(&mut [&mut seen]);
            }
        });
        let counts = reader.finish(&mut [&mut seen]);
        assert_eq!((counts.events, counts.lost), (15_000, 0));
        assert!(seen.0.is_sorted_by_key(|event| event.t));
        for client in 0..3 {
            let keys: Vec<u32> = seen.0.iter().filter(|e| e.client == client).map(|e| e.key).collect();
            assert!(keys.is_sorted() && keys.len() == 5_000);
        }
    }

    #[test]
    fn a_full_ring_counts_its_losses() {
        let (seed, reader) = shard(0, Clock::monotonic());
        let shard = seed.bind();
        assert!(shard.has_room());
        for key in 0..70_000 {
            shard.stamp(0, key, What::Invoke { due: 0 });
        }
        assert!(!shard.has_room());
        let mut seen = WitnessReading::default();
        let counts = Reader::new(vec![reader]).finish(&mut [&mut seen]);
        assert_eq!(counts.events + counts.lost, 70_000);
        assert!(counts.lost > 0);
    }

    /// A shard that hands over one event a poll.
    struct Slow(std::vec::IntoIter<Event>, u64);
    impl Source for Slow {
        fn drain(&mut self, mut take: impl FnMut(Event)) -> u64 {
            for event in self.0.by_ref().take(1) {
                self.1 = event.t;
                take(event);
            }
            self.1
        }
        fn lost(&self) -> u64 {
            0
        }
    }

    #[test]
    fn ties_come_in_order_of_shard_however_slowly_they_arrive() {
        let events = |client: u32, times: &[u64]| -> Vec<Event> {
            let event = |t: &u64| Event { t: *t, client, attempt: 0, key: 0, what: What::Invoke { due: 0 } };
            times.iter().map(event).collect()
        };
        let shards = || vec![events(0, &[3, 5, 5, 9]), events(1, &[2, 3, 5]), events(2, &[1, 5, 8])];
        let order = |polls: usize| {
            let shards = shards().into_iter().map(|events| Slow(events.into_iter(), 0)).collect();
            let (mut reader, mut seen) = (Reader::new(shards), WitnessReading::default());
            for _ in 0..polls {
                reader.poll(&mut [&mut seen]);
            }
            reader.finish(&mut [&mut seen]);
            seen.0.iter().map(|event| (event.t, event.client)).collect::<Vec<_>>()
        };
        let mut sorted: Vec<(u64, u32)> = shards().concat().iter().map(|event| (event.t, event.client)).collect();
        sorted.sort_unstable();
        assert_eq!(order(4), sorted);
        // Only what is complete is shown: after two polls shard 1 may still have events at 3.
        let (mut reader, mut seen) =
            (Reader::new(shards().into_iter().map(|e| Slow(e.into_iter(), 0)).collect()), WitnessReading::default());
        reader.poll(&mut [&mut seen]);
        assert_eq!(seen.0.len(), 0);
        reader.poll(&mut [&mut seen]);
        assert_eq!(seen.0.iter().map(|event| event.t).collect::<Vec<_>>(), [1, 2]);
    }

    /// A shard that hands over all it has, complete up to an instant.
    struct Complete(Vec<Event>, u64);
    impl Source for Complete {
        fn drain(&mut self, take: impl FnMut(Event)) -> u64 {
            std::mem::take(&mut self.0).into_iter().for_each(take);
            self.1
        }
        fn lost(&self) -> u64 {
            0
        }
    }

    #[test]
    fn nothing_is_shown_past_the_least_complete_shard() {
        let events = |times: &[u64]| -> Vec<Event> {
            times
                .iter()
                .map(|t| Event { t: *t, client: 0, attempt: 0, key: 0, what: What::Invoke { due: 0 } })
                .collect()
        };
        let shards = vec![Complete(events(&[10]), 90), Complete(events(&[3, 4, 5, 6]), 90), Complete(Vec::new(), 5)];
        let (mut reader, mut seen) = (Reader::new(shards), WitnessReading::default());
        reader.poll(&mut [&mut seen]);
        assert_eq!(seen.0.iter().map(|event| event.t).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(reader.finish(&mut [&mut seen]).events, 5);
    }
}
