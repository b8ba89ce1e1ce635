//! Two members share a topic and commit; who comes later goes on where they were.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rust_clients::records::{PARTITIONS, Reading, Written};
use rust_clients::round::WAIT;
use tokio::time::{sleep, timeout};

use crate::QUIET;
use crate::message::from_kafka;
use crate::user::{Context, User};

/// How often assignments are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Gives back the name of the group, which has no members any more.
pub async fn share(user: &User, topic: &str, written: &Written) -> Result<String> {
    let group = format!("{topic}-group");
    let members = [member(user, &group, topic)?, member(user, &group, topic)?];
    let read = timeout(WAIT, read_everything(&members, written)).await;
    read.context("two members did not read the topic")??;
    for member in &members {
        member.commit_consumer_state(CommitMode::Sync)?;
    }
    drop(members);
    let later = member(user, &group, topic)?;
    let joined = timeout(WAIT, nothing_until_assigned(&later)).await;
    joined.context("who came later was not assigned everything")??;
    for committed in later.committed(WAIT)?.elements() {
        let (partition, offset) = (committed.partition(), committed.offset());
        let end = written.end(partition);
        ensure!(
            offset == Offset::Offset(end),
            "partition {partition}: committed {offset:?}, not {end}"
        );
    }
    let more = timeout(QUIET, later.recv()).await;
    ensure!(more.is_err(), "who came later read what was committed");
    Ok(group)
}

fn member(user: &User, group: &str, topic: &str) -> Result<StreamConsumer<Context>> {
    let member = user.consumer(group)?;
    member.subscribe(&[topic])?;
    Ok(member)
}

/// Until both members have partitions, together all, and are at their ends. A partition that is
/// passed on before anything is committed is read again.
async fn read_everything(members: &[StreamConsumer<Context>; 2], written: &Written) -> Result<()> {
    let mut reading = Reading::of(written);
    loop {
        tokio::select! {
            message = members[0].recv() => take(&mut reading, message?)?,
            message = members[1].recv() => take(&mut reading, message?)?,
            () = sleep(LOOK) => {
                let [one, other] = [finished(&members[0], written)?, finished(&members[1], written)?];
                let all = one + other == PARTITIONS as usize;
                if all && one > 0 && other > 0 && reading.is_complete() {
                    return Ok(());
                }
            }
        }
    }
}

fn take(reading: &mut Reading<'_>, message: rdkafka::message::BorrowedMessage<'_>) -> Result<()> {
    let (partition, offset, record) = from_kafka(&message)?;
    reading.read(partition, offset, &record)?;
    Ok(())
}

/// The partitions that a member has read to the end.
fn finished(member: &StreamConsumer<Context>, written: &Written) -> Result<usize> {
    let positions = member.position()?;
    let at_end = |at: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        at.offset() == Offset::Offset(written.end(at.partition()))
    };
    Ok(positions.elements().iter().filter(|at| at_end(at)).count())
}

async fn nothing_until_assigned(later: &StreamConsumer<Context>) -> Result<()> {
    loop {
        tokio::select! {
            message = later.recv() => bail!("who came later read {:?}", from_kafka(&message?)?),
            () = sleep(LOOK) => if later.assignment()?.count() == PARTITIONS as usize {
                return Ok(());
            }
        }
    }
}
