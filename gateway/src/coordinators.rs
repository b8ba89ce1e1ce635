//! The way to the coordinators of groups: from a group to its shard, to the node that owns the shard, and again while
//! nobody owns it.
//!
//! Owns: which partition holds a group, how long a request waits for a coordinator. Does not own: what a coordinator
//! answers (`node_api::group`), what a client is told of it (`error`).
//!
//! ```text
//!   group -> shard -> owner by the newest map -> asked -> answer
//!                       ^                         | not the coordinator, the owner changes, or not
//!                       |                         | available and the request may be repeated
//!                       +---- pause, new map -----+
//! ```
//!
//! Invariants: what a coordinator says of having moved is not told to a client; a request is asked of one node at a time, and when its
//! connection ends, the node's end of it is dropped, which is how the node learns it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use auth::{Action, Resource};
use futures_util::{StreamExt, TryStreamExt, stream};
use model::{ClusterMap, GROUPS_TOPIC, Placement, TopicPartition, VirtualClusterId};
use node_api::group::shard_of;
use node_api::{GroupCall, GroupError, GroupReply, GroupRequest, ListedGroup};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::call::Call;
use crate::error::Fault;
use crate::limits::{COORDINATOR_RETRY_AFTER, PARKING_MAX, READS_IN_PARALLEL_MAX};
use crate::permission::{Authorized, authorize};
use crate::router::Router;

/// The coordinators, as one request of a client asks them.
pub(crate) struct Coordinators<'a> {
    call: &'a Call,
    /// For all that the request asks. Counted from when it is served: it may have stood behind others of its
    /// connection for long.
    give_up_at: Instant,
}

impl<'a> Coordinators<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self {
            call,
            give_up_at: Instant::now() + PARKING_MAX,
        }
    }

    /// The request that asks.
    pub(crate) fn call(&self) -> &'a Call {
        self.call
    }

    /// The group, if the caller may do `action` to it.
    pub(crate) fn group(&self, action: Action, group: &str) -> Result<Authorized<String>, Fault> {
        let resource = Resource::Group(group);
        Ok(authorize(
            &self.call.caller,
            action,
            resource,
            group.to_owned(),
        )?)
    }

    /// The same for requests of members. Groups without a name have none; they are for offsets alone, as in Kafka.
    pub(crate) fn members(&self, action: Action, group: &str) -> Result<Authorized<String>, Fault> {
        let authorized = self.group(action, group)?;
        if group.is_empty() {
            return Err(GroupError::InvalidGroupId.into());
        }
        Ok(authorized)
    }

    /// Asks the group's coordinator, again while it has none.
    pub(crate) async fn ask(
        &self,
        group: &Authorized<String>,
        request: GroupRequest,
    ) -> Result<GroupReply, Fault> {
        let asked = GroupCall {
            cluster: self.call.cluster.id,
            group: group.request().clone(),
            request,
        };
        let router = &self.call.services.router;
        let mut maps = router.changes();
        let mut give_up_at = self.give_up_at;
        let members_until = self.members_wait(&asked.request);
        let members_until = members_until.map(|wait| Instant::now() + wait);
        loop {
            let asked_at = Instant::now();
            let answer = ask_owner(router, &asked, &mut maps);
            let in_time = tokio::time::timeout_at(members_until.unwrap_or(give_up_at), answer);
            let answer = in_time.await.unwrap_or(Err(GroupError::NotAvailable));
            if let Some(until) = members_until {
                // The time that a coordinator takes for a rebalance is its members'.
                give_up_at = until.min(give_up_at + asked_at.elapsed());
            }
            match answer {
                Ok(reply) => return Ok(reply),
                Err(GroupError::NotCoordinator) => self.pause(give_up_at).await?,
                Err(GroupError::NotAvailable) if may_be_repeated(&asked.request) => {
                    self.pause(give_up_at).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Every group of the caller's virtual cluster, by name.
    pub(crate) async fn list(&self) -> Result<Vec<ListedGroup>, Fault> {
        let cluster = self.call.cluster.id;
        loop {
            let listing = list_once(&self.call.services.router, cluster);
            match tokio::time::timeout_at(self.give_up_at, listing).await {
                Ok(Err(GroupError::NotCoordinator)) => self.pause(self.give_up_at).await?,
                Ok(listed) => return Ok(listed?),
                Err(_) => return Err(GroupError::NotAvailable.into()),
            }
        }
    }

    /// How long a request may take whose answer comes only when other members have done their part. Clients give up
    /// a JoinGroup soon after their own rebalance timeout; a SyncGroup does not name one.
    fn members_wait(&self, request: &GroupRequest) -> Option<Duration> {
        let groups = &self.call.cluster.groups;
        let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        match request {
            GroupRequest::Join(join) => {
                Some(ms(join.rebalance_timeout_ms) + ms(join.session_timeout_ms) + PARKING_MAX)
            }
            GroupRequest::Sync(_) => {
                let longest = u64::from(groups.session_timeout_ms_max);
                Some(Duration::from_millis(longest) + PARKING_MAX)
            }
            _ => None,
        }
    }

    async fn pause(&self, give_up_at: Instant) -> Result<(), Fault> {
        if Instant::now() + COORDINATOR_RETRY_AFTER >= give_up_at {
            return Err(GroupError::NotAvailable.into());
        }
        tokio::time::sleep(COORDINATOR_RETRY_AFTER).await;
        Ok(())
    }
}

/// A node answered another request than the one it was asked: it is of no use, and the client tries again.
pub(crate) fn wrong_reply() -> Fault {
    tracing::error!("a coordinator's answer does not fit its request");
    GroupError::NotAvailable.into()
}

/// Whether it does no harm to ask again when nobody knows whether it was done.
fn may_be_repeated(request: &GroupRequest) -> bool {
    match request {
        GroupRequest::Heartbeat(_)
        | GroupRequest::CommitOffsets(_)
        | GroupRequest::FetchOffsets(_)
        | GroupRequest::Describe => true,
        GroupRequest::Join(_)
        | GroupRequest::Sync(_)
        | GroupRequest::Leave(_)
        | GroupRequest::DeleteOffsets(_)
        | GroupRequest::Delete => false,
    }
}

/// Asks the owner of the group's shard; [`GroupError::NotCoordinator`] where there is none, or no longer the same.
async fn ask_owner(
    router: &Router,
    asked: &GroupCall,
    maps: &mut watch::Receiver<Arc<ClusterMap>>,
) -> Result<GroupReply, GroupError> {
    let map = Arc::clone(&maps.borrow_and_update());
    let shard = shard(&map, asked).ok_or(GroupError::NotCoordinator)?;
    let owner = map.placement(shard).ok_or(GroupError::NotCoordinator)?;
    let transport = router.transport(owner.node);
    let transport = transport.ok_or(GroupError::NotCoordinator)?;
    let reply = tokio::select! {
        biased;
        reply = transport.coordinate(shard, asked.clone()) => reply?,
        () = is_replaced(maps, shard, owner) => return Err(GroupError::NotCoordinator),
    };
    match refusal(&reply) {
        Some(error @ GroupError::NotCoordinator) => Err(error),
        Some(error @ GroupError::NotAvailable) if may_be_repeated(&asked.request) => Err(error),
        _ => Ok(reply),
    }
}

fn shard(map: &ClusterMap, asked: &GroupCall) -> Option<TopicPartition> {
    let topic = map.topic_by_name(VirtualClusterId::SYSTEM, GROUPS_TOPIC)?;
    Some(TopicPartition {
        topic: topic.id,
        partition: shard_of(asked.cluster, &asked.group),
    })
}

/// Waits until the shard has another owner, or its owner another epoch: who was asked may be dead, and never answer.
async fn is_replaced(
    maps: &mut watch::Receiver<Arc<ClusterMap>>,
    shard: TopicPartition,
    owner: Placement,
) {
    while maps.changed().await.is_ok() {
        if maps.borrow_and_update().placement(shard) != Some(owner) {
            return;
        }
    }
    // The control plane is gone; no other owner will be named.
    std::future::pending().await
}

/// Why the request was refused as a whole, if it was.
fn refusal(reply: &GroupReply) -> Option<GroupError> {
    match reply {
        GroupReply::Join(Err(refused)) => Some(refused.error),
        GroupReply::Sync(Err(error))
        | GroupReply::Heartbeat(Err(error))
        | GroupReply::Leave(Err(error))
        | GroupReply::CommitOffsets(Err(error))
        | GroupReply::FetchOffsets(Err(error))
        | GroupReply::DeleteOffsets(Err(error))
        | GroupReply::Describe(Err(error))
        | GroupReply::Delete(Err(error)) => Some(*error),
        GroupReply::Join(Ok(_))
        | GroupReply::Sync(Ok(_))
        | GroupReply::Heartbeat(Ok(()))
        | GroupReply::Leave(Ok(_))
        | GroupReply::CommitOffsets(Ok(_))
        | GroupReply::FetchOffsets(Ok(_))
        | GroupReply::DeleteOffsets(Ok(_))
        | GroupReply::Describe(Ok(_))
        | GroupReply::Delete(Ok(())) => None,
    }
}

/// The groups that all owners of shards know of; an error where one of them cannot tell, or is not known how to reach.
async fn list_once(
    router: &Router,
    cluster: VirtualClusterId,
) -> Result<Vec<ListedGroup>, GroupError> {
    let map = router.map();
    let topic = map.topic_by_name(VirtualClusterId::SYSTEM, GROUPS_TOPIC);
    let topic = topic.ok_or(GroupError::NotCoordinator)?;
    let owners: BTreeSet<_> = topic.placements.iter().map(|at| at.node).collect();
    let owners = owners.into_iter().map(|node| router.transport(node));
    let owners = owners.collect::<Option<Vec<_>>>();
    let owners = owners.ok_or(GroupError::NotCoordinator)?;
    let lists = owners.iter().map(|owner| owner.list_groups(cluster));
    let lists: Vec<_> = lists.collect();
    let lists: Vec<_> = stream::iter(lists)
        .buffered(READS_IN_PARALLEL_MAX)
        .try_collect()
        .await?;
    // While a shard moves, its groups may be told by both its owners.
    let groups: BTreeMap<_, _> = lists
        .into_iter()
        .flatten()
        .map(|listed| (listed.group.clone(), listed))
        .collect();
    Ok(groups.into_values().collect())
}
