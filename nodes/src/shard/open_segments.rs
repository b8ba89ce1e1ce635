//! Which partitions lie in segments that are not complete yet, so that a complete one is told to
//! those only.
//!
//! Owns: the lists. Does not own: what a partition does about it (`partition_log`).
//!
//! Invariant: a partition stands once in the list of each segment that it has batches in, since
//! segments are written in order. Bounded by partitions times segments that are not complete.

use model::{IdMap, TopicPartition};
use partition_log::SegmentId;

/// See the file's header.
#[derive(Debug, Default)]
pub(crate) struct OpenSegments {
    partitions: IdMap<SegmentId, Vec<TopicPartition>>,
}

impl OpenSegments {
    /// A batch of `key` lies in `segment`; `newest` is that of its last one, and is moved on.
    pub(crate) fn note(
        &mut self,
        key: TopicPartition,
        newest: &mut Option<SegmentId>,
        segment: SegmentId,
    ) {
        if newest.replace(segment) != Some(segment) {
            self.partitions.entry(segment).or_default().push(key);
        }
    }

    /// The segment is complete: the partitions that lie in it, each once.
    pub(crate) fn complete(&mut self, segment: SegmentId) -> Vec<TopicPartition> {
        self.partitions.remove(&segment).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use model::TopicId;

    use super::*;

    #[test]
    fn a_complete_segment_is_told_to_those_in_it_once() {
        let [a, b] = [0, 1].map(|partition| TopicPartition {
            topic: TopicId([1; 16]),
            partition,
        });
        let (mut open, mut newest_of_a, mut newest_of_b) = (OpenSegments::default(), None, None);
        for segment in [1, 1, 2, 2] {
            open.note(a, &mut newest_of_a, SegmentId(segment));
        }
        open.note(b, &mut newest_of_b, SegmentId(2));
        assert_eq!(open.complete(SegmentId(1)), [a]);
        assert_eq!(open.complete(SegmentId(2)), [a, b]);
        assert_eq!(open.complete(SegmentId(2)), []);
    }
}
