//! What each message carries, so that every one that comes back can be judged.
//!
//! ```text
//! run u64 | partition u64 | sequence u64 | due u64 (ns since the run's epoch) | check u64 | body …
//! ```
//!
//! Owns: the layout, the body (pseudo-random, the same in each message of a run, so that nothing is made per message)
//! and the check of both. Does not own: what a sequence of messages means (see `verify`).

/// Bytes before the body.
pub const HEADER_BYTES: usize = 40;

/// Bytes that a sampled check compares at each of two places.
const SAMPLE_BYTES: usize = 64;

/// Of so many messages a sampled check compares one in full.
const FULL_EVERY: u64 = 16;

/// What a message says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which of the run's partitions it was sent to, counted over all topics.
    pub slot: usize,
    /// How many the run had sent there before.
    pub sequence: u64,
    /// When it was due, in nanoseconds since the run's epoch.
    pub due_ns: u64,
}

/// Why a message is not as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Not as long as all are.
    #[error("{found} bytes long instead of {expected}")]
    Length {
        /// As it was sent.
        expected: usize,
        /// As it came.
        found: usize,
    },
    /// Sent by another run.
    #[error("of another run")]
    Foreign,
    /// The header contradicts itself.
    #[error("damaged in its header")]
    Header,
    /// The body is another.
    #[error("damaged in its body")]
    Body,
}

/// How much of each body is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyCheck {
    /// All of it.
    #[default]
    Full,
    /// Two short pieces of each body, and every sixteenth in full: for bulk, where the client must not be the bound.
    Sampled,
}

/// The message of one run: made once, patched for each send, and what comes back is compared with it.
#[derive(Clone, Debug)]
pub struct Payload {
    run: u64,
    bytes: Vec<u8>,
}

impl Payload {
    /// The message of a run, `bytes` long.
    ///
    /// # Panics
    /// If it cannot hold the header; a scenario was checked for that.
    pub fn new(run: u64, bytes: usize) -> Self {
        assert!(bytes >= HEADER_BYTES, "a message holds its header");
        let mut state = run;
        let words = (0..bytes.div_ceil(8)).flat_map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state).to_le_bytes()
        });
        let bytes = words.take(bytes).collect();
        Self { run, bytes }
    }

    /// The bytes to send; they are copied by the client, so that the next stamp may overwrite them.
    pub fn stamp(&mut self, header: Header) -> &[u8] {
        let words = self.words(header);
        for (place, word) in self.bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        &self.bytes
    }

    /// What came back, if it is what was sent.
    ///
    /// # Errors
    /// Any [`Damage`].
    pub fn read(&self, found: &[u8], check: BodyCheck) -> Result<Header, Damage> {
        if found.len() != self.bytes.len() {
            return Err(Damage::Length {
                expected: self.bytes.len(),
                found: found.len(),
            });
        }
        let (head, body) = found.split_at(HEADER_BYTES);
        let mut words = [0_u64; HEADER_BYTES / 8];
        for (word, bytes) in words.iter_mut().zip(head.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().expect("a chunk of eight"));
        }
        if words[0] != self.run {
            return Err(Damage::Foreign);
        }
        let header = Header {
            slot: usize::try_from(words[1]).map_err(|_| Damage::Header)?,
            sequence: words[2],
            due_ns: words[3],
        };
        if words != self.words(header) {
            return Err(Damage::Header);
        }
        let sent = &self.bytes[HEADER_BYTES..];
        let same = match check {
            BodyCheck::Sampled if !header.sequence.is_multiple_of(FULL_EVERY) => {
                samples_agree(sent, body, header.sequence)
            }
            _ => sent == body,
        };
        if same { Ok(header) } else { Err(Damage::Body) }
    }

    fn words(&self, header: Header) -> [u64; HEADER_BYTES / 8] {
        let slot = header.slot as u64;
        let mixed = mix(self.run ^ slot).wrapping_add(header.sequence);
        let check = mix(mix(mixed) ^ header.due_ns);
        [self.run, slot, header.sequence, header.due_ns, check]
    }
}

/// Compares the end of a body, where a cut would show, and a piece whose place wanders from message to message.
fn samples_agree(sent: &[u8], found: &[u8], sequence: u64) -> bool {
    let places = sent.len().saturating_sub(SAMPLE_BYTES) + 1;
    let wandering = usize::try_from(mix(sequence) % places as u64).expect("below a length");
    [wandering, places - 1].into_iter().all(|from| {
        let piece = from..(from + SAMPLE_BYTES).min(sent.len());
        sent[piece.clone()] == found[piece]
    })
}

/// Spreads every bit of a word over all of them (the finalizer of SplitMix64).
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        slot: 7,
        sequence: 33,
        due_ns: 1_234_567,
    };

    fn sent() -> (Payload, Vec<u8>) {
        let mut payload = Payload::new(99, 1_000);
        let bytes = payload.stamp(HEADER).to_vec();
        (payload, bytes)
    }

    #[test]
    fn what_was_sent_is_read() {
        let (payload, bytes) = sent();
        assert_eq!(payload.read(&bytes, BodyCheck::Full), Ok(HEADER));
        assert_eq!(payload.read(&bytes, BodyCheck::Sampled), Ok(HEADER));
    }

    #[test]
    fn a_later_stamp_changes_nothing_of_how_an_earlier_message_is_read() {
        let (mut payload, bytes) = sent();
        payload.stamp(Header {
            sequence: 34,
            ..HEADER
        });
        assert_eq!(payload.read(&bytes, BodyCheck::Full), Ok(HEADER));
    }

    #[test]
    fn every_flipped_byte_is_noticed_by_the_full_check() {
        let (payload, bytes) = sent();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(payload.read(&damaged, BodyCheck::Full).is_err(), "{place}");
        }
    }

    #[test]
    fn the_sampled_check_notices_a_header_an_end_and_every_sixteenth_body() {
        let (mut payload, bytes) = sent();
        for place in (0..HEADER_BYTES).chain(bytes.len() - SAMPLE_BYTES..bytes.len()) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(payload.read(&damaged, BodyCheck::Sampled).is_err());
        }
        let sequence = 2 * FULL_EVERY;
        let mut bytes = payload.stamp(Header { sequence, ..HEADER }).to_vec();
        bytes[HEADER_BYTES] ^= 1;
        let read = payload.read(&bytes, BodyCheck::Sampled);
        assert_eq!(read, Err(Damage::Body));
    }

    #[test]
    fn a_cut_message_and_one_of_another_run_are_named() {
        let (payload, bytes) = sent();
        let short = payload.read(&bytes[..999], BodyCheck::Full);
        let (expected, found) = (1_000, 999);
        assert_eq!(short, Err(Damage::Length { expected, found }));
        let foreign = Payload::new(98, 1_000).stamp(HEADER).to_vec();
        let read = payload.read(&foreign, BodyCheck::Full);
        assert_eq!(read, Err(Damage::Foreign));
    }

    #[test]
    fn a_message_may_be_all_header() {
        let mut payload = Payload::new(1, HEADER_BYTES);
        let bytes = payload.stamp(HEADER).to_vec();
        assert_eq!(payload.read(&bytes, BodyCheck::Sampled), Ok(HEADER));
    }
}
