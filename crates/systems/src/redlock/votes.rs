//! Counting of votes: pure, and the only place that knows what a quorum is.

/// What one node has said in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ballot {
    /// Nothing was sent to it: it is down, stalled, or has no part in the round.
    NotAsked,
    /// Sent, no answer yet.
    Waiting,
    /// It did what was asked.
    Yes,
    /// It says that the key is held by another (acquire), or not by us.
    No,
    /// It refused to execute the request: surely no effect there.
    Refused,
    /// Its answer is lost.
    Lost,
}

/// The votes of one round.
#[derive(Debug)]
pub(super) struct Votes {
    ballots: Vec<Ballot>,
}

/// Majority of so many nodes: N/2+1.
pub(super) fn quorum(nodes: usize) -> usize {
    nodes / 2 + 1
}

impl Votes {
    /// No node has been asked yet.
    pub fn new(nodes: usize) -> Self {
        Self { ballots: vec![Ballot::NotAsked; nodes] }
    }

    /// Notes a node's vote.
    pub fn set(&mut self, node: usize, ballot: Ballot) {
        self.ballots[node] = ballot;
    }

    /// A node's vote.
    pub fn of(&self, node: usize) -> Ballot {
        self.ballots[node]
    }

    /// How many voted so.
    pub fn count(&self, ballot: Ballot) -> usize {
        self.ballots.iter().filter(|cast| **cast == ballot).count()
    }

    /// Was anything sent to this node?
    pub fn asked(&self, node: usize) -> bool {
        self.ballots[node] != Ballot::NotAsked
    }

    /// Nodes that were reached and said yes or no.
    pub fn answered(&self) -> usize {
        self.count(Ballot::Yes) + self.count(Ballot::No)
    }

    /// A quorum has said yes.
    pub fn carried(&self) -> bool {
        self.count(Ballot::Yes) >= quorum(self.ballots.len())
    }

    /// A quorum can say yes no more.
    pub fn defeated(&self) -> bool {
        self.count(Ballot::Yes) + self.count(Ballot::Waiting) < quorum(self.ballots.len())
    }

    /// So many nodes say no that the others are no quorum: whatever they would
    /// say, we are not the holder.
    pub fn denied(&self) -> bool {
        self.ballots.len() - self.count(Ballot::No) < quorum(self.ballots.len())
    }
}

/// Nodes where a failed try may still leave, or have left, our key: asked,
/// not known to have done nothing, and not known to have withdrawn it.
pub(super) fn unsettled(tried: &Votes, withdrawn: &Votes) -> usize {
    let settled = |node: usize| {
        matches!(tried.of(node), Ballot::NotAsked | Ballot::No | Ballot::Refused)
            || matches!(withdrawn.of(node), Ballot::Yes | Ballot::No)
    };
    (0..tried.ballots.len()).filter(|node| !settled(*node)).count()
}

#[cfg(test)]
mod tests {
    use super::{Ballot, Votes, quorum, unsettled};

    fn tally(ballots: &str) -> Votes {
        let ballot = |c| match c {
            'y' => Ballot::Yes,
            'n' => Ballot::No,
            'w' => Ballot::Waiting,
            'r' => Ballot::Refused,
            'l' => Ballot::Lost,
            _ => Ballot::NotAsked,
        };
        Votes { ballots: ballots.chars().map(ballot).collect() }
    }

    #[test]
    fn a_quorum_is_more_than_half() {
        assert_eq!([3, 4, 5, 7].map(quorum), [2, 3, 3, 4]);
    }

    #[test]
    fn a_round_is_decided_as_early_as_it_can_be() {
        assert!(tally("yyyww").carried() && !tally("yyyww").defeated());
        assert!(!tally("yywww").carried() && !tally("yywww").defeated());
        assert!(tally("nnnww").defeated() && tally("nnnww").denied());
        // A split vote with one node down: two each, nobody can win.
        assert!(tally("yynn-").defeated() && !tally("yynn-").denied());
        assert!(!tally("yynnw").defeated());
    }

    #[test]
    fn a_failed_try_is_settled_when_no_quorum_can_be_ours() {
        // Two yes withdrawn, three no: nothing is left.
        assert_eq!(unsettled(&tally("yynnn"), &tally("yynww")), 0);
        // One node never answered anything: it alone is no quorum.
        assert_eq!(unsettled(&tally("yynnw"), &tally("yyn-w")), 1);
        // Three nodes are silent: they may all execute our request some day.
        assert_eq!(unsettled(&tally("yywww"), &tally("yywww")), 3);
        assert_eq!(unsettled(&tally("ylr--"), &tally("wl---")), 2);
    }
}
