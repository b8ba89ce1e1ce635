//! Batches that come again, come with other content, and are merged.

use model::{NodeId, VirtualClusterId};
use object_store::memory::InMemory;
use quota::{Amounts, Minute, UsageRun};

use super::*;

const NODE: UsageSource = UsageSource::Node(NodeId(3));

const ORIGIN: UsageOrigin = UsageOrigin {
    source: NODE,
    epoch: 7,
};

fn store() -> UsageStore {
    UsageStore::new(
        Arc::new(InMemory::new()),
        Arc::new(SealingKey::new(&[1; 32])),
    )
}

fn batch(sequence: u64, bytes_in: u64) -> SealedUsage {
    let first = Minute(sequence as i64);
    SealedUsage {
        epoch: 7,
        sequence,
        before: Minute(first.0 + 1),
        runs: vec![UsageRun {
            virtual_cluster: VirtualClusterId(1),
            first,
            minutes: 1,
            amounts: Amounts {
                bytes_in,
                stored_byte_ms: u128::MAX,
                ..Amounts::default()
            },
        }],
    }
}

#[tokio::test]
async fn the_same_batch_counts_once_and_another_under_its_number_is_refused() {
    let store = store();
    for _ in 0..2 {
        assert_eq!(store.keep(NODE, &batch(0, 10)).await, Ok(()));
    }
    let refused = store.keep(NODE, &batch(0, 11)).await;
    let origin = ORIGIN;
    let sequence = 0;
    assert_eq!(
        refused,
        Err(RecordUsageError::Conflict { origin, sequence })
    );
    assert_eq!(
        store.keep(UsageSource::Balancer, &batch(0, 12)).await,
        Ok(())
    );
    let kept = store.read_all().await.expect("is whole");
    let amounts: Vec<_> = kept
        .iter()
        .map(|kept| (kept.source, kept.usage.runs[0].amounts.bytes_in))
        .collect();
    assert_eq!(amounts, [(NODE, 10), (UsageSource::Balancer, 12)]);
    assert_eq!(kept[0].usage, batch(0, 10), "as it came, to the last digit");
}

#[tokio::test]
async fn old_batches_are_merged_and_all_are_read() {
    let store = store();
    let last = 2 * BATCHES_PER_MERGE;
    for sequence in 0..=last {
        assert_eq!(store.keep(NODE, &batch(sequence, sequence)).await, Ok(()));
        store.merge_if_due(ORIGIN, sequence).await;
    }
    let names = store.names(BATCHES).await.expect("is there");
    assert_eq!(names.len() as u64, last + 1 - BATCHES_PER_MERGE);
    let kept = store.read_all().await.expect("is whole");
    let numbers = kept.iter().map(|kept| kept.usage.sequence);
    assert!(numbers.eq(0..=last));
    // A merge that was cut short before it had removed all: what is there twice counts once.
    assert_eq!(store.keep(NODE, &batch(5, 5)).await, Ok(()));
    assert_eq!(store.read_all().await.expect("is whole"), kept);
    for sequence in last + 1..=last + BATCHES_PER_MERGE {
        assert_eq!(store.keep(NODE, &batch(sequence, sequence)).await, Ok(()));
        store.merge_if_due(ORIGIN, sequence).await;
    }
    let names = store.names(BATCHES).await.expect("is there");
    assert_eq!(
        names.len() as u64,
        BATCHES_PER_MERGE + 1,
        "the rest was removed"
    );
}

#[tokio::test]
async fn a_batch_that_is_found_is_written_over_with_its_own_bytes() {
    let store = store();
    let written = async || {
        let names = store.names(BATCHES).await.expect("is there");
        let found = store.store.get(&Path::from(names[0].as_str())).await;
        let found = found.expect("is there");
        let tag = found.meta.e_tag.clone();
        (tag, found.bytes().await.expect("is whole"))
    };
    assert_eq!(store.keep(NODE, &batch(0, 10)).await, Ok(()));
    let first = written().await;
    assert_eq!(store.keep(NODE, &batch(0, 10)).await, Ok(()));
    let again = written().await;
    assert_ne!(
        first.0, again.0,
        "it is made durable, whoever has put it there"
    );
    assert_eq!(first.1, again.1);
    assert!(store.keep(NODE, &batch(0, 11)).await.is_err());
    assert_eq!(written().await, again, "another batch changes nothing");
}
