//! The stored form of a [`LogSnapshot`], and of the producers and sessions in it.
//!
//! Numbers are variable-length and written as steps from what came before, so that a producer costs
//! about 25 bytes and a result about 3. Reading checks every bound and order, so that what it gives
//! keeps the invariants of the parts; it allocates in proportion to what came in.

use model::{GatewayIncarnation, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

use crate::codec::{DecodeError, Reader, put_signed, put_step, put_varint};
use crate::limits::{PRODUCERS_MAX, SESSION_UNANSWERED_MAX, SESSIONS_MAX};
use crate::producers::{
    PRODUCER_BATCHES, Producer, ProducerBatch, ProducerRefusal, Producers, Window,
};
use crate::sessions::{Session, SessionOutcome, SessionResult, Sessions};
use crate::snapshot::LogSnapshot;

const VERSION: u8 = 2;

impl LogSnapshot {
    /// Appends the stored form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, u64::from(self.leader_epoch.0));
        put_varint(out, self.log_start_offset.value());
        put_varint(out, self.end_offset.value());
        put_varint(out, self.end_position);
        put_varint(out, self.metered_bytes);
        put_varint(out, self.freed_position);
        put_producers(out, &self.producers);
        put_sessions(out, &self.sessions);
    }

    /// Reads the stored form; `bytes` is all of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let snapshot = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(snapshot)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.version(VERSION)?;
        let snapshot = Self {
            leader_epoch: LeaderEpoch(reader.number("leader epoch")?),
            log_start_offset: read_offset(reader)?,
            end_offset: read_offset(reader)?,
            end_position: read_total(reader)?,
            metered_bytes: read_total(reader)?,
            freed_position: read_total(reader)?,
            producers: read_producers(reader)?,
            sessions: read_sessions(reader)?,
        };
        if snapshot.log_start_offset > snapshot.end_offset {
            return Err(DecodeError::Invalid("the log starts behind its end"));
        }
        if snapshot.freed_position > snapshot.end_position {
            return Err(DecodeError::Invalid("more is freed than there was"));
        }
        Ok(snapshot)
    }
}

pub(crate) fn read_offset(reader: &mut Reader<'_>) -> Result<Offset, DecodeError> {
    Offset::new(reader.varint()?).ok_or(DecodeError::Invalid("offset"))
}

/// A number of bytes that leaves room for all the bytes to come.
pub(crate) fn read_total(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let total = reader.varint()?;
    match total <= i64::MAX as u64 {
        true => Ok(total),
        false => Err(DecodeError::Invalid("total")),
    }
}

/// What was written last, to write steps from.
#[derive(Default)]
pub(crate) struct Previous {
    id: i64,
    at: i64,
    offset: i64,
}

fn put_producers(out: &mut Vec<u8>, producers: &Producers) {
    put_varint(out, producers.len() as u64);
    let mut previous = Previous::default();
    for (id, producer) in producers.iter() {
        put_producer(out, &mut previous, id, producer);
    }
}

fn read_producers(reader: &mut Reader<'_>) -> Result<Producers, DecodeError> {
    let count = reader.count(PRODUCER_BYTES_MIN, PRODUCERS_MAX)?;
    let mut producers = Producers::default();
    let mut previous = Previous::default();
    for _ in 0..count {
        let (id, producer) = read_producer(reader, &mut previous)?;
        producers.insert(id, producer);
    }
    match producers.len() == count {
        true => Ok(producers),
        false => Err(DecodeError::Invalid("a producer comes twice")),
    }
}

/// Least size of a producer in its stored form.
pub(crate) const PRODUCER_BYTES_MIN: usize = 8;

pub(crate) fn put_producer(
    out: &mut Vec<u8>,
    previous: &mut Previous,
    id: ProducerId,
    producer: &Producer,
) {
    put_step(out, &mut previous.id, id.0);
    put_signed(out, i64::from(producer.epoch.0));
    put_step(out, &mut previous.at, producer.last_append_at.0);
    put_varint(out, u64::from(producer.run_records));
    let batches = producer.window.batches();
    put_varint(out, batches.len() as u64);
    // The batches of a window follow one another in sequence, so the first one's says all.
    put_varint(out, batches[0].base_sequence as u64);
    for batch in batches {
        put_step(out, &mut previous.offset, batch.base_offset.to_wire());
        put_varint(out, u64::from(batch.record_count));
    }
}

pub(crate) fn read_producer(
    reader: &mut Reader<'_>,
    previous: &mut Previous,
) -> Result<(ProducerId, Producer), DecodeError> {
    let id = ProducerId(reader.step(&mut previous.id)?);
    let epoch = i16::try_from(reader.signed()?).map_err(|_| DecodeError::Invalid("epoch"))?;
    let last_append_at = Timestamp(reader.step(&mut previous.at)?);
    let run_records = reader.number("run")?;
    let count = reader.count(2, PRODUCER_BATCHES)?;
    let base_sequence = reader.number("sequence")?;
    let mut window = Window::new(read_batch(reader, previous, base_sequence)?);
    for _ in 1..count {
        let next_sequence = window.last().next_sequence();
        window.push(read_batch(reader, previous, next_sequence)?);
    }
    let producer = Producer {
        epoch: ProducerEpoch(epoch),
        run_records,
        last_append_at,
        window,
    };
    match count > 0 && producer.is_sound() {
        true => Ok((id, producer)),
        false => Err(DecodeError::Invalid("run")),
    }
}

fn read_batch(
    reader: &mut Reader<'_>,
    previous: &mut Previous,
    base_sequence: i32,
) -> Result<ProducerBatch, DecodeError> {
    let (base_offset, record_count) = read_extent(reader, &mut previous.offset)?;
    Ok(ProducerBatch {
        base_offset,
        base_sequence,
        record_count,
    })
}

/// A step to an offset and a number of records that ends within Kafka's range.
fn read_extent(reader: &mut Reader<'_>, previous: &mut i64) -> Result<(Offset, u32), DecodeError> {
    let base_offset = Offset::from_wire(reader.step(previous)?);
    let record_count = reader.number("record count")?;
    base_offset
        .filter(|base| record_count > 0 && base.checked_add(u64::from(record_count)).is_some())
        .map(|base| (base, record_count))
        .ok_or(DecodeError::Invalid("offset"))
}

pub(crate) fn put_sessions(out: &mut Vec<u8>, sessions: &Sessions) {
    put_varint(out, sessions.len() as u64);
    let mut previous = Previous::default();
    for session in sessions.iter() {
        put_varint(out, session.gateway.0);
        put_step(out, &mut previous.at, session.last_used_at.0);
        put_varint(out, session.next_sequence);
        put_varint(out, session.results.len() as u64);
        // Backwards from the next sequence, since most results are of the latest.
        let mut above = session.next_sequence;
        for result in session.results.iter().rev() {
            put_varint(out, above - result.sequence - 1);
            above = result.sequence;
            put_outcome(out, &mut previous.offset, result.outcome);
        }
    }
}

pub(crate) fn read_sessions(reader: &mut Reader<'_>) -> Result<Sessions, DecodeError> {
    let count = reader.count(4, SESSIONS_MAX)?;
    let mut sessions = Sessions::default();
    let mut previous = Previous::default();
    let mut below = None;
    for _ in 0..count {
        let session = read_session(reader, &mut previous)?;
        if below >= Some(session.gateway) {
            return Err(DecodeError::Invalid("sessions are out of order"));
        }
        below = Some(session.gateway);
        sessions.insert_last(session);
    }
    Ok(sessions)
}

fn read_session(reader: &mut Reader<'_>, previous: &mut Previous) -> Result<Session, DecodeError> {
    let gateway = GatewayIncarnation(reader.varint()?);
    let mut session = Session::new(gateway, Timestamp(reader.step(&mut previous.at)?));
    session.next_sequence = reader.varint()?;
    let mut above = session.next_sequence;
    for _ in 0..reader.count(2, SESSION_UNANSWERED_MAX as usize)? {
        let back = reader.varint()?;
        let sequence = above
            .checked_sub(1)
            .and_then(|below| below.checked_sub(back));
        above = sequence.ok_or(DecodeError::Invalid("append sequence"))?;
        let outcome = read_outcome(reader, &mut previous.offset)?;
        session.results.push_front(SessionResult {
            sequence: above,
            outcome,
        });
    }
    if session.next_sequence - above > SESSION_UNANSWERED_MAX {
        return Err(DecodeError::Invalid("a result is too far back"));
    }
    Ok(session)
}

const APPENDED: u8 = 0;
const OUT_OF_ORDER_SEQUENCE: u8 = 1;
const DUPLICATE_SEQUENCE: u8 = 2;
const INVALID_PRODUCER_EPOCH: u8 = 3;

fn put_outcome(out: &mut Vec<u8>, previous_offset: &mut i64, outcome: SessionOutcome) {
    match outcome {
        SessionOutcome::Appended {
            base_offset,
            record_count,
        } => {
            out.push(APPENDED);
            put_step(out, previous_offset, base_offset.to_wire());
            put_varint(out, u64::from(record_count));
        }
        SessionOutcome::Refused(ProducerRefusal::OutOfOrderSequence { expected, found }) => {
            out.push(OUT_OF_ORDER_SEQUENCE);
            put_signed(out, i64::from(expected));
            put_signed(out, i64::from(found));
        }
        SessionOutcome::Refused(ProducerRefusal::DuplicateSequence) => out.push(DUPLICATE_SEQUENCE),
        SessionOutcome::Refused(ProducerRefusal::InvalidProducerEpoch { current }) => {
            out.push(INVALID_PRODUCER_EPOCH);
            put_signed(out, i64::from(current.0));
        }
    }
}

fn read_outcome(
    reader: &mut Reader<'_>,
    previous_offset: &mut i64,
) -> Result<SessionOutcome, DecodeError> {
    let sequence = |reader: &mut Reader<'_>| {
        i32::try_from(reader.signed()?).map_err(|_| DecodeError::Invalid("sequence"))
    };
    let refusal = match reader.byte()? {
        APPENDED => {
            let (base_offset, record_count) = read_extent(reader, previous_offset)?;
            return Ok(SessionOutcome::Appended {
                base_offset,
                record_count,
            });
        }
        OUT_OF_ORDER_SEQUENCE => ProducerRefusal::OutOfOrderSequence {
            expected: sequence(reader)?,
            found: sequence(reader)?,
        },
        DUPLICATE_SEQUENCE => ProducerRefusal::DuplicateSequence,
        INVALID_PRODUCER_EPOCH => {
            let current = i16::try_from(reader.signed()?);
            let current = current.map_err(|_| DecodeError::Invalid("epoch"))?;
            ProducerRefusal::InvalidProducerEpoch {
                current: ProducerEpoch(current),
            }
        }
        _ => return Err(DecodeError::Invalid("outcome")),
    };
    Ok(SessionOutcome::Refused(refusal))
}
