//! Memory that is counted: taken before bytes come, given back when they have left.
//!
//! Owns: the order in which a tenant's share and the whole are taken. Does not own: how much there is
//! (`config`, `gates`), what is done while there is none.
//!
//! A virtual cluster has half of the memory at the most, whatever it does: the other half is for the
//! others. The share is taken first, so that whoever waits for the share of its own keeps nobody
//! else from the whole.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where memory is taken from.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    all: Arc<Semaphore>,
    share: Option<Arc<Semaphore>>,
}

/// Memory that was taken.
#[derive(Debug)]
pub(crate) struct Held {
    all: OwnedSemaphorePermit,
    share: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// Memory of all, and the share of it that one virtual cluster has, if it is known.
    pub(crate) fn new(all: &Arc<Semaphore>, share: Option<&Arc<Semaphore>>) -> Self {
        Self {
            all: Arc::clone(all),
            share: share.map(Arc::clone),
        }
    }

    /// What may be taken without waiting.
    pub(crate) fn available(&self) -> usize {
        let all = self.all.available_permits();
        let share = self.share.as_ref();
        share.map_or(all, |share| share.available_permits().min(all))
    }

    /// Takes memory, and waits until there is as much.
    pub(crate) async fn take(self, bytes: u32) -> Held {
        let share = match self.share {
            Some(share) => Some(take(share, bytes).await),
            None => None,
        };
        Held {
            all: take(self.all, bytes).await,
            share,
        }
    }
}

async fn take(memory: Arc<Semaphore>, bytes: u32) -> OwnedSemaphorePermit {
    let taken = memory.acquire_many_owned(bytes).await;
    taken.expect("the semaphore is never closed")
}

impl Held {
    /// How many bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.all.num_permits()
    }

    /// Adds what was taken from the same memory.
    pub(crate) fn merge(&mut self, more: Self) {
        self.all.merge(more.all);
        match (&mut self.share, more.share) {
            (Some(share), Some(more)) => share.merge(more),
            (None, None) => {}
            _ => panic!("both are of the same memory"),
        }
    }

    /// Gives back all but `bytes`, if there are more.
    pub(crate) fn keep(&mut self, bytes: usize) {
        for permit in [Some(&mut self.all), self.share.as_mut()]
            .into_iter()
            .flatten()
        {
            drop(permit.split(permit.num_permits().saturating_sub(bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_has_used_up_its_share_keeps_nobody_waiting() {
        let all = Arc::new(Semaphore::new(100));
        let shares = [50, 50].map(|bytes| Arc::new(Semaphore::new(bytes)));
        let [first, second] = [0, 1].map(|n: usize| Memory::new(&all, Some(&shares[n])));
        let mut held = first.clone().take(50).await;
        assert_eq!((first.available(), second.available()), (0, 50));
        let waiting = tokio::spawn(first.clone().take(30));
        let taken = tokio::time::timeout(Duration::from_secs(1), second.take(50)).await;
        assert_eq!(taken.expect("nobody is in its way").bytes(), 50);
        held.keep(20);
        assert_eq!(waiting.await.unwrap().bytes(), 30);
        held.merge(first.clone().take(30).await);
        assert_eq!((held.bytes(), first.available()), (50, 0));
    }
}
