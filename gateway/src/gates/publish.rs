//! The figures of every limit as metrics, and the end of gates that nobody needs.
//!
//! Owns: the names and labels of these metrics, one series for each virtual cluster and limit: there
//! are as many as the operator has set up. Does not own: the figures (`view`).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use model::VirtualClusterId;
use quota::LimitName;

use super::{LimitRow, LimitsView};

/// How often the figures are published.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);

/// The series of one limit of one virtual cluster.
struct Series {
    used: Gauge,
    ceiling: Gauge,
    throttled: Gauge,
    refused: Counter,
}

impl Series {
    fn register(row: &LimitRow) -> Self {
        let labels = [
            ("cluster", row.cluster.clone()),
            ("limit", row.limit.label().to_owned()),
        ];
        Self {
            used: gauge!("tidegate_limit_use", &labels),
            ceiling: gauge!("tidegate_limit_ceiling", &labels),
            // It only rises, but counters are whole numbers.
            throttled: gauge!("tidegate_throttle_seconds_total", &labels),
            refused: counter!("tidegate_limit_refused_total", &labels),
        }
    }

    fn set(&self, row: &LimitRow) {
        if let Some(used) = row.figures.used {
            self.used.set(used as f64);
        }
        self.ceiling.set(row.figures.ceiling as f64);
        self.throttled.set(row.figures.throttled.as_secs_f64());
        self.refused.absolute(row.figures.refused);
    }
}

/// Publishes until the task is stopped.
pub(crate) async fn publish(view: LimitsView) {
    let mut series: HashMap<(String, LimitName), Series> = HashMap::new();
    loop {
        for row in view.rows() {
            let key = (row.cluster.clone(), row.limit);
            let series = series.entry(key).or_insert_with(|| Series::register(&row));
            series.set(&row);
        }
        let map = view.router.map();
        view.gates.retain(&map);
        let clusters = map.virtual_clusters.iter();
        let clusters = clusters.filter(|(id, _)| **id != VirtualClusterId::SYSTEM);
        let names: HashSet<&str> = clusters.map(|(_, cluster)| &*cluster.name).collect();
        series.retain(|(name, _), _| names.contains(name.as_str()));
        tokio::time::sleep(PUBLISH_EVERY).await;
    }
}
