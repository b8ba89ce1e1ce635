//! How long a connection has its thread to itself.
//!
//! Owns: when a connection that has much to read or write lets others go first. Between two turns the
//! thread also looks for what has come in on other sockets, which it may be the only one to do.

use crate::limits::TURN_BYTES;

/// A turn, by the bytes that it took so far.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    bytes: usize,
}

impl Turn {
    /// Counts bytes, and waits for the next turn when this one is over.
    pub(crate) async fn took(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= TURN_BYTES {
            self.bytes = 0;
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }
}
