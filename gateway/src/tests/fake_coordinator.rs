//! A coordinator in memory, that answers as a test says, and can be told to let requests wait.

use std::sync::{Arc, Mutex, MutexGuard};

use model::{TopicPartition, VirtualClusterId};
use node_api::{GroupCall, GroupError, GroupReply, GroupRequest, ListedGroup};
use tokio::sync::watch;

/// What a call is answered with.
type Answers = dyn FnMut(&GroupCall) -> Result<GroupReply, GroupError> + Send;

/// Which calls wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    /// JoinGroup and SyncGroup.
    Members,
    Everything,
}

struct State {
    asked: Vec<(TopicPartition, GroupCall)>,
    answers: Box<Answers>,
    listed: Vec<(VirtualClusterId, ListedGroup)>,
}

/// See the file's header. A clone is the same coordinator.
#[derive(Clone)]
pub(super) struct FakeCoordinator {
    state: Arc<Mutex<State>>,
    hold: watch::Sender<Hold>,
    under_way: watch::Sender<usize>,
}

/// Counts a call for as long as anybody waits for its answer.
struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl FakeCoordinator {
    pub(super) fn new() -> Self {
        let state = State {
            asked: Vec::new(),
            answers: Box::new(|_| Err(GroupError::NotAvailable)),
            listed: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            hold: watch::Sender::new(Hold::Nothing),
            under_way: watch::Sender::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on calls are answered so.
    pub(super) fn answer(
        &self,
        answers: impl FnMut(&GroupCall) -> Result<GroupReply, GroupError> + Send + 'static,
    ) {
        self.state().answers = Box::new(answers);
    }

    /// From now on every call is answered so.
    pub(super) fn always(&self, reply: GroupReply) {
        self.answer(move |_| Ok(reply.clone()));
    }

    /// From now on such calls wait until another rule is set.
    pub(super) fn hold(&self, hold: Hold) {
        self.hold.send_replace(hold);
    }

    pub(super) fn list_as(&self, cluster: VirtualClusterId, listed: ListedGroup) {
        self.state().listed.push((cluster, listed));
    }

    /// What was asked so far, and of which shard.
    pub(super) fn asked(&self) -> Vec<(TopicPartition, GroupCall)> {
        self.state().asked.clone()
    }

    /// The last request.
    pub(super) fn last(&self) -> GroupRequest {
        self.state().asked.last().unwrap().1.request.clone()
    }

    /// Waits until so many calls are under way.
    pub(super) async fn has_under_way(&self, count: usize) {
        let mut under_way = self.under_way.subscribe();
        under_way.wait_for(|&now| now == count).await.unwrap();
    }

    pub(super) async fn ask(
        self,
        shard: TopicPartition,
        call: GroupCall,
    ) -> Result<GroupReply, GroupError> {
        self.state().asked.push((shard, call.clone()));
        self.under_way.send_modify(|count| *count += 1);
        let _under_way = UnderWay(self.under_way.clone());
        let is_members = matches!(call.request, GroupRequest::Join(_) | GroupRequest::Sync(_));
        let mut hold = self.hold.subscribe();
        let may_go = |hold: &Hold| match hold {
            Hold::Nothing => true,
            Hold::Members => !is_members,
            Hold::Everything => false,
        };
        // No node answers at once.
        tokio::task::yield_now().await;
        hold.wait_for(may_go).await.unwrap();
        (self.state().answers)(&call)
    }

    pub(super) fn list(&self, cluster: VirtualClusterId) -> Vec<ListedGroup> {
        let state = self.state();
        let listed = state.listed.iter().filter(|(owner, _)| *owner == cluster);
        listed.map(|(_, listed)| listed.clone()).collect()
    }
}
