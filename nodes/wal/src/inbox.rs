//! The queue in which the writing thread finds what it is told.
//!
//! Owns: when that thread is woken: only while it sleeps, once it has what it waits for, and after the lock is given up,
//! so that it does not run into it. Does not own: what the messages mean, or how much may be under way ([`crate::handle`]).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::commit_delay;
use crate::running::Message;

/// The end to send to.
#[derive(Clone)]
pub(crate) struct InboxSender(Arc<Queue>);

/// The writing thread's end. Dropped, it refuses everything.
pub(crate) struct Inbox(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// What they weigh for a thread that waits for so much.
    weight: usize,
    /// So much wakes the thread; nothing does while it is awake.
    wakes_at: Option<usize>,
    closed: bool,
}

/// Both ends of a new queue.
pub(crate) fn inbox() -> (InboxSender, Inbox) {
    let queue = Arc::new(Queue::default());
    (InboxSender(Arc::clone(&queue)), Inbox(queue))
}

impl InboxSender {
    /// Adds a message; gives it back if nobody will take it.
    pub(crate) fn send(&self, message: Message) -> Result<(), Message> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(message);
        }
        state.weight = state.weight.saturating_add(commit_delay::weight(&message));
        state.messages.push(message);
        let wakes = state.wakes_at.is_some_and(|enough| state.weight >= enough);
        if wakes {
            state.wakes_at = None;
        }
        drop(state);
        if wakes {
            self.0.arrived.notify_one();
        }
        Ok(())
    }
}

impl Inbox {
    /// Takes all that is there, be it nothing.
    pub(crate) fn take(&self) -> Vec<Message> {
        self.0.lock().take()
    }

    /// Waits for a message, and takes all that are there then.
    pub(crate) fn wait(&self) -> Vec<Message> {
        let mut state = self.0.lock();
        while state.messages.is_empty() {
            // Also by what does not hurry.
            state.wakes_at = Some(0);
            let woken = self.0.arrived.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.take()
    }

    /// Waits until messages of this weight are there, or until then, and takes what is there.
    pub(crate) fn wait_until(&self, enough: usize, until: Instant) -> Vec<Message> {
        let mut state = self.0.lock();
        while state.weight < enough {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.wakes_at = Some(enough);
            let woken = self.0.arrived.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.take()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        // Whoever waits for an answer to one of these learns that there is none.
        let unheard = state.take();
        drop(state);
        drop(unheard);
    }
}

impl Queue {
    /// Nothing panics under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Vec<Message> {
        self.wakes_at = None;
        self.weight = 0;
        std::mem::take(&mut self.messages)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use partition_log::SegmentId;
    use tokio::sync::oneshot;

    use super::*;
    use crate::fixtures::{append, partition};
    use crate::write::PreparedFrame;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(5)
    }

    fn frames(count: u64) -> Message {
        let frame = |number| append(partition(0), number, 1, &[1; 100], None);
        Message::Frames(
            (0..count)
                .map(|number| PreparedFrame::new(frame(number)))
                .collect(),
        )
    }

    #[test]
    fn what_waits_is_woken_by_as_many_frames_as_it_waits_for() {
        for messages in [&[1, 1, 1][..], &[3], &[1, 40]] {
            let (sender, inbox) = inbox();
            std::thread::scope(|scope| {
                let far = Instant::now() + Duration::from_secs(600);
                let waiting = scope.spawn(move || inbox.wait_until(3, far).len());
                for &count in messages {
                    assert!(!waiting.is_finished());
                    assert!(sender.send(frames(count)).is_ok());
                }
                assert_eq!(waiting.join().unwrap(), messages.len());
            });
        }
    }

    #[test]
    fn after_the_time_it_is_as_many_as_came() {
        let (sender, inbox) = inbox();
        assert!(inbox.take().is_empty());
        assert!(inbox.wait_until(1, soon()).is_empty());
        assert!(sender.send(frames(1)).is_ok());
        assert_eq!(inbox.wait_until(2, soon()).len(), 1);
        assert!(sender.send(Message::Recycle(SegmentId(0))).is_ok());
        assert_eq!(inbox.wait_until(1, soon()).len(), 1, "it does not hurry");
        assert!(sender.send(Message::Recycle(SegmentId(0))).is_ok());
        assert_eq!(inbox.wait().len(), 1);
        assert!(sender.send(Message::End).is_ok());
        let far = Instant::now() + Duration::from_secs(600);
        assert_eq!(inbox.wait_until(3, far).len(), 1, "the end does");
    }

    #[test]
    fn after_the_end_everything_is_refused_and_nobody_waits_in_vain() {
        let (sender, inbox) = inbox();
        let (reply, answer) = oneshot::channel();
        assert!(sender.send(Message::Meters(reply)).is_ok());
        drop(inbox);
        assert!(answer.blocking_recv().is_err());
        assert!(sender.send(frames(1)).is_err());
    }
}
