//! One system as it is seen now. The thread that watches it writes, the desk reads.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::lock::Nodes;
use crate::report::monitor::{Certain, Rolling, State};

/// Changes that wait for the desk, which looks several times a second.
const MOST_TURNS: usize = 64;
/// Double grants that are kept in words.
const MOST_STORIES: usize = 20;

/// What the desk must tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The system does not answer.
    Down(String),
    /// It answers; after an outage of so many nanoseconds, if there was one.
    Up(Option<u64>),
    /// A violation that no bound tells of.
    Violated(String),
    /// Something else worth a line.
    Note(String),
}

/// All of it.
pub struct Sight {
    pub backend: &'static str,
    pub rolling: Rolling,
    pub state: State,
    /// Since when, clock nanoseconds.
    pub since: u64,
    pub problem: Option<String>,
    pub version: String,
    /// Which nodes serve, of a system of several; `None` until they were asked.
    pub nodes: Option<Nodes>,
    pub rounds: u64,
    pub certain: Certain,
    /// Violations of the round under way.
    pub fresh: Certain,
    pub exercised: u64,
    pub outages: u64,
    /// The last outage that is over: when it began, how long it was.
    pub outage: Option<(SystemTime, u64)>,
    pub stories: Vec<String>,
    /// Why the exit code is 100, once a round.
    pub violated: Vec<String>,
    turns: VecDeque<Turned>,
    /// Until when it is known what became of each due instant.
    accounted: u64,
    /// Part of an interval that the last account left over.
    rest_ns: u64,
}

impl Sight {
    /// Nothing was seen before `now`.
    pub fn shared(backend: &'static str, now: u64) -> Mutex<Self> {
        Mutex::new(Self {
            backend,
            rolling: Rolling::new(now),
            state: State::Starting,
            since: now,
            problem: None,
            version: String::new(),
            nodes: None,
            rounds: 0,
            certain: Certain::default(),
            fresh: Certain::default(),
            exercised: 0,
            outages: 0,
            outage: None,
            stories: Vec::new(),
            violated: Vec::new(),
            turns: VecDeque::new(),
            accounted: now,
            rest_ns: 0,
        })
    }

    /// The system answered at `t`.
    pub fn answers(&mut self, t: u64) {
        if self.state == State::Up {
            return;
        }
        let outage = (self.state == State::Down).then(|| t.saturating_sub(self.since));
        if let Some(lasted) = outage {
            self.outages += 1;
            self.outage = Some((SystemTime::now() - Duration::from_nanos(lasted), lasted));
        }
        (self.state, self.since, self.problem) = (State::Up, t, None);
        self.turn(Turned::Up(outage));
    }

    /// It has not answered since `since`.
    pub fn falls_silent(&mut self, since: u64, problem: String) {
        if self.state != State::Down {
            (self.state, self.since) = (State::Down, since);
            self.turn(Turned::Down(problem.clone()));
        }
        self.problem = Some(problem);
    }

    /// The nodes were asked. Told when others are away than before, while enough serve: that
    /// too few do is an outage, and told as one.
    pub fn sees_nodes(&mut self, nodes: Nodes) {
        let before = self.nodes.as_ref().and_then(Nodes::away_names);
        if nodes.suffice() && nodes.away_names() != before {
            let text = match nodes.away_names() {
                Some(_) => format!("{nodes} serve; away: {}", nodes.problems()),
                None => format!("{nodes} serve again"),
            };
            self.turn(Turned::Note(text));
        }
        self.nodes = Some(nodes);
    }

    /// There is nothing to ask.
    pub fn is_missing(&mut self, now: u64, problem: String) {
        (self.state, self.since) = (State::Missing, now);
        self.turn(Turned::Down(problem.clone()));
        self.problem = Some(problem);
    }

    /// No round ran from the last account to `now`: while the system is down, what was
    /// due is missed; else it is the gap between two rounds.
    pub fn account(&mut self, now: u64, every_ns: u64) {
        let span = now.saturating_sub(self.accounted);
        self.accounted = self.accounted.max(now);
        if self.state == State::Down {
            let due = span + self.rest_ns;
            let missed = due / every_ns;
            self.rest_ns = due % every_ns;
            self.rolling.count(now, |tally| tally.missed += missed);
        } else {
            self.rolling.count(now, |tally| tally.gap_ns += span);
        }
    }

    /// A round told of everything until `end`.
    pub fn told_until(&mut self, end: u64) {
        self.accounted = self.accounted.max(end);
    }

    /// Keeps a double grant in words, the first ones only.
    pub fn keep_story(&mut self, story: String) {
        if self.stories.len() < MOST_STORIES {
            self.stories.push(story);
        }
    }

    /// Violations, those of the round under way included.
    pub fn violations(&self) -> Certain {
        let Certain { double_grants, token_regressions, .. } = self.certain;
        Certain {
            double_grants: double_grants + self.fresh.double_grants,
            token_regressions: token_regressions + self.fresh.token_regressions,
            ..self.certain
        }
    }

    /// Something for the desk. What it does not take in time, oldest first, is in the log
    /// of nobody; it looks often enough.
    pub fn turn(&mut self, turned: Turned) {
        if self.turns.len() == MOST_TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(turned);
    }

    /// What the desk has not seen yet.
    pub fn take_turns(&mut self) -> Vec<Turned> {
        self.turns.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sight, State, Turned};
    use crate::lock::{Away, Nodes};
    use crate::units::SECOND;

    #[test]
    fn an_outage_misses_what_was_due_and_ends_with_its_length() {
        let sight = Sight::shared("redis", 0);
        let mut sight = sight.lock().unwrap();
        sight.answers(SECOND);
        sight.told_until(10 * SECOND);
        sight.falls_silent(8 * SECOND, "refused".to_owned());
        sight.falls_silent(11 * SECOND, "refused again".to_owned());
        // In slices: no part of an interval is lost.
        for tenth in 101..=200_u64 {
            sight.account(tenth * SECOND / 10, SECOND * 3 / 10);
        }
        assert_eq!((sight.rolling.total().missed, sight.rolling.total().gap_ns), (33, 0));
        sight.answers(20 * SECOND);
        assert_eq!((sight.outages, sight.outage.map(|(_, ns)| ns)), (1, Some(12 * SECOND)));
        sight.account(21 * SECOND, SECOND);
        assert_eq!(sight.rolling.total().gap_ns, SECOND);
        assert_eq!(sight.state, State::Up);
        let turns = [Turned::Up(None), Turned::Down("refused".to_owned()), Turned::Up(Some(12 * SECOND))];
        assert_eq!(sight.take_turns(), turns);
        assert!(sight.take_turns().is_empty());
    }

    #[test]
    fn a_node_that_is_away_is_told_once_by_name_and_so_is_its_return() {
        let sight = Sight::shared("etcd", 0);
        let mut sight = sight.lock().unwrap();
        let away = |address: &str| Err(Away { address: address.to_owned(), problem: "refused".to_owned() });
        sight.sees_nodes(Nodes::of([Ok(()), Ok(()), Ok(())], 2, 3));
        assert!(sight.take_turns().is_empty(), "all serve from the start");
        for _ in 0..2 {
            sight.sees_nodes(Nodes::of([Ok(()), Ok(()), away("c:1")], 2, 3));
        }
        sight.sees_nodes(Nodes::of([Ok(()), away("b:1"), away("c:1")], 2, 3));
        sight.sees_nodes(Nodes::of([Ok(()), Ok(()), Ok(())], 2, 3));
        let notes = ["2 of 3 nodes serve; away: c:1: refused", "3 of 3 nodes serve again"];
        assert_eq!(sight.take_turns(), notes.map(|note| Turned::Note(note.to_owned())));
    }
}
