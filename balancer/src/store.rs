//! The catalog on object storage: one object a change, numbered by version and created only if it
//! is not there, so that of two writers one is refused by the store.
//!
//! ```text
//!   catalog/log/<version, 20 digits>        the records of one change, sealed
//!   catalog/snapshot/<version, 20 digits>   the whole state after that change, sealed
//! ```
//!
//! Owns: names, order and sealing of these objects. Does not own: what a record means.
//! Invariants: versions of the log have no hole above the latest snapshot; a log object is removed
//! only when a snapshot at or above its version is stored.

use std::sync::Arc;

use bytes::Bytes;
use catalog::{CatalogRecord, CatalogState};
use futures_util::{StreamExt, TryStreamExt, stream};
use model::CatalogVersion;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use tracing::warn;

use crate::seal::{SealingKey, UnsealError};

/// A snapshot is written each time this many changes have come since the last one.
const CHANGES_PER_SNAPSHOT: u64 = 256;

/// Changes that are read at one time at a start: most of reading one is waiting.
const READS_AT_ONCE: usize = 16;

/// Why the catalog could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another balancer has written this version: this one must stop.
    #[error("catalog version {0} was written by another balancer")]
    Fenced(u64),
    /// A version is missing below one that is there.
    #[error("catalog version {0} is missing, though later ones are there")]
    Hole(u64),
    /// An object cannot be opened: wrong key file, or damaged.
    #[error("catalog object {name}: {why}")]
    Sealed {
        /// The object.
        name: String,
        /// What is wrong.
        why: UnsealError,
    },
    /// An object has no form that this release knows.
    #[error("catalog object {name} is not understood: {why}")]
    Format {
        /// The object.
        name: String,
        /// What is wrong.
        why: serde_json::Error,
    },
    /// The store itself.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
}

/// The catalog's place in an object store.
pub(crate) struct CatalogStore {
    store: Arc<dyn ObjectStore>,
    key: Arc<SealingKey>,
    snapshot_version: u64,
}

impl CatalogStore {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, key: impl Into<Arc<SealingKey>>) -> Self {
        Self {
            store,
            key: key.into(),
            snapshot_version: 0,
        }
    }

    /// Reads the state: the latest snapshot and every change after it.
    pub(crate) async fn load(&mut self) -> Result<CatalogState, StoreError> {
        let mut state = CatalogState::default();
        if let Some(version) = self.versions("catalog/snapshot").await?.last().copied() {
            state = self.read(&snapshot_name(version)).await?;
            state.index();
            self.snapshot_version = version;
        }
        let mut versions = self.versions("catalog/log").await?;
        versions.retain(|version| *version > state.version.0);
        let store = &*self;
        let changes = stream::iter(versions).map(|version| async move {
            let records: Vec<CatalogRecord> = store.read(&log_name(version)).await?;
            Ok::<_, StoreError>((version, records))
        });
        let mut changes = changes.buffered(READS_AT_ONCE);
        while let Some((version, records)) = changes.try_next().await? {
            if version != state.version.0 + 1 {
                return Err(StoreError::Hole(state.version.0 + 1));
            }
            records.into_iter().for_each(|record| state.replay(record));
            state.version = CatalogVersion(version);
        }
        Ok(state)
    }

    /// Stores the records of the change that makes the catalog `version`.
    pub(crate) async fn commit(
        &self,
        version: CatalogVersion,
        records: &[CatalogRecord],
    ) -> Result<(), StoreError> {
        let name = log_name(version.0);
        let sealed = self.sealed(&name, &records)?;
        let Err(why) = self.put(&name, sealed.clone()).await else {
            return Ok(());
        };
        // A failed write may have succeeded, and an object that is there already may be our own: what
        // is stored decides. A seal begins with a nonce, so no other writer's is equal.
        match self.get(&name).await {
            Ok(stored) if stored == sealed => Ok(()),
            Ok(_) => Err(StoreError::Fenced(version.0)),
            Err(_) => Err(why),
        }
    }

    /// Writes a snapshot if it is time for one, then removes what it replaces.
    pub(crate) async fn snapshot_if_due(&mut self, state: &CatalogState) -> Result<(), StoreError> {
        let version = state.version.0;
        if version < self.snapshot_version + CHANGES_PER_SNAPSHOT {
            return Ok(());
        }
        let name = snapshot_name(version);
        self.put(&name, self.sealed(&name, state)?).await?;
        self.snapshot_version = version;
        for old in self
            .versions("catalog/log")
            .await?
            .into_iter()
            .filter(|v| *v <= version)
        {
            self.remove(&log_name(old)).await;
        }
        for old in self
            .versions("catalog/snapshot")
            .await?
            .into_iter()
            .filter(|v| *v < version)
        {
            self.remove(&snapshot_name(old)).await;
        }
        Ok(())
    }

    /// What is left over is removed with the next snapshot, so a failure is only told.
    async fn remove(&self, name: &str) {
        if let Err(why) = self.store.delete(&Path::from(name)).await {
            warn!(name, %why, "an old catalog object could not be removed");
        }
    }

    async fn versions(&self, folder: &str) -> Result<Vec<u64>, StoreError> {
        let objects: Vec<_> = self
            .store
            .list(Some(&Path::from(folder)))
            .try_collect()
            .await?;
        let names = objects
            .iter()
            .filter_map(|object| object.location.filename());
        let mut versions: Vec<u64> = names.filter_map(|name| name.parse().ok()).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let sealed = self.get(name).await?;
        let plain = self.key.open(name, &sealed);
        let plain = plain.map_err(|why| StoreError::Sealed {
            name: name.to_owned(),
            why,
        })?;
        serde_json::from_slice(&plain).map_err(|why| StoreError::Format {
            name: name.to_owned(),
            why,
        })
    }

    fn sealed<T: serde::Serialize>(&self, name: &str, value: &T) -> Result<Bytes, StoreError> {
        let plain = serde_json::to_vec(value).map_err(|why| StoreError::Format {
            name: name.to_owned(),
            why,
        })?;
        Ok(self.key.seal(name, &plain).into())
    }

    async fn get(&self, name: &str) -> Result<Bytes, StoreError> {
        Ok(self.store.get(&Path::from(name)).await?.bytes().await?)
    }

    async fn put(&self, name: &str, sealed: Bytes) -> Result<(), StoreError> {
        let mode = PutMode::Create.into();
        self.store
            .put_opts(&Path::from(name), sealed.into(), mode)
            .await?;
        Ok(())
    }
}

fn log_name(version: u64) -> String {
    format!("catalog/log/{version:020}")
}

fn snapshot_name(version: u64) -> String {
    format!("catalog/snapshot/{version:020}")
}

#[cfg(test)]
mod tests;
