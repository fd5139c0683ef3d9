//! Which of the locks are shown. Deadlocks are looked for among all of them.

use super::super::Failure;
use super::super::args::InspectArgs;
use lockbench_core::lock::inspection::{Inspection, LockSeen};
use lockbench_core::units::{MILLISECOND, parse_duration_ns};

/// What a lock must be to be shown.
pub struct Filter {
    waiting: bool,
    older_than_ms: Option<u64>,
    /// Most locks that are shown.
    limit: usize,
}

/// So many locks are looked at at least where only some of them are shown: the others count
/// for nothing.
const LOOKED_AT: usize = 100_000;

impl Filter {
    /// Reads the flags.
    pub fn new(args: &InspectArgs) -> Result<Self, Failure> {
        let read = |text: &String| {
            let ns = parse_duration_ns(text);
            ns.map(|ns| ns / MILLISECOND).map_err(|problem| Failure::usage(format!("--older-than {text} {problem}")))
        };
        let older_than_ms = args.older_than.as_ref().map(read).transpose()?;
        Ok(Self { waiting: args.waiting, older_than_ms, limit: args.limit as usize })
    }

    /// Returns how many locks are looked at.
    pub fn search(&self) -> usize {
        if self.waiting || self.older_than_ms.is_some() { self.limit.max(LOOKED_AT) } else { self.limit }
    }

    /// Returns the look with the locks that are to be shown, and a note on those that are not.
    pub fn apply(&self, mut seen: Inspection) -> Inspection {
        let before = seen.look.locks.len();
        if self.waiting {
            seen.look.locks.retain(|lock| lock.waiting.is_some_and(|waiting| waiting > 0));
        }
        if let Some(least) = self.older_than_ms {
            let timeless = seen.look.locks.iter().filter(|lock| age(lock).is_none()).count();
            seen.look.locks.retain(|lock| age(lock).is_some_and(|age| age >= least));
            if timeless > 0 {
                seen.look.notes.push(format!(
                    "{timeless} locks have no time by which --older-than could judge them; with --watch how long they \
                     are seen counts"
                ));
            }
        }
        let hidden = before - seen.look.locks.len();
        if hidden > 0 {
            seen.look.notes.push(format!("{hidden} locks are filtered out"));
        }
        if seen.look.locks.len() > self.limit {
            seen.look.locks.truncate(self.limit);
            seen.look.truncated = Some(format!("stopped at --limit {}", self.limit));
        }
        seen
    }
}

/// The longest time that is known of one of its clients.
fn age(lock: &LockSeen) -> Option<u64> {
    lock.holders.iter().chain(&lock.waiters).filter_map(|client| client.since_ms.or(client.seen_ms)).max()
}

#[cfg(test)]
mod tests {
    use super::{Filter, LOOKED_AT};
    use lockbench_core::lock::inspection::{ClientSeen, Inspection, LockSeen, Observation};

    fn seen() -> Inspection {
        let lock = |name: &str, waiting, since_ms| LockSeen {
            name: name.to_owned(),
            holders: vec![ClientSeen { since_ms, ..ClientSeen::default() }],
            waiting,
            ..LockSeen::default()
        };
        let locks =
            vec![lock("old", Some(0), Some(60_000)), lock("wanted", Some(2), Some(5)), lock("timeless", None, None)];
        Inspection::new("etcd", false, String::new(), Observation { locks, ..Observation::default() })
    }

    fn shown(filter: &Filter) -> (Vec<String>, Vec<String>) {
        let seen = filter.apply(seen());
        (seen.look.locks.into_iter().map(|lock| lock.name).collect(), seen.look.notes)
    }

    #[test]
    fn what_is_filtered_out_is_counted() {
        let (names, notes) = shown(&Filter { waiting: true, older_than_ms: None, limit: 9 });
        assert_eq!((names, notes), (vec!["wanted".to_owned()], vec!["2 locks are filtered out".to_owned()]));
        let (names, notes) = shown(&Filter { waiting: false, older_than_ms: Some(30_000), limit: 9 });
        assert_eq!(names, ["old"]);
        assert!(notes[0].starts_with("1 locks have no time") && notes[1].starts_with("2 "), "{notes:?}");
        assert_eq!(shown(&Filter { waiting: false, older_than_ms: None, limit: 9 }).0.len(), 3);
    }

    #[test]
    fn the_limit_is_on_what_is_shown_and_not_on_what_is_looked_at() {
        let filter = |waiting, limit| Filter { waiting, older_than_ms: None, limit };
        assert_eq!((filter(false, 1).search(), filter(true, 1).search()), (1, LOOKED_AT));
        let (seen, all) = (filter(true, 1).apply(seen()), filter(false, 2).apply(seen()));
        assert_eq!((seen.look.locks.len(), seen.look.truncated), (1, None));
        assert_eq!((all.look.locks.len(), all.look.truncated.as_deref()), (2, Some("stopped at --limit 2")));
    }
}
