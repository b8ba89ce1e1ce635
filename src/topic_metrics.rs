//! Metrics by topic, under names that carry those of MSK.
//!
//! Owns: which topics are shown: of each virtual cluster the [`TOPICS_SHOWN_MAX`] that move most; the
//! others are summed up. Does not own: counting (nodes and gateways count).
//!
//! A series only rises: a topic that is taken in begins with what it moves from then on, and what
//! others move is added to the sum as long as they are not shown.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use gateway::DeliveredByTopic;
use model::{ClusterMap, TopicId, VirtualClusterId};
use nodes::TopicTraffic;

/// Most topics of one virtual cluster that have series of their own.
pub const TOPICS_SHOWN_MAX: usize = 100;

/// The label of what all other topics have moved together. A topic of that name is one of them.
const OTHER: &str = "_other";

/// A topic takes another's place when it has moved this many times as much of late.
const PLACE_FACTOR: u64 = 2;

/// Name, MSK's name, and what it counts.
const SERIES: [(&str, &str, &str); 3] = [
    (
        "aws_msk_bytes_in_total",
        "BytesInPerSec",
        "Bytes of committed record batches, as received",
    ),
    (
        "aws_msk_bytes_out_total",
        "BytesOutPerSec",
        "Bytes of record batches delivered",
    ),
    (
        "aws_msk_messages_in_total",
        "MessagesInPerSec",
        "Records committed",
    ),
];

/// Bytes in, bytes out, records in.
type Counts = [u64; 3];

/// One topic's counts since the start, with its names.
#[derive(Clone, Debug)]
struct Observed {
    virtual_cluster: VirtualClusterId,
    cluster: String,
    topic: String,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Topic {
    /// Its counts when it was last looked at.
    last: Counts,
    /// Bytes that it has moved of late: halved at each look.
    lately: u64,
    /// Its series, if it is shown.
    shown: Option<Counts>,
}

#[derive(Debug, Default)]
struct Cluster {
    topics: HashMap<TopicId, Topic>,
    other: Counts,
}

/// See the file's header.
#[derive(Debug, Default)]
pub struct TopicMetrics {
    clusters: Mutex<BTreeMap<VirtualClusterId, Cluster>>,
}

impl TopicMetrics {
    /// The series of all virtual clusters as they are now, in Prometheus's text format.
    pub fn render(
        &self,
        map: &ClusterMap,
        committed: &[TopicTraffic],
        delivered: &DeliveredByTopic,
    ) -> String {
        let mut observed: HashMap<TopicId, Observed> = HashMap::new();
        let mut add = |topic: TopicId, counts: Counts| {
            let Some(known) = map.topics.get(&topic) else {
                return;
            };
            let Some(owner) = map.virtual_clusters.get(&known.virtual_cluster) else {
                return;
            };
            let seen = observed.entry(topic).or_insert_with(|| Observed {
                virtual_cluster: owner.id,
                cluster: owner.name.clone(),
                topic: known.name.to_string(),
                counts: [0; 3],
            });
            add_up(&mut seen.counts, counts);
        };
        for topic in committed {
            add(topic.topic, [topic.bytes, 0, topic.records]);
        }
        for topic in delivered.counts(|topic| map.topics.contains_key(&topic)) {
            add(topic.topic, [0, topic.bytes, 0]);
        }
        self.show(&observed)
    }

    fn show(&self, observed: &HashMap<TopicId, Observed>) -> String {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        for cluster in clusters.values_mut() {
            cluster
                .topics
                .retain(|topic, _| observed.contains_key(topic));
        }
        let mut names = BTreeMap::new();
        let mut moved: BTreeMap<VirtualClusterId, Vec<(TopicId, Counts)>> = BTreeMap::new();
        for (topic, seen) in observed {
            let cluster = clusters.entry(seen.virtual_cluster).or_default();
            let step = cluster.look_at(*topic, seen);
            moved
                .entry(seen.virtual_cluster)
                .or_default()
                .push((*topic, step));
            names.insert(seen.virtual_cluster, seen.cluster.clone());
        }
        for (id, steps) in moved {
            let cluster = clusters.entry(id).or_default();
            cluster.choose(observed);
            cluster.count(&steps);
        }
        let mut lines: [Vec<String>; 3] = Default::default();
        for (id, cluster) in clusters.iter() {
            if let Some(name) = names.get(id) {
                cluster.write(name, observed, &mut lines);
            }
        }
        page(lines)
    }
}

impl Cluster {
    /// What a topic has moved since the last look.
    fn look_at(&mut self, id: TopicId, seen: &Observed) -> Counts {
        let topic = self.topics.entry(id).or_default();
        let mut step = [0; 3];
        for (step, (now, last)) in step.iter_mut().zip(seen.counts.iter().zip(topic.last)) {
            *step = now.saturating_sub(last);
        }
        // Looks may overlap, and an older one be shown after a newer one.
        topic.last = std::array::from_fn(|n| topic.last[n].max(seen.counts[n]));
        topic.lately = topic.lately / 2 + step[0] + step[1];
        step
    }

    /// Gives places to the topics that move most; one that is shown keeps its place unless another
    /// moves far more.
    fn choose(&mut self, observed: &HashMap<TopicId, Observed>) {
        let may_be_shown = |id: &TopicId| observed.get(id).is_some_and(|seen| seen.topic != OTHER);
        let (shown, hidden): (Vec<_>, Vec<_>) = self
            .topics
            .iter()
            .filter(|(id, _)| may_be_shown(id))
            .map(|(id, topic)| (topic.lately, *id))
            .partition(|(_, id)| self.topics[id].shown.is_some());
        let (mut shown, mut hidden) = (shown, hidden);
        shown.sort_unstable();
        hidden.sort_unstable_by(|a, b| b.cmp(a));
        let mut free = TOPICS_SHOWN_MAX.saturating_sub(shown.len());
        let mut least = shown.into_iter();
        for (lately, id) in hidden {
            if free > 0 {
                free -= 1;
            } else {
                let Some((least_lately, least_id)) = least.next() else {
                    return;
                };
                if lately <= least_lately.saturating_mul(PLACE_FACTOR) {
                    return;
                }
                self.set_shown(least_id, None);
            }
            self.set_shown(id, Some([0; 3]));
        }
    }

    fn set_shown(&mut self, id: TopicId, shown: Option<Counts>) {
        if let Some(topic) = self.topics.get_mut(&id) {
            topic.shown = shown;
        }
    }

    fn count(&mut self, steps: &[(TopicId, Counts)]) {
        for (id, step) in steps {
            let shown = self
                .topics
                .get_mut(id)
                .and_then(|topic| topic.shown.as_mut());
            add_up(shown.unwrap_or(&mut self.other), *step);
        }
    }

    fn write(
        &self,
        name: &str,
        observed: &HashMap<TopicId, Observed>,
        lines: &mut [Vec<String>; 3],
    ) {
        let shown = self.topics.iter().filter_map(|(id, topic)| {
            let seen = observed.get(id)?;
            Some((seen.topic.as_str(), topic.shown?))
        });
        let other = Some((OTHER, self.other)).filter(|(_, counts)| *counts != [0; 3]);
        for (topic, counts) in shown.chain(other) {
            for ((lines, (series, ..)), count) in lines.iter_mut().zip(SERIES).zip(counts) {
                // Neither name holds a character that a label must not.
                lines.push(format!(
                    "{series}{{cluster=\"{name}\",topic=\"{topic}\"}} {count}\n"
                ));
            }
        }
    }
}

fn add_up(sum: &mut Counts, step: Counts) {
    for (sum, step) in sum.iter_mut().zip(step) {
        *sum += step;
    }
}

fn page(lines: [Vec<String>; 3]) -> String {
    let mut page = String::new();
    for (mut lines, (series, msk, help)) in lines.into_iter().zip(SERIES) {
        if lines.is_empty() {
            continue;
        }
        lines.sort_unstable();
        let written = write!(
            page,
            "# HELP {series} {help} (MSK: {msk}).\n# TYPE {series} counter\n{}",
            lines.concat()
        );
        written.expect("a string takes everything");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(topics: &[(u8, &str, Counts)]) -> HashMap<TopicId, Observed> {
        let observed = topics.iter().map(|(id, topic, counts)| {
            let seen = Observed {
                virtual_cluster: VirtualClusterId(1),
                cluster: "demo".to_owned(),
                topic: (*topic).to_owned(),
                counts: *counts,
            };
            (TopicId([*id; 16]), seen)
        });
        observed.collect()
    }

    fn bytes_in(page: &str, topic: &str) -> Option<u64> {
        let start = format!("aws_msk_bytes_in_total{{cluster=\"demo\",topic=\"{topic}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&start))?;
        line.parse().ok()
    }

    #[test]
    fn each_topic_has_three_series_under_msks_names() {
        let metrics = TopicMetrics::default();
        let page = metrics.show(&observed(&[(1, "a", [10, 20, 3])]));
        assert!(page.contains("# TYPE aws_msk_messages_in_total counter\n"));
        assert!(page.contains("(MSK: BytesOutPerSec)"));
        assert!(page.contains("aws_msk_bytes_out_total{cluster=\"demo\",topic=\"a\"} 20\n"));
        assert_eq!(bytes_in(&page, "a"), Some(10));
        assert_eq!(bytes_in(&page, OTHER), None);
    }

    #[test]
    fn what_was_seen_before_counts_once() {
        let metrics = TopicMetrics::default();
        // The third look began before the second one, and ended after it.
        for (seen, shown) in [(100, 100), (150, 150), (100, 150), (150, 150)] {
            let page = metrics.show(&observed(&[(1, "a", [seen, 0, 0])]));
            assert_eq!(bytes_in(&page, "a"), Some(shown));
        }
    }

    #[test]
    fn beyond_the_bound_the_busiest_are_shown_and_nothing_is_lost() {
        let names: Vec<String> = (0..130).map(|n| format!("t{n}")).collect();
        let at = |factor: u64, busy: u64| {
            let topics: Vec<_> = (0..130_u8)
                .map(|n| {
                    let bytes = u64::from(n) * factor + if n == 0 { busy } else { 0 };
                    (n, names[usize::from(n)].as_str(), [bytes, 0, 0])
                })
                .collect();
            observed(&topics)
        };
        let metrics = TopicMetrics::default();
        let sum = |page: &str| -> u64 {
            let lines = page
                .lines()
                .filter(|line| line.starts_with("aws_msk_bytes_in"));
            lines
                .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
                .sum()
        };
        let page = metrics.show(&at(1, 0));
        assert_eq!(sum(&page), (0..130).sum::<u64>());
        assert_eq!(bytes_in(&page, "t29"), None);
        assert_eq!(bytes_in(&page, "t30"), Some(30));
        let other = bytes_in(&page, OTHER).unwrap();
        // The idlest becomes the busiest, and takes the place of the idlest that is shown.
        let page = metrics.show(&at(1, 10_000));
        assert_eq!(bytes_in(&page, "t0"), Some(10_000));
        assert_eq!(bytes_in(&page, "t30"), None);
        assert_eq!(bytes_in(&page, OTHER), Some(other), "a series never falls");
        assert_eq!(
            page.lines()
                .filter(|l| l.starts_with("aws_msk_bytes_in"))
                .count(),
            101
        );
        // Nobody moves: everybody keeps its place.
        assert_eq!(metrics.show(&at(1, 10_000)), page);
    }

    #[test]
    fn a_topic_of_the_sums_name_is_part_of_the_sum() {
        let metrics = TopicMetrics::default();
        let page = metrics.show(&observed(&[(1, OTHER, [10, 0, 1]), (2, "a", [1, 0, 1])]));
        assert_eq!(
            (bytes_in(&page, OTHER), bytes_in(&page, "a")),
            (Some(10), Some(1))
        );
    }
}
