//! Record batches of one partition, as they go out.
//!
//! Owns: a list of slices that stand for their concatenation.
//! Does not own: what a batch contains; the bytes are opaque here.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// The records of one partition in a Fetch response: whole batches, each a slice of wherever it is kept. Two values
/// are equal if their bytes are, however they are cut.
#[derive(Clone, Default)]
pub struct Records(Vec<Bytes>);

impl Records {
    /// Takes batches in the order in which they are to be read.
    #[must_use]
    pub fn new(batches: Vec<Bytes>) -> Self {
        Self(batches)
    }

    /// Adds a batch at the end.
    pub fn push(&mut self, batch: Bytes) {
        self.0.push(batch);
    }

    /// Total bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    /// The slices, as they were put in.
    #[must_use]
    pub fn batches(&self) -> &[Bytes] {
        &self.0
    }

    /// All bytes in one piece: a copy, unless there is only one slice.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match <[Bytes; 1]>::try_from(self.0) {
            Ok([only]) => only,
            Err(batches) => {
                let mut whole = BytesMut::with_capacity(batches.iter().map(Bytes::len).sum());
                batches
                    .iter()
                    .for_each(|batch| whole.extend_from_slice(batch));
                whole.freeze()
            }
        }
    }
}

impl From<Bytes> for Records {
    fn from(batch: Bytes) -> Self {
        Self(vec![batch])
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(batches: Vec<Bytes>) -> Self {
        Self(batches)
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().flatten().eq(other.0.iter().flatten())
    }
}

impl Eq for Records {}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().into_bytes().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_does_not_see_the_cuts() {
        let whole = Records::from(Bytes::from_static(b"abcd"));
        let cut = Records::new(vec![
            Bytes::from_static(b"a"),
            Bytes::new(),
            Bytes::from_static(b"bcd"),
        ]);
        assert_eq!(whole, cut);
        assert_eq!(cut.len(), 4);
        assert_ne!(whole, Records::from(Bytes::from_static(b"abc")));
        assert!(Records::new(vec![Bytes::new()]).is_empty());
    }
}
