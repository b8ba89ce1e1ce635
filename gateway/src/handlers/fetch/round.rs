//! The reads of one round: one call for each node that owns something of it.
//!
//! Owns: which reads are under way, and which wait for their turn. Does not own: for how long they
//! are waited for (`poll`), what their answers mean (`plan`).
//!
//! Invariant: each wish has one outcome. At most [`READS_IN_PARALLEL_MAX`] are under way; when half of
//! those are answered, the next are sent.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};
use model::NodeId;
use node_api::{BoxFuture, Read, ReadAnswer, ReadAnswers, ReadError, ReadReply};

use super::plan::{Plan, Wish};
use crate::limits::READS_IN_PARALLEL_MAX;
use crate::services::Services;

/// A wish, and what became of it.
pub(super) type Outcome = (Wish, Result<ReadReply, Refused>);

/// Why a wish has no reply.
pub(super) enum Refused {
    Read(ReadError),
    /// The partition is in no map any more.
    Gone,
}

/// See the file's header.
pub(super) struct Round<'a> {
    services: &'a Services,
    waiting: VecDeque<Wish>,
    under_way: usize,
    calls: SelectAll<ReadCall>,
}

impl<'a> Round<'a> {
    pub(super) fn new(services: &'a Services, wishes: Vec<Wish>) -> Self {
        Self {
            services,
            waiting: wishes.into(),
            under_way: 0,
            calls: SelectAll::new(),
        }
    }

    /// Some more outcomes; none when each wish had one. Nothing is lost where it is not waited for.
    pub(super) async fn next(&mut self, plan: &Plan) -> Option<Vec<Outcome>> {
        let outcomes = self.send(plan);
        if !outcomes.is_empty() {
            return Some(outcomes);
        }
        let answers = self.calls.next().await?;
        self.under_way -= answers.len();
        Some(answers)
    }

    /// Whether every read is answered.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }

    /// Sends what may be under way; gives back what need not even be asked for.
    fn send(&mut self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        if self.waiting.is_empty() || self.under_way > READS_IN_PARALLEL_MAX / 2 {
            return outcomes;
        }
        let room = READS_IN_PARALLEL_MAX - self.under_way;
        let map = self.services.router.map();
        let mut by_node: Vec<(NodeId, Vec<Wish>, Vec<Read>)> = Vec::new();
        for wish in self.waiting.drain(..room.min(self.waiting.len())) {
            let partition = plan.parts[wish.part].partition;
            let Some(placement) = map.placement(partition) else {
                outcomes.push((wish, Err(Refused::Gone)));
                continue;
            };
            let read = Read {
                partition,
                map_version: map.version,
                offset: wish.offset,
                bytes_max: wish.bytes_max,
                at_least_one: wish.at_least_one,
            };
            match by_node
                .iter_mut()
                .find(|(node, ..)| *node == placement.node)
            {
                Some((_, wishes, reads)) => {
                    wishes.push(wish);
                    reads.push(read);
                }
                None => by_node.push((placement.node, vec![wish], vec![read])),
            }
        }
        for (node, wishes, reads) in by_node {
            let Some(transport) = self.services.router.transport(node) else {
                let not_there = |wish| (wish, Err(Refused::Read(ReadError::NotOwner)));
                outcomes.extend(wishes.into_iter().map(not_there));
                continue;
            };
            self.under_way += wishes.len();
            let answers = Answers::Opening(transport.read(reads));
            self.calls.push(ReadCall { wishes, answers });
        }
        outcomes
    }
}

/// One call to one node.
struct ReadCall {
    wishes: Vec<Wish>,
    answers: Answers,
}

enum Answers {
    Opening(BoxFuture<'static, ReadAnswers>),
    Coming(ReadAnswers),
}

impl Stream for ReadCall {
    type Item = Vec<Outcome>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.answers {
                Answers::Opening(opening) => {
                    let answers = ready!(opening.as_mut().poll(context));
                    self.answers = Answers::Coming(answers);
                }
                Answers::Coming(coming) => {
                    let answers = ready!(coming.poll_next(context));
                    let outcome = |(read, answer): ReadAnswer| {
                        (self.wishes[read], answer.map_err(Refused::Read))
                    };
                    let outcomes = answers.map(|all| all.into_iter().map(outcome).collect());
                    return Poll::Ready(outcomes);
                }
            }
        }
    }
}
