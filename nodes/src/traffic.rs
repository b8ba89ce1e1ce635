//! What was committed by topic since the start, for metrics. The bill does not come from here.
//!
//! Owns: the counts. Does not own: names, and which topics are shown (the root package).
//! Bounded by the topics that live here: one that is deleted is forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{TopicId, VirtualClusterId};
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

/// See the file's header. All shards count here, each once for a batch.
#[derive(Default)]
pub(crate) struct Traffic {
    topics: Mutex<HashMap<TopicId, TopicTraffic>>,
}

impl Traffic {
    /// A batch was committed.
    pub(crate) fn count(&self, cluster: VirtualClusterId, topic: TopicId, facts: &AppendFacts) {
        let mut topics = self.topics();
        let traffic = topics.entry(topic).or_insert(TopicTraffic {
            virtual_cluster: cluster,
            topic,
            bytes: 0,
            records: 0,
        });
        traffic.bytes += u64::from(facts.metered_bytes);
        traffic.records += u64::from(facts.record_count);
    }

    /// The topic is gone.
    pub(crate) fn forget(&self, topic: TopicId) {
        self.topics().remove(&topic);
    }

    /// All topics that something was committed to.
    pub(crate) fn all(&self) -> Vec<TopicTraffic> {
        self.topics().values().copied().collect()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<TopicId, TopicTraffic>> {
        // Counts are whole after each change, whatever became of a thread.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
