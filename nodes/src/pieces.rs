//! Batches as the pieces of an answer.
//!
//! Owns: what is copied and what is not. Does not own: which batches are answered.
//!
//! A piece costs more on its way to the socket than a small batch's bytes do: small batches are copied
//! one behind the other, and let go of the memory that they were read or received in. A large batch is
//! one piece if it was read back, and its header and its body if it still lies in the request that
//! brought it; headers of such batches share memory.

use bytes::{Bytes, BytesMut};
use records::StampedBatch;

/// A batch up to this size is copied; a larger one is shared.
pub(crate) const COPIED_BATCH_BYTES_MAX: usize = 1024;

/// The batches, to be written one after the other.
pub(crate) fn pieces<'a>(batches: impl Iterator<Item = &'a StampedBatch> + Clone) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut copies = BytesMut::with_capacity(batches.clone().map(copied_bytes).sum());
    for batch in batches {
        if batch.len() <= COPIED_BATCH_BYTES_MAX {
            copies.extend_from_slice(batch.header_bytes());
            copies.extend_from_slice(batch.body());
            continue;
        }
        let shared = batch.whole().unwrap_or_else(|| {
            copies.extend_from_slice(batch.header_bytes());
            batch.body_bytes()
        });
        pieces.extend(taken(&mut copies));
        pieces.push(shared);
    }
    pieces.extend(taken(&mut copies));
    pieces
}

/// How many bytes of a batch are copied.
fn copied_bytes(batch: &StampedBatch) -> usize {
    if batch.len() <= COPIED_BATCH_BYTES_MAX {
        return batch.len();
    }
    batch.whole().map_or(batch.header_bytes().len(), |_| 0)
}

/// What was copied since the last piece.
fn taken(copies: &mut BytesMut) -> Option<Bytes> {
    (!copies.is_empty()).then(|| copies.split().freeze())
}

#[cfg(test)]
mod tests {
    use model::{LeaderEpoch, Limits, Offset, Timestamp, TopicConfig};
    use records::{BatchBuilder, BatchRules, Codec, NewRecord, validate};

    use super::*;

    fn received(offset: u64, value_bytes: usize) -> StampedBatch {
        let mut builder = BatchBuilder::new(Codec::Uncompressed);
        builder.push(&NewRecord {
            timestamp: Timestamp(1),
            key: None,
            value: Some(&vec![offset as u8; value_bytes]),
            headers: &[],
        });
        let rules = BatchRules::of_topic(9, &TopicConfig::default(), &Limits::serverless());
        let valid = validate(builder.build(), &rules, Timestamp(1)).expect("is a batch");
        let offset = Offset::new(offset).expect("is small");
        valid.stamp(offset, LeaderEpoch(0), None)
    }

    fn read_back(batch: &StampedBatch) -> StampedBatch {
        let bytes = Bytes::from(batch.segments().concat());
        StampedBatch::parse(bytes).expect("is a batch")
    }

    #[test]
    fn whatever_is_copied_the_bytes_are_the_same() {
        let (small, large) = (100, COPIED_BATCH_BYTES_MAX);
        let received = [small, small, large, large, small].map(|size| received(7, size));
        let expected: Vec<Bytes> = received.iter().flat_map(StampedBatch::segments).collect();
        let found = pieces(received.iter());
        // Two small ones with a header, a body, a header, a body, a small one.
        assert_eq!((found.len(), found.concat()), (5, expected.concat()));
        assert_eq!(found[1].as_ptr(), received[2].body().as_ptr());

        let stored = received.map(|batch| read_back(&batch));
        let found = pieces(stored.iter());
        assert_eq!((found.len(), found.concat()), (4, expected.concat()));
        let whole = stored[3].whole().expect("was read back");
        assert_eq!(found[2].as_ptr(), whole.as_ptr());
        assert!(pieces([].iter()).is_empty());
    }
}
