//! What debt of a virtual cluster means for a request: how long it is told to hold back, how long its
//! connection is not read, and whether it has to wait before it is carried out.
//!
//! Owns: the rule and its numbers. Does not own: the level ([`crate::cluster`]) or the waiting.
//!
//! # The rule (KIP-13, KIP-124, KIP-219)
//! A request is charged, carried out, and answered at once with the debt as `throttle_time_ms`; until
//! the debt is paid its connection is not read, whether its client holds back or not. A client is
//! told a second at most, and tries again after it; the connection stays unread for longer where the
//! debt is larger. What comes in above that waits in its turn: for it charges are a queue.
//!
//! | flow | told, at most | not read, at most | beyond |
//! |---|---|---|---|
//! | bytes in | 1 s | 3 s | waits until 3 s of debt are left, for 2 s at most, then is appended |
//! | bytes out | 1 s | 1 s | a fetch is answered without records |
//! | requests | 1 s | 3 s | forgotten |
//! | topic requests | 1 s | 1 s | waits until 1 s of debt is left, for 4 s at most, then is carried out |
//!
//! What would wait for longer is refused, uncharged: clients have five requests in flight, the last of
//! which stands behind the pauses of all before it, so that with 3 s for each all are answered within
//! half of the 30 s after which clients give up. Any connection may carry heartbeats, and 3 s (the
//! interval of heartbeats) on top of their interval is within the shortest session of 6 s that Kafka's
//! defaults allow. So a limit on requests is exact for any number of
//! connections below three seconds' worth of it, and above that each connection still has a request
//! in three seconds.

use std::time::Duration;

/// Longest time that an answer tells its client to hold back.
pub const TOLD_MAX: Duration = Duration::from_secs(1);

/// What is measured against a rate of the whole virtual cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Bytes of batches that are appended.
    Ingress,
    /// Bytes of records in answers to fetches.
    Egress,
    /// Requests of all kinds.
    Requests,
    /// Requests that manage topics.
    TopicRequests,
}

impl Flow {
    /// Every flow, in the order of the enum.
    pub const ALL: [Self; 4] = [
        Self::Ingress,
        Self::Egress,
        Self::Requests,
        Self::TopicRequests,
    ];

    /// Longest time that a connection is not read for one request.
    pub const fn mute_max(self) -> Duration {
        match self {
            Self::Ingress | Self::Requests => Duration::from_secs(3),
            Self::Egress | Self::TopicRequests => Duration::from_secs(1),
        }
    }

    /// Longest time that a request waits before it is carried out; one that would wait for longer is
    /// refused, so that what its connection sent after it is not answered too late.
    pub const fn park_max(self) -> Duration {
        match self {
            Self::Ingress => Duration::from_secs(2),
            Self::TopicRequests => Duration::from_secs(4),
            Self::Egress | Self::Requests => Duration::ZERO,
        }
    }

    /// Unused allocation stays usable for this time: the burst that is let through without a
    /// throttle. A quarter of a second of bytes makes up for late timers; requests come in
    /// volleys, as when a client starts.
    pub const fn tolerance(self) -> Duration {
        match self {
            Self::Ingress | Self::Egress => Duration::from_millis(250),
            Self::Requests | Self::TopicRequests => Duration::from_secs(1),
        }
    }

    /// Whether a request waits before it is carried out, where debt is above [`Self::mute_max`].
    pub(crate) const fn parks(self) -> bool {
        matches!(self, Self::Ingress | Self::TopicRequests)
    }

    /// Whether debt above [`Self::mute_max`] is forgotten.
    pub(crate) const fn forgets(self) -> bool {
        matches!(self, Self::Requests)
    }
}

/// What a charge means for the request that brought it, counted from the charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// Carry the request out after this time.
    pub park: Duration,
    /// Tell the client to hold back for this time: `throttle_time_ms`.
    pub told: Duration,
    /// Do not read the connection for this time.
    pub mute: Duration,
}

impl Throttle {
    /// The verdict on a request whose charge left `debt`.
    pub fn of_debt(flow: Flow, debt: Duration) -> Self {
        let park = if flow.parks() {
            debt.saturating_sub(flow.mute_max())
        } else {
            Duration::ZERO
        };
        Self {
            park,
            told: debt.min(TOLD_MAX),
            mute: debt.min(flow.mute_max()),
        }
    }
}

/// A request that would have to wait for longer than its client does; nothing was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the virtual cluster's limit would be met after {park:?} only")]
pub struct Overdue {
    /// The wait.
    pub park: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(flow: Flow, debt_ms: u64) -> [u128; 3] {
        let Throttle { park, told, mute } = Throttle::of_debt(flow, Duration::from_millis(debt_ms));
        [park, told, mute].map(|duration| duration.as_millis())
    }

    #[test]
    fn nobody_is_told_more_than_a_second() {
        assert_eq!(verdict(Flow::Ingress, 0), [0, 0, 0]);
        assert_eq!(verdict(Flow::Ingress, 700), [0, 700, 700]);
        assert_eq!(verdict(Flow::Ingress, 4_000), [1_000, 1_000, 3_000]);
        assert_eq!(verdict(Flow::Ingress, 5_000), [2_000, 1_000, 3_000]);
        assert_eq!(verdict(Flow::Egress, 12_000), [0, 1_000, 1_000]);
        assert_eq!(verdict(Flow::TopicRequests, 1_500), [500, 1_000, 1_000]);
    }

    #[test]
    fn requests_never_cost_a_session() {
        let shortest_session = Duration::from_secs(6);
        let heartbeats_every = Duration::from_secs(3);
        for flow in Flow::ALL {
            let throttle = Throttle::of_debt(flow, Duration::MAX);
            assert!(throttle.mute + heartbeats_every <= shortest_session);
        }
    }

    #[test]
    fn five_batches_in_flight_are_answered_within_half_a_clients_patience() {
        let flow = Flow::Ingress;
        let pause = flow.mute_max().max(flow.park_max() + TOLD_MAX);
        assert!(4 * pause + flow.park_max() <= Duration::from_secs(15));
    }
}
