//! When to give up: on an error of the client, on a stall, at the deadline, or when told to stop.
//!
//! Owns: those four rules. Does not own: the work. Each loop of a run asks [`Patience::check`] with its progress.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long nothing may get through.
pub const STALL: Duration = Duration::from_secs(30);

/// Why a run ends before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The other thread of the run has failed, and says why.
    #[error("the other side of the run failed")]
    OtherSide,
    /// An error that the client told.
    #[error("the client says: {0}")]
    ClientError(String),
    /// Nothing got through for too long.
    #[error("stalled: nothing was {what} for {} s, after {done} of {of} messages", STALL.as_secs())]
    Stalled {
        /// What should have happened.
        what: &'static str,
        /// To how many it had.
        done: u64,
        /// Of how many.
        of: u64,
    },
    /// The whole took too long.
    #[error("too slow: only {done} of {of} messages were {what} when the time was up")]
    TooSlow {
        /// What should have happened.
        what: &'static str,
        /// To how many it had.
        done: u64,
        /// Of how many.
        of: u64,
    },
}

/// The patience with one loop.
#[derive(Debug)]
pub struct Patience<'a> {
    stop: &'a AtomicBool,
    what: &'static str,
    of: u64,
    done: u64,
    progressed_at: Instant,
    deadline: Instant,
}

impl<'a> Patience<'a> {
    /// With a loop in which `of` messages shall be `what` (acknowledged, delivered) before the deadline.
    pub fn new(stop: &'a AtomicBool, what: &'static str, of: u64, deadline: Duration) -> Self {
        let now = Instant::now();
        Self {
            stop,
            what,
            of,
            done: 0,
            progressed_at: now,
            deadline: now + deadline,
        }
    }

    /// Whether to go on, when `done` are done and the client may have told an error.
    ///
    /// # Errors
    /// Any [`GivenUp`].
    pub fn check(&mut self, now: Instant, done: u64, error: Option<String>) -> Result<(), GivenUp> {
        let (what, of) = (self.what, self.of);
        if self.stop.load(Relaxed) {
            return Err(GivenUp::Interrupted);
        }
        if let Some(error) = error {
            return Err(GivenUp::ClientError(error));
        }
        if done != self.done {
            (self.done, self.progressed_at) = (done, now);
        }
        if now.saturating_duration_since(self.progressed_at) > STALL {
            return Err(GivenUp::Stalled { what, done, of });
        }
        if now > self.deadline {
            return Err(GivenUp::TooSlow { what, done, of });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_stall_is_told_with_how_far_it_went() {
        let stop = AtomicBool::new(false);
        let mut patience = Patience::new(&stop, "delivered", 10, HOUR);
        let start = Instant::now();
        patience.check(start + STALL, 4, None).unwrap();
        patience.check(start + STALL * 2, 4, None).unwrap();
        let said = patience.check(start + STALL * 2 + Duration::from_millis(1), 4, None);
        assert_eq!(
            said.unwrap_err().to_string(),
            "stalled: nothing was delivered for 30 s, after 4 of 10 messages"
        );
    }

    #[test]
    fn the_deadline_ends_even_what_progresses() {
        let stop = AtomicBool::new(false);
        let mut patience = Patience::new(&stop, "acknowledged", 10, STALL * 3);
        let start = Instant::now();
        (1..=2).for_each(|n| {
            patience
                .check(start + STALL * n, u64::from(n), None)
                .unwrap()
        });
        let said = patience.check(start + STALL * 4, 3, None);
        assert!(
            matches!(said, Err(GivenUp::TooSlow { done: 3, .. })),
            "{said:?}"
        );
    }

    #[test]
    fn an_error_or_a_wish_to_stop_ends_it_at_once() {
        let stop = AtomicBool::new(false);
        let mut patience = Patience::new(&stop, "delivered", 1, HOUR);
        let error = Some("no broker".to_owned());
        let said = patience.check(Instant::now(), 0, error);
        assert_eq!(said, Err(GivenUp::ClientError("no broker".to_owned())));
        stop.store(true, Relaxed);
        let said = patience.check(Instant::now(), 0, None);
        assert_eq!(said, Err(GivenUp::Interrupted));
    }
}
