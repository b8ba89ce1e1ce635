//! The tables, for a terminal and for the page alike.

use comfy_table::{CellAlignment, Table as Drawn, presets};

use super::{FigureReport, ScenarioReport};
use crate::bars::Verdict;
use crate::comparison::Compared;
use crate::floors::{Floors, Flow};

/// A table with a title.
pub struct Table {
    /// What it is about.
    pub title: String,
    /// The names of its columns.
    pub head: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn new(title: String, head: &[&str]) -> Self {
        Self {
            title,
            head: head.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut drawn = Drawn::new();
        drawn.load_style(presets::NOTHING);
        drawn.set_header(&self.head);
        for row in &self.rows {
            drawn.add_row(row);
        }
        for column in drawn.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n{drawn}\n\n", self.title)
    }
}

/// One scenario: a row for each figure.
pub fn scenario(report: &ScenarioReport) -> Table {
    let (scenario, servers) = (&report.scenario, &report.servers);
    let mut table = Table::new(
        format!("{}: {}", scenario.name, scenario.about),
        &["figure"],
    );
    table
        .head
        .extend(servers.iter().map(|server| server.name.clone()));
    let ratios = report.comparisons.iter();
    table
        .head
        .extend(ratios.map(|comparison| format!("ratio to {}", comparison.against)));
    for figure in &servers[0].figures {
        let mut row = vec![figure.name.clone()];
        row.extend(
            servers
                .iter()
                .map(|server| server.figure(&figure.name).map_or_else(String::new, value)),
        );
        row.extend(report.comparisons.iter().map(|comparison| {
            let mut figures = comparison.figures.iter();
            let found = figures.find(|compared| compared.figure == figure.name);
            found.map_or_else(String::new, ratio)
        }));
        table.rows.push(row);
    }
    table
}

/// The bars of all scenarios.
pub fn verdicts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Table {
    let head = ["bar", "against", "found", "wanted", ""];
    let mut table = Table::new("bars, by the medians of all rounds".to_owned(), &head);
    for verdict in verdicts {
        let side = if verdict.bar.ends_with("_min") {
            "≥"
        } else {
            "≤"
        };
        table.rows.push(vec![
            format!("{} {}", verdict.scenario, verdict.bar),
            verdict.against.clone().unwrap_or_default(),
            verdict
                .value
                .map_or_else(|| "not measured".to_owned(), number),
            format!("{side} {}", number(verdict.limit)),
            if verdict.met { "met" } else { "NOT MET" }.to_owned(),
        ]);
    }
    table
}

/// The floors.
pub fn floors(floors: &Floors) -> Table {
    let mut table = Table::new(
        "floors of this machine, now".to_owned(),
        &["floor", "found"],
    );
    let mut row = |name: &str, text: String| table.rows.push(vec![name.to_owned(), text]);
    let flow = |flow: Flow| {
        let [rate, send, receive] = [
            flow.mb_per_s,
            flow.send_cpu_s_per_gb,
            flow.receive_cpu_s_per_gb,
        ]
        .map(number);
        format!("{rate} MB/s; CPU s/GB sending {send}, receiving {receive}")
    };
    let (p50, p99) = (number(floors.sync_p50_ms), number(floors.sync_p99_ms));
    row(
        "16 KiB overwritten durably",
        format!("p50 {p50} ms, p99 {p99} ms, by {}", floors.sync_by),
    );
    row(
        "1 MiB overwritten durably, in order",
        format!("{} MB/s", number(floors.synced_mb_per_s)),
    );
    row("TCP over loopback", flow(floors.tcp));
    row("TLS 1.3 over loopback (rustls)", flow(floors.tls));
    row(
        "AES-256-GCM of 16 KiB, one core",
        format!("{} MB/s", number(floors.aes_256_gcm_mb_per_s)),
    );
    table
}

/// The median, and the best of several rounds.
fn value(figure: &FigureReport) -> String {
    if figure.rounds.len() == 1 {
        return number(figure.spread.median);
    }
    format!(
        "{} (best {})",
        number(figure.spread.median),
        number(figure.best)
    )
}

/// The ratio of medians, and from where to where the rounds' ratios go.
fn ratio(compared: &Compared) -> String {
    let Some(ratio) = compared.ratio_of_medians else {
        return String::new();
    };
    let spread = compared
        .ratio_of_rounds
        .filter(|spread| spread.min < spread.max);
    let spread = spread.map(|spread| {
        let [min, median, max] = [spread.min, spread.median, spread.max].map(number);
        format!(" ({min} … {median} … {max})")
    });
    format!("{}{}", number(ratio), spread.unwrap_or_default())
}

/// Three digits that count.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
