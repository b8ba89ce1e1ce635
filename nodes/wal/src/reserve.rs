//! How much of a segment's end is kept free for its footer.
//!
//! Owns: the estimate. It may be wrong: a footer that needs more makes its file grow, which costs a
//! slow sync, and the file is then removed instead of recycled. So it aims at what is usual, a little
//! high. Does not own: the footer.

use std::collections::BTreeMap;

use model::{Timestamp, VirtualClusterId};
use partition_log::LogRecord;
use quota::Minute;

use crate::format::footer::DIRECTORY_ENTRY_BYTES;
use crate::write::{FrameRecord, PreparedFrame};

/// What a partition takes in the footer, beside its batches: the head of its digest and the gateway
/// that appends to it.
const PARTITION_BYTES: usize = DIRECTORY_ENTRY_BYTES + 64;
/// A batch: its place, and what its gateway is to be told if it asks again.
const APPEND_BYTES: usize = 24;
/// A batch of an idempotent producer has a sequence besides.
const SEQUENCE_BYTES: usize = 12;
/// A producer that begins.
const PRODUCER_BYTES: usize = 40;
/// A minute of a virtual cluster, in the sums and in what follows the totals.
const WINDOW_BYTES: usize = 2 * 48;

/// The room that is kept.
#[derive(Debug, Default)]
pub(crate) struct FooterReserve {
    bytes: usize,
    /// The last minute in which each virtual cluster was metered.
    metered: BTreeMap<VirtualClusterId, Minute>,
    /// The last that was put there.
    last_metered: Option<(VirtualClusterId, Minute)>,
}

impl FooterReserve {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What `frame` adds to the footer of a segment that holds nothing of its partition so far, or
    /// something. Minutes do not count: they come once in many frames.
    pub(crate) fn growth(frame: &PreparedFrame, new_partition: bool) -> usize {
        let partition = if new_partition { PARTITION_BYTES } else { 0 };
        match &frame.write.record {
            FrameRecord::Log(LogRecord::Append(facts)) => {
                let producer = facts.producer.map_or(0, |stamp| {
                    let begins = stamp.base_sequence == 0;
                    SEQUENCE_BYTES + if begins { PRODUCER_BYTES } else { 0 }
                });
                partition + APPEND_BYTES + producer
            }
            _ => partition + frame.content.len(),
        }
    }

    /// Keeps room for `frame`, whose partition is new to the segment or not.
    pub(crate) fn grow(
        &mut self,
        frame: &PreparedFrame,
        new_partition: bool,
        commit_time: Timestamp,
    ) {
        self.bytes += Self::growth(frame, new_partition);
        let last = (frame.write.virtual_cluster, Minute::of(commit_time));
        // Mostly one virtual cluster's frames come together.
        if self.last_metered != Some(last) {
            self.last_metered = Some(last);
            if self.metered.insert(last.0, last.1) != Some(last.1) {
                self.bytes += WINDOW_BYTES;
            }
        }
    }
}
