//! How long one half of a connection has its thread to itself.
//!
//! Owns: when it lets others go first. Does not own: what it reads or writes.
//! Invariant: a turn that is over stays so until others have had theirs, however often the wait is dropped, or until there
//! was nothing to read or write.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::limits::TURN_BYTES;

/// A turn, by the bytes that it took so far.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    bytes: usize,
}

impl Turn {
    /// Counts bytes.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Waits for what takes bytes. If that is not there yet, this half has nothing to do, and its turn begins anew.
    pub(crate) async fn wait<F: Future>(&mut self, bytes: F) -> F::Output {
        let mut bytes = pin!(bytes);
        poll_fn(|context| {
            let outcome = bytes.as_mut().poll(context);
            if outcome.is_pending() {
                self.bytes = 0;
            }
            outcome
        })
        .await
    }

    /// Waits for the next turn if this one is over.
    pub(crate) async fn pass(&mut self) {
        if self.bytes < TURN_BYTES {
            return;
        }
        // A thread that never sleeps keeps its core for some milliseconds, whoever waits for one.
        std::thread::yield_now();
        // Then the runtime looks for what has come in on other sockets; this thread may be the only one to do it.
        tokio::task::yield_now().await;
        self.bytes = 0;
    }
}

/// Lets tasks that can run already go first. Unlike tokio's own yield it does not look for what came in
/// on sockets.
pub(crate) async fn pass_once() {
    let mut has_passed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_turn_that_is_over_waits_for_others() {
        let mut turn = Turn::default();
        turn.took(TURN_BYTES - 1);
        assert!(turn.pass().now_or_never().is_some());
        turn.took(1);
        for _ in 0..3 {
            assert!(
                turn.pass().now_or_never().is_none(),
                "also when the wait was dropped"
            );
        }
        turn.pass().await;
        assert!(turn.pass().now_or_never().is_some(), "a new turn");
    }

    #[tokio::test]
    async fn a_turn_that_had_to_wait_begins_anew() {
        let mut turn = Turn::default();
        turn.took(TURN_BYTES);
        turn.wait(async {}).await;
        assert!(
            turn.pass().now_or_never().is_none(),
            "nothing was waited for"
        );
        turn.wait(pass_once()).await;
        assert!(turn.pass().now_or_never().is_some());
    }
}
