//! A storage node in memory, that can be told to be slow, silent or in debt.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use model::{
    GatewayIncarnation, LaneId, LeaderEpoch, Offset, Timestamp, TopicPartition, VirtualClusterId,
};
use node_api::{
    Append, AppendOutcome, AppendRefusal, AppendReply, Appended, BoxFuture, FindOffset,
    FoundOffset, GroupCall, GroupError, GroupReply, LaneChannel, ListedGroup, LogBounds,
    NodeTransport, OffsetQuery, Read, ReadAnswers, ReadError, ReadReply, UsageTotal, Watermark,
};
use tokio::sync::{mpsc, watch};

use super::fake_coordinator::FakeCoordinator;

/// One stored batch.
struct Stored {
    base_offset: u64,
    records: u32,
    max_timestamp: Timestamp,
    segments: [Bytes; 2],
}

impl Stored {
    fn bytes(&self) -> usize {
        self.segments.iter().map(Bytes::len).sum()
    }
}

fn bytes(batches: &[Stored]) -> u64 {
    batches.iter().map(|batch| batch.bytes() as u64).sum()
}

#[derive(Default)]
struct Log {
    batches: Vec<Stored>,
    /// First offset that may be read.
    start: u64,
    /// Outcomes by append id.
    answered: HashMap<(GatewayIncarnation, u64), AppendOutcome>,
}

impl Log {
    fn bounds(&self, unstable: u64) -> LogBounds {
        let last = self.batches.last();
        let end = last.map_or(0, |batch| batch.base_offset + u64::from(batch.records));
        LogBounds {
            log_start_offset: Offset::new(self.start).unwrap(),
            high_watermark: Offset::new(end).unwrap(),
            last_stable_offset: Offset::new(end - unstable).unwrap(),
            start_position: bytes(&self.batches[..self.freed()]),
            end_position: bytes(&self.batches),
        }
    }

    /// How many batches lie wholly below the log start.
    fn freed(&self) -> usize {
        let is_below = |batch: &Stored| batch.base_offset + u64::from(batch.records) <= self.start;
        self.batches.partition_point(is_below)
    }
}

/// How the node behaves.
#[derive(Default)]
pub(super) struct Manners {
    /// The leadership that appends must name; any, if none.
    pub(super) leader_epoch: Option<LeaderEpoch>,
    /// Partitions that this node does not own.
    pub(super) disowned: HashSet<TopicPartition>,
    /// Reads of these partitions take so long.
    pub(super) slow: HashMap<TopicPartition, Duration>,
    /// What acknowledgements ask for.
    pub(super) ack_delay: Duration,
    pub(super) stop_reading: Duration,
    /// What the next appends are refused with.
    pub(super) refusal: Option<AppendRefusal>,
    /// Replies that are lost, before any gets through.
    pub(super) lose_replies: usize,
    /// How far the last stable offset lies before the high watermark.
    pub(super) unstable: u64,
    /// Whether no more news is sent.
    pub(super) is_silent: bool,
}

#[derive(Default)]
struct State {
    logs: HashMap<TopicPartition, Log>,
    interest: HashSet<TopicPartition>,
    news: Option<mpsc::Sender<Vec<Watermark>>>,
    reads: usize,
    /// How many reads each call had.
    calls: Vec<usize>,
    manners: Manners,
}

/// See the file's header. A clone is the same node.
#[derive(Clone)]
pub(super) struct FakeNode {
    state: Arc<Mutex<State>>,
    /// Whether appends are applied; while not, they wait in order.
    open: watch::Sender<bool>,
    /// How often its lanes broke.
    breaks: watch::Sender<u32>,
    pub(super) coordinator: FakeCoordinator,
}

impl FakeNode {
    pub(super) fn new() -> Self {
        Self {
            state: Arc::default(),
            open: watch::Sender::new(true),
            breaks: watch::Sender::new(0),
            coordinator: FakeCoordinator::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn behave(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.state().manners);
    }

    /// Holds appends back, or lets them through.
    pub(super) fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// Closes every lane and the stream of news.
    pub(super) fn break_off(&self) {
        self.breaks.send_modify(|breaks| *breaks += 1);
        self.state().news = None;
    }

    /// How many reads there were so far.
    pub(super) fn reads(&self) -> usize {
        self.state().reads
    }

    /// How many partitions each call for reads named.
    pub(super) fn calls(&self) -> Vec<usize> {
        self.state().calls.clone()
    }

    /// Which partitions news is wanted of.
    pub(super) fn interest(&self) -> HashSet<TopicPartition> {
        self.state().interest.clone()
    }

    /// How many records the partition has.
    pub(super) fn records(&self, partition: TopicPartition) -> u64 {
        let state = self.state();
        let log = state.logs.get(&partition);
        log.map_or(0, |log| log.bounds(0).high_watermark.value())
    }

    /// Every batch of the partition as it was received, without its stamp.
    pub(super) fn bodies(&self, partition: TopicPartition) -> Vec<Bytes> {
        let state = self.state();
        let batches = state.logs.get(&partition).map(|log| &log.batches);
        batches
            .into_iter()
            .flatten()
            .map(|batch| batch.segments[1].clone())
            .collect()
    }

    fn apply(&self, append: Append) -> Option<AppendReply> {
        let mut state = self.state();
        let partition = append.partition;
        let reply = |outcome| AppendReply {
            id: append.id,
            partition,
            outcome,
        };
        let leader_epoch = state.manners.leader_epoch.unwrap_or(append.leader_epoch);
        if state.manners.disowned.contains(&partition) || append.leader_epoch != leader_epoch {
            return Some(reply(Err(AppendRefusal::NotOwner)));
        }
        if let Some(refusal) = state.manners.refusal {
            return Some(reply(Err(refusal)));
        }
        let (ack_delay, stop_reading) = (state.manners.ack_delay, state.manners.stop_reading);
        let log = state.logs.entry(partition).or_default();
        let key = (append.id.gateway, append.id.sequence);
        let outcome = *log.answered.entry(key).or_insert_with(|| {
            let base_offset = log
                .batches
                .last()
                .map_or(0, |batch| batch.base_offset + u64::from(batch.records));
            let offset = Offset::new(base_offset).unwrap();
            let stored = Stored {
                base_offset,
                records: append.batch.record_count(),
                max_timestamp: append.batch.max_timestamp(),
                segments: append
                    .batch
                    .stamp(offset, LeaderEpoch::SHOWN, None)
                    .segments(),
            };
            log.batches.push(stored);
            Ok(Appended {
                base_offset: offset,
                log_start_offset: Offset::ZERO,
                log_append_time: None,
                ack_delay,
                stop_reading,
            })
        });
        state.publish([partition]);
        if state.manners.lose_replies > 0 {
            state.manners.lose_replies -= 1;
            return None;
        }
        Some(reply(outcome))
    }
}

impl State {
    fn publish(&self, partitions: impl IntoIterator<Item = TopicPartition>) {
        let news: Vec<_> = partitions
            .into_iter()
            .filter(|partition| self.interest.contains(partition))
            .map(|partition| Watermark {
                partition,
                bounds: Some(
                    self.logs
                        .get(&partition)
                        .map(|log| log.bounds(self.manners.unstable))
                        .unwrap_or_default(),
                ),
            })
            .collect();
        if let Some(sender) = &self.news
            && !news.is_empty()
            && !self.manners.is_silent
        {
            let _ = sender.try_send(news);
        }
    }

    fn read(&mut self, read: Read) -> Result<ReadReply, ReadError> {
        self.reads += 1;
        if self.manners.disowned.contains(&read.partition) {
            return Err(ReadError::NotOwner);
        }
        let log = self.logs.entry(read.partition).or_default();
        let bounds = log.bounds(self.manners.unstable);
        if read.offset > bounds.high_watermark || read.offset < bounds.log_start_offset {
            return Err(ReadError::OutOfRange { bounds });
        }
        let mut reply = ReadReply {
            next_offset: read.offset,
            bounds,
            ..ReadReply::default()
        };
        let mut position = 0;
        for batch in &log.batches {
            let end = batch.base_offset + u64::from(batch.records);
            if end > read.offset.value() {
                let fits = reply.bytes + batch.bytes() <= read.bytes_max as usize;
                let is_due = read.at_least_one && reply.bytes == 0;
                if !fits && !is_due {
                    break;
                }
                reply.segments.extend(batch.segments.clone());
                reply.bytes += batch.bytes();
                reply.next_offset = Offset::new(end).unwrap();
            }
            position += batch.bytes() as u64;
        }
        reply.next_position = Some(position);
        Ok(reply)
    }

    fn delete(
        &mut self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> Result<Offset, ReadError> {
        if self.manners.disowned.contains(&partition) {
            return Err(ReadError::NotOwner);
        }
        let log = self.logs.entry(partition).or_default();
        let bounds = log.bounds(0);
        let offset = offset.unwrap_or(bounds.high_watermark);
        if offset > bounds.high_watermark {
            return Err(ReadError::OutOfRange { bounds });
        }
        log.start = log.start.max(offset.value());
        Ok(Offset::new(log.start).unwrap())
    }

    fn find(&self, find: FindOffset) -> Result<FoundOffset, ReadError> {
        if self.manners.disowned.contains(&find.partition) {
            return Err(ReadError::NotOwner);
        }
        let log = self.logs.get(&find.partition);
        let bounds = log.map(|log| log.bounds(self.manners.unstable));
        let bounds = bounds.unwrap_or_default();
        let batches = || log.into_iter().flat_map(|log| &log.batches);
        let place = |batch: &Stored| (Offset::new(batch.base_offset).unwrap(), batch.max_timestamp);
        let found = match find.query {
            OffsetQuery::Earliest => Some((bounds.log_start_offset, Timestamp::NONE)),
            OffsetQuery::Latest => Some((bounds.high_watermark, Timestamp::NONE)),
            OffsetQuery::MaxTimestamp => batches().max_by_key(|b| b.max_timestamp).map(place),
            OffsetQuery::AtOrAfter(time) => batches()
                .find(|batch| batch.max_timestamp >= time)
                .map(place),
        };
        Ok(FoundOffset { found, bounds })
    }
}

impl NodeTransport for FakeNode {
    fn open_lane(&self, _: GatewayIncarnation, _: LaneId) -> BoxFuture<'static, LaneChannel> {
        let (appends, mut inbox) = mpsc::channel::<Append>(16);
        let (outbox, replies) = mpsc::channel(64);
        let node = self.clone();
        let mut open = self.open.subscribe();
        let mut breaks = self.breaks.subscribe();
        tokio::spawn(async move {
            loop {
                let append = tokio::select! {
                    append = inbox.recv() => append,
                    _ = breaks.changed() => return,
                };
                let Some(append) = append else {
                    return;
                };
                open.wait_for(|open| *open).await.unwrap();
                if let Some(reply) = node.apply(append) {
                    let _ = outbox.try_send(reply);
                }
            }
        });
        Box::pin(async { LaneChannel { appends, replies } })
    }

    /// What is not slow is answered together.
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'static, ReadAnswers> {
        let (answers, incoming) = mpsc::channel(reads.len().max(1));
        let count = reads.len();
        self.state().calls.push(count);
        let mut at_once = Vec::new();
        for (index, read) in reads.into_iter().enumerate() {
            let pause = self.state().manners.slow.get(&read.partition).copied();
            let Some(pause) = pause else {
                at_once.push((index, read));
                continue;
            };
            let (node, answers) = (self.clone(), answers.clone());
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let answer = node.state().read(read);
                let _ = answers.try_send(vec![(index, answer)]);
            });
        }
        let mut state = self.state();
        let at_once = at_once.into_iter();
        let at_once: Vec<_> = at_once.map(|(i, read)| (i, state.read(read))).collect();
        if !at_once.is_empty() {
            let _ = answers.try_send(at_once);
        }
        Box::pin(async move { ReadAnswers::new(count, incoming) })
    }

    fn find_offset(&self, find: FindOffset) -> BoxFuture<'static, Result<FoundOffset, ReadError>> {
        let found = self.state().find(find);
        Box::pin(async {
            // No node answers at once.
            tokio::task::yield_now().await;
            found
        })
    }

    fn news(&self, _: GatewayIncarnation) -> BoxFuture<'static, mpsc::Receiver<Vec<Watermark>>> {
        let (sender, receiver) = mpsc::channel(64);
        let mut state = self.state();
        state.news = Some(sender);
        state.interest.clear();
        Box::pin(async { receiver })
    }

    fn interest(
        &self,
        _: GatewayIncarnation,
        partitions: Vec<(TopicPartition, bool)>,
    ) -> BoxFuture<'static, ()> {
        let node = self.clone();
        Box::pin(async move {
            let mut state = node.state();
            for (partition, wanted) in partitions {
                if wanted {
                    state.interest.insert(partition);
                    state.publish([partition]);
                } else {
                    state.interest.remove(&partition);
                }
            }
        })
    }

    fn coordinate(
        &self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>> {
        Box::pin(self.coordinator.clone().ask(shard, call))
    }

    fn list_groups(
        &self,
        cluster: VirtualClusterId,
    ) -> BoxFuture<'static, Result<Vec<ListedGroup>, GroupError>> {
        let listed = self.coordinator.list(cluster);
        Box::pin(async { Ok(listed) })
    }

    fn delete_records(
        &self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>> {
        let deleted = self.state().delete(partition, offset);
        Box::pin(async { deleted })
    }

    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>> {
        Box::pin(async { Vec::new() })
    }
}
