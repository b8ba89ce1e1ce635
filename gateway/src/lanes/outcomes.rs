//! Where the outcomes of one request's appends come together.
//!
//! Owns: a slot for each append, and who waits for all of them. Does not own: what an outcome means.
//!
//! ```text
//!   request --slots(n)--> Slot 0 .. Slot n-1 --with their appends--> lanes
//!      ^--- woken once, when the last slot is filled or dropped ---------/
//! ```
//!
//! Invariant: a slot is filled once, or dropped: then its lane was stopped and has said nothing.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use node_api::Appended;
use node_api::lane::LaneError;
use tokio::sync::oneshot;

use crate::memory::Held;
use crate::mute::Mute;

/// An append that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landed {
    pub(crate) appended: Appended,
    /// When the acknowledgement came; whoever waits for it may look later.
    pub(crate) at: tokio::time::Instant,
}

/// What became of an append.
pub(crate) type LaneOutcome = Result<Landed, LaneError>;

/// What the appends of one request share.
struct Shared {
    outcomes: Arc<[OnceLock<LaneOutcome>]>,
    /// The connection that the request came by, if any.
    mute: Option<Arc<Mute>>,
    /// What is reserved for the batches: their request may be gone before they are.
    _memory: Option<Arc<Held>>,
    /// Gone with the last slot, which is what the request waits for.
    _last: oneshot::Sender<Infallible>,
}

/// Hands out the slots of one request, each once.
pub(crate) struct Slots(Arc<Shared>);

/// The place of one append's outcome.
pub(crate) struct Slot {
    shared: Arc<Shared>,
    index: usize,
}

/// The outcomes of one request's appends, while they come in.
pub(crate) struct Arriving {
    outcomes: Arc<[OnceLock<LaneOutcome>]>,
    last: oneshot::Receiver<Infallible>,
}

/// The outcomes of one request's appends, by slot.
pub(crate) struct Outcomes(Arc<[OnceLock<LaneOutcome>]>);

/// Slots for so many appends, and where their outcomes come together.
pub(crate) fn slots(
    count: usize,
    (mute, memory): (Option<Arc<Mute>>, Option<Arc<Held>>),
) -> (Slots, Arriving) {
    let outcomes: Arc<[_]> = (0..count).map(|_| OnceLock::new()).collect();
    let (sender, last) = oneshot::channel();
    let shared = Shared {
        outcomes: Arc::clone(&outcomes),
        mute,
        _memory: memory,
        _last: sender,
    };
    (Slots(Arc::new(shared)), Arriving { outcomes, last })
}

impl Slots {
    /// The slot with this index.
    pub(crate) fn slot(&self, index: usize) -> Slot {
        Slot {
            shared: Arc::clone(&self.0),
            index,
        }
    }
}

impl Slot {
    /// Tells the outcome, and has the connection rest for as long as the node asks for. The handler
    /// may be gone with its connection.
    pub(crate) fn fill(self, outcome: Result<Appended, LaneError>, at: tokio::time::Instant) {
        let Shared { outcomes, mute, .. } = &*self.shared;
        if let (Ok(appended), Some(mute)) = (&outcome, mute) {
            mute.extend(appended.stop_reading);
        }
        let filled = outcomes[self.index].set(outcome.map(|appended| Landed { appended, at }));
        assert!(filled.is_ok(), "an append comes to one end");
    }
}

impl Arriving {
    /// Waits until every slot is filled or dropped.
    pub(crate) async fn all(self) -> Outcomes {
        // Nothing is ever sent: the channel ends.
        let _ = self.last.await;
        Outcomes(self.outcomes)
    }
}

impl Outcomes {
    /// What became of the append with this slot. A lane that was stopped has said nothing: the batch
    /// may or may not be in the log.
    pub(crate) fn of(&self, index: usize) -> LaneOutcome {
        let outcome = self.0[index].get().copied();
        outcome.unwrap_or(Err(LaneError::TimedOut))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use node_api::AppendRefusal;

    use super::*;

    const REFUSED: LaneError = LaneError::Refused(AppendRefusal::TooLarge);

    #[tokio::test]
    async fn a_request_waits_for_the_last_of_its_slots_and_finds_each_outcome_in_its_place() {
        let (slots, arriving) = slots(3, (None, None));
        let [first, second, third] = [0, 1, 2].map(|index| slots.slot(index));
        drop(slots);
        let mut all = Box::pin(arriving.all());
        let now = tokio::time::Instant::now();
        third.fill(Err(REFUSED), now);
        drop(second);
        assert!(all.as_mut().now_or_never().is_none(), "one is still out");
        first.fill(Err(LaneError::TimedOut), now);
        let outcomes = all.now_or_never().expect("all are in");
        assert_eq!(outcomes.of(0).unwrap_err(), LaneError::TimedOut);
        assert_eq!(
            outcomes.of(1).unwrap_err(),
            LaneError::TimedOut,
            "nothing was said"
        );
        assert_eq!(outcomes.of(2).unwrap_err(), REFUSED);
    }
}
