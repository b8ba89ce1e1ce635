//! Finding offsets: the ends of a log at once, records by their timestamps in files.

use model::{Offset, Timestamp};
use node_api::{FindOffset, FoundOffset, OffsetQuery, ReadError};
use partition_log::Place;
use tokio::sync::oneshot;

use crate::file_reads::{ByTime, FileSearch};
use crate::limits::SEARCH_PLACES_MAX;
use crate::partition::Partition;
use crate::shard::Shard;

impl Shard {
    pub(crate) fn find_offset(
        &mut self,
        query: FindOffset,
        reply: oneshot::Sender<Result<FoundOffset, ReadError>>,
    ) {
        if query.map_version > self.map.version {
            self.follow_map();
        }
        // Whoever asked may be gone: an answer that nobody waits for is dropped on purpose.
        let Some(partition) = self.open(query.partition) else {
            return drop(reply.send(Err(ReadError::NotOwner)));
        };
        let bounds = partition.bounds();
        let end = |offset: Offset| {
            Ok(FoundOffset {
                found: Some((offset, Timestamp::NONE)),
                bounds,
            })
        };
        let (places, wanted) = match query.query {
            OffsetQuery::Earliest => return drop(reply.send(end(bounds.log_start_offset))),
            OffsetQuery::Latest => return drop(reply.send(end(bounds.high_watermark))),
            OffsetQuery::MaxTimestamp => (partition.log.plan_max_timestamp(), ByTime::Max),
            OffsetQuery::AtOrAfter(timestamp) => (
                places_reaching(partition, timestamp),
                ByTime::AtOrAfter(timestamp),
            ),
        };
        if places.is_empty() {
            return drop(reply.send(Ok(FoundOffset {
                found: None,
                bounds,
            })));
        }
        let search = FileSearch {
            partition: query.partition,
            places,
            wanted,
            bounds,
        };
        self.around.files.search(search, reply);
    }
}

/// Where a record at or after `timestamp` may be, in order. The first place nearly always has one;
/// the others are for batches that claim a timestamp that none of their records has.
fn places_reaching(partition: &Partition, timestamp: Timestamp) -> Vec<Place> {
    let mut places = Vec::new();
    let mut from = partition.log.bounds().log_start_offset;
    while places.len() < SEARCH_PLACES_MAX
        && let Some(place) = partition.log.plan_timestamp(timestamp, from)
    {
        from = match &place {
            Place::Frame(frame) => frame.end_offset(),
            Place::Sealed(extent) => extent.end_offset,
        };
        places.push(place);
    }
    places
}
