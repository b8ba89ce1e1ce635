//! Reads of several partitions by one call: from memory, from files, and where a file is damaged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use node_api::{NodeTransport, Read, ReadError, ReadReply};
use records::batches;

use super::world::{GATEWAY, World, Writer, batch, name_of, partition, read, wait_until};
use crate::LocalNode;

/// What batch `number` of a partition holds; no two are the same.
fn value(index: u32, number: u64) -> Vec<u8> {
    let text = format!("partition {index}, batch {number}; ");
    text.repeat(40_000 / text.len()).into_bytes()
}

/// Batches of four partitions, one by one in turn.
async fn fill(node: &LocalNode, rounds: u64) {
    let mut writers = Vec::new();
    for index in 0..4 {
        writers.push(Writer::open(node, partition(index), GATEWAY).await);
    }
    for number in 0..rounds {
        for (index, writer) in (0..).zip(&mut writers) {
            writer.append(batch(&value(index, number), 1, None)).await;
        }
    }
}

/// Every answer, by the number of its read, and in how many messages they came.
async fn read_at_once(
    node: &LocalNode,
    reads: Vec<Read>,
) -> (BTreeMap<usize, Result<ReadReply, ReadError>>, usize) {
    let mut incoming = node.read(reads).await;
    let (mut answers, mut messages) = (BTreeMap::new(), 0);
    while let Some(more) = incoming.next().await {
        messages += 1;
        for (read, answer) in more {
            assert!(answers.insert(read, answer).is_none(), "answered twice");
        }
    }
    (answers, messages)
}

/// The numbers of the batches that were read, each of which is as it was sent.
fn found(index: u32, answer: &Result<ReadReply, ReadError>) -> Vec<u64> {
    let reply = answer.as_ref().expect("is readable");
    let bytes = reply.segments.concat();
    assert_eq!(bytes.len(), reply.bytes);
    let found = batches(bytes.into()).map(|batch| {
        let batch = batch.expect("is whole");
        batch.check_crc().expect("is as it was sent");
        let number = batch.base_offset().value();
        let value = value(index, number);
        let body = batch.body();
        assert!(body.windows(value.len()).any(|part| part == value));
        number
    });
    found.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_read_together_each_from_its_own_offset() {
    let world = World::new();
    let node = world.start().await;
    fill(&node.transport(), 30).await;
    for restarted in [false, true] {
        // After the restart nothing is in memory.
        let node = if restarted {
            node.shutdown().await;
            world.start().await
        } else {
            node.clone()
        };
        let transport = node.transport();
        let mut reads: Vec<_> = (0..4)
            .map(|index| read(index, 7 * u64::from(index), 10 << 20))
            .collect();
        reads.push(read(2, 29, 10 << 20));
        reads.push(read(1, 99, 10 << 20));
        let (mut answers, messages) = read_at_once(&transport, reads.clone()).await;
        // Of each shard one for what it knows, and one for what lies in files.
        assert!(messages <= 4, "{messages}");
        let beyond = answers.remove(&5);
        assert!(matches!(beyond, Some(Err(ReadError::OutOfRange { .. }))));
        for (number, answer) in answers {
            let (index, from) = match number {
                4 => (2, 29),
                index => (index as u32, 7 * index as u64),
            };
            let got = found(index, &answer);
            let count = got.len() as u64;
            assert!(count > 0 && got == (from..from + count).collect::<Vec<_>>());
            let reply = answer.expect("is readable");
            assert_eq!(reply.next_offset.value(), from + count);
        }
        if restarted {
            node.shutdown().await;
        }
    }
}

/// Where in which file the value lies.
fn place_of(world: &World, value: &[u8]) -> (PathBuf, usize) {
    let files = std::fs::read_dir(world.folder.path().join("wal")).expect("is there");
    for file in files {
        if !name_of(&file).ends_with(".segment") {
            continue;
        }
        let path = file.expect("is readable").path();
        let bytes = std::fs::read(&path).expect("is readable");
        let mut places = bytes.windows(value.len());
        if let Some(place) = places.position(|part| part == value) {
            return (path, place);
        }
    }
    panic!("the value is in no segment");
}

fn flip(path: &PathBuf, at: usize) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(path);
    let file = file.expect("is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).expect("is there");
    file.write_all_at(&[!byte[0]], at as u64).expect("is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_batch_fails_its_own_partition_and_no_other() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    fill(&transport, 12).await;
    let (path, at) = place_of(&world, &value(1, 2)[..2000]);
    flip(&path, at + 1000);
    let reads: Vec<_> = (0..4).map(|index| read(index, 0, 200_000)).collect();
    let (answers, _) = read_at_once(&transport, reads.clone()).await;
    for (number, answer) in answers {
        if number == 1 {
            assert_eq!(answer.err(), Some(ReadError::Storage));
        } else {
            assert_eq!(found(number as u32, &answer), [0, 1, 2, 3]);
        }
    }
    flip(&path, at + 1000);
    wait_until(async || {
        let (answers, _) = read_at_once(&transport, reads.clone()).await;
        answers.values().all(Result::is_ok)
    })
    .await;
    node.shutdown().await;
}
