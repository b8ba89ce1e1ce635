use super::*;
use crate::figures::{Better, histogram, record};
use crate::floors::Flow;
use crate::scenario::Overrides;
use crate::series::Series;
use crate::target::{SignIn, Target};
use std::time::Duration;

fn target(name: &str) -> Target {
    Target {
        name: name.to_owned(),
        bootstrap: "127.0.0.1:1".to_owned(),
        ca_file: None,
        sign_in: SignIn::Scram {
            username: "u".to_owned(),
            password: "secret-word".to_owned(),
        },
        admin_sign_in: SignIn::Nobody,
        pid: None,
        may_be_remote: false,
    }
}

fn run(factor: u64) -> Run {
    let mut latencies = histogram();
    (1..=10_000).for_each(|n| record(&mut latencies, n * 1_000 * factor));
    let mut series = Series::new(Duration::from_secs(1));
    (0..5).for_each(|s| series.add(Duration::from_secs(s), 15_000_000));
    let mut run = Run::default();
    run.add_latencies("e2e".to_owned(), latencies);
    run.add("cpu_s_per_gb", Better::Lower, 2.0 * factor as f64);
    run.throughput
        .push(series.finish("produce", Duration::from_secs(5)));
    run
}

fn floors() -> Floors {
    let flow = Flow {
        mb_per_s: 2_000.0,
        send_cpu_s_per_gb: 0.4,
        receive_cpu_s_per_gb: 0.3,
    };
    Floors {
        sync_by: "fdatasync",
        sync_p50_ms: 0.15,
        sync_p99_ms: 0.3,
        synced_mb_per_s: 900.0,
        tcp: flow,
        tls: flow,
        aes_256_gcm_mb_per_s: 5_000.0,
    }
}

fn report() -> Report {
    let session = Session {
        scenarios: vec![Scenario::load("game", Overrides::default()).unwrap()],
        targets: vec![target("ours"), target("<theirs>")],
        rounds: 2,
    };
    let measured = Measured {
        runs: vec![vec![vec![run(1), run(1)], vec![run(4), run(8)]]],
        failure: Some(anyhow::anyhow!("a & b")),
    };
    Report::new(&session, &measured, Some(floors()))
}

#[test]
fn the_json_has_figures_rounds_ratios_bars_and_floors() {
    let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
    let scenario = &json["scenarios"][0];
    assert_eq!(scenario["scenario"]["name"], "game");
    let theirs = &scenario["servers"][1];
    let cpu = theirs["figures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "cpu_s_per_gb")
        .unwrap();
    assert_eq!(cpu["rounds"], serde_json::json!([8.0, 16.0]));
    assert_eq!((&cpu["median"], &cpu["best"]), (&12.0.into(), &8.0.into()));
    let compared = scenario["comparisons"][0]["figures"].as_array().unwrap();
    let cpu = compared
        .iter()
        .find(|f| f["figure"] == "cpu_s_per_gb")
        .unwrap();
    assert_eq!(cpu["ratio_of_rounds"]["max"], 0.25);
    let bars = scenario["verdicts"].as_array().unwrap();
    let cpu = bars
        .iter()
        .find(|bar| bar["bar"] == "cpu_ratio_max")
        .unwrap();
    assert_eq!(
        (&cpu["against"], &cpu["met"]),
        (&"<theirs>".into(), &true.into())
    );
    assert_eq!(json["floors"]["sync_p50_ms"], 0.15);
    assert_eq!(json["failure"], "a & b");
}

#[test]
fn a_latency_curve_ends_where_its_messages_do() {
    let report = report();
    let curve = &report.scenarios[0].servers[0].latencies[0];
    let (percentile, ms) = *curve.points.last().unwrap();
    assert!(percentile > 99.99 && percentile < 100.0, "{percentile}");
    assert!((ms - 10.0).abs() < 0.1, "{ms}");
}

#[test]
fn the_page_needs_nothing_else_and_shows_all() {
    let page = report().html();
    for elsewhere in ["http://", "https://", "<script", "<link", "src=", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    assert_eq!(page.matches("<svg").count(), 2);
    assert!(page.matches("<polyline").count() >= 4);
    assert!(page.contains("&lt;theirs&gt;") && !page.contains("<theirs>"));
    assert!(page.contains("a &amp; b") && page.contains("99.9 %"));
}

#[test]
fn nothing_tells_a_secret() {
    let report = report();
    for text in [report.text(), report.json(), report.html()] {
        assert!(!text.contains("secret-word"));
    }
}

#[test]
fn the_text_tells_median_best_ratio_and_bars() {
    let text = report().text();
    let cpu = text
        .lines()
        .find(|line| line.trim().starts_with("cpu_s_per_gb"))
        .unwrap();
    let words: Vec<&str> = cpu.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "cpu_s_per_gb 2.00 (best 2.00) 12.0 (best 8.00) 0.167 (0.125 … 0.188 … 0.250)"
    );
    assert!(text.contains("game cpu_ratio_max"), "{text}");
    assert!(text.contains("fdatasync"), "{text}");
}

#[test]
fn a_session_that_failed_at_once_has_a_report_all_the_same() {
    let session = Session {
        scenarios: vec![Scenario::load("bulk-1k-50", Overrides::default()).unwrap()],
        targets: vec![target("ours"), target("theirs")],
        rounds: 1,
    };
    let measured = Measured {
        runs: vec![vec![vec![], vec![]]],
        failure: None,
    };
    let report = Report::new(&session, &measured, None);
    assert!(report.text().contains("not measured"));
    assert!(!report.html().contains("<svg"));
}
