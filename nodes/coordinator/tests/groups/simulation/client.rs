//! A consumer: what it knows, and what it would do next.

use bytes::Bytes;
use coordinator::{
    GroupError, GroupRequest, JoinGroup, JoinRefused, Joined, JoinedMember, Membership, Synced,
};

use crate::shard::{With, join, subscription, sync};

/// Where a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has to join.
    Out,
    /// Its join waits.
    Joining,
    /// It has to sync.
    Joined,
    /// Its sync waits.
    Syncing,
    /// It has its share.
    In,
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Client {
    pub group: &'static str,
    pub instance_id: Option<String>,
    pub member_id: String,
    pub generation: i32,
    pub stage: Stage,
    /// Goes up when it crashes: answers to what it asked before are lost.
    pub life: u64,
    /// Goes up when it changes what it reads.
    pub reads: u64,
    /// What it was told as the leader.
    members: Vec<JoinedMember>,
}

impl Client {
    pub fn new(group: &'static str, instance_id: Option<String>) -> Self {
        Self {
            group,
            instance_id,
            member_id: String::new(),
            generation: -1,
            stage: Stage::Out,
            life: 0,
            reads: 0,
            members: Vec::new(),
        }
    }

    pub fn crash(&mut self) {
        let life = self.life + 1;
        *self = Self {
            life,
            reads: self.reads,
            ..Self::new(self.group, self.instance_id.take())
        };
    }

    pub fn membership(&self) -> Membership {
        Membership {
            member_id: self.member_id.clone(),
            instance_id: self.instance_id.clone(),
            generation: self.generation,
        }
    }

    pub fn join(&mut self) -> GroupRequest {
        self.stage = Stage::Joining;
        let topics = format!("topic-{}", self.reads);
        let asked = JoinGroup {
            instance_id: self.instance_id.clone(),
            requires_known_member_id: !self.reads.is_multiple_of(3),
            rebalance_timeout_ms: 30_000,
            ..join()
                .with_member(&self.member_id)
                .with_metadata(subscription(&[&topics]))
        };
        GroupRequest::Join(asked)
    }

    /// A leader assigns to most members; a follower tries to, and must not succeed.
    pub fn sync(&mut self) -> GroupRequest {
        self.stage = Stage::Syncing;
        let assignments = self.members.iter().map(|member| {
            let share = share(self.generation, &member.member_id);
            (member.member_id.clone(), share)
        });
        let mut assignments: Vec<_> = assignments.filter(|(_, share)| !share.is_empty()).collect();
        if self.members.is_empty() {
            assignments.push((self.member_id.clone(), Bytes::from_static(b"stolen")));
        }
        sync(&self.membership(), assignments)
    }

    pub fn joined(&mut self, reply: Result<Joined, JoinRefused>) {
        match reply {
            Ok(joined) => {
                self.member_id = joined.member_id;
                self.generation = joined.generation;
                self.members = if joined.skip_assignment {
                    Vec::new()
                } else {
                    joined.members
                };
                self.stage = Stage::Joined;
            }
            Err(refused) => {
                if refused.error == GroupError::MemberIdRequired {
                    self.member_id = refused.member_id;
                    self.stage = Stage::Out;
                } else {
                    self.failed(refused.error);
                }
            }
        }
    }

    pub fn synced(&mut self, reply: Result<Synced, GroupError>) {
        match reply {
            Ok(_) => self.stage = Stage::In,
            Err(error) => self.failed(error),
        }
    }

    pub fn failed(&mut self, error: GroupError) {
        self.stage = Stage::Out;
        match error {
            GroupError::UnknownMemberId | GroupError::FencedInstanceId => {
                self.member_id = String::new();
                self.generation = -1;
            }
            GroupError::RebalanceInProgress
            | GroupError::IllegalGeneration
            | GroupError::GroupMaxSizeReached => {}
            other => panic!("a client does not expect {other}"),
        }
    }
}

/// What leaders assign: nothing to some.
pub fn share(generation: i32, member_id: &str) -> Bytes {
    let sum: u32 = member_id.bytes().map(u32::from).sum();
    if (sum + generation.unsigned_abs()).is_multiple_of(7) {
        Bytes::new()
    } else {
        Bytes::from(format!("{generation} of {member_id}"))
    }
}
