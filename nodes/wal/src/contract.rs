//! What every write-ahead log must do, whatever it is written to.
//!
//! Owns: the suite. Does not own: the implementations; each runs [`all`] in its own tests.
//!
//! A subject is something that opens the same log again and again, each time under the next epoch, and
//! with [`config`] or something as small. Each case begins with a fresh one.

use model::{NodeEpoch, TopicPartition};
use partition_log::SegmentId;

use crate::config::WalConfig;
use crate::error::WalError;
use crate::fixtures::{append, partition, totals_now};
use crate::format::WalId;
use crate::handle::TrySubmitError;
use crate::reader::ReadError;
use crate::recover::Recovered;
use crate::running::Running;
use crate::write::{Committed, CommittedFrame, FrameWrite, WalEvent};

/// Opens the log under an epoch, for two shards.
pub type Open = Box<dyn FnMut(NodeEpoch) -> Result<(Running, Recovered), WalError>>;

/// Small segments, so that a few batches fill one, and a small bound.
pub const fn config() -> WalConfig {
    WalConfig {
        segment_bytes: 64 * 1024,
        group_bytes_max: 16 * 1024,
        unsynced_bytes_max: 32 * 1024,
        spares_ready: 1,
        ..WalConfig::new(WalId(0x1234))
    }
}

/// Runs every case.
///
/// # Panics
/// If the log breaks the contract.
pub fn all(mut fresh: impl FnMut() -> Open) {
    what_is_submitted_is_announced_once_and_in_order(fresh());
    what_is_announced_is_there_after_every_opening(fresh());
    batches_read_back_whatever_became_of_their_segment(fresh());
    a_full_segment_is_announced_to_all_after_its_frames(fresh());
    meters_survive_the_segments_that_they_came_from(fresh());
    a_folder_has_one_owner_and_epochs_rise(fresh());
    the_bound_holds_until_events_are_taken_out(fresh());
}

const BODY: [u8; 2000] = [7; 2000];

/// Appends to `partition`, numbered from `first`.
fn appends(to: TopicPartition, first: u64, count: u64) -> Vec<FrameWrite> {
    (first..first + count)
        .map(|number| append(to, number, 1, &BODY, None))
        .collect()
}

/// Submits frames one by one and takes out their events: of shard 0, all that come.
fn write(running: &mut Running, frames: Vec<FrameWrite>) -> Vec<WalEvent> {
    let mut events = Vec::new();
    for frame in frames {
        running
            .handle
            .submit_blocking(vec![frame])
            .expect("the log runs");
        loop {
            let event = running.events[0].recv_blocking().expect("the log runs");
            let committed = matches!(event, WalEvent::Committed(_));
            events.push(event);
            if committed {
                break;
            }
        }
    }
    events
}

fn committed(events: &[WalEvent]) -> Vec<&Committed> {
    let committed = events.iter().filter_map(|event| match event {
        WalEvent::Committed(committed) => Some(committed),
        WalEvent::SegmentSealed(_) => None,
    });
    committed.collect()
}

fn frames(events: &[WalEvent]) -> Vec<&CommittedFrame> {
    committed(events)
        .into_iter()
        .flat_map(|committed| &committed.frames)
        .collect()
}

fn sealed(events: &[WalEvent]) -> Vec<SegmentId> {
    let sealed = events.iter().filter_map(|event| match event {
        WalEvent::SegmentSealed(segment) => Some(*segment),
        WalEvent::Committed(_) => None,
    });
    sealed.collect()
}

/// Ends the log and waits until its folder is free.
fn close(running: Running) {
    drop(running.handle);
    running
        .thread
        .join()
        .expect("the writing thread ends in order");
}

/// The offsets of all batches of `partition`, in the order of segments.
fn offsets(recovered: &Recovered, of: TopicPartition) -> Vec<u64> {
    let digests = recovered
        .segments
        .iter()
        .filter_map(|found| found.partitions.get(&of));
    let entries = digests.flat_map(|digest| digest.frames());
    entries.map(|entry| entry.base_offset.value()).collect()
}

fn what_is_submitted_is_announced_once_and_in_order(mut open: Open) {
    let (mut running, recovered) = open(NodeEpoch(1)).expect("a fresh log opens");
    assert!(recovered.segments.is_empty() && recovered.torn.is_none());
    // Two shards at once, in submissions of several frames.
    for round in 0..5 {
        for (shard, to) in [(0, partition(0)), (1, partition(1))] {
            let frames = appends(to, round * 3, 3).into_iter();
            let frames = frames.map(|frame| FrameWrite { shard, ..frame }).collect();
            running
                .handle
                .submit_blocking(frames)
                .expect("the log runs");
        }
        for (shard, events) in running.events.iter_mut().enumerate() {
            let mut announced = Vec::new();
            while announced.len() < 3 {
                let event = events.recv_blocking().expect("the log runs");
                if let WalEvent::Committed(committed) = event {
                    announced.extend(committed.frames);
                }
            }
            for (index, frame) in announced.iter().enumerate() {
                assert_eq!(frame.partition, partition(shard as u32));
                let batch = frame.batch.as_ref().expect("an append has a batch");
                assert_eq!(batch.base_offset().value(), round * 3 + index as u64);
                assert_eq!(batch.len(), frame.at.length as usize);
            }
        }
    }
    close(running);
}

fn what_is_announced_is_there_after_every_opening(mut open: Open) {
    let (mut running, first) = open(NodeEpoch(1)).expect("a fresh log opens");
    let events = write(&mut running, appends(partition(4), 0, 70));
    let times: Vec<_> = committed(&events)
        .iter()
        .map(|committed| committed.commit_time)
        .collect();
    assert!(times.is_sorted());
    close(running);
    let mut before: Option<Recovered> = None;
    for epoch in 2..5 {
        let (running, recovered) = open(NodeEpoch(epoch)).expect("the log opens again");
        assert_eq!(recovered.wal_id, first.wal_id);
        // The epoch under which the log was begun names it in the ids of usage.
        assert_eq!(recovered.meters.epoch(), 1);
        assert_eq!(
            offsets(&recovered, partition(4)),
            (0..70).collect::<Vec<_>>()
        );
        if let Some(before) = before {
            let same = &recovered.segments[..before.segments.len()];
            assert_eq!(same, before.segments, "what was shown once is shown again");
        }
        before = Some(recovered);
        close(running);
    }
}

fn batches_read_back_whatever_became_of_their_segment(mut open: Open) {
    let (mut running, _) = open(NodeEpoch(1)).expect("a fresh log opens");
    let events = write(&mut running, appends(partition(2), 0, 70));
    let frames = frames(&events);
    let places: Vec<_> = frames.iter().map(|frame| frame.at).collect();
    let check = |running: &Running| {
        let together = running.reader.read_many(&places).expect("all are there");
        for (frame, batch) in frames.iter().zip(together) {
            assert_eq!(frame.batch.as_ref(), Some(&batch));
            assert_eq!(running.reader.read(frame.at).expect("it is there"), batch);
        }
    };
    // The last ones lie in the segment that is being written.
    check(&running);
    close(running);
    let (running, _) = open(NodeEpoch(2)).expect("the log opens again");
    check(&running);
    close(running);
}

fn a_full_segment_is_announced_to_all_after_its_frames(mut open: Open) {
    let (mut running, _) = open(NodeEpoch(1)).expect("a fresh log opens");
    let to = partition(3);
    let events = write(&mut running, appends(to, 0, 70));
    let sealed = sealed(&events);
    assert!(sealed.len() >= 2, "{sealed:?}");
    let mut wanted = sealed.iter();
    let mut full = Vec::new();
    for event in &events {
        match event {
            WalEvent::SegmentSealed(segment) => {
                assert_eq!(Some(segment), wanted.next());
                full.push(*segment);
            }
            WalEvent::Committed(committed) => {
                let late = committed
                    .frames
                    .iter()
                    .any(|frame| full.contains(&frame.at.segment));
                assert!(!late, "a frame of a segment that was announced as full");
            }
        }
    }
    for segment in &sealed {
        let event = running.events[1].recv_blocking().expect("the log runs");
        assert!(matches!(event, WalEvent::SegmentSealed(told) if told == *segment));
        let all = frames(&events)
            .into_iter()
            .filter(|frame| frame.at.segment == *segment);
        let all: Vec<_> = all.map(|frame| frame.at).collect();
        let listed = running
            .reader
            .partition_frames(*segment, to)
            .expect("it is sealed");
        assert!(listed.iter().map(|entry| entry.at).eq(all));
        let other = running.reader.partition_digest(*segment, partition(9));
        assert_eq!(other.expect("it is sealed"), None);
    }
    let active = SegmentId(sealed[sealed.len() - 1].0 + 1);
    let unfinished = running.reader.partition_digest(active, to);
    assert!(matches!(unfinished, Err(ReadError::NotSealed(segment)) if segment == active));
    close(running);
}

fn meters_survive_the_segments_that_they_came_from(mut open: Open) {
    let (mut running, _) = open(NodeEpoch(1)).expect("a fresh log opens");
    let mut frames_in = appends(partition(0), 0, 60);
    frames_in.push(totals_now());
    let events = write(&mut running, frames_in);
    let bytes_in = 60 * (61 + BODY.len() as u64);
    let first = sealed(&events)[0];
    let at = frames(&events)[0].at;
    assert_eq!(at.segment, first);
    running.handle.recycle(first).expect("the log runs");
    running.handle.recycle(first).expect("twice does no harm");
    close(running);
    let (mut running, recovered) = open(NodeEpoch(2)).expect("the log opens again");
    assert_eq!(recovered.meters.epoch(), 1);
    let total = |recovered: &Recovered| {
        recovered
            .meters
            .totals(model::Timestamp(0))
            .map(|(_, sum)| sum.bytes_in.0)
            .sum::<u64>()
    };
    assert_eq!(total(&recovered), bytes_in);
    assert!(
        recovered
            .segments
            .iter()
            .all(|found| found.segment != first)
    );
    assert!(matches!(running.reader.read(at), Err(ReadError::Gone(segment)) if segment == first));
    write(&mut running, appends(partition(0), 60, 1));
    close(running);
    let (running, recovered) = open(NodeEpoch(3)).expect("the log opens again");
    assert_eq!(total(&recovered), bytes_in + 61 + BODY.len() as u64);
    close(running);
}

fn a_folder_has_one_owner_and_epochs_rise(mut open: Open) {
    let (running, _) = open(NodeEpoch(5)).expect("a fresh log opens");
    let error = open(NodeEpoch(6)).err().expect("the folder is taken");
    assert!(matches!(error, WalError::Locked { .. }), "{error}");
    close(running);
    for epoch in [4, 5] {
        let error = open(NodeEpoch(epoch)).err().expect("the epoch must rise");
        assert!(
            matches!(
                error,
                WalError::NodeEpoch {
                    found: NodeEpoch(5),
                    ..
                }
            ),
            "{error}"
        );
    }
    close(open(NodeEpoch(6)).expect("the log opens again").0);
}

fn the_bound_holds_until_events_are_taken_out(mut open: Open) {
    let (mut running, _) = open(NodeEpoch(1)).expect("a fresh log opens");
    let mut taken = 0;
    let refused = loop {
        match running.handle.try_submit(appends(partition(0), taken, 1)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "there is a bound");
    };
    let TrySubmitError::Full(mut back) = refused else {
        panic!("{refused}")
    };
    assert_eq!(back.len(), 1);
    // Nobody waits for ever who goes on receiving.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("it is bare");
    runtime.block_on(async {
        let mut announced = 0;
        for number in taken..taken + 100 {
            while let Some(event) = running
                .handle
                .submit_or_receive(&mut back, &mut running.events[0])
                .await
                .expect("the log runs")
            {
                announced += frames(&[event]).len() as u64;
            }
            assert!(back.is_empty());
            back = appends(partition(0), number + 1, 1);
        }
        while announced < taken + 100 {
            let event = running.events[0].recv().await.expect("the log runs");
            announced += frames(&[event]).len() as u64;
        }
    });
    assert!(running.events[0].try_recv().is_err());
    close(running);
}

#[cfg(test)]
mod tests;
