//! What part of a virtual cluster's limits one gateway may give out, and for how long.
//!
//! Owns: shares and leases. Does not own: who lends, and by what rule (the lender sees the demand of
//! all gateways), or the limits themselves.
//!
//! A lease lasts one second at most. When the lender is silent, the gateway goes on with the even
//! share that its last lease names: as soon as the last lease has ended, all gateways together give
//! out the whole again, however the lender had shared it out. So a dead lender fails no request, and
//! the limits are overdrawn by one second of what was lent, at most, once.
//!
//! Invariant: a share is at most the whole.

use std::time::Duration;

use model::Instant;

/// Longest lease; a longer one is taken for this.
pub const LEASE_MAX: Duration = Duration::from_secs(1);

const WHOLE_PPM: u32 = 1_000_000;

/// A part of a limit, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Everything: there is one gateway.
    pub const WHOLE: Self = Self(WHOLE_PPM);

    /// So many millionths, at most all of them.
    pub const fn millionths(ppm: u32) -> Self {
        Self(if ppm < WHOLE_PPM { ppm } else { WHOLE_PPM })
    }

    /// The same for each of so many gateways; rounded down, so that together they have the whole.
    pub const fn even(gateways: u32) -> Self {
        match WHOLE_PPM.checked_div(gateways) {
            Some(ppm) => Self(ppm),
            None => Self::WHOLE,
        }
    }

    /// This part of `ceiling`; at least 1 of a ceiling that is not 0, so that nothing stands still.
    /// What is without limit (`u64::MAX`) stays so.
    pub fn of(self, ceiling: u64) -> u64 {
        if self == Self::WHOLE || ceiling == 0 || ceiling == u64::MAX {
            return ceiling;
        }
        let part = u128::from(ceiling) * u128::from(self.0) / u128::from(WHOLE_PPM);
        u64::try_from(part).expect("a part of a u64").max(1)
    }
}

/// A share that is lent until an instant, and the share after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    share: Share,
    until: Instant,
    afterwards: Share,
}

impl Lease {
    /// The lease of the only gateway: everything, for ever.
    pub const fn sole() -> Self {
        Self {
            share: Share::WHOLE,
            until: Instant(u64::MAX),
            afterwards: Share::WHOLE,
        }
    }

    /// `share` for `term` from `now`, to one of so many gateways.
    pub fn granted(now: Instant, share: Share, term: Duration, gateways: u32) -> Self {
        Self {
            share,
            until: now + term.min(LEASE_MAX),
            afterwards: Share::even(gateways),
        }
    }

    /// What may be given out at `now`.
    pub fn share_at(&self, now: Instant) -> Share {
        if now < self.until {
            self.share
        } else {
            self.afterwards
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_share_never_stands_still_and_never_passes_the_whole() {
        assert_eq!(Share::millionths(250_000).of(200), 50);
        assert_eq!(Share::millionths(1).of(2), 1);
        assert_eq!(Share::millionths(u32::MAX).of(7), 7);
        assert_eq!(Share::even(3).of(u64::MAX), u64::MAX);
        assert_eq!(Share::even(3).of(0), 0);
        assert_eq!(Share::even(0), Share::WHOLE);
    }

    #[test]
    fn when_the_lender_is_silent_all_gateways_together_have_the_whole() {
        let shares = [900_000, 60_000, 10_000].map(Share::millionths);
        let leases = shares.map(|share| Lease::granted(Instant(0), share, 60 * SECOND, 3));
        assert_eq!(leases[0].share_at(Instant(999_999_999)), shares[0]);
        let after = leases.map(|lease| lease.share_at(Instant(0) + SECOND));
        assert_eq!(
            after,
            [Share::even(3); 3],
            "no lease is longer than a second"
        );
        let whole = after.iter().map(|share| share.of(3_000_000)).sum::<u64>();
        assert!((2_999_990..=3_000_000).contains(&whole), "{whole}");
    }

    #[test]
    fn the_only_gateway_has_everything_for_ever() {
        assert_eq!(Lease::sole().share_at(Instant(u64::MAX - 1)), Share::WHOLE);
        assert_eq!(Lease::sole().share_at(Instant(u64::MAX)), Share::WHOLE);
    }
}
