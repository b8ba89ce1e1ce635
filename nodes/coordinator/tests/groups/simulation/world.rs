//! Clients and a coordinator, and what happens to them.

use std::collections::{BTreeMap, BTreeSet};

use coordinator::{
    CallId, GroupError, GroupReply, GroupRequest, GroupState, LeaveGroup, Leaver, Membership,
    StoredRecord,
};
use model::TopicPartition;

use crate::offsets::{commit, key, nobody, offset};
use crate::shard::{CLUSTER, Shard};
use crate::simulation::chance::Chance;
use crate::simulation::checks::Known;
use crate::simulation::client::{Client, Stage};

pub const GROUPS: &[&str] = &["orders", "payments"];
const CLIENTS: usize = 5;

/// A call that may be answered.
struct Asked {
    client: Option<usize>,
    life: u64,
    group: &'static str,
    membership: Membership,
    offsets: Vec<(TopicPartition, u64)>,
}

pub struct World {
    pub shard: Shard,
    pub clients: Vec<Client>,
    pub known: BTreeMap<&'static str, Known>,
    /// A snapshot, and the end of the log when it was made.
    pub snapshot: (Vec<StoredRecord>, usize),
    /// How often things have happened.
    pub seen: BTreeMap<String, u64>,
    /// Whether offsets expire within a run.
    pub expires: bool,
    /// The larger, the rarer anything happens that is not as it should be.
    calm: u64,
    chance: Chance,
    asked: BTreeMap<CallId, Asked>,
    abandoned: BTreeSet<CallId>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut shard = Shard::new();
        shard.rules.settings.initial_rebalance_delay_ms = [0, 3000][chance.below(2) as usize];
        shard.rules.settings.members_max = if chance.one_in(4) { 4 } else { 1000 };
        let expires = chance.one_in(3);
        if expires {
            shard.rules.settings.offsets_retention_ms = 5_000;
        }
        let calm = [30, 60, 120][chance.below(3) as usize];
        let clients = GROUPS.iter().flat_map(|group| {
            (0..CLIENTS)
                .map(|number| Client::new(group, (number < 2).then(|| format!("i{number}"))))
        });
        Self {
            clients: clients.collect(),
            shard,
            known: BTreeMap::new(),
            snapshot: (Vec::new(), 0),
            seen: BTreeMap::new(),
            expires,
            calm,
            chance,
            asked: BTreeMap::new(),
            abandoned: BTreeSet::new(),
        }
    }

    pub fn run(&mut self, steps: usize) {
        for step in 0..steps {
            self.step();
            self.check_groups();
            self.check_offsets();
            if step % 20 == 0 {
                self.check_durable();
            }
        }
        self.check_durable();
    }

    /// From now on all clients behave, and nothing crashes: every group becomes stable.
    pub fn calm_down(&mut self) {
        self.shard.rules.settings.members_max = 1000;
        for _ in 0..200 {
            for client in 0..self.clients.len() {
                self.behave(client);
            }
            self.pass(1000);
        }
        for group in GROUPS {
            let described = self.described(group);
            assert_eq!(described.state, GroupState::Stable, "{group}");
            let mut ids: Vec<_> = described.members.iter().map(|m| &m.member_id).collect();
            let clients = self.clients.iter().filter(|client| client.group == *group);
            assert!(clients.clone().all(|client| client.stage == Stage::In));
            let mut known: Vec<_> = clients.map(|client| &client.member_id).collect();
            ids.sort();
            known.sort();
            assert_eq!(ids, known, "all clients, and nobody else");
        }
        let answered = self.asked.keys().all(|call| self.abandoned.contains(call));
        assert!(answered, "each call is answered");
    }

    fn step(&mut self) {
        let client = self.chance.below(self.clients.len() as u64) as usize;
        match self.chance.below(self.calm) {
            0 => self.crash_coordinator(),
            1 => self.crash_client(client),
            2 => self.leave(client),
            3 => self.clients[client].reads += 1,
            4 => self.send_again(client),
            5 => self.commit_as_nobody(client),
            6 => self.delete_group(client),
            7 => {
                let ms = self.chance.below(20_000);
                self.pass(ms);
            }
            8 => {
                self.snapshot = (self.shard.core.snapshot().collect(), self.shard.log.len());
                self.note("a snapshot");
            }
            9 => self.commit(client),
            10..12 => {
                let ms = self.chance.below(3000);
                self.pass(ms);
            }
            12 => self.join_anew(client),
            _ => self.behave(client),
        }
    }

    /// Lets a client do what it would do next.
    fn behave(&mut self, client: usize) {
        let ask = match self.clients[client].stage {
            Stage::Out => self.clients[client].join(),
            Stage::Joined => self.clients[client].sync(),
            Stage::In if self.chance.one_in(3) => return self.commit(client),
            Stage::Joining | Stage::Syncing | Stage::In => {
                // A heartbeat comes from a thread of its own.
                if self.clients[client].generation < 0 {
                    return;
                }
                GroupRequest::Heartbeat(self.clients[client].membership())
            }
        };
        self.ask(client, ask, Vec::new());
    }

    /// A consumer that joins again though nothing has told it to.
    fn join_anew(&mut self, client: usize) {
        if self.clients[client].stage == Stage::In {
            let ask = self.clients[client].join();
            self.ask(client, ask, Vec::new());
        }
    }

    fn send_again(&mut self, client: usize) {
        let ask = match self.clients[client].stage {
            Stage::Joining => self.clients[client].join(),
            Stage::Syncing => self.clients[client].sync(),
            Stage::Out | Stage::Joined | Stage::In => return,
        };
        // The answer to the first one is lost.
        self.clients[client].life += 1;
        self.ask(client, ask, Vec::new());
    }

    fn commit(&mut self, client: usize) {
        let membership = self.clients[client].membership();
        if membership.generation >= 0 {
            let (ask, offsets) = self.some_offsets(&membership);
            self.ask(client, ask, offsets);
        }
    }

    fn commit_as_nobody(&mut self, client: usize) {
        let group = self.clients[client].group;
        let (ask, offsets) = self.some_offsets(&nobody());
        let asked = Asked {
            client: None,
            life: 0,
            group,
            membership: nobody(),
            offsets,
        };
        self.hand_in(asked, ask);
    }

    fn some_offsets(
        &mut self,
        membership: &Membership,
    ) -> (GroupRequest, Vec<(TopicPartition, u64)>) {
        let offsets = (0..1 + self.chance.below(3)).map(|_| {
            let partition = self.chance.below(4) as u32;
            (key(1, partition), self.chance.below(1000))
        });
        let offsets: Vec<_> = offsets.collect();
        let commits = offsets.iter().map(|(key, value)| offset(*key, *value));
        (commit(membership, commits.collect()), offsets)
    }

    fn leave(&mut self, client: usize) {
        let leaves = &mut self.clients[client];
        let leaver = Leaver {
            member_id: leaves.member_id.clone(),
            instance_id: leaves.instance_id.clone(),
        };
        let group = leaves.group;
        leaves.crash();
        let asked = Asked {
            client: None,
            life: 0,
            group,
            membership: nobody(),
            offsets: Vec::new(),
        };
        let members = vec![leaver];
        self.hand_in(asked, GroupRequest::Leave(LeaveGroup { members }));
    }

    fn delete_group(&mut self, client: usize) {
        let group = self.clients[client].group;
        let asked = Asked {
            client: None,
            life: 0,
            group,
            membership: nobody(),
            offsets: Vec::new(),
        };
        self.hand_in(asked, GroupRequest::Delete);
    }

    fn crash_client(&mut self, client: usize) {
        self.clients[client].crash();
        if self.chance.one_in(2) {
            // Its connection ends as well, and is seen to.
            let waits = |asked: &Asked| asked.client == Some(client);
            let calls: Vec<CallId> = self
                .asked
                .iter()
                .filter(|(_, asked)| waits(asked))
                .map(|(call, _)| *call)
                .collect();
            for call in calls {
                let at = self.shard.moment();
                self.shard.core.abandon(at, call);
                self.abandoned.insert(call);
                self.note("an abandoned call");
            }
        }
    }

    /// All that is not written is lost, and so is each call that waits.
    fn crash_coordinator(&mut self) {
        let before = GROUPS.iter().map(|group| self.described(group));
        let before: Vec<_> = before.collect();
        self.shard.restart();
        self.asked.clear();
        self.note("a crash");
        for (group, before) in GROUPS.iter().zip(before) {
            self.known.entry(group).or_default().generation = None;
            let after = self.described(group);
            match before.state {
                GroupState::Stable => {
                    assert_eq!(after, before);
                    self.note("a stable group went over a crash");
                }
                GroupState::Empty | GroupState::Dead => assert_eq!(after.members, []),
                GroupState::PreparingRebalance | GroupState::CompletingRebalance => {
                    let state = after.state;
                    assert!(!matches!(
                        state,
                        GroupState::PreparingRebalance | GroupState::CompletingRebalance
                    ));
                }
            }
        }
        for client in &mut self.clients {
            client.life += 1;
            if matches!(client.stage, Stage::Joining | Stage::Syncing) {
                client.stage = Stage::Out;
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.shard.advance(ms);
        self.answers();
        self.check_groups();
    }

    fn ask(&mut self, client: usize, ask: GroupRequest, offsets: Vec<(TopicPartition, u64)>) {
        let asks = &self.clients[client];
        let asked = Asked {
            client: Some(client),
            life: asks.life,
            group: asks.group,
            membership: asks.membership(),
            offsets,
        };
        self.hand_in(asked, ask);
    }

    fn hand_in(&mut self, asked: Asked, ask: GroupRequest) {
        let call = self.shard.call_of(CLUSTER, asked.group, ask);
        self.asked.insert(call, asked);
        self.answers();
    }

    /// Takes all answers that have come.
    fn answers(&mut self) {
        for (call, reply) in std::mem::take(&mut self.shard.replies) {
            assert!(!self.abandoned.contains(&call), "nobody waits for it");
            let asked = self.asked.remove(&call).expect("a call is answered once");
            let reply = reply.expect("the coordinator is available");
            self.take(&asked, reply);
        }
    }

    fn take(&mut self, asked: &Asked, reply: GroupReply) {
        let client = asked.client;
        // What it does not wait for any more is checked, but changes nothing.
        let listens = client.filter(|client| self.clients[*client].life == asked.life);
        match reply {
            GroupReply::Join(reply) => {
                let asks = client.expect("clients join");
                match &reply {
                    Ok(joined) => {
                        self.check_joined(asks, joined);
                        self.note("a generation");
                        if joined.skip_assignment {
                            self.note("a static member came back");
                        }
                    }
                    Err(refused) => self.note_error(refused.error),
                }
                if let Some(client) = listens {
                    self.clients[client].joined(reply);
                }
            }
            GroupReply::Sync(reply) => {
                match &reply {
                    Ok(synced) => {
                        let asks = client.expect("clients sync");
                        let mut asks = self.clients[asks].clone();
                        asks.member_id = asked.membership.member_id.clone();
                        self.check_share(&asks, asked.membership.generation, &synced.assignment);
                        self.note("a share");
                    }
                    Err(error) => self.note_error(*error),
                }
                if let Some(client) = listens {
                    self.clients[client].synced(reply);
                }
            }
            GroupReply::Heartbeat(reply) => self.alive(asked, listens, reply),
            GroupReply::CommitOffsets(reply) => self.committed(asked, listens, reply),
            GroupReply::Delete(Ok(())) => {
                self.known.entry(asked.group).or_default().offsets.clear();
                self.note("a deleted group");
            }
            GroupReply::Delete(Err(error)) => self.note_error(error),
            _ => {}
        }
    }

    fn alive(&mut self, asked: &Asked, listens: Option<usize>, reply: Result<(), GroupError>) {
        match reply {
            Ok(()) => self.check_current(asked.group, asked.membership.generation),
            Err(error) => {
                self.note_error(error);
                // A call that waits tells by itself.
                let listens = listens.filter(|client| self.clients[*client].stage == Stage::In);
                if let Some(client) = listens {
                    self.clients[client].failed(error);
                }
            }
        }
    }

    fn committed(
        &mut self,
        asked: &Asked,
        listens: Option<usize>,
        reply: Result<Vec<Result<(), GroupError>>, GroupError>,
    ) {
        match reply {
            Ok(results) => {
                assert!(results.iter().all(Result::is_ok));
                if asked.membership.generation >= 0 {
                    self.check_current(asked.group, asked.membership.generation);
                }
                let known = &mut self.known.entry(asked.group).or_default().offsets;
                known.extend(asked.offsets.iter().copied());
                self.note("a commit");
                let mut listed = self.shard.core.list(CLUSTER).into_iter();
                let rebalances = listed.any(|listed| {
                    listed.group == asked.group && listed.state == GroupState::PreparingRebalance
                });
                if rebalances {
                    self.note("a commit in a rebalance");
                }
            }
            Err(error) => {
                if asked.client.is_some() {
                    self.alive(asked, listens, Err(error));
                }
            }
        }
    }

    fn note_error(&mut self, error: GroupError) {
        self.note(&format!("{error:?}"));
    }

    fn note(&mut self, event: &str) {
        *self.seen.entry(event.to_owned()).or_default() += 1;
    }
}
