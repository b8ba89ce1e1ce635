//! What a log should answer, worked out anew for each question from the list of all its batches.

use std::collections::{BTreeMap, BTreeSet};

use model::{GatewayIncarnation, Offset, ProducerEpoch, ProducerId};
use partition_log::{AppendFacts, AppendRequest, ProducerRefusal, ProducerStamp};

/// An answer to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    New(Offset),
    Repeat(Offset, Offset),
    Refused(ProducerRefusal),
    Gap(u64),
    AlreadyAnswered,
}

/// What the model asks of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Exactly(Answer),
    /// Anything but to append it: its gateway does not wait any more, or a crash has lost the
    /// refusal.
    NotNew,
}

/// What is known of gateways' appends.
#[derive(Clone, Debug, Default)]
pub struct NaiveSessions {
    pub next: BTreeMap<GatewayIncarnation, u64>,
    pub answers: BTreeMap<(GatewayIncarnation, u64), Answer>,
}

impl NaiveSessions {
    pub fn next(&self, gateway: GatewayIncarnation) -> u64 {
        self.next.get(&gateway).copied().unwrap_or(0)
    }

    pub fn note(&mut self, gateway: GatewayIncarnation, sequence: u64, answer: Answer) {
        let answer = match answer {
            Answer::New(_) => return,
            other => other,
        };
        self.next
            .insert(gateway, self.next(gateway).max(sequence + 1));
        self.answers.insert((gateway, sequence), answer);
    }

    pub fn note_append(&mut self, facts: &AppendFacts) {
        let id = facts.append_id;
        let repeat = Answer::Repeat(facts.base_offset, facts.end_offset());
        self.note(id.gateway, id.sequence, repeat);
    }
}

/// A log as the list of its batches.
#[derive(Clone, Debug, Default)]
pub struct Naive {
    pub batches: Vec<AppendFacts>,
    pub durable: usize,
    pub log_start: u64,
    pub sessions: NaiveSessions,
}

impl Naive {
    pub fn end(&self) -> Offset {
        self.batches
            .last()
            .map_or(Offset::ZERO, AppendFacts::end_offset)
    }

    pub fn high_watermark(&self) -> Offset {
        let last = self.durable.checked_sub(1).map(|last| &self.batches[last]);
        last.map_or(Offset::ZERO, AppendFacts::end_offset)
    }

    /// Bytes of the batches before `offset`.
    pub fn position(&self, offset: Offset) -> u64 {
        let before = self
            .batches
            .iter()
            .filter(|batch| batch.base_offset < offset);
        before.map(|batch| u64::from(batch.batch_bytes)).sum()
    }

    /// A producer's batches, each with the one mark it has.
    pub fn marks(&self, id: ProducerId) -> Vec<(ProducerStamp, &AppendFacts)> {
        let marked = self
            .batches
            .iter()
            .filter_map(|batch| Some((batch.producer?, batch)));
        marked.filter(|(stamp, _)| stamp.id == id).collect()
    }

    pub fn expect(&self, request: &AppendRequest, answered_below: u64) -> Expected {
        let id = request.id;
        let next = self.sessions.next(id.gateway);
        if id.sequence < next {
            let known = self.sessions.answers.get(&(id.gateway, id.sequence));
            return match known {
                Some(answer) if id.sequence >= answered_below => Expected::Exactly(*answer),
                _ => Expected::NotNew,
            };
        }
        let expected = next.max(request.answered_below);
        Expected::Exactly(if id.sequence > expected {
            Answer::Gap(expected)
        } else {
            request
                .producer
                .map_or(Answer::New(self.end()), |stamp| self.judge(&stamp))
        })
    }

    fn judge(&self, stamp: &ProducerStamp) -> Answer {
        let marks = self.marks(stamp.id);
        let Some((last, _)) = marks.last() else {
            return Answer::New(self.end());
        };
        let found = stamp.base_sequence;
        let out_of_order =
            |expected| Answer::Refused(ProducerRefusal::OutOfOrderSequence { expected, found });
        let current: ProducerEpoch = last.epoch;
        if stamp.epoch != current {
            return match (stamp.epoch > current, found) {
                (false, _) => Answer::Refused(ProducerRefusal::InvalidProducerEpoch { current }),
                (true, 0) => Answer::New(self.end()),
                (true, _) => out_of_order(0),
            };
        }
        let of_epoch: Vec<_> = marks
            .iter()
            .filter(|(mark, _)| mark.epoch == current)
            .collect();
        let (older, window) = of_epoch.split_at(of_epoch.len().saturating_sub(5));
        if let Some((_, batch)) = window.iter().find(|(mark, _)| mark == stamp) {
            return Answer::Repeat(batch.base_offset, batch.end_offset());
        }
        let expected = next(last.last_sequence);
        let before: BTreeSet<i32> = older.iter().flat_map(|(mark, _)| sequences(mark)).collect();
        if found == expected {
            Answer::New(self.end())
        } else if sequences(stamp).all(|sequence| before.contains(&sequence)) {
            Answer::Refused(ProducerRefusal::DuplicateSequence)
        } else {
            out_of_order(expected)
        }
    }

    /// Whether a repeat's offsets are those of the append itself, or of one with the same mark.
    pub fn is_true(&self, request: &AppendRequest, base: Offset, end: Offset) -> bool {
        self.batches.iter().any(|batch| {
            let same = batch.append_id == request.id
                || (batch.producer.is_some() && batch.producer == request.producer);
            same && batch.base_offset == base && batch.end_offset() == end
        })
    }
}

/// The sequence after this one.
pub fn next(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

fn sequences(stamp: &ProducerStamp) -> impl Iterator<Item = i32> {
    let last = stamp.last_sequence;
    std::iter::successors(Some(stamp.base_sequence), move |s| {
        (*s != last).then(|| next(*s))
    })
}
