//! What was delivered by topic since the start, for metrics. The bill does not come from here.
//!
//! Owns: the counts. Does not own: names, and which topics are shown (the root package). Bounded by the
//! topics that there are: who asks for the counts says which are gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{TopicId, VirtualClusterId};

/// What was delivered of one topic since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicDelivered {
    /// Whose topic.
    pub virtual_cluster: VirtualClusterId,
    /// The topic.
    pub topic: TopicId,
    /// Bytes of record batches that were fully written to clients' sockets.
    pub bytes: u64,
}

/// See the file's header.
#[derive(Default)]
pub(crate) struct Traffic {
    topics: Mutex<HashMap<TopicId, TopicDelivered>>,
}

impl Traffic {
    /// These bytes are in the client's socket.
    pub(crate) fn count(&self, virtual_cluster: VirtualClusterId, topics: &[(TopicId, u64)]) {
        let mut counts = self.topics();
        for &(topic, bytes) in topics {
            let count = counts.entry(topic).or_insert(TopicDelivered {
                virtual_cluster,
                topic,
                bytes: 0,
            });
            count.bytes += bytes;
        }
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<TopicId, TopicDelivered>> {
        // Counts are whole after each change, whatever became of a thread.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A gateway's counts, to be looked at.
#[derive(Clone)]
pub struct DeliveredByTopic {
    pub(crate) traffic: Arc<Traffic>,
}

impl DeliveredByTopic {
    /// The counts of all topics that `exists` knows; others are forgotten.
    pub fn counts(&self, exists: impl Fn(TopicId) -> bool) -> Vec<TopicDelivered> {
        let mut topics = self.traffic.topics();
        topics.retain(|topic, _| exists(*topic));
        topics.values().copied().collect()
    }
}
