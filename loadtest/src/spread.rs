//! Medians, and ratios with their spread.
//!
//! Owns: arithmetic over the rounds of one figure. Does not own: what a figure means.
//!
//! A single run means nothing on a shared machine. Servers take turns, so a round's ratio compares what ran side by
//! side, and the spread of the rounds' ratios says how far the median can be trusted.

use serde::Serialize;

/// Smallest, middle and largest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one, or the mean of the two middle ones.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Over some values; none for no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { min, median, max })
    }
}

/// The quotient, if it is a number.
pub fn ratio(ours: f64, theirs: f64) -> Option<f64> {
    let ratio = ours / theirs;
    ratio.is_finite().then_some(ratio)
}

/// The ratios of the rounds, each ours to theirs of the same round.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Option<Spread> {
    let pairs = ours.iter().zip(theirs);
    let ratios: Vec<f64> = pairs.filter_map(|(o, t)| ratio(*o, *t)).collect();
    Spread::of(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_odd_and_even_numbers_of_values() {
        let odd = Spread::of(&[3.0, 1.0, 10.0]).unwrap();
        assert_eq!((odd.min, odd.median, odd.max), (1.0, 3.0, 10.0));
        let even = Spread::of(&[4.0, 1.0, 2.0, 100.0]).unwrap();
        assert_eq!((even.min, even.median, even.max), (1.0, 3.0, 100.0));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_pair_the_rounds() {
        let spread = ratios(&[10.0, 40.0, 30.0], &[10.0, 20.0, 10.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratios(&[1.0], &[0.0]), None);
        let spread = ratios(&[1.0, 4.0], &[0.0, 2.0]).unwrap();
        assert_eq!(spread.median, 2.0);
    }
}
