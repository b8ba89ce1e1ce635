//! Sealed records on their way to the socket.
//!
//! Owns: the order of records and how much of the first is sent. Does not own: the socket.
//!
//! Invariant: records leave in the order in which they were sealed, whole.

use std::collections::VecDeque;
use std::io::IoSlice;

/// Sealed bytes that may wait for the socket; at the bound no further data is sealed, so that writers
/// wait. The last record may pass it, and the few bytes of alerts and key updates.
pub(crate) const OUTGOING_BYTES_MAX: usize = 64 << 10;

/// Records that one call hands to the socket; as many full ones as the bound allows, and more.
pub(crate) const PIECES_MAX: usize = 32;

/// See the file's header.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    records: VecDeque<Vec<u8>>,
    /// Bytes of the first that are sent.
    sent: usize,
    bytes: usize,
}

impl Outgoing {
    pub(crate) fn push(&mut self, record: Vec<u8>) {
        self.bytes += record.len();
        self.records.push_back(record);
    }

    /// Whether data may be added.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < OUTGOING_BYTES_MAX
    }

    /// Bytes that are not sent.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Memory that is held.
    pub(crate) fn held_bytes(&self) -> usize {
        let records: usize = self.records.iter().map(Vec::capacity).sum();
        records + self.records.capacity() * size_of::<Vec<u8>>()
    }

    /// Lays out what is to be sent next; says how many slices are used.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; PIECES_MAX]) -> usize {
        let mut count = 0;
        for (slice, record) in slices.iter_mut().zip(&self.records) {
            let from = if count == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&record[from..]);
            count += 1;
        }
        count
    }

    /// Forgets what the socket has taken.
    pub(crate) fn advance(&mut self, taken: usize) {
        assert!(taken <= self.bytes, "no more is taken than was given");
        self.bytes -= taken;
        self.sent += taken;
        while let Some(first) = self.records.front() {
            if self.sent < first.len() {
                break;
            }
            self.sent -= first.len();
            self.records.pop_front();
        }
        if self.records.is_empty() {
            self.records = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order_whatever_the_socket_takes() {
        let mut outgoing = Outgoing::default();
        let mut expected = Vec::new();
        for byte in 0..100_u8 {
            let record = vec![byte; usize::from(byte) + 1];
            expected.extend_from_slice(&record);
            outgoing.push(record);
        }
        let mut sent = Vec::new();
        for step in (1..).map(|step| step * 7 % 300) {
            let mut slices = [IoSlice::new(&[]); PIECES_MAX];
            let count = outgoing.slices(&mut slices);
            let laid_out: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
            let taken = laid_out.len().min(step);
            sent.extend_from_slice(&laid_out[..taken]);
            outgoing.advance(taken);
            if outgoing.is_empty() {
                break;
            }
        }
        assert_eq!(sent, expected);
        assert_eq!((outgoing.held_bytes(), outgoing.bytes), (0, 0));
    }
}
