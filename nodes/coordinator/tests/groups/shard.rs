//! A coordinator with a clock, and with a log that is always durable: what the shell is.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use coordinator::{
    CallId, Coordinator, Effect, GroupCall, GroupError, GroupReply, GroupRequest, GroupRules,
    JoinGroup, JoinRefused, Joined, LeaveGroup, Leaver, Membership, Moment, StoredRecord,
    SyncGroup, Synced,
};
use model::{GroupSettings, Instant, Timestamp, VirtualClusterId};

pub const CLUSTER: VirtualClusterId = VirtualClusterId(1);
pub const GROUP: &str = "orders";
pub const SESSION_MS: u64 = 10_000;
pub const REBALANCE_MS: u64 = 60_000;
/// The wall clock where the other one is at zero.
const WALL_START_MS: u64 = 1_700_000_000_000;

pub type Reply = Result<GroupReply, GroupError>;

pub struct Shard {
    pub core: Coordinator,
    pub rules: GroupRules,
    pub now_ms: u64,
    /// All that was written.
    pub log: Vec<StoredRecord>,
    /// Answers that were not looked at.
    pub replies: BTreeMap<CallId, Reply>,
    calls: u64,
}

impl Shard {
    /// With Kafka's settings, but without an initial delay.
    pub fn new() -> Self {
        let settings = GroupSettings {
            initial_rebalance_delay_ms: 0,
            ..GroupSettings::default()
        };
        Self {
            core: Coordinator::new(),
            rules: GroupRules {
                settings,
                groups_max: 100,
                groups_elsewhere: 0,
            },
            now_ms: 0,
            log: Vec::new(),
            replies: BTreeMap::new(),
            calls: 0,
        }
    }

    pub fn moment(&self) -> Moment {
        Moment {
            now: Instant(0) + Duration::from_millis(self.now_ms),
            wall: Timestamp((WALL_START_MS + self.now_ms) as i64),
        }
    }

    /// Hands a call in, and does what is due at this moment.
    pub fn call_of(&mut self, cluster: VirtualClusterId, group: &str, ask: GroupRequest) -> CallId {
        self.calls += 1;
        let call_id = CallId(self.calls);
        let call = GroupCall {
            cluster,
            group: group.to_owned(),
            request: ask,
        };
        let chance = u128::from(self.calls).to_be_bytes();
        self.core
            .handle(self.moment(), call_id, call, &self.rules, chance);
        self.core.handle_timeout(self.moment());
        self.collect();
        call_id
    }

    pub fn call(&mut self, ask: GroupRequest) -> CallId {
        self.call_of(CLUSTER, GROUP, ask)
    }

    /// Asks what is answered at once.
    pub fn ask(&mut self, ask: GroupRequest) -> GroupReply {
        let call = self.call(ask);
        self.answer(call)
    }

    /// The answer, if it has come.
    pub fn reply(&mut self, call: CallId) -> Option<GroupReply> {
        let reply = self.replies.remove(&call)?;
        Some(reply.expect("the coordinator is available"))
    }

    pub fn answer(&mut self, call: CallId) -> GroupReply {
        self.reply(call).expect("the call is answered")
    }

    pub fn waits(&self, call: CallId) -> bool {
        !self.replies.contains_key(&call)
    }

    pub fn joined(&mut self, call: CallId) -> Joined {
        self.try_joined(call).expect("the join is accepted")
    }

    pub fn try_joined(&mut self, call: CallId) -> Result<Joined, JoinRefused> {
        match self.answer(call) {
            GroupReply::Join(reply) => reply,
            other => panic!("{other:?} is no answer to a join"),
        }
    }

    pub fn synced(&mut self, call: CallId) -> Synced {
        self.try_synced(call).expect("the sync is accepted")
    }

    pub fn try_synced(&mut self, call: CallId) -> Result<Synced, GroupError> {
        match self.answer(call) {
            GroupReply::Sync(reply) => reply,
            other => panic!("{other:?} is no answer to a sync"),
        }
    }

    pub fn heartbeat(&mut self, membership: &Membership) -> Result<(), GroupError> {
        match self.ask(GroupRequest::Heartbeat(membership.clone())) {
            GroupReply::Heartbeat(reply) => reply,
            other => panic!("{other:?} is no answer to a heartbeat"),
        }
    }

    pub fn leave(&mut self, members: &[(&str, Option<&str>)]) -> Vec<Result<(), GroupError>> {
        let members = members.iter().map(|(id, instance_id)| Leaver {
            member_id: (*id).to_owned(),
            instance_id: instance_id.map(str::to_owned),
        });
        let members = members.collect();
        match self.ask(GroupRequest::Leave(LeaveGroup { members })) {
            GroupReply::Leave(reply) => reply.expect("the group is found"),
            other => panic!("{other:?} is no answer to a leave"),
        }
    }

    /// Lets time go by, doing what becomes due in its order.
    pub fn advance(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while let Some(due) = self.core.poll_timeout() {
            let due_ms = due.0.div_ceil(1_000_000);
            if due_ms > end_ms {
                break;
            }
            self.now_ms = self.now_ms.max(due_ms);
            self.core.handle_timeout(self.moment());
            self.collect();
        }
        self.now_ms = end_ms;
    }

    pub fn collect(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Write(records) => self.log.extend(records),
                Effect::Reply { call, reply } => {
                    let other = self.replies.insert(call, reply);
                    assert!(other.is_none(), "a call is answered once");
                }
            }
        }
    }

    /// The state as the log has it, after a crash.
    pub fn restart(&mut self) {
        self.core = replay(self.log.iter().cloned());
        self.core.replayed(self.moment());
        self.core.configure(CLUSTER, &self.rules.settings);
        self.replies.clear();
        self.collect();
    }

    /// Lets `count` members that are named by `client` join an empty group and sync.
    pub fn stable(&mut self, count: usize) -> Vec<Membership> {
        let calls: Vec<CallId> = (0..count)
            .map(|number| {
                let join = join().with_client(&format!("c{number}"));
                self.core_call(GroupRequest::Join(join))
            })
            .collect();
        self.advance(0);
        let joined: Vec<Joined> = calls.into_iter().map(|call| self.joined(call)).collect();
        self.sync_all(&joined)
    }

    /// Hands a call in without doing what is due.
    pub fn core_call(&mut self, ask: GroupRequest) -> CallId {
        self.calls += 1;
        let call_id = CallId(self.calls);
        let call = GroupCall {
            cluster: CLUSTER,
            group: GROUP.to_owned(),
            request: ask,
        };
        let chance = u128::from(self.calls).to_be_bytes();
        self.core
            .handle(self.moment(), call_id, call, &self.rules, chance);
        self.collect();
        call_id
    }

    /// Syncs all who have joined; each is assigned its own id.
    pub fn sync_all(&mut self, joined: &[Joined]) -> Vec<Membership> {
        let mut calls = Vec::new();
        for joined in joined {
            let assignments = joined.members.iter();
            let assignments = assignments.map(|m| (m.member_id.clone(), share(&m.member_id)));
            let sync = sync(&membership(joined), assignments.collect());
            calls.push(self.call(sync));
        }
        for (call, joined) in calls.into_iter().zip(joined) {
            assert_eq!(self.synced(call).assignment, share(&joined.member_id));
        }
        joined.iter().map(membership).collect()
    }
}

/// What a member is assigned in these tests.
pub fn share(member_id: &str) -> Bytes {
    Bytes::from(format!("share of {member_id}"))
}

/// The state that records give.
pub fn replay(records: impl IntoIterator<Item = StoredRecord>) -> Coordinator {
    let mut core = Coordinator::new();
    for record in records {
        core.replay(record).expect("what was written can be read");
    }
    core
}

pub fn membership(joined: &Joined) -> Membership {
    Membership {
        member_id: joined.member_id.clone(),
        instance_id: None,
        generation: joined.generation,
    }
}

/// A new consumer that joins with protocol `range`, as version 3 does.
pub fn join() -> JoinGroup {
    JoinGroup {
        member_id: String::new(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: SESSION_MS as i32,
        rebalance_timeout_ms: REBALANCE_MS as i32,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), subscription(&["topic"]))],
        requires_known_member_id: false,
        can_skip_assignment: true,
    }
}

/// Another join than [`join`].
pub trait With: Sized {
    fn with_member(self, id: &str) -> Self;
    fn with_client(self, id: &str) -> Self;
    fn with_instance(self, id: &str) -> Self;
    fn with_protocols(self, names: &[&str]) -> Self;
    fn with_metadata(self, metadata: Bytes) -> Self;
}

impl With for JoinGroup {
    fn with_member(mut self, id: &str) -> Self {
        self.member_id = id.to_owned();
        self
    }

    fn with_client(mut self, id: &str) -> Self {
        self.client_id = id.to_owned();
        self
    }

    fn with_instance(mut self, id: &str) -> Self {
        self.instance_id = Some(id.to_owned());
        self
    }

    fn with_protocols(mut self, names: &[&str]) -> Self {
        let metadata = subscription(&["topic"]);
        let protocols = names
            .iter()
            .map(|name| ((*name).to_owned(), metadata.clone()));
        self.protocols = protocols.collect();
        self
    }

    fn with_metadata(mut self, metadata: Bytes) -> Self {
        self.protocols = vec![("range".to_owned(), metadata)];
        self
    }
}

/// The metadata of a consumer of these topics (version 0).
pub fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as i16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    Bytes::from(bytes)
}

pub fn sync(membership: &Membership, assignments: Vec<(String, Bytes)>) -> GroupRequest {
    GroupRequest::Sync(SyncGroup {
        membership: membership.clone(),
        protocol_type: None,
        protocol: None,
        assignments,
    })
}
