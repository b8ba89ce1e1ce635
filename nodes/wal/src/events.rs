//! The queue in which a shard finds what is durable.
//!
//! Owns: giving back the bytes of what is taken out. Does not own: the bound ([`crate::handle`]).

use std::sync::Arc;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::handle::Shared;
use crate::write::WalEvent;

/// An event, and what it gives back when it is taken out.
struct Delivery {
    event: WalEvent,
    bytes: usize,
}

/// The shard's end.
pub struct ShardEvents {
    queue: UnboundedReceiver<Delivery>,
    shared: Arc<Shared>,
}

/// The thread's end.
pub(crate) struct Outbox {
    queue: UnboundedSender<Delivery>,
    shared: Arc<Shared>,
}

/// The two ends of one shard's queue.
pub(crate) fn queue(shared: &Arc<Shared>) -> (Outbox, ShardEvents) {
    let (sender, receiver) = unbounded_channel();
    let outbox = Outbox {
        queue: sender,
        shared: Arc::clone(shared),
    };
    (
        outbox,
        ShardEvents {
            queue: receiver,
            shared: Arc::clone(shared),
        },
    )
}

impl Outbox {
    /// Tells the shard; if it is gone, nobody is told.
    pub(crate) fn deliver(&self, event: WalEvent, bytes: usize) {
        if self.queue.send(Delivery { event, bytes }).is_err() {
            self.shared.give_back(bytes);
        }
    }
}

impl ShardEvents {
    /// Waits for the next event; none once the log has stopped or ended and all was taken out.
    /// Giving up the wait loses nothing.
    pub async fn recv(&mut self) -> Option<WalEvent> {
        let delivery = self.queue.recv().await?;
        Some(self.take(delivery))
    }

    /// The next event, if there is one now.
    pub fn try_recv(&mut self) -> Result<WalEvent, TryRecvError> {
        let delivery = self.queue.try_recv()?;
        Ok(self.take(delivery))
    }

    /// As [`Self::recv`], for threads that may block.
    pub fn recv_blocking(&mut self) -> Option<WalEvent> {
        let delivery = self.queue.blocking_recv()?;
        Some(self.take(delivery))
    }

    fn take(&self, delivery: Delivery) -> WalEvent {
        self.shared.give_back(delivery.bytes);
        delivery.event
    }
}

impl Drop for ShardEvents {
    fn drop(&mut self) {
        // What is still in the queue must not hold up the other shards for ever.
        self.queue.close();
        while let Ok(delivery) = self.queue.try_recv() {
            self.shared.give_back(delivery.bytes);
        }
    }
}
