//! Hands out producer ids from blocks that the control plane has given to this gateway alone.
//!
//! Owns: what is left of the last block. Does not own: which ids are free (the catalog). Invariant:
//! an id is handed out once; what is left at shutdown is lost.

use std::sync::Mutex;

use control_api::{ControlPlane, ProducerIdBlock, Unavailable};
use model::ProducerId;
use tokio::sync::Semaphore;

/// See the file's header.
pub(crate) struct ProducerIds {
    left: Mutex<ProducerIdBlock>,
    /// One asks at a time; the others find the new block when it is their turn.
    asking: Semaphore,
}

impl ProducerIds {
    pub(crate) fn new() -> Self {
        Self {
            left: Mutex::new(ProducerIdBlock { start: 0, end: 0 }),
            asking: Semaphore::new(1),
        }
    }

    /// An id that nobody else has.
    pub(crate) async fn next(&self, control: &dyn ControlPlane) -> Result<ProducerId, Unavailable> {
        loop {
            if let Some(id) = self.take() {
                return Ok(id);
            }
            let turn = self.asking.acquire().await;
            let _turn = turn.expect("the semaphore is never closed");
            if let Some(id) = self.take() {
                return Ok(id);
            }
            let block = control.allocate_producer_ids().await?;
            *self.left() = block;
        }
    }

    fn take(&self) -> Option<ProducerId> {
        let mut left = self.left();
        if left.start >= left.end {
            return None;
        }
        let id = ProducerId(left.start);
        left.start += 1;
        Some(id)
    }

    fn left(&self) -> std::sync::MutexGuard<'_, ProducerIdBlock> {
        self.left.lock().expect("nothing panics while it is held")
    }
}
