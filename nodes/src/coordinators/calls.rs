//! How coordinators are called: the mailbox of their task, and who waits for an answer.
//!
//! Owns: the names of calls, and telling the task when a caller has gone away. Does not own: what
//! becomes of a call (the task). A caller waits while the mailbox is full.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use coordinator::{CallId, GroupCall, GroupError, GroupReply, ListedGroup};
use model::{TopicPartition, VirtualClusterId};
use tokio::sync::{mpsc, oneshot};

use crate::limits::GROUP_CALLS_MAX;

/// What a call is answered with.
pub(crate) type Answer = Result<GroupReply, GroupError>;

/// What the task is asked.
pub(crate) enum Call {
    /// A client's request.
    Coordinate(Box<Coordinate>),
    /// The groups of a virtual cluster.
    List(
        VirtualClusterId,
        oneshot::Sender<Result<Vec<ListedGroup>, GroupError>>,
    ),
    /// To finish: what can be answered soon is answered first.
    Stop(oneshot::Sender<()>),
}

/// A client's request to the coordinator of its group.
pub(crate) struct Coordinate {
    pub(crate) id: CallId,
    pub(crate) shard: TopicPartition,
    pub(crate) call: GroupCall,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// The task's ends.
pub(crate) struct Inbox {
    pub(crate) calls: mpsc::Receiver<Call>,
    /// Calls whose callers have gone away. Bounded by the calls that are under way.
    pub(crate) abandoned: mpsc::UnboundedReceiver<CallId>,
}

/// A handle to the coordinators of a node.
#[derive(Clone)]
pub(crate) struct GroupCalls {
    calls: mpsc::Sender<Call>,
    abandoned: mpsc::UnboundedSender<CallId>,
    next_call: Arc<AtomicU64>,
}

/// The two ends of a mailbox.
pub(crate) fn mailbox() -> (GroupCalls, Inbox) {
    let (calls, receiver) = mpsc::channel(GROUP_CALLS_MAX);
    let (abandoned, abandoned_receiver) = mpsc::unbounded_channel();
    let handle = GroupCalls {
        calls,
        abandoned,
        next_call: Arc::default(),
    };
    let inbox = Inbox {
        calls: receiver,
        abandoned: abandoned_receiver,
    };
    (handle, inbox)
}

impl GroupCalls {
    /// Asks the coordinator of a group. Whoever drops the future is taken for gone.
    pub(crate) async fn coordinate(&self, shard: TopicPartition, call: GroupCall) -> Answer {
        let id = CallId(self.next_call.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        let mut waiting = Waiting {
            id,
            answer: Some(answer),
            abandoned: &self.abandoned,
        };
        let coordinate = Box::new(Coordinate {
            id,
            shard,
            call,
            reply,
        });
        let sent = self.calls.send(Call::Coordinate(coordinate)).await;
        sent.map_err(|_| GroupError::NotAvailable)?;
        waiting.answer().await
    }

    /// The groups of `cluster` on this node, if all of its coordinators can tell theirs.
    pub(crate) async fn list(
        &self,
        cluster: VirtualClusterId,
    ) -> Result<Vec<ListedGroup>, GroupError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.calls.send(Call::List(cluster, reply)).await;
        sent.map_err(|_| GroupError::NotAvailable)?;
        answer.await.unwrap_or(Err(GroupError::NotAvailable))
    }

    /// Stops the task; returns when it has.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.calls.send(Call::Stop(done)).await.is_ok() {
            // Dropped without an answer it has stopped as well.
            let _ = stopped.await;
        }
    }
}

/// A caller that waits.
struct Waiting<'a> {
    id: CallId,
    answer: Option<oneshot::Receiver<Answer>>,
    abandoned: &'a mpsc::UnboundedSender<CallId>,
}

impl Waiting<'_> {
    async fn answer(&mut self) -> Answer {
        let receiver = self.answer.as_mut().expect("it is asked for once");
        let answer = receiver.await;
        self.answer = None;
        answer.unwrap_or(Err(GroupError::NotAvailable))
    }
}

impl Drop for Waiting<'_> {
    /// First the receiver goes, then that is told: a call that is still in the mailbox is found
    /// closed when it is taken out, one that was taken out is named here.
    fn drop(&mut self) {
        if self.answer.take().is_some() {
            // A task that has stopped waits for nobody.
            let _ = self.abandoned.send(self.id);
        }
    }
}

/// Who waits for an answer, by the calls that were taken.
#[derive(Default)]
pub(crate) struct Callers {
    waiting: HashMap<CallId, (u32, oneshot::Sender<Answer>)>,
}

impl Callers {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Notes who waits for a call to `shard`.
    pub(crate) fn wait(&mut self, call: CallId, shard: u32, reply: oneshot::Sender<Answer>) {
        self.waiting.insert(call, (shard, reply));
    }

    /// Answers a call, if anybody waits for it still.
    pub(crate) fn answer(&mut self, call: CallId, answer: Answer) {
        if let Some((_, reply)) = self.waiting.remove(&call) {
            // The caller may have gone just now.
            let _ = reply.send(answer);
        }
    }

    /// Forgets a call whose caller is gone; gives back its shard.
    pub(crate) fn forget(&mut self, call: CallId) -> Option<u32> {
        self.waiting.remove(&call).map(|(shard, _)| shard)
    }

    /// Answers all calls to `shard`.
    pub(crate) fn refuse_all(&mut self, shard: u32, why: GroupError) {
        let of_shard = self.waiting.extract_if(|_, (number, _)| *number == shard);
        for (_, (_, reply)) in of_shard {
            let _ = reply.send(Err(why));
        }
    }
}
