//! What was committed by topic since the start, for metrics. The bill does not come from here.
//!
//! Owns: the counts of one shard. Does not own: names, and which topics are shown (the root package).
//! Bounded by the topics that live here: one that is deleted is forgotten.

use model::{IdMap, TopicId, VirtualClusterId};
use partition_log::AppendFacts;

/// What was committed to one topic since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicTraffic {
    /// Whose topic.
    pub virtual_cluster: VirtualClusterId,
    /// The topic.
    pub topic: TopicId,
    /// Bytes of record batches, as received.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

/// See the file's header.
#[derive(Default)]
pub(crate) struct Traffic {
    topics: IdMap<TopicId, TopicTraffic>,
}

impl Traffic {
    /// A batch was committed.
    pub(crate) fn count(&mut self, cluster: VirtualClusterId, topic: TopicId, facts: &AppendFacts) {
        self.add(&TopicTraffic {
            virtual_cluster: cluster,
            topic,
            bytes: u64::from(facts.metered_bytes),
            records: u64::from(facts.record_count),
        });
    }

    /// What was counted elsewhere, too.
    pub(crate) fn add(&mut self, more: &TopicTraffic) {
        let known = self.topics.entry(more.topic).or_insert(TopicTraffic {
            bytes: 0,
            records: 0,
            ..*more
        });
        known.bytes += more.bytes;
        known.records += more.records;
    }

    /// The topic is gone.
    pub(crate) fn forget(&mut self, topic: TopicId) {
        self.topics.remove(&topic);
    }

    /// All topics that something was committed to.
    pub(crate) fn all(&self) -> Vec<TopicTraffic> {
        self.topics.values().copied().collect()
    }
}
