//! All nodes of one client, and rounds of voting: a request goes to every node
//! at once, the round ends as soon as it is decided or the node timeout is over.
//!
//! Answers that come after the round are taken in at the next one. They need no
//! other care: a node executes what comes on one connection in order, so that a
//! release behind an unanswered acquire undoes it whenever it is executed.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::votes::{Ballot, Votes, quorum};
use super::wire::{Node, Said};
use lockbench_core::clock::Timer;

/// How often opening looks for connections.
const LOOK_EVERY_NS: u64 = 1_000_000;

/// The nodes of one client.
pub(super) struct Electorate<N: Node> {
    nodes: Vec<N>,
    pending: FuturesUnordered<LocalBoxFuture<'static, Vote<N::Answer>>>,
    timer: Timer,
    node_timeout_ns: u64,
    round: u64,
    sent: u64,
    /// What a node said last that was neither yes nor no.
    complaint: Option<String>,
}

struct Vote<A> {
    node: usize,
    connection: u32,
    round: u64,
    answer: A,
    requests: u64,
}

impl<N: Node> Electorate<N> {
    /// Connects to all nodes at once; a quorum suffices, the others follow in the
    /// background.
    ///
    /// # Errors
    /// No quorum can be reached; names the nodes that cannot.
    pub async fn open(
        nodes: Vec<N>,
        timer: Timer,
        node_timeout_ns: u64,
        request_timeout_ns: u64,
    ) -> Result<Self, String> {
        let pending = FuturesUnordered::new();
        let mut all = Self { nodes, pending, timer, node_timeout_ns, round: 0, sent: 0, complaint: None };
        let begin = all.timer.now();
        loop {
            let up = all.refresh();
            let waited = all.timer.now() - begin;
            let tried = all.nodes.iter_mut().all(|node| node.refresh() || node.problem().is_some());
            if up == all.nodes.len() || (up >= quorum(all.nodes.len()) && (tried || waited > node_timeout_ns)) {
                return Ok(all);
            }
            if tried || waited > request_timeout_ns {
                return Err(format!("{up} of {} nodes reached; {}", all.nodes.len(), all.problems()));
            }
            all.timer.sleep(LOOK_EVERY_NS).await;
        }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Requests sent so far, to all nodes together.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Asks every node for which `wanted` holds, and counts until `decided`, until
    /// all have answered, or until the node timeout is over.
    pub async fn vote(
        &mut self,
        request: &Rc<N::Request>,
        wanted: impl Fn(usize) -> bool,
        decided: impl Fn(&Votes) -> bool,
    ) -> Votes {
        self.round += 1;
        let now = self.timer.now();
        let mut tally = Votes::new(self.nodes.len());
        for index in 0..self.nodes.len() {
            if wanted(index)
                && let Some((asking, connection)) = self.nodes[index].send(now, request)
            {
                tally.set(index, Ballot::Waiting);
                self.sent += 1;
                let round = self.round;
                self.pending.push(
                    async move {
                        let (answer, requests) = asking.await;
                        Vote { node: index, connection, round, answer, requests }
                    }
                    .boxed_local(),
                );
            }
        }
        let timeout = tokio::time::sleep(Duration::from_nanos(self.node_timeout_ns));
        tokio::pin!(timeout);
        while tally.count(Ballot::Waiting) > 0 && !decided(&tally) {
            tokio::select! {
                biased;
                Some(vote) = self.pending.next() => self.take(vote, Some(&mut tally)),
                () = &mut timeout => break,
            }
        }
        tally
    }

    /// Takes in what came since the last round, and says which nodes are fit to be
    /// asked: connected, and owing no answer for longer than the node timeout.
    /// Asking a stalled node again would make every split vote wait for it.
    pub async fn fit(&mut self) -> u64 {
        self.refresh();
        let now = self.timer.now();
        self.take_late();
        let then = now.saturating_sub(self.node_timeout_ns);
        if self.nodes.iter().any(|node| node.stalled(then)) {
            // Perhaps it was this thread that stalled: let the connections read what is there.
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            self.take_late();
        }
        let fit = |(index, node): (usize, &mut N)| u64::from(node.refresh() && !node.stalled(then)) << index;
        self.nodes.iter_mut().enumerate().map(fit).sum()
    }

    /// Gives the last requests time to be answered.
    pub async fn close(mut self) {
        let timeout = tokio::time::sleep(Duration::from_nanos(self.node_timeout_ns));
        tokio::pin!(timeout);
        loop {
            tokio::select! {
                biased;
                vote = self.pending.next() => match vote {
                    Some(vote) => self.take(vote, None),
                    None => return,
                },
                () = &mut timeout => return,
            }
        }
    }

    /// Why nodes did not vote.
    pub fn problems(&self) -> String {
        let mut problems: Vec<String> = self.nodes.iter().filter_map(N::problem).collect();
        problems.extend(self.complaint.clone());
        if problems.is_empty() {
            format!("no answer within {} ms", self.node_timeout_ns / 1_000_000)
        } else {
            problems.join("; ")
        }
    }

    fn refresh(&mut self) -> usize {
        self.nodes.iter_mut().filter_map(|node| node.refresh().then_some(())).count()
    }

    fn take_late(&mut self) {
        while let Some(Some(vote)) = self.pending.next().now_or_never() {
            self.take(vote, None);
        }
    }

    fn take(&mut self, vote: Vote<N::Answer>, tally: Option<&mut Votes>) {
        let node = &mut self.nodes[vote.node];
        node.answered(vote.connection);
        self.sent += vote.requests - 1;
        let (ballot, said) = node.read(&vote.answer);
        match said {
            Said::Gone(problem) => node.lost(vote.connection, problem),
            Said::Complaint(text) => self.complaint = Some(text),
            Said::Nothing => {}
        }
        if let Some(tally) = tally
            && vote.round == self.round
        {
            tally.set(vote.node, ballot);
        }
    }
}
