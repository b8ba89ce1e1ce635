//! Carries a fetch out: sends its reads in parallel, waits for news, until the plan says that it is
//! to be answered.
//!
//! Owns: waiting, and memory for what is read. Does not own: decisions (`plan`).
//!
//! Invariant: memory is held for what was collected, and during a round for what it may bring; a
//! fetch that waits for news holds none. One that gets no memory in time is answered with what it
//! has, be it nothing.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use model::TopicPartition;
use node_api::{Read, ReadError, ReadReply};
use tokio::time::Instant;

use super::plan::{Next, Plan, Wish, cut};
use crate::error::Fault;
use crate::limits::{
    FETCH_SHARE_MIN, READ_PATIENCE_MIN, READ_STRAGGLER_MAX, READS_IN_PARALLEL_MAX,
};
use crate::memory::{Held, Memory};
use crate::news::Poller;
use crate::services::{Services, is_set};

/// Carries the fetch out; gives back the memory of what was collected.
pub(super) async fn run(
    services: &Arc<Services>,
    plan: &mut Plan,
    poller: &Poller,
    source: &Memory,
) -> Option<Held> {
    let mut draining = services.draining.clone();
    let mut memory: Option<Held> = None;
    hear(services, plan);
    loop {
        match plan.next(Instant::now()) {
            Next::Answer => return memory,
            Next::Read(mut wishes) => {
                let patience = plan.deadline().max(Instant::now() + READ_PATIENCE_MIN);
                let granted = tokio::select! {
                    biased;
                    granted = reserve(source, &mut wishes) => Some(granted),
                    () = tokio::time::sleep_until(patience) => None,
                    () = is_set(&mut draining) => None,
                };
                let Some(granted) = granted else {
                    plan.hurry();
                    continue;
                };
                round(services, plan, wishes).await;
                memory = Some(match memory.take() {
                    Some(mut memory) => {
                        memory.merge(granted);
                        memory
                    }
                    None => granted,
                });
                if let Some(memory) = &mut memory {
                    // What was reserved and not read serves others.
                    memory.keep(plan.collected() as usize);
                }
            }
            Next::WaitUntil(until) => {
                tokio::select! {
                    () = poller.woken() => {}
                    () = tokio::time::sleep_until(until) => {}
                    () = is_set(&mut draining) => plan.hurry(),
                }
                hear(services, plan);
            }
        }
    }
}

/// Takes memory for a round: what it may bring, within a share of what is free; the wishes are cut
/// to it. A batch larger than every budget comes all the same, see `plan`.
async fn reserve(memory: &Memory, wishes: &mut [Wish]) -> Held {
    let wanted = wishes
        .iter()
        .fold(0, |sum: u32, wish| sum.saturating_add(wish.bytes_max));
    let share = u32::try_from(memory.available() / 4).unwrap_or(u32::MAX);
    let granted = wanted.min(share.max(FETCH_SHARE_MIN));
    cut(wishes, granted);
    memory.clone().take(granted).await
}

/// Takes in what is known of the partitions' ends.
fn hear(services: &Services, plan: &mut Plan) {
    for part in 0..plan.parts.len() {
        let partition = plan.parts[part].partition;
        if let Some((bounds, is_fresh)) = services.news.heard(partition) {
            plan.hear(part, bounds, is_fresh);
        }
    }
}

/// One round of reads, in parallel; those that are too late are left.
async fn round(services: &Arc<Services>, plan: &mut Plan, wishes: Vec<Wish>) {
    let reads = wishes.into_iter().map(|wish| {
        let partition = plan.parts[wish.part].partition;
        let services = Arc::clone(services);
        async move { (wish, send(&services, partition, &wish).await) }
    });
    let reads: Vec<_> = reads.collect();
    let mut reads = stream::iter(reads).buffer_unordered(READS_IN_PARALLEL_MAX);
    let patience = plan.deadline().max(Instant::now() + READ_PATIENCE_MIN);
    let late = tokio::time::sleep_until(patience);
    tokio::pin!(late);
    loop {
        tokio::select! {
            biased;
            read = reads.next() => {
                let Some((wish, outcome)) = read else {
                    return;
                };
                take(services, plan, &wish, outcome);
                let limit = limit(plan, late.deadline());
                if limit < late.deadline() {
                    late.as_mut().reset(limit);
                }
            }
            () = &mut late => return plan.hurry(),
        }
    }
}

/// Until when the rest of a round is waited for.
fn limit(plan: &Plan, present: Instant) -> Instant {
    let soon = Instant::now() + READ_STRAGGLER_MAX;
    if plan.is_enough() {
        soon.min(present)
    } else if plan.collected() > 0 {
        plan.deadline().max(soon).min(present)
    } else {
        present
    }
}

/// What became of one read.
enum Outcome {
    Read(Result<ReadReply, ReadError>),
    /// The partition is in no map any more.
    Gone,
}

async fn send(services: &Services, partition: TopicPartition, wish: &Wish) -> Outcome {
    let Some(route) = services.router.route(partition) else {
        return Outcome::Gone;
    };
    let Some(transport) = services.router.transport(route.node) else {
        return Outcome::Read(Err(ReadError::NotOwner));
    };
    let read = Read {
        partition,
        map_version: route.map_version,
        offset: wish.offset,
        bytes_max: wish.bytes_max,
        at_least_one: wish.at_least_one,
    };
    Outcome::Read(transport.read(read).await)
}

fn take(services: &Services, plan: &mut Plan, wish: &Wish, outcome: Outcome) {
    let partition = plan.parts[wish.part].partition;
    match outcome {
        Outcome::Gone => plan.fail(wish.part, Fault::UnknownTopicOrPartition),
        Outcome::Read(outcome) => {
            if let Ok(reply) = &outcome {
                services.news.observe(partition, reply.bounds);
            }
            if matches!(outcome, Err(ReadError::Storage)) {
                tracing::error!(%partition, "stored bytes cannot be read");
            }
            plan.finish(wish, outcome, Instant::now());
        }
    }
}
