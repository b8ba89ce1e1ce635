//! A timer that is moved often and rings seldom.
//!
//! Owns: one timer, kept between waits. Does not own: what is due; whoever is woken looks.
//!
//! Invariant: it rings at the latest when it should. It may ring early, after an earlier deadline
//! was withdrawn: moving a timer back costs more than one idle look.

use std::pin::Pin;

use tokio::time::{Instant, Sleep};

/// See the file's header.
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    rang: bool,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self {
            sleep: Box::pin(tokio::time::sleep_until(Instant::now())),
            rang: true,
        }
    }

    /// Waits until `at`, or a while less; for ever where there is nothing to wait for.
    pub(crate) async fn at(&mut self, at: Option<Instant>) {
        let Some(at) = at else {
            return std::future::pending().await;
        };
        if self.rang || at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
            self.rang = false;
        }
        self.sleep.as_mut().await;
        self.rang = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_no_later_than_it_should() {
        let started = Instant::now();
        let mut alarm = Alarm::new();
        let late = started + Duration::from_secs(10);
        let soon = started + Duration::from_secs(1);
        let given_up = tokio::time::timeout(Duration::from_millis(1), alarm.at(Some(late))).await;
        assert!(given_up.is_err());
        alarm.at(Some(soon)).await;
        assert_eq!(Instant::now(), soon);
        alarm.at(Some(late)).await;
        assert_eq!(Instant::now(), late);
    }
}
