//! A transport between coordinators and their node that does harm to appends and their answers.
//!
//! Owns: the harm. It keeps what a transport promises: appends of a lane arrive in order or not at
//! all; answers may be lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use model::{GatewayIncarnation, LaneId, Offset, TopicPartition, VirtualClusterId};
use node_api::{
    Append, AppendRefusal, AppendReply, BoxFuture, FindOffset, FoundOffset, GroupCall, GroupError,
    GroupReply, LaneChannel, ListedGroup, NodeTransport, Read, ReadAnswers, ReadError, UsageTotal,
    Watermark,
};
use tokio::sync::{Notify, mpsc};

use crate::coordinators::Rules;
use crate::node::Coordination;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Every third answer is lost, and every seventh append; every eleventh append breaks its lane.
    Storm,
    /// After so many appends, nothing arrives any more.
    HangAfter(u32),
    /// So many appends arrive, the next is refused for good.
    RefuseAfter(u32),
    /// No log start is moved.
    KeepLog,
}

/// A node's coordination with this fault.
pub(super) fn faulty(fault: Fault) -> Coordination {
    with_fault(Rules::default(), fault, &Arc::default())
}

/// The same, with rules of the test's; tells when nothing arrives any more.
pub(super) fn with_fault(rules: Rules, fault: Fault, hung: &Arc<Notify>) -> Coordination {
    let seen = Seen {
        hung: Arc::clone(hung),
        ..Seen::default()
    };
    Coordination {
        rules,
        between: Box::new(move |inner| Arc::new(Faulty { inner, fault, seen })),
    }
}

/// What came by, in all lanes.
#[derive(Clone, Default)]
struct Seen {
    appends: Arc<AtomicU32>,
    replies: Arc<AtomicU32>,
    hung: Arc<Notify>,
}

struct Faulty {
    inner: Arc<dyn NodeTransport>,
    fault: Fault,
    seen: Seen,
}

impl NodeTransport for Faulty {
    fn open_lane(
        &self,
        gateway: GatewayIncarnation,
        lane: LaneId,
    ) -> BoxFuture<'static, LaneChannel> {
        let opening = self.inner.open_lane(gateway, lane);
        let (fault, seen) = (self.fault, self.seen.clone());
        Box::pin(async move {
            let inner = opening.await;
            let (appends, from_writer) = mpsc::channel(16);
            let (to_writer, replies) = mpsc::channel(16);
            tokio::spawn(harm(fault, inner, (from_writer, to_writer), seen));
            LaneChannel { appends, replies }
        })
    }

    fn read(&self, reads: Vec<Read>) -> BoxFuture<'static, ReadAnswers> {
        self.inner.read(reads)
    }

    fn find_offset(&self, query: FindOffset) -> BoxFuture<'static, Result<FoundOffset, ReadError>> {
        self.inner.find_offset(query)
    }

    fn news(
        &self,
        gateway: GatewayIncarnation,
    ) -> BoxFuture<'static, mpsc::Receiver<Vec<Watermark>>> {
        self.inner.news(gateway)
    }

    fn interest(
        &self,
        gateway: GatewayIncarnation,
        partitions: Vec<(TopicPartition, bool)>,
    ) -> BoxFuture<'static, ()> {
        self.inner.interest(gateway, partitions)
    }

    fn coordinate(
        &self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> BoxFuture<'static, Result<GroupReply, GroupError>> {
        self.inner.coordinate(shard, call)
    }

    fn list_groups(
        &self,
        cluster: VirtualClusterId,
    ) -> BoxFuture<'static, Result<Vec<ListedGroup>, GroupError>> {
        self.inner.list_groups(cluster)
    }

    fn delete_records(
        &self,
        partition: TopicPartition,
        offset: Option<Offset>,
    ) -> BoxFuture<'static, Result<Offset, ReadError>> {
        if self.fault == Fault::KeepLog {
            return Box::pin(async { Err(ReadError::NotOwner) });
        }
        self.inner.delete_records(partition, offset)
    }

    fn usage(&self) -> BoxFuture<'static, Vec<UsageTotal>> {
        self.inner.usage()
    }
}

/// One life of one lane.
async fn harm(
    fault: Fault,
    mut inner: LaneChannel,
    (mut from_writer, to_writer): (mpsc::Receiver<Append>, mpsc::Sender<AppendReply>),
    seen: Seen,
) {
    loop {
        tokio::select! {
            append = from_writer.recv() => {
                let Some(append) = append else { return };
                let number = seen.appends.fetch_add(1, Ordering::Relaxed);
                match fault {
                    Fault::Storm if number % 11 == 10 => return,
                    Fault::Storm if number % 7 == 6 => continue,
                    Fault::HangAfter(count) if number >= count => {
                        seen.hung.notify_one();
                        continue;
                    }
                    Fault::RefuseAfter(count) if number == count => {
                        let refused = AppendReply {
                            id: append.id,
                            partition: append.partition,
                            outcome: Err(AppendRefusal::Closed),
                        };
                        let _ = to_writer.send(refused).await;
                        continue;
                    }
                    _ => {}
                }
                if inner.appends.send(append).await.is_err() {
                    return;
                }
            }
            reply = inner.replies.recv() => {
                let Some(reply) = reply else { return };
                let number = seen.replies.fetch_add(1, Ordering::Relaxed);
                if fault != Fault::Storm || number % 3 != 2 {
                    let _ = to_writer.send(reply).await;
                }
            }
        }
    }
}
