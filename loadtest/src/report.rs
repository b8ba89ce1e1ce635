//! What was measured, as it is told: text, JSON and one page with plots.
//!
//! Owns: the report as data. Does not own: its looks (see `report/table`, `report/page`, `report/plot`).

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bars::{Verdict, judge_offers, judge_ratios};
use crate::comparison::{Compared, best, compare, rounds};
use crate::figures::{Latencies, Run};
use crate::floors::Floors;
use crate::scenario::Scenario;
use crate::series::Throughput;
use crate::session::{Measured, Session};
use crate::spread::Spread;

mod machine;
mod page;
mod plot;
mod table;

use machine::Machine;

/// Points of a latency curve for each factor of ten in rarity.
const POINTS_PER_NINE: u32 = 20;

/// Everything of one session.
#[derive(Serialize)]
pub struct Report {
    /// When it was written.
    at: String,
    /// Of the generator.
    version: &'static str,
    machine: Machine,
    /// Rounds that were asked for.
    rounds: usize,
    floors: Option<Floors>,
    scenarios: Vec<ScenarioReport>,
    /// What ended it before its end.
    failure: Option<String>,
}

/// One scenario on all servers.
#[derive(Serialize)]
struct ScenarioReport {
    scenario: Scenario,
    servers: Vec<ServerReport>,
    comparisons: Vec<Comparison>,
    verdicts: Vec<Verdict>,
}

/// One server.
#[derive(Serialize)]
struct ServerReport {
    name: String,
    figures: Vec<FigureReport>,
    latencies: Vec<Curve>,
    /// By round.
    throughput: Vec<Vec<Throughput>>,
}

/// One figure over all rounds.
#[derive(Serialize)]
struct FigureReport {
    name: String,
    #[serde(flatten)]
    spread: Spread,
    best: f64,
    rounds: Vec<f64>,
}

/// Latencies of all rounds together: `[percentile, milliseconds]`.
#[derive(Serialize)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// The first server against another.
#[derive(Serialize)]
struct Comparison {
    against: String,
    figures: Vec<Compared>,
}

impl Report {
    /// Of what was measured.
    pub fn new(session: &Session, measured: &Measured, floors: Option<Floors>) -> Self {
        let sync_p50_ms = floors.as_ref().map_or(0.0, |floors| floors.sync_p50_ms);
        let names: Vec<&str> = session
            .targets
            .iter()
            .map(|target| target.name.as_str())
            .collect();
        let scenarios = session.scenarios.iter().zip(&measured.runs);
        let now = OffsetDateTime::now_utc().format(&Rfc3339);
        Self {
            at: now.expect("a time of this century has this form"),
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::this(),
            rounds: session.rounds,
            floors,
            scenarios: scenarios
                .map(|(scenario, runs)| ScenarioReport::new(scenario, &names, runs, sync_p50_ms))
                .collect(),
            failure: measured
                .failure
                .as_ref()
                .map(|failure| format!("{failure:#}")),
        }
    }

    /// All bars.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.scenarios
            .iter()
            .flat_map(|scenario| &scenario.verdicts)
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let tables = self.tables();
        tables.iter().map(|table| table.text()).collect()
    }

    /// For a program.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }

    /// One page that needs nothing else.
    pub fn html(&self) -> String {
        page::render(self)
    }

    fn tables(&self) -> Vec<table::Table> {
        let floors = self.floors.iter().map(table::floors);
        let scenarios = self.scenarios.iter().map(table::scenario);
        let verdicts = std::iter::once(table::verdicts(self.verdicts()));
        floors
            .chain(scenarios)
            .chain(verdicts)
            .filter(|table| !table.is_empty())
            .collect()
    }
}

/// The floors alone, for a terminal.
pub fn floors_text(floors: &Floors) -> String {
    table::floors(floors).text()
}

/// The floors alone, for a program.
pub fn floors_json(floors: &Floors) -> String {
    serde_json::to_string_pretty(floors).expect("floors are plain data")
}

impl ScenarioReport {
    fn new(scenario: &Scenario, names: &[&str], runs: &[Vec<Run>], sync_p50_ms: f64) -> Self {
        let servers = names.iter().zip(runs);
        let mut verdicts = judge_offers(scenario, &runs[0]);
        let mut comparisons = Vec::new();
        for (name, theirs) in servers.clone().skip(1) {
            verdicts.extend(judge_ratios(
                scenario,
                (&runs[0], theirs),
                name,
                sync_p50_ms,
            ));
            comparisons.push(Comparison {
                against: (*name).to_owned(),
                figures: compare(&runs[0], theirs),
            });
        }
        Self {
            scenario: scenario.clone(),
            servers: servers
                .map(|(name, runs)| ServerReport::new(name, runs))
                .collect(),
            comparisons,
            verdicts,
        }
    }
}

impl ServerReport {
    fn new(name: &str, runs: &[Run]) -> Self {
        let figures = rounds(runs)
            .into_iter()
            .filter_map(|(name, better, rounds)| {
                let spread = Spread::of(&rounds)?;
                let best = best(spread, better);
                Some(FigureReport {
                    name,
                    spread,
                    best,
                    rounds,
                })
            });
        Self {
            name: name.to_owned(),
            figures: figures.collect(),
            latencies: curves(runs),
            throughput: runs.iter().map(|run| run.throughput.clone()).collect(),
        }
    }

    fn figure(&self, name: &str) -> Option<&FigureReport> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// The rounds' latencies, added up.
fn curves(runs: &[Run]) -> Vec<Curve> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let sum = |latencies: &Latencies| {
        let mut all = latencies.histogram.clone();
        let others = runs[1..].iter().flat_map(|run| &run.latencies);
        for other in others.filter(|other| other.name == latencies.name) {
            all.add(&other.histogram).expect("all have the same bounds");
        }
        let point = |step: u32| {
            let rarity = f64::from(step) / f64::from(POINTS_PER_NINE);
            let percentile = 100.0 * (1.0 - 10_f64.powf(-rarity));
            (percentile, all.value_at_percentile(percentile) as f64 / 1e3)
        };
        let last = (all.len().max(1) as f64).log10() * f64::from(POINTS_PER_NINE);
        Curve {
            name: latencies.name.clone(),
            points: (0..=last as u32).map(point).collect(),
        }
    };
    first.latencies.iter().map(sum).collect()
}

#[cfg(test)]
mod tests;
