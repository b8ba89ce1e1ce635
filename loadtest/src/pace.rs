//! When each message is due: an open loop, whose schedule knows nothing of answers.
//!
//! Owns: due times, as data. Does not own: the clock, the waiting, the sending.
//!
//! A message that is sent late, because those before it held the client up, keeps its due time: latency is measured
//! from there, and so is what a stall costs everyone behind it (coordinated omission is corrected by construction).

use std::time::Duration;

/// One message's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which offer it belongs to.
    pub offer: usize,
    /// How many of that offer were due before.
    pub index: u64,
    /// When, since the schedule began.
    pub at: Duration,
}

/// The due times of several offers, in order; each offer's are evenly spaced and begin at once.
#[derive(Clone, Debug)]
pub struct Schedule {
    rates: Vec<u64>,
    next: Vec<u64>,
    length: Duration,
}

impl Schedule {
    /// Offers of so many messages per second each, for `length`.
    pub fn new(rates: &[u64], length: Duration) -> Self {
        assert!(rates.iter().all(|rate| *rate > 0), "an offer has a rate");
        Self {
            rates: rates.to_vec(),
            next: vec![0; rates.len()],
            length,
        }
    }

    fn at(&self, offer: usize) -> Duration {
        let nanos = u128::from(self.next[offer]) * 1_000_000_000 / u128::from(self.rates[offer]);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Iterator for Schedule {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let offer = (0..self.rates.len()).min_by_key(|offer| self.at(*offer))?;
        let at = self.at(offer);
        if at >= self.length {
            return None;
        }
        let index = self.next[offer];
        self.next[offer] += 1;
        Some(Due { offer, index, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_evenly_spaced_and_as_many_as_the_rate_says() {
        let dues: Vec<_> = Schedule::new(&[1_000], Duration::from_secs(2)).collect();
        assert_eq!(dues.len(), 2_000);
        for (index, due) in dues.iter().enumerate() {
            assert_eq!(due.at, Duration::from_millis(index as u64));
            assert_eq!(due.index, index as u64);
        }
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_does_not_drift() {
        let dues: Vec<_> = Schedule::new(&[3], Duration::from_secs(1_000)).collect();
        assert_eq!(dues.len(), 3_000);
        assert_eq!(dues[2_997].at, Duration::from_secs(999));
    }

    #[test]
    fn offers_are_merged_in_the_order_of_time() {
        let dues: Vec<_> = Schedule::new(&[10, 4], Duration::from_secs(1)).collect();
        assert!(dues.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let of = |offer| dues.iter().filter(|due| due.offer == offer).count();
        assert_eq!((of(0), of(1)), (10, 4));
    }

    #[test]
    fn no_offer_is_no_message() {
        assert_eq!(Schedule::new(&[], Duration::from_secs(1)).next(), None);
    }
}
