//! A log with all that is around it: gateways that repeat what was not answered, a write-ahead log
//! of segments that loses its end in a crash, and the model, to compare with after each step.

mod gateways;
mod reading;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    GatewayIncarnation, LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{AppendRequest, FrameAt, LogRecord, PartitionDigest, PartitionLog, SegmentId};

use crate::naive::{Answer, Naive, NaiveSessions};
use crate::operation::{Arrival, Mark, Operation};

/// A record in the write-ahead log.
#[derive(Clone)]
struct Written {
    record: LogRecord,
    at: FrameAt,
    time: Timestamp,
    /// For a snapshot, what the model knew of gateways.
    sessions: Option<NaiveSessions>,
}

/// A gateway's end of the story.
#[derive(Clone, Default)]
struct Gateway {
    sent: BTreeMap<u64, AppendRequest>,
    next: u64,
    answered_below: u64,
}

/// How a log is rebuilt.
#[derive(Clone, Copy)]
pub struct Recovery {
    pub digests: bool,
    pub only_needed: bool,
}

/// What came of an operation, to compare one log's with another's.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Nothing,
    Answered(Answer),
    /// Whatever it was: one log may know more than the other.
    NotNew,
    Found(Option<Offset>),
}

impl Outcome {
    /// Whether the two do not contradict each other.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let is_open = |outcome: &Self| match outcome {
            Self::NotNew => true,
            Self::Answered(answer) => !matches!(answer, Answer::New(_) | Answer::Gap(_)),
            _ => false,
        };
        self == other
            || (*self == Self::NotNew && is_open(other))
            || (*other == Self::NotNew && is_open(self))
    }
}

/// The whole of it.
pub struct Harness {
    log: PartitionLog,
    naive: Naive,
    gateways: BTreeMap<u8, Gateway>,
    written: Vec<Written>,
    durable: usize,
    segment: u64,
    sealed_below: u64,
    position: u64,
    now: i64,
    leader_epoch: LeaderEpoch,
}

fn empty_log(leader_epoch: LeaderEpoch) -> PartitionLog {
    let partition = TopicPartition {
        topic: TopicId([9; 16]),
        partition: 0,
    };
    PartitionLog::new(VirtualClusterId(3), partition, leader_epoch)
}

impl Harness {
    pub fn new() -> Self {
        Self {
            log: empty_log(LeaderEpoch(1)),
            naive: Naive::default(),
            gateways: BTreeMap::new(),
            written: Vec::new(),
            durable: 0,
            segment: 1,
            sealed_below: 1,
            position: 0,
            now: 1_000_000,
            leader_epoch: LeaderEpoch(1),
        }
    }

    /// Ends the story: each gateway gets something into the log, so that it hides no refusal from a
    /// replay, and everything becomes durable.
    pub fn settle(&mut self) {
        let gateways: Vec<u8> = self.gateways.keys().copied().collect();
        for gateway in gateways {
            let next = Operation::Append {
                gateway,
                arrival: Arrival::Next,
                mark: Mark::None,
                record_count: 1,
                batch_bytes: 1,
                timestamp: 0,
                tells_answered: false,
            };
            while !matches!(self.perform(next), Outcome::Answered(Answer::New(_))) {}
        }
        while self.durable < self.written.len() {
            self.commit();
        }
        self.seal();
    }

    /// The same with a log that was rebuilt: it is to behave alike, but may have forgotten refusals.
    pub fn with_log(&self, mut log: PartitionLog) -> Self {
        log.lead(self.leader_epoch)
            .expect("it is not led by a later one");
        let mut naive = self.naive.clone();
        let appended: BTreeSet<_> = naive.batches.iter().map(|batch| batch.append_id).collect();
        let appended = appended
            .iter()
            .map(|id| (id.gateway, id.sequence))
            .collect::<BTreeSet<_>>();
        naive
            .sessions
            .answers
            .retain(|append, _| appended.contains(append));
        Self {
            log,
            naive,
            gateways: self.gateways.clone(),
            written: self.written.clone(),
            ..*self
        }
    }

    pub fn perform(&mut self, operation: Operation) -> Outcome {
        self.now += 3;
        let outcome = match operation {
            Operation::Append {
                gateway,
                tells_answered,
                ..
            } => {
                if tells_answered {
                    self.tell_answered(gateway);
                }
                let request = self.request(operation);
                self.append(gateway, request)
            }
            Operation::Read {
                share,
                bytes_max,
                at_least_one,
            } => self.read(share, u32::from(bytes_max), at_least_one),
            Operation::FindTimestamp { share, timestamp } => {
                self.find_timestamp(share, Timestamp(i64::from(timestamp)))
            }
            Operation::FindMaxTimestamp => self.find_max_timestamp(),
            other => {
                self.change(other);
                Outcome::Nothing
            }
        };
        self.assert_bounds();
        outcome
    }

    fn change(&mut self, operation: Operation) {
        match operation {
            Operation::Commit { appends } => (0..appends).for_each(|_| self.commit()),
            Operation::Roll => (self.segment, self.position) = (self.segment + 1, 0),
            Operation::Seal => self.seal(),
            Operation::Snapshot => {
                let record = LogRecord::Snapshot(self.log.snapshot());
                self.write(record, Some(self.naive.sessions.clone()));
            }
            Operation::LogStart { share } => {
                let offset = share_of(self.naive.high_watermark(), share);
                if let Some(record) = self.log.advance_log_start(offset) {
                    self.naive.log_start = offset.value();
                    self.write(record, None);
                }
            }
            Operation::Crash {
                digests,
                only_needed,
            } => self.crash(Recovery {
                digests,
                only_needed,
            }),
            other => unreachable!("{other:?} changes nothing"),
        }
    }

    fn write(&mut self, record: LogRecord, sessions: Option<NaiveSessions>) {
        let length = match &record {
            LogRecord::Append(facts) => facts.batch_bytes,
            _ => 0,
        };
        let position = self.position + 50;
        self.position = position + u64::from(length);
        let at = FrameAt {
            segment: SegmentId(self.segment),
            position,
            length,
        };
        self.written.push(Written {
            record,
            at,
            time: Timestamp(self.now),
            sessions,
        });
    }

    fn commit(&mut self) {
        let Some(written) = self.written.get(self.durable) else {
            return;
        };
        self.durable += 1;
        match &written.record {
            LogRecord::Append(facts) => {
                self.log.committed(facts, written.at, written.time);
                self.naive.durable += 1;
            }
            LogRecord::LogStart(offset, _) => self.log.log_start_committed(*offset),
            LogRecord::Snapshot(_) => self.log.snapshot_committed(written.at.segment),
            LogRecord::Closed(_) => unreachable!("no operation closes a log"),
        }
    }

    fn seal(&mut self) {
        let pending = self
            .written
            .get(self.durable)
            .map(|written| written.at.segment.0);
        let complete = pending.unwrap_or(self.segment).min(self.segment);
        for segment in self.sealed_below..complete {
            self.log.segment_sealed(SegmentId(segment));
        }
        self.sealed_below = self.sealed_below.max(complete);
    }

    fn crash(&mut self, recovery: Recovery) {
        self.written.truncate(self.durable);
        self.naive.batches.truncate(self.naive.durable);
        let is_snapshot = |written: &Written| written.sessions.is_some();
        let snapshot = self.written.iter().rposition(is_snapshot);
        let mut sessions = snapshot
            .and_then(|index| self.written[index].sessions.clone())
            .unwrap_or_default();
        let mut log_start = Offset::ZERO;
        for (index, written) in self.written.iter().enumerate() {
            match &written.record {
                LogRecord::Append(facts) if snapshot.is_none_or(|snapshot| index > snapshot) => {
                    sessions.note_append(facts);
                }
                LogRecord::LogStart(offset, _) => log_start = log_start.max(*offset),
                LogRecord::Snapshot(s) => log_start = log_start.max(s.log_start_offset),
                _ => {}
            }
        }
        self.naive.sessions = sessions;
        self.naive.log_start = log_start.value();
        for (gateway, state) in &mut self.gateways {
            // What was refused and answered is not sent again; what was lost is.
            let next = self
                .naive
                .sessions
                .next(GatewayIncarnation(u64::from(*gateway)));
            state.next = next.max(state.answered_below);
        }
        self.log = self.recover(recovery);
        self.leader_epoch.0 += 1;
        self.log.lead(self.leader_epoch).expect("epochs go up");
        (self.segment, self.position) = (self.segment + 1, 0);
    }

    /// Rebuilds the log from what is written, sealed segments by their digests if so wished.
    pub fn recover(&self, recovery: Recovery) -> PartitionLog {
        let in_use: Vec<SegmentId> = self.log.segments_in_use().collect();
        let is_needed = |segment: SegmentId| {
            in_use.contains(&segment) || self.log.state_segment().is_none_or(|s| segment >= s)
        };
        let mut log = empty_log(LeaderEpoch(0));
        for segment in (1..=self.segment).map(SegmentId) {
            let sealed = segment.0 < self.sealed_below;
            if recovery.only_needed && sealed && !is_needed(segment) {
                continue;
            }
            if recovery.digests && sealed {
                log.replay_digest(&self.digest(segment))
                    .expect("digests fit together");
            } else {
                for written in self.of_segment(segment) {
                    log.replay(&written.record, written.at, written.time)
                        .expect("records fit together");
                }
                if sealed {
                    log.segment_sealed(segment);
                }
            }
        }
        log.finish_replay()
            .expect("nothing that is needed is missing");
        log
    }

    fn of_segment(&self, segment: SegmentId) -> impl Iterator<Item = &Written> {
        self.written
            .iter()
            .filter(move |written| written.at.segment == segment)
    }

    /// A segment's digest, as it comes back from its stored form.
    fn digest(&self, segment: SegmentId) -> PartitionDigest {
        let mut digest = PartitionDigest::new(segment, self.log.virtual_cluster());
        for written in self.of_segment(segment) {
            digest.add(&written.record, written.at, written.time);
        }
        let mut bytes = Vec::new();
        digest.encode(&mut bytes);
        assert_eq!(
            PartitionDigest::decode(segment, &bytes).as_ref(),
            Ok(&digest)
        );
        digest
    }

    fn assert_bounds(&self) {
        let bounds = self.log.bounds();
        assert_eq!(bounds.log_start_offset.value(), self.naive.log_start);
        assert_eq!(bounds.high_watermark, self.naive.high_watermark());
        assert_eq!(bounds.last_stable_offset, bounds.high_watermark);
        assert_eq!(
            bounds.end_position,
            self.naive.position(bounds.high_watermark)
        );
        assert_eq!(self.log.end_offset(), self.naive.end());
        assert_eq!(
            self.log.pending_appends(),
            self.naive.batches.len() - self.naive.durable
        );
        let metered = self
            .naive
            .batches
            .iter()
            .map(|batch| u64::from(batch.metered_bytes));
        assert_eq!(self.log.metered_bytes(), metered.sum::<u64>());
    }

    /// Compares what a replay must give exactly: all but results and what only memory knew.
    pub fn assert_same(&self, other: &PartitionLog) {
        assert_eq!(other.bounds(), self.log.bounds());
        assert!(other.extents().eq(self.log.extents()), "extents differ");
        assert_eq!(other.retained_bytes(), self.log.retained_bytes());
        assert_eq!(
            other.oldest_segment_needed(),
            self.log.oldest_segment_needed()
        );
        assert!(other.segments_in_use().eq(self.log.segments_in_use()));
        let (live, replayed) = (self.log.snapshot(), other.snapshot());
        assert_eq!(replayed.metered_bytes, live.metered_bytes);
        assert_eq!(replayed.end_position, live.end_position);
        assert_eq!(replayed.freed_position, live.freed_position);
        assert_eq!(other.stored_bytes(), self.log.stored_bytes());
        assert_eq!(replayed.producers, live.producers);
    }
}

fn share_of(offset: Offset, share: u8) -> Offset {
    Offset::new(offset.value() * u64::from(share) / 255).expect("it is not above the offset")
}
