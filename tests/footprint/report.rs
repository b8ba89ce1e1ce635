//! One line for each figure: what it is, what it should be, whether it is.
//!
//! Owns: the lines, and which of them fail the bar. Does not own: the figures.

use std::time::Duration;

use anyhow::{Result, bail};

/// In which forms a figure is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// In both.
    Always,
    /// In the long form: it depends on how fast the machine is.
    LongOnly,
}

/// What was measured so far.
pub(super) struct Report {
    is_long: bool,
    unmet: Vec<String>,
}

impl Report {
    pub(super) fn new(is_long: bool) -> Self {
        Self {
            is_long,
            unmet: Vec::new(),
        }
    }

    /// A size or a number.
    pub(super) fn at_most(&mut self, name: &str, figure: u64, most: u64, weight: Weight) {
        let texts = (scaled(figure), scaled(most));
        self.line(name, texts, figure <= most, weight);
    }

    /// A duration.
    pub(super) fn within(&mut self, name: &str, figure: Duration, most: Duration, weight: Weight) {
        let texts = (format!("{figure:.1?}"), format!("{most:.0?}"));
        self.line(name, texts, figure <= most, weight);
    }

    /// A part or a multiple.
    pub(super) fn ratio(&mut self, name: &str, figure: f64, most: f64, weight: Weight) {
        let texts = (format!("{figure:.4}"), format!("{most:.2}"));
        self.line(name, texts, figure <= most, weight);
    }

    fn line(&mut self, name: &str, (figure, most): (String, String), is_met: bool, weight: Weight) {
        let is_judged = weight == Weight::Always || self.is_long;
        let verdict = match (is_met, is_judged) {
            (true, _) => "met",
            (false, true) => "UNMET",
            (false, false) => "above, but not judged in the short form",
        };
        println!("{name:<58} {figure:>10}  bar {most:>8}  {verdict}");
        if is_judged && !is_met {
            self.unmet.push(format!("{name}: {figure}"));
        }
    }

    /// What there is to say beside a figure.
    #[allow(clippy::unused_self, reason = "lines and notes come by one way")]
    pub(super) fn note(&self, text: &str) {
        println!("    {text}");
    }

    /// Fails if a figure that is judged is not met.
    pub(super) fn conclude(self) -> Result<()> {
        if self.unmet.is_empty() {
            return Ok(());
        }
        bail!("not met: {}", self.unmet.join("; "))
    }
}

fn scaled(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// The one in the middle.
pub(super) fn median(mut figures: Vec<Duration>) -> Duration {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// The 99th percentile.
pub(super) fn p99(mut figures: Vec<Duration>) -> Duration {
    figures.sort_unstable();
    figures[figures.len() * 99 / 100]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_in_seconds_fails_the_long_form_only() {
        let slow = |is_long| {
            let mut report = Report::new(is_long);
            let (figure, most) = (Duration::from_secs(2), Duration::from_secs(1));
            report.within("start", figure, most, Weight::LongOnly);
            report.conclude()
        };
        assert!(slow(false).is_ok());
        assert!(slow(true).is_err());
    }

    #[test]
    fn a_size_fails_both_forms() {
        for is_long in [false, true] {
            let mut report = Report::new(is_long);
            report.at_most("size", 41, 40, Weight::Always);
            assert!(report.conclude().is_err());
        }
    }

    #[test]
    fn percentiles_are_of_the_sorted() {
        let figures = || (0..200).rev().map(Duration::from_millis).collect();
        assert_eq!(median(figures()), Duration::from_millis(100));
        assert_eq!(p99(figures()), Duration::from_millis(198));
    }
}
