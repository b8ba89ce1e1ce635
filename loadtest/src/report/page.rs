//! One page that needs nothing else: tables, and the plots inside it.

use std::fmt::Write;

use super::plot::{Axis, Line, colour, lines};
use super::table::{self, Table};
use super::{Report, ScenarioReport};

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tidegate loadtest</title><style>
body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:.6em 0 1.4em}td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.bad{color:#b00020;font-weight:600}svg{max-width:100%;height:auto}
h3{margin:.8em 0 .2em;font-size:1em}.key{margin-right:1.4em}</style></head><body>";

/// The whole page.
pub fn render(report: &Report) -> String {
    let mut page = HEAD.to_owned();
    let written = write_all(&mut page, report);
    written.expect("a text takes everything");
    page
}

fn write_all(page: &mut String, report: &Report) -> std::fmt::Result {
    write!(
        page,
        "<h1>Tidegate loadtest {}</h1>",
        escape(report.version)
    )?;
    let (at, machine, rounds) = (&report.at, report.machine.line(), report.rounds);
    write!(
        page,
        "<p>{at}. {}. Rounds asked for: {rounds}.</p>",
        escape(&machine)
    )?;
    if let Some(failure) = &report.failure {
        write!(page, "<p class=\"bad\">Failed: {}</p>", escape(failure))?;
    }
    let verdicts = table::verdicts(report.verdicts());
    write_table(page, &verdicts)?;
    for scenario in &report.scenarios {
        write_table(page, &table::scenario(scenario))?;
        write_plots(page, scenario)?;
    }
    if let Some(floors) = &report.floors {
        write_table(page, &table::floors(floors))?;
    }
    page.write_str("</body></html>\n")
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    if table.is_empty() {
        return Ok(());
    }
    write!(page, "<h2>{}</h2><table><tr>", escape(&table.title))?;
    for name in &table.head {
        write!(page, "<th>{}</th>", escape(name))?;
    }
    for row in &table.rows {
        page.write_str("</tr><tr>")?;
        for cell in row {
            let class = if cell == "NOT MET" {
                " class=\"bad\""
            } else {
                ""
            };
            write!(page, "<td{class}>{}</td>", escape(cell))?;
        }
    }
    page.write_str("</tr></table>")
}

fn write_plots(page: &mut String, report: &ScenarioReport) -> std::fmt::Result {
    page.write_str("<p>")?;
    for (number, server) in report.servers.iter().enumerate() {
        let (colour, name) = (colour(number), escape(&server.name));
        write!(
            page,
            "<span class=\"key\"><span style=\"color:{colour}\">&#9632;</span> {name}</span>"
        )?;
    }
    page.write_str("</p>")?;
    let percentiles = (Axis::Nines, "percentile");
    for curve in &report.servers[0].latencies {
        let plot = lines(
            &curve_lines(report, &curve.name),
            percentiles,
            (Axis::Log, "ms"),
        );
        write_plot(
            page,
            &format!("{} latency, from the due time", curve.name),
            plot,
        )?;
    }
    let first_round = report.servers[0].throughput.first().into_iter().flatten();
    for throughput in first_round {
        let over_time = throughput_lines(report, &throughput.name);
        let plot = lines(
            &over_time,
            (Axis::Linear, "seconds, round after round"),
            (Axis::Linear, "MB/s"),
        );
        write_plot(page, &format!("{} over time", throughput.name), plot)?;
    }
    Ok(())
}

fn write_plot(page: &mut String, title: &str, plot: Option<String>) -> std::fmt::Result {
    match plot {
        Some(plot) => write!(page, "<h3>{}</h3>{plot}", escape(title)),
        None => Ok(()),
    }
}

fn curve_lines(report: &ScenarioReport, name: &str) -> Vec<Line> {
    let servers = report.servers.iter();
    let of = servers.map(|server| {
        let curve = server.latencies.iter().find(|curve| curve.name == name);
        curve.map(|curve| curve.points.clone()).unwrap_or_default()
    });
    of.collect()
}

/// Each server's rounds one after the other.
fn throughput_lines(report: &ScenarioReport, name: &str) -> Vec<Line> {
    let servers = report.servers.iter();
    let of = servers.map(|server| {
        let mut at = 0.0;
        let mut line = Line::new();
        let rounds = server.throughput.iter().flatten();
        for round in rounds.filter(|round| round.name == name) {
            for rate in &round.mb_per_s {
                line.push((at, *rate));
                at += round.bucket_s;
            }
        }
        line
    });
    of.collect()
}

fn escape(text: &str) -> String {
    let one = |letter: char| match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        _ => letter.to_string(),
    };
    text.chars().map(one).collect()
}
