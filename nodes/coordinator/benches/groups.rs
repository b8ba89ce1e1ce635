//! How long a shard's coordinator takes for what consumers send all the time: heartbeats and offset
//! commits, each up to its answer, of one member of a group among many groups.

use bytes::Bytes;
use coordinator::{
    CallId, CommitOffset, CommitOffsets, Coordinator, Effect, GroupCall, GroupReply, GroupRequest,
    GroupRules, JoinGroup, Membership, Moment, SyncGroup,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use model::{GroupSettings, Instant, Offset, Timestamp, TopicId, TopicPartition, VirtualClusterId};

const CLUSTER: VirtualClusterId = VirtualClusterId(1);
/// A shard's part of a virtual cluster's groups.
const GROUPS: u64 = 1_000;
/// Partitions of one commit.
const OFFSETS: u32 = 10;
/// Of the clock, between two calls.
const STEP_NS: u64 = 1_000_000;

/// A shard with its clock.
struct Shard {
    core: Coordinator,
    calls: u64,
}

impl Shard {
    fn moment(&self) -> Moment {
        Moment {
            now: Instant(self.calls * STEP_NS),
            wall: Timestamp(1_700_000_000_000),
        }
    }

    /// Hands a call in, does what is due, and gives back the answer.
    fn ask(&mut self, group: &str, request: GroupRequest) -> GroupReply {
        self.calls += 1;
        let call = GroupCall {
            cluster: CLUSTER,
            group: group.to_owned(),
            request,
        };
        let rules = GroupRules {
            settings: GroupSettings {
                initial_rebalance_delay_ms: 0,
                // Nobody times out while another group is measured.
                session_timeout_ms_max: u32::MAX,
                ..GroupSettings::default()
            },
            groups_max: u32::MAX,
            groups_elsewhere: 0,
        };
        let chance = u128::from(self.calls).to_be_bytes();
        let (at, call_id) = (self.moment(), CallId(self.calls));
        self.core.handle(at, call_id, call, &rules, chance);
        self.core.handle_timeout(at);
        let mut answer = None;
        while let Some(effect) = self.core.poll_effect() {
            if let Effect::Reply { reply, .. } = effect {
                answer = Some(reply.expect("the coordinator is available"));
            }
        }
        answer.expect("a call of a group of one is answered at once")
    }

    /// Makes a group of one member.
    fn form(&mut self, group: &str) -> Membership {
        let join = GroupRequest::Join(JoinGroup {
            member_id: String::new(),
            instance_id: None,
            client_id: "consumer".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: i32::MAX,
            rebalance_timeout_ms: i32::MAX,
            protocol_type: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), Bytes::from_static(&[0; 12]))],
            requires_known_member_id: false,
            can_skip_assignment: false,
        });
        let GroupReply::Join(Ok(joined)) = self.ask(group, join) else {
            panic!("the join is accepted");
        };
        let membership = Membership {
            member_id: joined.member_id,
            instance_id: None,
            generation: joined.generation,
        };
        let sync = GroupRequest::Sync(SyncGroup {
            membership: membership.clone(),
            protocol_type: None,
            protocol: None,
            assignments: vec![(membership.member_id.clone(), Bytes::from_static(&[7; 60]))],
        });
        let synced = self.ask(group, sync);
        assert!(matches!(synced, GroupReply::Sync(Ok(_))), "{synced:?}");
        membership
    }
}

fn commit(membership: &Membership, offset: u64) -> GroupRequest {
    let offsets = (0..OFFSETS).map(|partition| CommitOffset {
        key: TopicPartition {
            topic: TopicId([7; 16]),
            partition,
        },
        offset: Offset::new(offset).expect("it is small"),
        leader_epoch: None,
        metadata: String::new(),
    });
    GroupRequest::CommitOffsets(CommitOffsets {
        membership: membership.clone(),
        offsets: offsets.collect(),
        retention_ms: None,
    })
}

fn bench_heartbeat(
    group: &mut BenchmarkGroup<'_, WallTime>,
    shard: &mut Shard,
    (name, membership): (&str, &Membership),
) {
    group.throughput(Throughput::Elements(1));
    group.bench_function("heartbeat", |bencher| {
        bencher.iter(|| {
            let reply = shard.ask(name, GroupRequest::Heartbeat(membership.clone()));
            assert_eq!(reply, GroupReply::Heartbeat(Ok(())));
        });
    });
}

fn bench_commit(
    group: &mut BenchmarkGroup<'_, WallTime>,
    shard: &mut Shard,
    (name, membership): (&str, &Membership),
) {
    let mut offset = 0;
    group.throughput(Throughput::Elements(u64::from(OFFSETS)));
    group.bench_function("commit 10 offsets", |bencher| {
        bencher.iter(|| {
            offset += 1;
            shard.ask(name, commit(membership, offset))
        });
    });
    let mut committed = shard.core.committed(CLUSTER);
    assert!(committed.all(|kept| kept.offset.value() == offset));
    assert_eq!(shard.core.committed_count(CLUSTER), OFFSETS as usize);
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut shard = Shard {
        core: Coordinator::new(),
        calls: 0,
    };
    let members = (0..GROUPS).map(|number| {
        let name = format!("orders-{number}");
        let membership = shard.form(&name);
        (name, membership)
    });
    let members: Vec<(String, Membership)> = members.collect();
    let (name, membership) = &members[members.len() / 2];
    let mut group = criterion.benchmark_group("groups");
    bench_heartbeat(&mut group, &mut shard, (name, membership));
    bench_commit(&mut group, &mut shard, (name, membership));
    group.finish();
    criterion.final_summary();
}
