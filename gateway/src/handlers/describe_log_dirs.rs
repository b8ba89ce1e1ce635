//! DescribeLogDirs (key 35), versions 1-5.
//!
//! Logs lie in no folder that a tenant could know of, so one folder that does not exist stands for
//! all; its volume has no size. The right to describe the cluster is asked for. As in Kafka what does
//! not exist is left out, and before version 3 a refusal is an empty answer. MSK Serverless does not
//! serve this key, which breaks tools.
//!
//! What differs from Apache Kafka: every broker tells every partition, since each is the gateway,
//! which is not told which of them a client means; topics that the caller may not describe are left
//! out, and so are partitions whose owner does not answer in time. An answer has a bound, beyond which
//! it is error 42.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use auth::{Action, Resource};
use futures_util::{StreamExt, stream};
use model::{Topic, TopicPartition};
use node_api::{LogBounds, OffsetQuery};
use tokio::time::Instant;
use wire::ErrorCode;
use wire::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

use super::list_offsets;
use crate::call::{Answer, Call, TopicKey, partition_of};
use crate::error::Fault;
use crate::limits::{LOG_DIR_PARTITIONS_MAX, PARKING_MAX, READ_RETRY_AFTER, READS_IN_PARALLEL_MAX};
use crate::permission::authorize;

/// The folder that is told.
const LOG_DIR: &str = "/tidegate";

/// Topics, and which of their partitions are told.
type Wanted = Vec<(Arc<Topic>, Vec<TopicPartition>)>;

/// Tells the folder.
pub(crate) async fn handle(call: Call, request: DescribeLogDirsRequest) -> Answer {
    let right = authorize(&call.caller, Action::DescribeCluster, Resource::Cluster, ());
    let right = right.map_err(Fault::from);
    let wanted = match right.and_then(|_| wanted(&call, &request)) {
        Ok(wanted) => wanted,
        Err(fault) => return call.answer(refusal(call.refuse(&fault))),
    };
    let topics = describe(&call, wanted).await;
    call.answer(DescribeLogDirsResponse {
        results: vec![DescribeLogDirsResult {
            log_dir: LOG_DIR.to_owned(),
            topics,
            ..DescribeLogDirsResult::default()
        }],
        ..DescribeLogDirsResponse::default()
    })
}

/// An error for the whole request, and no folder.
pub(crate) fn refusal(code: ErrorCode) -> DescribeLogDirsResponse {
    DescribeLogDirsResponse {
        error_code: code.code(),
        ..DescribeLogDirsResponse::default()
    }
}

fn wanted(call: &Call, request: &DescribeLogDirsRequest) -> Result<Wanted, Fault> {
    match &request.topics {
        None => all(call),
        Some(named) => these(call, named),
    }
}

fn fit(partitions: usize) -> Result<(), Fault> {
    if partitions <= LOG_DIR_PARTITIONS_MAX {
        return Ok(());
    }
    Err(Fault::Invalid(
        "Too many partitions for one answer; ask for fewer topics.",
    ))
}

fn all(call: &Call) -> Result<Wanted, Fault> {
    let topics: Vec<_> = call.topics(Action::DescribeTopic).map(Arc::clone).collect();
    // Before anything is made of their partitions.
    fit(topics.iter().map(|topic| topic.placements.len()).sum())?;
    let topics = topics.into_iter().map(|topic| {
        let partitions = 0..topic.placements.len() as u32;
        let partitions = partitions.map(|partition| TopicPartition {
            topic: topic.id,
            partition,
        });
        let partitions = partitions.collect();
        (topic, partitions)
    });
    Ok(topics.collect())
}

/// Those that exist, each once, by name.
fn these(call: &Call, named: &[DescribableLogDirTopic]) -> Result<Wanted, Fault> {
    let mut indexes: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for asked in named {
        let known = indexes.entry(&asked.topic).or_default();
        known.extend(&asked.partitions);
    }
    let topics = indexes.into_iter().filter_map(|(name, indexes)| {
        let topic = call.topic(TopicKey::Name(name), Action::DescribeTopic);
        let topic = topic.ok()?.into_request();
        let partitions = indexes.into_iter();
        let partitions = partitions.filter_map(|index| partition_of(&topic, index).ok());
        let partitions = partitions.collect();
        Some((topic, partitions))
    });
    let topics: Wanted = topics.collect();
    fit(topics.iter().map(|(_, partitions)| partitions.len()).sum())?;
    Ok(topics)
}

async fn describe(call: &Call, wanted: Wanted) -> Vec<DescribeLogDirsTopic> {
    let give_up_at = Instant::now() + PARKING_MAX;
    let partitions = wanted.iter().flat_map(|(_, partitions)| partitions);
    // Everybody once: those without an owner are not to keep the others from being asked.
    let (mut told, refused) = ask_all(call, partitions.copied(), |now| {
        give_up_at.min(now + READ_RETRY_AFTER)
    })
    .await;
    let refused = refused.into_iter().map(|(partition, _)| partition);
    let (later, missing) = ask_all(call, refused, |_| give_up_at).await;
    told.extend(later);
    for (_, fault) in missing {
        // There is no place for its code, but it counts.
        call.refuse(&fault);
    }
    let topics = wanted.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.iter().filter_map(|one| told.remove(one));
        DescribeLogDirsTopic {
            name: topic.name.to_string(),
            partitions: partitions.collect(),
        }
    });
    topics
        .filter(|topic| !topic.partitions.is_empty())
        .collect()
}

/// What is told of those whose owners answer in time, and why the others do not.
async fn ask_all(
    call: &Call,
    partitions: impl Iterator<Item = TopicPartition>,
    give_up_at: impl Fn(Instant) -> Instant,
) -> (
    HashMap<TopicPartition, DescribeLogDirsPartition>,
    Vec<(TopicPartition, Fault)>,
) {
    // All at first: the iterator cannot be kept over an await.
    let partitions: Vec<_> = partitions.collect();
    let give_up_at = &give_up_at;
    let lookups = partitions.into_iter().map(|partition| async move {
        let give_up_at = give_up_at(Instant::now());
        let found = list_offsets::ask(call, partition, OffsetQuery::Earliest, give_up_at).await;
        (partition, found)
    });
    let mut lookups = stream::iter(lookups).buffer_unordered(READS_IN_PARALLEL_MAX);
    let (mut told, mut refused) = (HashMap::new(), Vec::new());
    while let Some((partition, found)) = lookups.next().await {
        match found {
            Ok(found) => drop(told.insert(partition, tell(partition, &found.bounds))),
            Err(fault) => refused.push((partition, fault)),
        }
    }
    (told, refused)
}

fn tell(partition: TopicPartition, bounds: &LogBounds) -> DescribeLogDirsPartition {
    DescribeLogDirsPartition {
        partition_index: partition.partition as i32,
        partition_size: size(bounds),
        ..DescribeLogDirsPartition::default()
    }
}

/// What is stored of a log.
fn size(bounds: &LogBounds) -> i64 {
    let bytes = bounds.end_position.saturating_sub(bounds.start_position);
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
