//! The answers to the reads of one call, as they come.
//!
//! Owns: which reads are still unanswered. Does not own: the way that answers take.
//!
//! Invariant: each read is answered exactly once, whatever the node does: a repeat is dropped, and
//! what is unanswered when the node's end is gone was not read by an owner.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

use crate::read::{Read, ReadError, ReadReply};
use crate::transport::NodeTransport;

/// Which read of a call, counted from 0, and what became of it.
pub type ReadAnswer = (usize, Result<ReadReply, ReadError>);

/// See the file's header.
#[derive(Debug)]
pub struct ReadAnswers {
    incoming: mpsc::Receiver<Vec<ReadAnswer>>,
    is_answered: Vec<bool>,
    left: usize,
}

impl ReadAnswers {
    /// The answers to `count` reads, which come by `incoming`.
    pub fn new(count: usize, incoming: mpsc::Receiver<Vec<ReadAnswer>>) -> Self {
        Self {
            incoming,
            is_answered: vec![false; count],
            left: count,
        }
    }

    /// Some more answers, at least one; none when each read was answered.
    pub async fn next(&mut self) -> Option<Vec<ReadAnswer>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for who waits for several calls.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<ReadAnswer>>> {
        while self.left > 0 {
            let Some(mut answers) = ready!(self.incoming.poll_recv(context)) else {
                return Poll::Ready(Some(self.give_up()));
            };
            answers.retain(|(read, _)| self.take(*read));
            if !answers.is_empty() {
                return Poll::Ready(Some(answers));
            }
        }
        Poll::Ready(None)
    }

    /// Whether this is the first answer to a read that was asked for.
    fn take(&mut self, read: usize) -> bool {
        let is_first = self.is_answered.get(read) == Some(&false);
        if is_first {
            self.is_answered[read] = true;
            self.left -= 1;
        }
        is_first
    }

    fn give_up(&mut self) -> Vec<ReadAnswer> {
        self.left = 0;
        let reads = self.is_answered.iter().enumerate();
        let open = reads.filter(|(_, is_answered)| !**is_answered);
        open.map(|(read, _)| (read, Err(ReadError::NotOwner)))
            .collect()
    }
}

/// Reads batches of one partition.
pub async fn read_one(node: &dyn NodeTransport, read: Read) -> Result<ReadReply, ReadError> {
    let mut answers = node.read(vec![read]).await;
    let answer = answers.next().await.and_then(|mut answers| answers.pop());
    let (_, answer) = answer.expect("one read has one answer");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(read: usize) -> ReadAnswer {
        (read, Ok(ReadReply::default()))
    }

    async fn told(answers: &mut ReadAnswers) -> Option<Vec<(usize, bool)>> {
        let answers = answers.next().await?;
        Some(answers.iter().map(|(i, a)| (*i, a.is_ok())).collect())
    }

    #[tokio::test]
    async fn each_read_is_answered_once_though_the_node_repeats_itself_and_goes() {
        let (node, incoming) = mpsc::channel(4);
        let mut answers = ReadAnswers::new(4, incoming);
        node.try_send(vec![answer(2)]).expect("there is room");
        node.try_send(vec![answer(2), answer(4)])
            .expect("there is room");
        node.try_send(vec![answer(2), answer(0)])
            .expect("there is room");
        drop(node);
        assert_eq!(told(&mut answers).await, Some(vec![(2, true)]));
        assert_eq!(told(&mut answers).await, Some(vec![(0, true)]));
        assert_eq!(told(&mut answers).await, Some(vec![(1, false), (3, false)]));
        assert_eq!(told(&mut answers).await, None);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_when_all_is_answered() {
        let (node, incoming) = mpsc::channel(1);
        let mut answers = ReadAnswers::new(1, incoming);
        node.try_send(vec![answer(0)]).expect("there is room");
        assert_eq!(told(&mut answers).await, Some(vec![(0, true)]));
        // The node's end is still there.
        assert_eq!(told(&mut answers).await, None);
        drop(node);
    }
}
