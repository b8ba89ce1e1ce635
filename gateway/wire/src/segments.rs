//! An encoded frame as a list of pieces for a vectored write.
//!
//! Owns: the order of the pieces and how far they were written.
//! Does not own: the socket.
//! Invariant: `remaining` is the sum of the pieces from `next` on; a piece that was written is let go.

use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Bytes to be written, in pieces: heads that were encoded, and record batches that were not copied. It is a
/// [`Buf`], so `write_all_buf` of an async writer sends it with vectored writes.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    parts: Vec<Bytes>,
    next: usize,
    remaining: usize,
}

impl Segments {
    pub(crate) fn new(parts: Vec<Bytes>) -> Self {
        let remaining = parts.iter().map(Bytes::len).sum();
        Self {
            parts,
            next: 0,
            remaining,
        }
    }

    /// How many bytes are still to be written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.remaining
    }

    /// Whether all is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// The pieces that are still to be written.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        &self.parts[self.next..]
    }

    /// All in one piece: a copy.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut whole = BytesMut::with_capacity(self.remaining);
        self.parts()
            .iter()
            .for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

impl Buf for Segments {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.parts()
            .iter()
            .find(|part| !part.is_empty())
            .map_or(&[], |part| part)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self.parts().iter().filter(|part| !part.is_empty());
        slices
            .iter_mut()
            .zip(parts)
            .map(|(slice, part)| *slice = IoSlice::new(part))
            .count()
    }

    fn advance(&mut self, count: usize) {
        assert!(
            count <= self.remaining,
            "advanced by {count} of {} bytes",
            self.remaining
        );
        self.remaining -= count;
        let mut left = count;
        while left > 0 {
            let part = &mut self.parts[self.next];
            if left < part.len() {
                part.advance(left);
                return;
            }
            left -= part.len();
            *part = Bytes::new();
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments() -> Segments {
        Segments::new(
            ["ab", "", "cde", "f"]
                .map(|part| Bytes::from_static(part.as_bytes()))
                .into(),
        )
    }

    #[test]
    fn every_way_of_advancing_gives_the_same_bytes() {
        for step in 1..=6 {
            let (mut segments, mut seen) = (segments(), Vec::new());
            while segments.has_remaining() {
                let chunk = segments.chunk();
                let count = step.min(chunk.len());
                assert!(count > 0, "no chunk although bytes remain");
                seen.extend_from_slice(&chunk[..count]);
                segments.advance(count);
            }
            assert_eq!(seen, b"abcdef", "step {step}");
        }
    }

    #[test]
    fn a_vectored_write_sees_the_pieces_that_hold_something() {
        let mut segments = segments();
        segments.advance(1);
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(segments.chunks_vectored(&mut slices), 3);
        assert_eq!(
            [&*slices[0], &*slices[1], &*slices[2]],
            [&b"b"[..], b"cde", b"f"]
        );
        segments.advance(4);
        assert_eq!((segments.len(), &*segments.to_bytes()), (1, &b"f"[..]));
    }

    #[test]
    #[should_panic(expected = "advanced by 7 of 6 bytes")]
    fn advancing_past_the_end_is_a_bug() {
        segments().advance(7);
    }
}
