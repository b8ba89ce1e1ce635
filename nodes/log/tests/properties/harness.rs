//! A log with all that is around it: gateways that repeat what was not answered, a write-ahead log
//! of segments that loses its end in a crash, and the model, to compare with after each step.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AppendId, GatewayIncarnation, LaneId, LeaderEpoch, Offset, ProducerEpoch, ProducerId,
    Timestamp, TopicId, TopicPartition, VirtualClusterId,
};
use partition_log::{
    Accepted, AppendError, AppendRequest, FrameAt, FrameEntry, LogRecord, PartitionDigest,
    PartitionLog, Place, ProducerStamp, ReadPlan, SegmentId, first_frame_reaching,
    frame_with_max_timestamp, read_frames,
};

use crate::naive::{Answer, Expected, Naive, NaiveSessions, next};
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

    // Appending.

    fn tell_answered(&mut self, gateway: u8) {
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

    fn request(&mut self, operation: Operation) -> AppendRequest {
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

    fn stamp(&self, mark: Mark, record_count: u32) -> Option<(ProducerStamp, u32)> {
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

    fn append(&mut self, gateway: u8, request: AppendRequest) -> Outcome {
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

    // The write-ahead log.

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
            LogRecord::LogStart(offset) => self.log.log_start_committed(*offset),
            LogRecord::Snapshot(_) => self.log.snapshot_committed(written.at.segment),
            LogRecord::Closed => unreachable!("no operation closes a log"),
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
                LogRecord::LogStart(offset) => log_start = log_start.max(*offset),
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

    // Reading.

    fn frames(&self, segment: SegmentId) -> Vec<FrameEntry> {
        let mut bytes = Vec::new();
        self.digest(segment).encode(&mut bytes);
        PartitionDigest::decode_frames(segment, &bytes).expect("it was encoded just now")
    }

    fn read(&self, share: u8, bytes_max: u32, at_least_one: bool) -> Outcome {
        let offset = share_of(self.naive.end(), share);
        let plan = self.log.plan_read(offset, bytes_max, at_least_one);
        if offset.value() < self.naive.log_start {
            assert!(plan.is_err(), "{offset} lies below the log start");
            return Outcome::Nothing;
        }
        let (run, part_end) = match plan.expect("the offset lies in the log") {
            ReadPlan::Frames(run) => (run, self.naive.high_watermark()),
            ReadPlan::Sealed(extent) => {
                let frames = self.frames(extent.segment);
                let run = read_frames(&extent, &frames, offset, bytes_max, at_least_one);
                (run, extent.end_offset)
            }
        };
        let durable = &self.naive.batches[..self.naive.durable];
        let behind = durable
            .iter()
            .filter(|b| b.end_offset() > offset && b.end_offset() <= part_end);
        let mut left = i64::from(bytes_max);
        let expected = behind.enumerate().take_while(|(index, batch)| {
            left -= i64::from(batch.batch_bytes);
            left >= 0 || (*index == 0 && at_least_one)
        });
        let expected: Vec<Offset> = expected.map(|(_, batch)| batch.base_offset).collect();
        let found: Vec<Offset> = run.frames.iter().map(|frame| frame.base_offset).collect();
        assert_eq!(found, expected, "from {offset}, {bytes_max} bytes");
        if let Some(position) = run.next_position {
            assert_eq!(position, self.naive.position(run.next_offset));
        }
        assert_eq!(
            run.next_position.is_none(),
            found.is_empty() && offset != self.naive.high_watermark()
        );
        // How far a plan reaches depends on what is sealed; where it begins does not.
        Outcome::Found(found.first().copied())
    }

    fn find_timestamp(&self, share: u8, timestamp: Timestamp) -> Outcome {
        let from = share_of(self.naive.end(), share);
        let mut ask_from = from;
        let found = loop {
            match self.log.plan_timestamp(timestamp, ask_from) {
                None => break None,
                Some(Place::Frame(frame)) => break Some(frame.base_offset),
                Some(Place::Sealed(extent)) => {
                    let frames = self.frames(extent.segment);
                    let from = ask_from.max(self.log.bounds().log_start_offset);
                    let found = first_frame_reaching(&frames, timestamp, from);
                    if let Some(frame) = found {
                        break Some(frame.base_offset);
                    }
                    ask_from = extent.end_offset;
                }
            }
        };
        let from = from.value().max(self.naive.log_start);
        let durable = &self.naive.batches[..self.naive.durable];
        let mut behind = durable
            .iter()
            .filter(|batch| batch.end_offset().value() > from);
        let expected = behind.find(|batch| batch.max_timestamp >= timestamp);
        assert_eq!(
            found,
            expected.map(|batch| batch.base_offset),
            "{timestamp} from {from}"
        );
        Outcome::Found(found)
    }

    fn find_max_timestamp(&self) -> Outcome {
        let log_start = self.log.bounds().log_start_offset;
        let mut largest: Option<(Timestamp, Offset)> = None;
        for place in self.log.plan_max_timestamp() {
            let frame = match place {
                Place::Frame(frame) => Some(frame),
                Place::Sealed(extent) => {
                    frame_with_max_timestamp(&self.frames(extent.segment), log_start).copied()
                }
            };
            let found = frame.map(|frame| (frame.max_timestamp, frame.base_offset));
            largest = found
                .filter(|f| largest.is_none_or(|l| f.0 > l.0))
                .or(largest);
        }
        let durable = self.naive.batches[..self.naive.durable].iter();
        let readable = durable.filter(|batch| batch.end_offset().value() > self.naive.log_start);
        let expected = readable.rev().max_by_key(|batch| batch.max_timestamp);
        assert_eq!(
            largest.map(|(_, offset)| offset),
            expected.map(|batch| batch.base_offset)
        );
        Outcome::Found(largest.map(|(_, offset)| offset))
    }

    // Comparing.

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
        assert_eq!(replayed.producers, live.producers);
    }
}

fn share_of(offset: Offset, share: u8) -> Offset {
    Offset::new(offset.value() * u64::from(share) / 255).expect("it is not above the offset")
}
