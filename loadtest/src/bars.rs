//! What a measurement must show, and whether it did.
//!
//! Owns: the keys of `[bars]`, which figure each is about, the judgement. Does not own: the figures. Bars of one offer
//! stand beside it (see `scenario`) and are judged here, too.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::figures::{Better, Run};
use crate::scenario::{Offer, Open, Scenario};
use crate::spread::{Spread, ratio};

/// Ratios of our median to the other server's, over all rounds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// End-to-end p50, after the run's own sync p50 was granted: one side syncs, the other need not.
    pub p50_ratio_max: Option<f64>,
    /// End-to-end p99.
    pub p99_ratio_max: Option<f64>,
    /// The server's CPU seconds per GB, in an open loop.
    pub cpu_ratio_max: Option<f64>,
    /// Resident memory after the run.
    pub rss_ratio_max: Option<f64>,
    /// Throughput of writing.
    pub produce_ratio_min: Option<f64>,
    /// Throughput of writing: our median over the other's best round.
    pub produce_best_ratio_min: Option<f64>,
    /// The server's CPU seconds per GB while writing.
    pub produce_cpu_ratio_max: Option<f64>,
    /// Throughput of reading.
    pub consume_ratio_min: Option<f64>,
    /// The server's CPU seconds per GB while reading.
    pub consume_cpu_ratio_max: Option<f64>,
}

/// Which runs have a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Open,
    Bulk,
    Both,
}

/// One key of `[bars]` that is there.
#[derive(Clone, Copy, Debug)]
struct Rule {
    key: &'static str,
    figure: &'static str,
    shape: Shape,
    limit: f64,
    over_best: bool,
    plus_sync: bool,
}

/// Whether a bar is met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Of which scenario.
    pub scenario: String,
    /// Which bar.
    pub bar: String,
    /// Against which server, if it is a ratio.
    pub against: Option<String>,
    /// What was found, if it could be measured.
    pub value: Option<f64>,
    /// What it must reach, or not pass.
    pub limit: f64,
    /// Whether it does.
    pub met: bool,
}

impl Bars {
    fn rules(&self) -> Vec<Rule> {
        let rule = |key, figure, shape, limit: Option<f64>| {
            limit.map(|limit| Rule {
                key,
                figure,
                shape,
                limit,
                over_best: false,
                plus_sync: false,
            })
        };
        let (produce, consume) = ("produce_mb_per_s", "consume_mb_per_s");
        let p50 = rule(
            "p50_ratio_max",
            "e2e_p50_ms",
            Shape::Open,
            self.p50_ratio_max,
        );
        let best = self.produce_best_ratio_min;
        let best = rule("produce_best_ratio_min", produce, Shape::Bulk, best);
        let (produce_cpu, consume_cpu) = (self.produce_cpu_ratio_max, self.consume_cpu_ratio_max);
        let rules = [
            p50.map(|rule| Rule {
                plus_sync: true,
                ..rule
            }),
            rule(
                "p99_ratio_max",
                "e2e_p99_ms",
                Shape::Open,
                self.p99_ratio_max,
            ),
            rule(
                "cpu_ratio_max",
                "cpu_s_per_gb",
                Shape::Open,
                self.cpu_ratio_max,
            ),
            rule("rss_ratio_max", "rss_mb", Shape::Both, self.rss_ratio_max),
            rule(
                "produce_ratio_min",
                produce,
                Shape::Bulk,
                self.produce_ratio_min,
            ),
            best.map(|rule| Rule {
                over_best: true,
                ..rule
            }),
            rule(
                "produce_cpu_ratio_max",
                "produce_cpu_s_per_gb",
                Shape::Bulk,
                produce_cpu,
            ),
            rule(
                "consume_ratio_min",
                consume,
                Shape::Bulk,
                self.consume_ratio_min,
            ),
            rule(
                "consume_cpu_ratio_max",
                "consume_cpu_s_per_gb",
                Shape::Bulk,
                consume_cpu,
            ),
        ];
        rules.into_iter().flatten().collect()
    }

    /// Refuses what can never be judged.
    ///
    /// # Errors
    /// The key, and why.
    pub fn check(&self, open: Option<&Open>) -> Result<()> {
        for rule in self.rules() {
            let (key, limit) = (rule.key, rule.limit);
            ensure!(
                limit.is_finite() && limit > 0.0,
                "bars.{key} is {limit}, and must be above 0"
            );
            match open {
                Some(_) => ensure!(rule.shape != Shape::Bulk, "bars.{key} is about bulk"),
                None => ensure!(
                    rule.shape != Shape::Open,
                    "bars.{key} is about an open loop"
                ),
            }
            let one_offer = open.is_none_or(|open| open.offers.len() == 1);
            let of_all = rule.figure.starts_with("e2e_");
            ensure!(one_offer || !of_all, "bars.{key} needs a single offer");
        }
        Ok(())
    }
}

/// Judges a scenario's ratios to one other server.
pub fn judge_ratios(
    scenario: &Scenario,
    (ours, theirs): (&[Run], &[Run]),
    against: &str,
    sync_p50_ms: f64,
) -> Vec<Verdict> {
    let judge = |rule: Rule| {
        let ours = figure(ours, rule.figure);
        let theirs = figure(theirs, rule.figure);
        let value = ours.zip(theirs).and_then(|((ours, _), (theirs, better))| {
            let base = match (rule.over_best, better) {
                (false, _) => theirs.median,
                (true, Better::Higher) => theirs.max,
                (true, Better::Lower) => theirs.min,
            };
            let granted = if rule.plus_sync { sync_p50_ms } else { 0.0 };
            ratio((ours.median - granted).max(0.0), base)
        });
        verdict(&scenario.name, rule.key, Some(against), value, rule.limit)
    };
    scenario.bars.rules().into_iter().map(judge).collect()
}

/// Judges the bars that stand beside a scenario's offers, by the median over all rounds.
pub fn judge_offers(scenario: &Scenario, ours: &[Run]) -> Vec<Verdict> {
    let Some(open) = &scenario.open else {
        return Vec::new();
    };
    let judge = |offer: &Offer| {
        let prefix = open.prefix(offer);
        let bars = [
            (
                "through_mb_per_s_min",
                "through_mb_per_s",
                offer.through_mb_per_s_min,
            ),
            (
                "through_mb_per_s_max",
                "through_mb_per_s",
                offer.through_mb_per_s_max,
            ),
            (
                "through_percent_min",
                "through_percent",
                offer.through_percent_min,
            ),
            ("ack_p99_ms_max", "ack_p99_ms", offer.ack_p99_ms_max),
        ];
        let judged = bars.into_iter().filter_map(|(key, name, limit)| {
            let value = figure(ours, &format!("{prefix}{name}"));
            let value = value.map(|(spread, _)| spread.median);
            Some(verdict(
                &scenario.name,
                &format!("{prefix}{key}"),
                None,
                value,
                limit?,
            ))
        });
        judged.collect::<Vec<_>>()
    };
    open.offers.iter().flat_map(judge).collect()
}

fn figure(runs: &[Run], name: &str) -> Option<(Spread, Better)> {
    let figures = runs.iter().flat_map(|run| &run.figures);
    let found: Vec<_> = figures.filter(|figure| figure.name == name).collect();
    let values: Vec<f64> = found.iter().map(|figure| figure.value).collect();
    Spread::of(&values).zip(found.first().map(|figure| figure.better))
}

/// A bar that could not be measured is not met.
fn verdict(
    scenario: &str,
    bar: &str,
    against: Option<&str>,
    value: Option<f64>,
    limit: f64,
) -> Verdict {
    let within = |value: f64| {
        if bar.ends_with("_min") {
            value >= limit
        } else {
            value <= limit
        }
    };
    Verdict {
        scenario: scenario.to_owned(),
        bar: bar.to_owned(),
        against: against.map(str::to_owned),
        value,
        limit,
        met: value.is_some_and(within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Overrides;

    fn runs(name: &str, better: Better, values: &[f64]) -> Vec<Run> {
        let run = |value: &f64| {
            let mut run = Run::default();
            run.add(name, better, *value);
            run
        };
        values.iter().map(run).collect()
    }

    fn verdict_of(scenario: &str, bar: &str, ours: &[Run], theirs: &[Run]) -> Verdict {
        let scenario = Scenario::load(scenario, Overrides::default()).unwrap();
        let verdicts = judge_ratios(&scenario, (ours, theirs), "kafka", 0.2);
        let mut found = verdicts.into_iter().filter(|verdict| verdict.bar == bar);
        found.next().unwrap()
    }

    #[test]
    fn a_ratio_is_of_medians() {
        let ours = runs("produce_mb_per_s", Better::Higher, &[300.0, 900.0, 800.0]);
        let theirs = runs("produce_mb_per_s", Better::Higher, &[500.0, 400.0, 100.0]);
        let verdict = verdict_of("bulk-1k-50", "produce_ratio_min", &ours, &theirs);
        assert_eq!((verdict.value, verdict.met), (Some(2.0), true));
        let verdict = verdict_of("bulk-1k-50", "produce_best_ratio_min", &ours, &theirs);
        assert_eq!((verdict.value, verdict.met), (Some(1.6), true));
        let verdict = verdict_of("bulk-1k-50", "produce_ratio_min", &theirs, &ours);
        assert!(!verdict.met);
    }

    #[test]
    fn the_median_latency_is_granted_one_sync() {
        let ours = runs("e2e_p50_ms", Better::Lower, &[1.7]);
        let theirs = runs("e2e_p50_ms", Better::Lower, &[1.0]);
        let verdict = verdict_of("game", "p50_ratio_max", &ours, &theirs);
        assert_eq!((verdict.value, verdict.met), (Some(1.5), true));
    }

    #[test]
    fn what_could_not_be_measured_is_not_met() {
        let verdict = verdict_of("game", "cpu_ratio_max", &[], &[]);
        assert_eq!((verdict.value, verdict.met), (None, false));
    }

    #[test]
    fn an_offer_is_judged_by_its_own_figures() {
        let scenario = Scenario::load("hot-partition", Overrides::default()).unwrap();
        let ours = runs("hot.through_mb_per_s", Better::Higher, &[5.0, 5.0, 9.0]);
        let verdicts = judge_offers(&scenario, &ours);
        let met: Vec<_> = verdicts
            .iter()
            .filter(|v| v.met)
            .map(|v| v.bar.as_str())
            .collect();
        assert_eq!(
            met,
            ["hot.through_mb_per_s_min", "hot.through_mb_per_s_max"]
        );
        assert_eq!(verdicts.len(), 4);
    }
}
