//! What was measured, by name.
//!
//! Owns: a figure's unit and which way is better; one run of one scenario on one server. Does not own: comparing
//! (see `comparison`), judging (see `bars`).

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::series::Throughput;

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Throughput.
    Higher,
    /// Time, memory.
    Lower,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, which ends in its unit: `produce_mb_per_s`.
    pub name: String,
    /// Which way is better.
    pub better: Better,
    /// The number.
    pub value: f64,
}

/// The latencies of one kind.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// Which: `ack`, `e2e`, before it the offer's name if there are several.
    pub name: String,
    /// Microseconds from the due time.
    pub histogram: Histogram<u64>,
}

/// One run of one scenario on one server.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The numbers, in the order in which they are told.
    pub figures: Vec<Figure>,
    /// The latencies that some of them come from.
    pub latencies: Vec<Latencies>,
    /// Payload over time.
    pub throughput: Vec<Throughput>,
}

/// Longest latency that is told apart; beyond it everything counts as this.
const LATENCY_US_MAX: u64 = 600_000_000;

/// A histogram of microseconds, exact to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are apart")
}

/// Adds a time to a histogram.
pub fn record(histogram: &mut Histogram<u64>, nanos: u64) {
    histogram.saturating_record((nanos / 1_000).max(1));
}

impl Run {
    /// Adds a figure.
    pub fn add(&mut self, name: impl Into<String>, better: Better, value: f64) {
        let name = name.into();
        self.figures.push(Figure {
            name,
            better,
            value,
        });
    }

    /// Adds what CPU a phase took for each GB of payload.
    pub fn add_cpu(&mut self, phase: &str, cpu: Option<Duration>, bytes: u64) {
        if let Some(cpu) = cpu {
            let gigabytes = bytes as f64 / 1e9;
            let name = format!("{phase}cpu_s_per_gb");
            self.add(name, Better::Lower, cpu.as_secs_f64() / gigabytes);
        }
    }

    /// Adds latencies and the usual figures of them.
    pub fn add_latencies(&mut self, name: String, histogram: Histogram<u64>) {
        let at = |percent| histogram.value_at_percentile(percent) as f64 / 1e3;
        for (label, percent) in [
            ("p50", 50.0),
            ("p90", 90.0),
            ("p99", 99.0),
            ("p999", 99.9),
            ("max", 100.0),
        ] {
            self.add(format!("{name}_{label}_ms"), Better::Lower, at(percent));
        }
        self.latencies.push(Latencies { name, histogram });
    }

    /// A figure's value.
    pub fn value(&self, name: &str) -> Option<f64> {
        let figure = self.figures.iter().find(|figure| figure.name == name);
        figure.map(|figure| figure.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_become_percentiles_in_milliseconds() {
        let mut histogram = histogram();
        for ms in 1..=1_000_u64 {
            record(&mut histogram, ms * 1_000_000);
        }
        let mut run = Run::default();
        run.add_latencies("e2e".to_owned(), histogram);
        for (name, expected) in [
            ("e2e_p50_ms", 500.0),
            ("e2e_p99_ms", 990.0),
            ("e2e_max_ms", 1_000.0),
        ] {
            let value = run.value(name).unwrap();
            assert!((value / expected - 1.0).abs() < 0.002, "{name} {value}");
        }
    }

    #[test]
    fn cpu_is_told_per_gigabyte_where_it_is_known() {
        let mut run = Run::default();
        run.add_cpu(
            "produce_",
            Some(Duration::from_millis(1_500)),
            3_000_000_000,
        );
        run.add_cpu("consume_", None, 3_000_000_000);
        assert_eq!(run.value("produce_cpu_s_per_gb"), Some(0.5));
        assert_eq!(run.value("consume_cpu_s_per_gb"), None);
    }

    #[test]
    fn a_time_beyond_all_bounds_is_kept_at_the_bound() {
        let mut histogram = histogram();
        record(&mut histogram, u64::MAX);
        record(&mut histogram, 0);
        assert_eq!(histogram.len(), 2);
    }
}
