//! Records that a client deletes: gone at once, and for good.

use model::{CatalogVersion, Offset};
use node_api::{FindOffset, LogBounds, NodeTransport, OffsetQuery, ReadError, read_one};

use super::world::{DEADLINE, GATEWAY, World, Writer, batch, partition, read, read_all};
use crate::LocalNode;

fn offset(value: u64) -> Offset {
    Offset::new(value).expect("is small")
}

async fn bounds(node: &LocalNode) -> LogBounds {
    let query = FindOffset {
        partition: partition(0),
        map_version: CatalogVersion(1),
        query: OffsetQuery::Earliest,
    };
    node.find_offset(query).await.expect("is here").bounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_are_gone_and_stay_gone_after_a_crash() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    for _ in 0..10 {
        writer.append(batch(&[1; 1000], 1, None)).await;
    }
    let delete = |to: Option<u64>| transport.delete_records(partition(0), to.map(offset));
    assert_eq!(delete(Some(4)).await, Ok(offset(4)));
    let crashed = world.crash_copy();
    let below = read_one(&transport, read(0, 3, 1000)).await;
    assert!(matches!(below, Err(ReadError::OutOfRange { .. })));
    assert_eq!(read_all(&transport, 0, 4).await.len(), 6);
    assert_eq!(
        delete(Some(2)).await,
        Ok(offset(4)),
        "it is further already"
    );
    let above = delete(Some(11)).await;
    let bounds_now = bounds(&transport).await;
    assert_eq!(above, Err(ReadError::OutOfRange { bounds: bounds_now }));
    assert_eq!(delete(None).await, Ok(offset(10)));
    node.shutdown().await;

    let node = crashed.start().await;
    let transport = node.transport();
    assert_eq!(bounds(&transport).await.log_start_offset, offset(4));
    assert_eq!(read_all(&transport, 0, 4).await.len(), 6);
    node.shutdown().await;
    let node = world.start().await;
    let found = bounds(&node.transport()).await;
    assert_eq!(
        (found.log_start_offset, found.high_watermark),
        (offset(10), offset(10))
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_a_partition_is_told_of_its_new_start() {
    let world = World::new();
    let node = world.start().await;
    let transport = node.transport();
    let mut writer = Writer::open(&transport, partition(0), GATEWAY).await;
    writer.append(batch(b"x", 1, None)).await;
    let mut news = transport.news(GATEWAY).await;
    transport
        .interest(GATEWAY, vec![(partition(0), true)])
        .await;
    let deleted = transport.delete_records(partition(0), None).await;
    assert_eq!(deleted, Ok(offset(1)));
    loop {
        let told = tokio::time::timeout(DEADLINE, news.recv()).await;
        let told = told.expect("comes").expect("is open");
        if told[0].bounds.map(|bounds| bounds.log_start_offset) == Some(offset(1)) {
            break;
        }
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_of_what_is_not_here() {
    let world = World::new();
    let node = world.start().await;
    let deleted = node.transport().delete_records(partition(99), None).await;
    assert_eq!(deleted, Err(ReadError::NotOwner));
    node.shutdown().await;
}
