use std::sync::Arc;

use model::NodeEpoch;

use super::*;
use crate::contract::config;
use crate::disk::Disk;
use crate::fixtures::{HandClock, append, partition, totals_now};
use crate::recover::open;
use crate::sim::SimDisk;
use crate::write::{FrameWrite, WalStopped};

fn running(disk: &SimDisk, epoch: u64) -> Running {
    let clock = Arc::new(HandClock::at(60_000));
    let (opened, _) = open(Arc::new(disk.clone()), config(), NodeEpoch(epoch), clock).unwrap();
    start(opened, 2)
}

fn frame(number: u64) -> Vec<FrameWrite> {
    vec![append(partition(0), number, 1, &[1; 500], None)]
}

#[test]
fn after_a_failed_sync_everybody_is_told_why() {
    let disk = SimDisk::new(1);
    let mut running = running(&disk, 1);
    disk.fail_sync_after(Some(0));
    let _ = running.handle.submit_blocking(frame(0));
    assert!(
        running.events[0].recv_blocking().is_none(),
        "nothing was acknowledged"
    );
    assert!(running.events[1].recv_blocking().is_none());
    let refused = running.handle.submit_blocking(frame(1));
    let WalStopped { reason } = refused.unwrap_err();
    assert!(reason.contains("the sync failed"), "{reason}");
    running.thread.join().unwrap();
}

#[test]
fn what_was_submitted_is_written_after_the_last_handle_is_gone() {
    let disk = SimDisk::new(1);
    let mut running = running(&disk, 1);
    for number in 0..20 {
        running.handle.submit_blocking(frame(number)).unwrap();
    }
    drop(running.handle);
    running.thread.join().unwrap();
    let mut frames = 0;
    while let Some(event) = running.events[0].recv_blocking() {
        if let WalEvent::Committed(committed) = event {
            frames += committed.frames.len();
        }
    }
    assert_eq!(frames, 20);
    assert!(disk.lock().unwrap().is_some(), "the folder is free");
}

#[test]
fn a_shard_that_goes_away_does_not_hold_up_the_others() {
    let disk = SimDisk::new(1);
    let mut running = running(&disk, 1);
    let gone = running.events.remove(0);
    for number in 0..20 {
        running.handle.submit_blocking(frame(number)).unwrap();
    }
    drop(gone);
    for number in 20..200 {
        running.handle.submit_blocking(frame(number)).unwrap();
    }
}

#[test]
fn spares_are_made_ahead_and_recycled_segments_come_back() {
    let disk = SimDisk::new(1);
    let mut running = running(&disk, 1);
    let mut sealed = Vec::new();
    let mut number = 0;
    while sealed.len() < 12 {
        running
            .handle
            .submit_blocking([frame(number), vec![totals_now()]].concat())
            .unwrap();
        number += 1;
        let mut told = 0;
        while told < 2 {
            match running.events[0].recv_blocking().unwrap() {
                WalEvent::Committed(committed) => told += committed.frames.len(),
                WalEvent::SegmentSealed(segment) => {
                    sealed.push(segment);
                    // Its totals come with the frame that this event goes before.
                    if let Some(before) = sealed.len().checked_sub(2) {
                        running.handle.recycle(sealed[before]).unwrap();
                    }
                }
            }
        }
    }
    drop(running.handle);
    running.thread.join().unwrap();
    let names = disk.list().unwrap();
    let segments = names
        .iter()
        .filter(|name| name.ends_with("segment"))
        .count();
    assert_eq!(segments, 2, "{names:?}");
    let spares = names.iter().filter(|name| name.ends_with("spare")).count();
    assert!(
        (1..=config().spares_ready + 12).contains(&spares),
        "{names:?}"
    );
}

#[test]
#[should_panic(expected = "is being written")]
fn the_segment_that_is_written_cannot_be_recycled() {
    let running = running(&SimDisk::new(1), 1);
    let _ = running.handle.recycle(SegmentId(0));
}

#[test]
#[should_panic(expected = "no totals carry on the meters")]
fn a_segment_cannot_go_before_its_meters_are_carried_on() {
    let disk = SimDisk::new(1);
    let first = running(&disk, 1);
    drop(first.handle);
    first.thread.join().unwrap();
    let second = running(&disk, 2);
    let _ = second.handle.recycle(SegmentId(0));
}

#[test]
#[should_panic(expected = "a frame of")]
fn a_frame_that_is_too_large_is_refused_where_it_is_submitted() {
    let running = running(&SimDisk::new(1), 1);
    let body = vec![0; running.handle.frame_bytes_max()];
    let _ = running
        .handle
        .submit_blocking(vec![append(partition(0), 0, 1, &body, None)]);
}
