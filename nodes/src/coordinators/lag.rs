//! How far consumer groups are behind, by the names of MSK's metrics: computed now and then from the
//! offsets that were committed and the ends of the logs.
//!
//! Owns: the text that is shown, its bounds. Does not own: offsets (`coordinator`), logs (`shard`).
//! Only groups that are stable or empty are shown: while a group rebalances, nobody reads.
//!
//! Invariant: what is shown was true at the last refresh; what was not seen then is not shown.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use coordinator::{Coordinator, GroupState};
use model::{ClusterMap, Offset, Timestamp, TopicId, TopicPartition, VirtualClusterId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::coordinators::Around;
use crate::limits::{LAG_OFFSETS_MAX, LAG_POSITIONS_PER_CALL, LAG_SERIES_MAX};
use crate::local::LocalNode;

/// Where a reader stands in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Records between it and the high watermark.
    pub(crate) lag: u64,
    /// About when the first of them was appended.
    pub(crate) unread_since: Option<Timestamp>,
}

/// Keeps what is shown up to date.
pub(crate) struct LagRefresh {
    shown: watch::Sender<Arc<str>>,
    running: Option<JoinHandle<()>>,
}

impl LagRefresh {
    /// The refresh, and where what is to be shown can be seen.
    pub(crate) fn new() -> (Self, watch::Receiver<Arc<str>>) {
        let (shown, seen) = watch::channel(Arc::from(""));
        let refresh = Self {
            shown,
            running: None,
        };
        (refresh, seen)
    }

    /// Begins a refresh, unless the last one is still under way.
    pub(super) fn start<'a>(
        &mut self,
        cores: impl Iterator<Item = &'a Coordinator>,
        map: &Arc<ClusterMap>,
        around: &Around,
    ) {
        if self
            .running
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let collected = Collected::new(cores, map);
        let (map, node) = (Arc::clone(map), around.local.clone());
        let (now, shown) = (around.clock.wall(), self.shown.clone());
        self.running = Some(tokio::spawn(async move {
            let report = collected.report(&map, &node, now).await;
            shown.send_replace(report.text().into());
        }));
    }
}

impl Drop for LagRefresh {
    fn drop(&mut self) {
        if let Some(task) = &self.running {
            task.abort();
        }
    }
}

/// One committed offset.
struct Row {
    cluster: VirtualClusterId,
    group: Arc<str>,
    key: TopicPartition,
    offset: Offset,
}

/// What the coordinators know.
struct Collected {
    rows: Vec<Row>,
    /// Offsets beyond the bound.
    left_out: usize,
}

impl Collected {
    fn new<'a>(cores: impl Iterator<Item = &'a Coordinator>, map: &ClusterMap) -> Self {
        let (mut rows, mut looked_at, mut all) = (Vec::<Row>::new(), 0, 0);
        for core in cores {
            for cluster in map.virtual_clusters.keys().copied() {
                all += core.committed_count(cluster);
                let left = LAG_OFFSETS_MAX - looked_at;
                for committed in core.committed(cluster).take(left) {
                    looked_at += 1;
                    let is_shown =
                        matches!(committed.state, GroupState::Stable | GroupState::Empty);
                    if !is_shown || map.topic_by_id(cluster, committed.key.topic).is_none() {
                        continue;
                    }
                    // Offsets of a group come one after the other.
                    let last = rows.last().map(|row| &row.group);
                    let same = last.filter(|group| group.as_ref() == committed.group);
                    rows.push(Row {
                        cluster,
                        group: same.map_or_else(|| committed.group.into(), Arc::clone),
                        key: committed.key,
                        offset: committed.offset,
                    });
                }
            }
        }
        let left_out = all - looked_at;
        Self { rows, left_out }
    }

    async fn report(self, map: &ClusterMap, node: &LocalNode, now: Timestamp) -> LagReport {
        let mut positions = Vec::with_capacity(self.rows.len());
        for rows in self.rows.chunks(LAG_POSITIONS_PER_CALL) {
            let asked = rows.iter().map(|row| (row.key, row.offset));
            positions.extend(node.positions(asked.collect()).await);
            tokio::task::yield_now().await;
        }
        let mut lags: BTreeMap<(VirtualClusterId, &str, TopicId), Lag> = BTreeMap::new();
        for (row, position) in self.rows.iter().zip(positions) {
            let Some(position) = position else { continue };
            let lag = lags.entry((row.cluster, &row.group, row.key.topic));
            lag.or_default().add(position, now);
        }
        let series = lags
            .into_iter()
            .filter_map(|((cluster, group, topic), lag)| {
                Some(Series {
                    cluster: map.virtual_clusters.get(&cluster)?.name.clone(),
                    group: group.to_owned(),
                    topic: map.topics.get(&topic)?.name.to_string(),
                    lag,
                })
            });
        LagReport::new(series.collect(), self.left_out)
    }
}

/// The lags of one group in one topic, over its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lag {
    max_offsets: u64,
    sum_offsets: u64,
    max_ms: u64,
}

impl Lag {
    fn add(&mut self, position: Position, now: Timestamp) {
        self.max_offsets = self.max_offsets.max(position.lag);
        self.sum_offsets = self.sum_offsets.saturating_add(position.lag);
        let since = position.unread_since.filter(|_| position.lag > 0);
        let age = since.map_or(0, |since| now.0.saturating_sub(since.0));
        self.max_ms = self.max_ms.max(u64::try_from(age).unwrap_or(0));
    }
}

struct Series {
    cluster: String,
    group: String,
    topic: String,
    lag: Lag,
}

/// What is shown.
struct LagReport {
    series: Vec<Series>,
    hidden: usize,
}

impl LagReport {
    /// The largest lags; `left_out` offsets were not looked at.
    fn new(mut series: Vec<Series>, left_out: usize) -> Self {
        series.sort_by_key(|series| std::cmp::Reverse(series.lag.max_offsets));
        let hidden = series.len().saturating_sub(LAG_SERIES_MAX) + left_out;
        series.truncate(LAG_SERIES_MAX);
        Self { series, hidden }
    }

    /// As Prometheus reads it.
    fn text(&self) -> String {
        let mut text = String::new();
        let name = "aws_msk_max_offset_lag";
        head(
            &mut text,
            name,
            "MaxOffsetLag: largest lag of a group in a partition of a topic, in records.",
        );
        self.lines(&mut text, name, |lag| lag.max_offsets);
        let name = "aws_msk_sum_offset_lag";
        head(
            &mut text,
            name,
            "SumOffsetLag: lag of a group over all partitions of a topic, in records.",
        );
        self.lines(&mut text, name, |lag| lag.sum_offsets);
        let name = "aws_msk_estimated_max_time_lag";
        head(
            &mut text,
            name,
            "EstimatedMaxTimeLag: about how long the oldest record that a group has yet to read in a topic is there, in seconds.",
        );
        self.lines(&mut text, name, |lag| lag.max_ms as f64 / 1000.0);
        let name = "tidegate_lag_series_hidden";
        head(
            &mut text,
            name,
            "Pairs of group and topic, and offsets, that are not shown, as there are too many.",
        );
        writeln!(text, "{name} {}", self.hidden).expect("a string takes it");
        text
    }

    fn lines<T: std::fmt::Display>(
        &self,
        text: &mut String,
        name: &str,
        value: impl Fn(&Lag) -> T,
    ) {
        for series in &self.series {
            let [cluster, group, topic] =
                [&series.cluster, &series.group, &series.topic].map(|label| escaped(label));
            let labels = format!(r#"cluster="{cluster}",group="{group}",topic="{topic}""#);
            let value = value(&series.lag);
            writeln!(text, "{name}{{{labels}}} {value}").expect("a string takes it");
        }
    }
}

fn head(text: &mut String, name: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge").expect("a string takes it");
}

/// A label's value: clients choose the names of their groups.
fn escaped(label: &str) -> String {
    label
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests;
