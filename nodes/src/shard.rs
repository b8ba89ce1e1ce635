//! One shard of a node: the task that owns the partitions hashed to it.
//!
//! Owns: its partitions, the frames on their way to the write-ahead log, the answers that wait for
//! durability. Does not own: the write-ahead log, files, the cluster map.
//!
//! ```text
//!   appends ──▶ log core ──▶ frames ──▶ write-ahead log ──▶ committed ──▶ high watermark ──▶ answers
//!   calls   ──▶ reads from memory, or handed to file reads                     └──▶ news
//! ```
//!
//! Each turn takes what became durable, or some appends, or a call, in this order; after appends, some
//! of the calls and charges that wait, so that a flood of appends holds up nothing else. Frames of a
//! turn are submitted together; submitting waits while too much is unsynced, and with it the shard.

pub(crate) mod appends;
pub(crate) mod commits;
pub(crate) mod deletions;
pub(crate) mod lanes;
pub(crate) mod news;
pub(crate) mod offsets;
pub(crate) mod open_segments;
pub(crate) mod reads;
pub(crate) mod upkeep;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use model::{
    ByteCount, Clock, ClusterMap, GatewayIncarnation, IdMap, LaneId, NodeId, Offset, TopicId,
    TopicPartition, VirtualClusterId,
};
use node_api::{
    Append, AppendReply, FindOffset, FoundOffset, Read, ReadAnswer, ReadError, Watermark,
};
use partition_log::SegmentId;
use tokio::sync::{mpsc, oneshot, watch};
use wal::{FrameWrite, ShardEvents, WalHandle, WalStopped};

use crate::coordinators::lag::Position;
use crate::file_reads::FileReads;
use crate::limits::{
    APPENDS_PER_TURN, CALLS_PER_TURN, NEWS_RETRY, SUBMIT_BYTES_MAX, SUBMIT_FRAMES_MAX,
};
use crate::partition::Partition;
use crate::shard::deletions::Deletion;
use crate::shard::lanes::Lanes;
use crate::shard::news::News;
use crate::shard::open_segments::OpenSegments;
use crate::tail::TailBudget;
use crate::traffic::{TopicTraffic, Traffic};

/// What a shard is asked beside appends.
pub(crate) enum ShardCall {
    /// Registers where a lane's answers go, and says when that is done: no append of the lane may
    /// come before.
    OpenLane(
        GatewayIncarnation,
        LaneId,
        mpsc::Sender<AppendReply>,
        oneshot::Sender<()>,
    ),
    OpenNews(GatewayIncarnation, mpsc::Sender<Vec<Watermark>>),
    Interest(GatewayIncarnation, Vec<(TopicPartition, bool)>),
    /// Reads, each by its number in the call that it belongs to; there is room for every answer.
    Read(Vec<(usize, Read)>, mpsc::Sender<Vec<ReadAnswer>>),
    FindOffset(FindOffset, oneshot::Sender<Result<FoundOffset, ReadError>>),
    /// Seals the usage of minutes that are over; batches below the number are kept for good. Answers
    /// when that is durable.
    Seal {
        stored_below: u64,
        done: oneshot::Sender<()>,
    },
    /// Writes that these virtual clusters store so many bytes less: those of partitions that are gone.
    Free(Vec<(VirtualClusterId, ByteCount)>),
    /// Moves a log's start up, to its high watermark where no offset is named; answers when that
    /// is durable.
    DeleteRecords(
        TopicPartition,
        Option<Offset>,
        oneshot::Sender<Result<Offset, ReadError>>,
    ),
    /// How far readers at these offsets are behind; none for partitions that are not here.
    Positions(
        Vec<(TopicPartition, Offset)>,
        oneshot::Sender<Vec<Option<Position>>>,
    ),
    /// Which segments hold anything a client may read, and which are full.
    Segments(oneshot::Sender<Segments>),
    /// What was committed by topic since the start.
    Traffic(oneshot::Sender<Vec<TopicTraffic>>),
    /// Makes the given segment and all before it needless for rebuilding state; answers when that
    /// is durable.
    Renew(SegmentId, oneshot::Sender<()>),
    /// Finishes: everything submitted becomes durable and is answered first.
    Stop(oneshot::Sender<()>),
}

impl ShardCall {
    /// For how many calls it counts in a turn: each partition that is read is one.
    fn weight(&self) -> usize {
        match self {
            Self::Read(reads, _) => reads.len().max(1),
            _ => 1,
        }
    }
}

/// What a shard knows of segments.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// They hold something that a client may read.
    pub(crate) in_use: Vec<SegmentId>,
    /// They were completed since this was asked last.
    pub(crate) newly_sealed: Vec<SegmentId>,
}

/// Where a shard's work comes in.
pub(crate) struct Inboxes {
    pub(crate) appends: mpsc::Receiver<Append>,
    pub(crate) calls: mpsc::Receiver<ShardCall>,
    pub(crate) events: ShardEvents,
    /// Bytes read from files, to be charged. Bounded by the reads that are under way.
    pub(crate) charges: mpsc::UnboundedReceiver<(TopicPartition, u64)>,
}

/// What all shards of a node share.
pub(crate) struct Surroundings {
    pub(crate) node: NodeId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wal: WalHandle,
    pub(crate) files: FileReads,
    pub(crate) map: watch::Receiver<Arc<ClusterMap>>,
    pub(crate) retention_check_interval: Duration,
}

pub(crate) struct Shard {
    pub(crate) index: u16,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) map: Arc<ClusterMap>,
    pub(crate) partitions: IdMap<TopicPartition, Partition>,
    pub(crate) tail_budget: TailBudget,
    pub(crate) lanes: Lanes,
    pub(crate) news: News,
    /// Frames of this turn, not yet submitted.
    pub(crate) outgoing: Vec<FrameWrite>,
    pub(crate) open_segments: OpenSegments,
    /// Segments that were completed and not asked for yet.
    pub(crate) newly_sealed: Vec<SegmentId>,
    /// Who waits for all frames submitted so far: answered when `durable` has come so far.
    pub(crate) renewals: Vec<Renewal>,
    /// Who waits for a log start, in the order of frames.
    pub(crate) deletions: VecDeque<Deletion>,
    /// Frames ever submitted, and of them those that are durable.
    pub(crate) submitted: u64,
    pub(crate) durable: u64,
    /// Where file reads report what is to be charged.
    pub(crate) charge: mpsc::UnboundedSender<(TopicPartition, u64)>,
    pub(crate) traffic: Traffic,
}

pub(crate) struct Renewal {
    pub(crate) after: u64,
    pub(crate) done: oneshot::Sender<()>,
}

impl Shard {
    /// A shard with the partitions that recovery found.
    pub(crate) fn new(
        index: u16,
        around: Arc<Surroundings>,
        partitions: IdMap<TopicPartition, Partition>,
        (tail_bytes, charge): (usize, mpsc::UnboundedSender<(TopicPartition, u64)>),
    ) -> Self {
        let map = Arc::clone(&around.map.borrow());
        Self {
            index,
            around,
            map,
            partitions,
            tail_budget: TailBudget::new(tail_bytes),
            lanes: Lanes::default(),
            news: News::default(),
            outgoing: Vec::new(),
            open_segments: OpenSegments::default(),
            newly_sealed: Vec::new(),
            renewals: Vec::new(),
            deletions: VecDeque::new(),
            submitted: 0,
            durable: 0,
            charge,
            traffic: Traffic::default(),
        }
    }

    /// Runs until it is stopped (then true), or the write-ahead log or the node has ended.
    pub(crate) async fn run(mut self, inboxes: Inboxes) -> bool {
        let Inboxes {
            mut appends,
            mut calls,
            mut events,
            mut charges,
        } = inboxes;
        let mut map = self.around.map.clone();
        let mut upkeep = tokio::time::interval(self.around.retention_check_interval);
        upkeep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(APPENDS_PER_TURN);
        let mut news_left = false;
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.handle_events(event, &mut events),
                    None => return false,
                },
                count = appends.recv_many(&mut taken, APPENDS_PER_TURN) => {
                    if count == 0 || self.take_appends(&mut taken, &mut events).await.is_err() {
                        return false;
                    }
                    if map.has_changed().is_ok_and(|changed| changed) {
                        map.mark_unchanged();
                        self.follow_map();
                    }
                    let mut left = CALLS_PER_TURN;
                    while left > 0 {
                        while let Ok((partition, bytes)) = charges.try_recv() {
                            self.charge_read(partition, bytes);
                        }
                        match calls.try_recv() {
                            Ok(ShardCall::Stop(done)) => return self.stop(&mut events, done).await,
                            Ok(call) => {
                                left = left.saturating_sub(call.weight());
                                self.handle_call(call);
                            }
                            Err(_) => break,
                        }
                    }
                }
                Some(call) = calls.recv() => {
                    if let ShardCall::Stop(done) = call {
                        return self.stop(&mut events, done).await;
                    }
                    self.handle_call(call);
                }
                Some((partition, bytes)) = charges.recv() => self.charge_read(partition, bytes),
                Ok(()) = map.changed() => self.follow_map(),
                _ = upkeep.tick() => self.apply_retention(),
                () = tokio::time::sleep(NEWS_RETRY), if news_left => {}
            }
            if self.submit(&mut events).await.is_err() {
                return false;
            }
            let partitions = &self.partitions;
            news_left = self
                .news
                .flush(|partition| watermark(partitions, partition));
        }
    }

    async fn take_appends(
        &mut self,
        taken: &mut Vec<Append>,
        events: &mut ShardEvents,
    ) -> Result<(), WalStopped> {
        let (now, wall) = (self.around.clock.now(), self.around.clock.wall());
        for append in taken.drain(..) {
            self.handle_append(now, wall, append);
            if self.outgoing.len() >= SUBMIT_FRAMES_MAX {
                self.submit(events).await?;
            }
        }
        Ok(())
    }

    fn handle_call(&mut self, call: ShardCall) {
        match call {
            ShardCall::OpenLane(gateway, lane, replies, done) => {
                self.lanes.open(gateway, lane, replies);
                let _ = done.send(());
            }
            ShardCall::OpenNews(gateway, channel) => self.news.open(gateway, channel),
            ShardCall::Interest(gateway, partitions) => self.note_interest(gateway, &partitions),
            ShardCall::Read(reads, replies) => self.read(reads, replies),
            ShardCall::FindOffset(query, reply) => self.find_offset(query, reply),
            ShardCall::DeleteRecords(partition, offset, reply) => {
                self.delete_records(partition, offset, reply);
            }
            // An answer that nobody waits for any more is dropped on purpose.
            ShardCall::Seal { stored_below, done } => self.seal_usage(stored_below, done),
            ShardCall::Free(freed) => self.free(freed),
            ShardCall::Positions(asked, reply) => drop(reply.send(self.positions(&asked))),
            ShardCall::Segments(reply) => drop(reply.send(self.segments())),
            ShardCall::Traffic(reply) => drop(reply.send(self.traffic.all())),
            ShardCall::Renew(segment, done) => self.renew(segment, done),
            ShardCall::Stop(_) => unreachable!("the loop handles it"),
        }
    }

    /// Hands the frames of this turn to the write-ahead log. While too much is unsynced it waits, and
    /// goes on taking in what becomes durable: the log waits for that in turn.
    pub(crate) async fn submit(&mut self, events: &mut ShardEvents) -> Result<(), WalStopped> {
        self.lanes.flush();
        while !self.outgoing.is_empty() {
            let mut part = self.next_part();
            self.submitted += part.len() as u64;
            let around = Arc::clone(&self.around);
            while let Some(event) = around.wal.submit_or_receive(&mut part, events).await? {
                self.handle_events(event, events);
            }
        }
        Ok(())
    }

    /// The first of the frames that wait, as many as may be submitted together.
    fn next_part(&mut self) -> Vec<FrameWrite> {
        let mut bytes = 0;
        let fitting = self
            .outgoing
            .iter()
            .take(SUBMIT_FRAMES_MAX)
            .take_while(|frame| {
                bytes += frame.batch.as_ref().map_or(0, records::StampedBatch::len);
                bytes <= SUBMIT_BYTES_MAX
            });
        let count = fitting.count().max(1);
        self.outgoing.drain(..count).collect()
    }

    fn note_interest(&mut self, gateway: GatewayIncarnation, wishes: &[(TopicPartition, bool)]) {
        for (key, wanted) in wishes {
            if *wanted {
                self.news.note(gateway, *key);
            }
            let Some(partition) = self.open(*key) else {
                continue;
            };
            partition.watchers.retain(|watcher| watcher != &gateway);
            if *wanted {
                partition.watchers.push(gateway);
            }
        }
    }

    /// Waits until everything submitted is durable, answers it, and ends.
    async fn stop(mut self, events: &mut ShardEvents, done: oneshot::Sender<()>) -> bool {
        let is_submitted = self.submit(events).await.is_ok();
        while is_submitted && self.durable < self.submitted {
            let Some(event) = events.recv().await else {
                return false;
            };
            self.handle_events(event, events);
        }
        // Whoever asked may have given up.
        let _ = done.send(());
        is_submitted
    }
}

/// The present state of a partition, for the news.
fn watermark(
    partitions: &IdMap<TopicPartition, Partition>,
    partition: TopicPartition,
) -> Watermark {
    Watermark {
        partition,
        bounds: partitions.get(&partition).map(Partition::bounds),
    }
}

/// Ids of the topics that `map` holds, to find what is gone.
pub(crate) fn is_gone(map: &ClusterMap, topic: TopicId) -> bool {
    !map.topics.contains_key(&topic)
}
