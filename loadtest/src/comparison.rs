//! How the first server's figures compare with another's.
//!
//! Owns: the rows. Does not own: their judgement (see `bars`) or their looks (see `report`).

use serde::Serialize;

use crate::figures::{Better, Run};
use crate::spread::{Spread, ratio, ratios};

/// One figure of two servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Its name.
    pub figure: String,
    /// Our median over their median.
    pub ratio_of_medians: Option<f64>,
    /// Our median over their best round.
    pub ratio_to_best: Option<f64>,
    /// The rounds' ratios, each of what ran side by side.
    pub ratio_of_rounds: Option<Spread>,
}

/// A figure's name, which way is better, and its value in each round.
pub type Rounds = (String, Better, Vec<f64>);

/// All figures of some runs.
pub fn rounds(runs: &[Run]) -> Vec<Rounds> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let figures = first.figures.iter().map(|figure| {
        let values = runs.iter().filter_map(|run| run.value(&figure.name));
        (figure.name.clone(), figure.better, values.collect())
    });
    figures.collect()
}

/// The better end of a spread.
pub fn best(spread: Spread, better: Better) -> f64 {
    match better {
        Better::Higher => spread.max,
        Better::Lower => spread.min,
    }
}

/// Compares all figures that both servers have.
pub fn compare(ours: &[Run], theirs: &[Run]) -> Vec<Compared> {
    let theirs = rounds(theirs);
    let of_theirs = |name: &str| theirs.iter().find(|(other, _, _)| other == name);
    let compared = rounds(ours).into_iter().filter_map(|(name, better, ours)| {
        let (_, _, theirs) = of_theirs(&name)?;
        let (our, their) = (Spread::of(&ours)?, Spread::of(theirs)?);
        Some(Compared {
            figure: name,
            ratio_of_medians: ratio(our.median, their.median),
            ratio_to_best: ratio(our.median, best(their, better)),
            ratio_of_rounds: ratios(&ours, theirs),
        })
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(values: &[f64]) -> Vec<Run> {
        let run = |value: &f64| {
            let mut run = Run::default();
            run.add("consume_mb_per_s", Better::Higher, *value);
            run.add("rss_mb", Better::Lower, 10.0 * value);
            run
        };
        values.iter().map(run).collect()
    }

    #[test]
    fn the_best_is_the_highest_or_the_lowest() {
        let compared = compare(&runs(&[4.0, 8.0, 6.0]), &runs(&[2.0, 1.0, 3.0]));
        assert_eq!(compared[0].ratio_of_medians, Some(3.0));
        assert_eq!(compared[0].ratio_to_best, Some(2.0));
        assert_eq!(compared[1].ratio_to_best, Some(6.0));
        let spread = compared[0].ratio_of_rounds.unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (2.0, 2.0, 8.0));
    }

    #[test]
    fn a_figure_that_only_one_side_has_is_not_compared() {
        let mut ours = runs(&[1.0]);
        ours[0].add("cpu_s_per_gb", Better::Lower, 1.0);
        assert_eq!(compare(&ours, &runs(&[1.0])).len(), 2);
    }
}
