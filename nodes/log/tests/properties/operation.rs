//! What can happen to a log, and how likely it is.

use proptest::prelude::*;

/// Which of a gateway's appends arrives.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// The next one.
    Next,
    /// One that arrived so many before.
    Repeat(u8),
    /// One so many ahead.
    Gap(u8),
    /// The next one after this many were given up on the way.
    Skip(u8),
}

/// Which mark a batch bears.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    /// None: the producer is not idempotent.
    None,
    /// What follows the producer's last batch.
    Next(u8),
    /// The producer's batch so many before, exactly.
    Again(u8, u8),
    /// What begins so many sequences away from what follows.
    Off(u8, i8),
    /// The first of an epoch that differs by so much.
    Epoch(u8, i8),
    /// Of an epoch that is higher, but not the first.
    EpochOff(u8),
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Append {
        gateway: u8,
        arrival: Arrival,
        mark: Mark,
        record_count: u8,
        batch_bytes: u16,
        timestamp: u8,
        /// Whether the gateway says what has been answered.
        tells_answered: bool,
    },
    /// So many of what was written become durable.
    Commit {
        appends: u8,
    },
    /// What is written from now on goes to a new segment.
    Roll,
    /// Every complete segment is sealed.
    Seal,
    Snapshot,
    /// The log start moves to so many 255ths of what is durable.
    LogStart {
        share: u8,
    },
    /// What is not durable is lost, and the rest is replayed.
    Crash {
        digests: bool,
        only_needed: bool,
    },
    Read {
        share: u8,
        bytes_max: u16,
        at_least_one: bool,
    },
    FindTimestamp {
        share: u8,
        timestamp: u8,
    },
    FindMaxTimestamp,
}

fn mark() -> impl Strategy<Value = Mark> {
    let producer = 1..4_u8;
    prop_oneof![
        4 => Just(Mark::None),
        8 => producer.clone().prop_map(Mark::Next),
        3 => (producer.clone(), 0..8_u8).prop_map(|(p, back)| Mark::Again(p, back)),
        2 => (producer.clone(), -40..10_i8).prop_map(|(p, off)| Mark::Off(p, off)),
        1 => (producer.clone(), -1..3_i8).prop_map(|(p, by)| Mark::Epoch(p, by)),
        1 => producer.prop_map(Mark::EpochOff),
    ]
}

fn append() -> impl Strategy<Value = Operation> {
    let arrival = prop_oneof![
        12 => Just(Arrival::Next),
        3 => (1..8_u8).prop_map(Arrival::Repeat),
        1 => (1..3_u8).prop_map(Arrival::Gap),
        1 => (1..3_u8).prop_map(Arrival::Skip),
    ];
    let size = (1..20_u8, 1..500_u16);
    (0..3_u8, arrival, mark(), size, any::<u8>(), any::<bool>()).prop_map(
        |(gateway, arrival, mark, (record_count, batch_bytes), timestamp, tells_answered)| {
            Operation::Append {
                gateway,
                arrival,
                mark,
                record_count,
                batch_bytes,
                timestamp,
                tells_answered,
            }
        },
    )
}

fn look() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (any::<u8>(), 0..2000_u16, any::<bool>()).prop_map(|(share, bytes_max, at_least_one)| {
            Operation::Read { share, bytes_max, at_least_one }
        }),
        1 => (any::<u8>(), any::<u8>())
            .prop_map(|(share, timestamp)| Operation::FindTimestamp { share, timestamp }),
        1 => Just(Operation::FindMaxTimestamp),
    ]
}

/// A life of a log.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        30 => append(),
        12 => (1..20_u8).prop_map(|appends| Operation::Commit { appends }),
        4 => Just(Operation::Roll),
        3 => Just(Operation::Seal),
        2 => Just(Operation::Snapshot),
        2 => any::<u8>().prop_map(|share| Operation::LogStart { share }),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(digests, only_needed)| Operation::Crash { digests, only_needed }),
        6 => look(),
    ];
    prop::collection::vec(operation, 1..120)
}

/// What tells two logs from one another.
pub fn probes() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(prop_oneof![3 => append(), 1 => look()], 40)
}
