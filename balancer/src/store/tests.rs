use std::sync::Arc;

use catalog::CatalogRecord;
use model::CatalogVersion;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use super::{CHANGES_PER_SNAPSHOT, CatalogStore, StoreError};
use crate::seal::SealingKey;

fn open(folder: &std::path::Path) -> CatalogStore {
    let store = LocalFileSystem::new_with_prefix(folder).expect("the folder is there");
    let store: Arc<dyn ObjectStore> = Arc::new(store.with_fsync(true));
    CatalogStore::new(store, SealingKey::new(&[7; 32]))
}

fn ids(end: i64) -> Vec<CatalogRecord> {
    vec![CatalogRecord::ProducerIdsAllocated { end }]
}

#[tokio::test]
async fn what_was_committed_is_loaded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    assert_eq!(
        store.load().await.expect("is empty").version,
        CatalogVersion(0)
    );
    store
        .commit(CatalogVersion(1), &ids(10))
        .await
        .expect("is free");
    store
        .commit(CatalogVersion(2), &ids(20))
        .await
        .expect("is free");
    let state = open(folder.path()).load().await.expect("was written");
    assert_eq!(
        (state.version, state.producer_ids_end),
        (CatalogVersion(2), 20)
    );
}

#[tokio::test]
async fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    store
        .commit(CatalogVersion(1), &ids(10))
        .await
        .expect("is free");
    let again = open(folder.path())
        .commit(CatalogVersion(1), &ids(11))
        .await;
    assert!(matches!(again, Err(StoreError::Fenced(1))));
}

#[tokio::test]
async fn a_hole_is_not_passed_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    store
        .commit(CatalogVersion(1), &ids(10))
        .await
        .expect("is free");
    store
        .commit(CatalogVersion(3), &ids(30))
        .await
        .expect("is free");
    assert!(matches!(store.load().await, Err(StoreError::Hole(2))));
}

#[tokio::test]
async fn a_snapshot_replaces_the_changes_before_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = open(folder.path());
    let mut state = store.load().await.expect("is empty");
    for version in 1..=CHANGES_PER_SNAPSHOT + 3 {
        let records = ids(version as i64);
        store
            .commit(CatalogVersion(version), &records)
            .await
            .expect("is free");
        records.into_iter().for_each(|record| state.replay(record));
        state.version = CatalogVersion(version);
        store.snapshot_if_due(&state).await.expect("has room");
    }
    assert_eq!(
        store.versions("catalog/log").await.expect("is there").len(),
        3
    );
    assert_eq!(
        open(folder.path()).load().await.expect("was written"),
        state
    );
}

#[tokio::test]
async fn another_key_is_told_apart_from_an_empty_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open(folder.path())
        .commit(CatalogVersion(1), &ids(10))
        .await
        .expect("is free");
    let mut other = open(folder.path());
    other.key = SealingKey::new(&[8; 32]).into();
    assert!(matches!(other.load().await, Err(StoreError::Sealed { .. })));
}
