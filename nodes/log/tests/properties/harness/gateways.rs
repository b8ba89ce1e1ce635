//! Appends of gateways that repeat what was not answered, of producers that do all kinds of things.

use model::{AppendId, GatewayIncarnation, LaneId, ProducerEpoch, ProducerId, Timestamp};
use partition_log::{Accepted, AppendError, AppendRequest, LogRecord, ProducerStamp};

use crate::harness::{Harness, Outcome};
use crate::naive::{Answer, Expected, next};
use crate::operation::{Arrival, Mark, Operation};

impl Harness {
    pub(super) fn tell_answered(&mut self, gateway: u8) {
        let incarnation = GatewayIncarnation(u64::from(gateway));
        let high_watermark = self.naive.high_watermark();
        let answers = &self.naive.sessions.answers;
        let state = self.gateways.entry(gateway).or_default();
        while state.answered_below < state.next
            && answers
                .get(&(incarnation, state.answered_below))
                .is_none_or(|answer| match answer {
                    Answer::Repeat(_, end) => *end <= high_watermark,
                    _ => true,
                })
        {
            state.answered_below += 1;
        }
    }

    pub(super) fn request(&mut self, operation: Operation) -> AppendRequest {
        let Operation::Append {
            gateway,
            arrival,
            mark,
            record_count,
            batch_bytes,
            timestamp,
            ..
        } = operation
        else {
            unreachable!("only an append asks for one")
        };
        let state = self.gateways.entry(gateway).or_default();
        if let Arrival::Skip(by) = arrival {
            // What is given up counts as answered, if nothing before it is waited for.
            if state.answered_below == state.next {
                state.next += u64::from(by);
                state.answered_below = state.next;
            }
        }
        let sequence = match arrival {
            Arrival::Next | Arrival::Skip(_) => state.next,
            Arrival::Repeat(back) => state.next.saturating_sub(u64::from(back)),
            Arrival::Gap(ahead) => state.next + u64::from(ahead),
        };
        let answered_below = state.answered_below.min(sequence);
        if let Some(sent) = state.sent.get(&sequence) {
            return AppendRequest {
                answered_below,
                leader_epoch: self.leader_epoch,
                ..*sent
            };
        }
        let producer = self.stamp(mark, u32::from(record_count));
        let record_count = producer.map_or(u32::from(record_count), |(_, count)| count);
        AppendRequest {
            id: AppendId {
                gateway: GatewayIncarnation(u64::from(gateway)),
                lane: LaneId(0),
                sequence,
            },
            answered_below,
            leader_epoch: self.leader_epoch,
            record_count,
            batch_bytes: u32::from(batch_bytes),
            metered_bytes: u32::from(batch_bytes) / 2,
            producer: producer.map(|(stamp, _)| stamp),
            max_timestamp: Timestamp(i64::from(timestamp)),
        }
    }

    pub(super) fn stamp(&self, mark: Mark, record_count: u32) -> Option<(ProducerStamp, u32)> {
        let (producer, epoch_by) = match mark {
            Mark::None => return None,
            Mark::Next(p) | Mark::Again(p, _) | Mark::Off(p, _) => (p, 0),
            Mark::Epoch(p, by) => (p, by),
            Mark::EpochOff(p) => (p, 1),
        };
        let id = ProducerId(i64::from(producer));
        let marks = self.naive.marks(id);
        // Producer 1 begins at 0, the others shortly before the sequences wrap.
        let begin = if producer == 1 { 0 } else { i32::MAX - 30 };
        let last = marks.last().map(|(stamp, _)| *stamp);
        let next = last.map_or(begin, |last| next(last.last_sequence));
        let epoch = last.map_or(5, |last| last.epoch.0) + i16::from(epoch_by);
        let base = match mark {
            Mark::Again(_, back) => {
                if let Some((stamp, batch)) = marks.iter().rev().nth(usize::from(back)) {
                    return Some((*stamp, batch.record_count));
                }
                next
            }
            Mark::Off(_, by) => (i64::from(next) + i64::from(by)).rem_euclid(1 << 31) as i32,
            Mark::Epoch(..) => 0,
            Mark::EpochOff(_) => 3,
            Mark::Next(_) | Mark::None => next,
        };
        let stamp = ProducerStamp::new(id, ProducerEpoch(epoch), base, record_count);
        Some((stamp, record_count))
    }

    pub(super) fn append(&mut self, gateway: u8, request: AppendRequest) -> Outcome {
        let id = request.id;
        let answered_below = self.gateways[&gateway].answered_below;
        let expected = self.naive.expect(&request, answered_below);
        let accepted = self.log.append(Timestamp(self.now), request);
        let answer = match accepted {
            Ok(Accepted::New(facts)) => Answer::New(facts.base_offset),
            Ok(Accepted::Repeat {
                base_offset,
                end_offset,
            }) => Answer::Repeat(base_offset, end_offset),
            Err(AppendError::Producer(refusal)) => Answer::Refused(refusal),
            Err(AppendError::Gap { expected }) => Answer::Gap(expected),
            Err(AppendError::AlreadyAnswered) => Answer::AlreadyAnswered,
            Err(error) => panic!("{request:?}: {error}"),
        };
        let outcome = match expected {
            Expected::Exactly(expected) => {
                assert_eq!(answer, expected, "{request:?}");
                Outcome::Answered(answer)
            }
            Expected::NotNew => {
                assert!(!matches!(answer, Answer::New(_)), "{request:?}");
                Outcome::NotNew
            }
        };
        if let Answer::Repeat(base, end) = answer {
            assert!(
                self.naive.is_true(&request, base, end),
                "{request:?}: {answer:?}"
            );
        }
        if let Ok(Accepted::New(facts)) = accepted {
            self.naive.batches.push(facts);
            self.naive.sessions.note_append(&facts);
            self.write(LogRecord::Append(facts), None);
        } else if !matches!(answer, Answer::Gap(_)) && !matches!(outcome, Outcome::NotNew) {
            self.naive.sessions.note(id.gateway, id.sequence, answer);
        }
        let next = self.naive.sessions.next(id.gateway);
        let state = self.gateways.entry(gateway).or_default();
        if !matches!(answer, Answer::Gap(_)) {
            state.sent.insert(id.sequence, request);
            state.next = state.next.max(next);
        }
        outcome
    }
}
