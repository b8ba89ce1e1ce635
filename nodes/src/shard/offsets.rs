//! Finding offsets: the ends of a log at once, records by their timestamps in files.

use model::{Offset, Timestamp};
use node_api::{FindOffset, FoundOffset, OffsetQuery, ReadError};
use tokio::sync::oneshot;

use crate::file_reads::{ByTime, FileSearch};
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
            OffsetQuery::AtOrAfter(timestamp) => {
                let place = partition
                    .log
                    .plan_timestamp(timestamp, bounds.log_start_offset);
                (place.into_iter().collect(), ByTime::AtOrAfter(timestamp))
            }
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
