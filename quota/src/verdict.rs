//! What debt means for a producer: how long to hold its acknowledgement, and whether to read on.
//!
//! Owns: the rule and its numbers. Does not own: the level ([`crate::partition`]) or the waiting.
//!
//! # The rule
//! A batch is appended at once and charged. Its acknowledgement is held until all debt up to and
//! including its own is paid. While debt is above [`INGRESS_DEBT_READ_MAX`] the connection is not
//! read. `throttle_time_ms` stays 0, because a Java client would stop the whole connection for it,
//! siblings of the hot partition included.
//!
//! # Why a 10 s window sees 97 to 101 % of the rate
//! Call the rate r, a batch B, the window W = 10 s. While there is debt, batches are acknowledged in
//! the order they were charged in, each at the instant its last byte is paid for, and payment runs at
//! exactly r. So the bytes acknowledged in any window of an overload lie strictly within
//! r W - B and r W + B: the window can cut through one batch at either end and counts it whole.
//! At 5 MB/s, r W is 50,000,000 bytes:
//!
//! * 256 KiB is 0.53 % of that: at least 99.47 % and at most 100.53 %.
//! * 500,000 bytes (1 %) is the largest batch for which this proves 101 %, 1,500,000 for 97 %.
//! * 1 MiB is 2.1 %, but batches of one size come one in 209.7 ms, so a window holds 47 or 48 of
//!   them: 98.57 % or 100.66 %.
//! * In general a window of batches above 500,000 bytes can pass 101 %, and no pacing prevents it:
//!   777,777 goes 64.3 times into r W, some window holds 65 whole ones, and that is 101.1 %.
//!
//! A window that starts in idleness sees [`PACING_TOLERANCE`] on top, once: 0.4 %. Burst credit,
//! where it is turned on, comes on top by design.
//!
//! Under overload the bucket does not run out of debt: a client that stops at its own limit of
//! requests in flight sends the next one when the first is acknowledged, with the others still unpaid;
//! one that does not stop is read again at 1 s of debt. Where what is in flight lasts for less than a
//! round trip, as always with a single request, the round trip is lost between an acknowledgement and
//! the next batch. The tolerance gives back up to 40 ms each time; beyond, the client is slower than
//! its quota by its own doing.
//!
//! Reads: one is offered without debt and clipped to what leaves [`EGRESS_DEBT_MAX`], so the level
//! stays within tolerance + debt = 100 ms, and any window within 1 % above r W. Below, nothing is
//! lost to a client that asks again within those 100 ms, less the time of one batch where reads are
//! clipped to whole batches. One that takes longer gets a read's worth for each of its round trips.

use std::time::Duration;

use model::ByteCount;

/// Debt above which the connection is not read until it is down to this again.
pub const INGRESS_DEBT_READ_MAX: Duration = Duration::from_secs(1);

/// Debt above which nothing more is appended: the request is parked, then timed out unappended.
/// One connection cannot get here at the default limits; many connections to one partition can.
pub const INGRESS_DEBT_MAX: Duration = Duration::from_secs(10);

/// Longest hold of an acknowledgement. A batch that its partition's rate would take longer for is
/// acknowledged at this age; what it owes stays, and parks those after it.
pub const ACK_DELAY_MAX: Duration = Duration::from_secs(15);

/// Longest time that a connection is not read for one verdict; the next request brings the next one.
pub const READ_PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long unused allocation stays usable without burst credit. It makes up for round trips and
/// late timers; what is left unused for longer is dropped, or becomes burst credit.
pub const PACING_TOLERANCE: Duration = Duration::from_millis(40);

/// Debt that a clipped read may leave. A batch larger than that is still read whole (KIP-74).
pub const EGRESS_DEBT_MAX: Duration = Duration::from_millis(60);

/// What a request may wait before its client would give up, with room to spare below the 30 s
/// of `request.timeout.ms` in Java and librdkafka.
const WAIT_MAX: Duration = Duration::from_secs(25);

const _: () =
    assert!(READ_PAUSE_MAX.as_millis() + ACK_DELAY_MAX.as_millis() <= WAIT_MAX.as_millis());
const _: () = assert!(PACING_TOLERANCE.as_millis() + EGRESS_DEBT_MAX.as_millis() <= 100);

/// What a charge to a partition's ingress means for the request that brought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Hold the acknowledgement for this long, counted from the charge.
    pub ack_delay: Duration,
    /// Do not read the connection for this long, counted from the charge.
    pub stop_reading: Duration,
    /// Burst credit that was spent; the node takes it off its head-room.
    pub burst_spent: ByteCount,
}

impl Verdict {
    /// The verdict on a batch whose charge left `debt`.
    pub fn of_debt(debt: Duration, burst_spent: ByteCount) -> Self {
        Self {
            ack_delay: debt.min(ACK_DELAY_MAX),
            stop_reading: debt
                .saturating_sub(INGRESS_DEBT_READ_MAX)
                .min(READ_PAUSE_MAX),
            burst_spent,
        }
    }

    /// The verdict on a request that brought both batches: the longer delays, the sum of the bursts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            ack_delay: self.ack_delay.max(other.ack_delay),
            stop_reading: self.stop_reading.max(other.stop_reading),
            burst_spent: ByteCount(self.burst_spent.0.saturating_add(other.burst_spent.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(debt_ms: u64) -> (u128, u128) {
        let verdict = Verdict::of_debt(Duration::from_millis(debt_ms), ByteCount(0));
        (
            verdict.ack_delay.as_millis(),
            verdict.stop_reading.as_millis(),
        )
    }

    #[test]
    fn up_to_a_second_of_debt_only_the_acknowledgement_waits() {
        assert_eq!(verdict(0), (0, 0));
        assert_eq!(verdict(1_000), (1_000, 0));
        assert_eq!(verdict(1_210), (1_210, 210));
    }

    #[test]
    fn no_debt_makes_a_client_time_out() {
        assert_eq!(verdict(u64::MAX), (15_000, 10_000));
    }

    #[test]
    fn a_request_waits_for_its_slowest_partition() {
        let hot = Verdict::of_debt(Duration::from_secs(3), ByteCount(1));
        let cold = Verdict::of_debt(Duration::ZERO, ByteCount(2));
        let both = Verdict {
            burst_spent: ByteCount(3),
            ..hot
        };
        assert_eq!(hot.and(cold), both);
        assert_eq!(cold.and(hot), both);
    }
}
