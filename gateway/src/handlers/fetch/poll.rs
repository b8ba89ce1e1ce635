//! Carries a fetch out: sends its reads in parallel, waits for news, until the plan says that it is
//! to be answered.
//!
//! Owns: waiting, and memory for what is read. Does not own: decisions (`plan`).
//!
//! Invariant: memory is held for what was collected, and during a round for what it may bring; a
//! fetch that waits for news holds none. One that gets no memory in time is answered with what it
//! has, be it nothing.

use node_api::{ReadError, ReadReply};
use tokio::time::Instant;

use super::plan::{Next, Plan, Wish, cut};
use super::round::{Refused, Round};
use crate::error::Fault;
use crate::limits::{FETCH_SHARE_MIN, READ_PATIENCE_MIN, READ_STRAGGLER_MAX};
use crate::memory::{Held, Memory};
use crate::news::Polled;
use crate::services::{Services, is_set};

/// Carries the fetch out; gives back the memory of what was collected.
pub(super) async fn run(
    services: &Services,
    plan: &mut Plan,
    polled: &Polled,
    source: &Memory,
) -> Option<Held> {
    let mut draining = services.draining.clone();
    let mut memory: Option<Held> = None;
    hear(plan, polled);
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
                round(services, plan, polled, wishes).await;
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
                    () = polled.poller.woken() => {}
                    () = tokio::time::sleep_until(until) => {}
                    () = is_set(&mut draining) => plan.hurry(),
                }
                hear(plan, polled);
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
fn hear(plan: &mut Plan, polled: &Polled) {
    let now = Instant::now();
    for (part, known) in polled.known.iter().enumerate() {
        if let Some((bounds, is_fresh)) = known.bounds(now) {
            plan.hear(part, bounds, is_fresh);
        }
    }
}

/// One round of reads, in parallel; those that are too late are left.
async fn round(services: &Services, plan: &mut Plan, polled: &Polled, wishes: Vec<Wish>) {
    let mut round = Round::new(services, wishes);
    let patience = plan.deadline().max(Instant::now() + READ_PATIENCE_MIN);
    let late = tokio::time::sleep_until(patience);
    tokio::pin!(late);
    loop {
        tokio::select! {
            biased;
            outcomes = round.next(plan) => {
                let Some(outcomes) = outcomes else {
                    return;
                };
                let now = Instant::now();
                for (wish, outcome) in outcomes {
                    take(plan, polled, &wish, (outcome, now));
                }
                if round.is_over() {
                    return;
                }
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

fn take(
    plan: &mut Plan,
    polled: &Polled,
    wish: &Wish,
    (outcome, now): (Result<ReadReply, Refused>, Instant),
) {
    match outcome {
        Ok(reply) => {
            polled.known[wish.part].learn(reply.bounds, now);
            plan.finish(wish, Ok(reply), now);
        }
        Err(Refused::Gone) => plan.fail(wish.part, Fault::UnknownTopicOrPartition),
        Err(Refused::Read(why)) => {
            if why == ReadError::Storage {
                let partition = plan.parts[wish.part].partition;
                tracing::error!(%partition, "stored bytes cannot be read");
            }
            plan.finish(wish, Err(why), now);
        }
    }
}
