//! Sealed usage on object storage: one object a batch, created only if it is not there.
//!
//! ```text
//!   usage/batches/<source>/<epoch, 20 digits>/<sequence, 20 digits>   one batch, sealed
//!   usage/merged/<source>/<epoch>/<first sequence>                    several, in order
//! ```
//!
//! Owns: names, sealing and merging of these objects. Does not own: what is in a batch (`quota`).
//! Invariants: a batch that is kept never changes; the same batch may come again. Batches are merged
//! before they are removed, so each can be read at any time, and is counted once if it is there twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use control_api::{RecordUsageError, Unavailable};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use quota::{SealedUsage, UsageOrigin, UsageSource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::seal::SealingKey;
use crate::store::StoreError;

/// So many batches become one object: four hours of traffic, or ten days without. As many or more of
/// the latest stay as they are, for a batch that comes again to be compared with.
const BATCHES_PER_MERGE: u64 = 256;

/// Reading begins anew this often if what was listed has been merged meanwhile; then it is an error.
const READS_MAX: u32 = 3;

/// A batch that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptUsage {
    /// Who has counted it.
    pub source: UsageSource,
    /// The batch.
    pub usage: SealedUsage,
}

/// See the file's header.
pub(crate) struct UsageStore {
    store: Arc<dyn ObjectStore>,
    key: Arc<SealingKey>,
}

impl UsageStore {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, key: Arc<SealingKey>) -> Self {
        Self { store, key }
    }

    /// Keeps a batch for good. One that is kept already must be the same.
    pub(crate) async fn keep(
        &self,
        source: UsageSource,
        usage: &SealedUsage,
    ) -> Result<(), RecordUsageError> {
        let origin = UsageOrigin {
            source,
            epoch: usage.epoch,
        };
        let name = batch_name(origin, usage.sequence);
        let kept = KeptUsage {
            source,
            usage: usage.clone(),
        };
        match self.create(&name, &kept).await {
            Ok(true) => {}
            Ok(false) => {
                let sequence = usage.sequence;
                return Err(RecordUsageError::Conflict { origin, sequence });
            }
            Err(why) => {
                warn!(name, %why, "usage could not be written");
                return Err(Unavailable.into());
            }
        }
        Ok(())
    }

    /// Merges old batches of `origin` if it is time to, now that batch `sequence` is kept. It reads and
    /// removes hundreds of objects: not for a task that others wait for. Two at a time do no harm.
    pub(crate) async fn merge_if_due(&self, origin: UsageOrigin, sequence: u64) {
        if sequence.is_multiple_of(BATCHES_PER_MERGE)
            && let Err(why) = self.merge(origin, sequence).await
        {
            warn!(%why, "usage batches could not be merged; a later one tries again");
        }
    }

    /// Every batch that is kept, by source, epoch and number.
    pub(crate) async fn read_all(&self) -> Result<Vec<KeptUsage>, StoreError> {
        let mut reads = 1;
        loop {
            match self.try_read_all().await {
                Err(StoreError::Store(object_store::Error::NotFound { .. }))
                    if reads < READS_MAX =>
                {
                    reads += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_read_all(&self) -> Result<Vec<KeptUsage>, StoreError> {
        // Batches are listed first: one that is merged meanwhile is found there.
        let batches = self.names(BATCHES).await?;
        let merged = self.names(MERGED).await?;
        let mut all = BTreeMap::new();
        let mut add = |kept: KeptUsage| {
            let id = (kept.source, kept.usage.epoch, kept.usage.sequence);
            all.insert(id, kept);
        };
        for name in merged {
            let several: Vec<KeptUsage> = self.read(&name).await?;
            several.into_iter().for_each(&mut add);
        }
        for name in batches {
            add(self.read(&name).await?);
        }
        Ok(all.into_values().collect())
    }

    /// Merges what is old enough when batch `sequence` has come.
    async fn merge(&self, origin: UsageOrigin, sequence: u64) -> Result<(), StoreError> {
        let folder = format!("{BATCHES}/{}/{:020}", origin.source, origin.epoch);
        let mut groups: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for name in self.names(&folder).await? {
            let number = name.rsplit('/').next().and_then(|n| n.parse::<u64>().ok());
            if let Some(number) = number {
                let first = number - number % BATCHES_PER_MERGE;
                groups.entry(first).or_default().push(name);
            }
        }
        let old_below = sequence.saturating_sub(BATCHES_PER_MERGE);
        for (first, names) in groups.range(..old_below) {
            self.merge_group(origin, *first, names).await?;
        }
        Ok(())
    }

    async fn merge_group(
        &self,
        origin: UsageOrigin,
        first: u64,
        names: &[String],
    ) -> Result<(), StoreError> {
        let merged = format!(
            "{MERGED}/{}/{:020}/{first:020}",
            origin.source, origin.epoch
        );
        if names.len() as u64 == BATCHES_PER_MERGE {
            let mut batches: Vec<KeptUsage> = Vec::with_capacity(names.len());
            for name in names {
                batches.push(self.read(name).await?);
            }
            if !self.create(&merged, &batches).await? {
                return Err(StoreError::Store(object_store::Error::AlreadyExists {
                    path: merged,
                    source: "another merge of these batches is there".into(),
                }));
            }
            info!(merged, "usage batches were merged");
        } else {
            // A try that was cut short while it removed them: what is merged is whole.
            self.read::<Vec<KeptUsage>>(&merged).await?;
        }
        for name in names {
            self.store.delete(&Path::from(name.as_str())).await?;
        }
        Ok(())
    }

    async fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let objects: Vec<_> = self
            .store
            .list(Some(&Path::from(folder)))
            .try_collect()
            .await?;
        let mut names: Vec<String> = objects
            .into_iter()
            .map(|object| object.location.to_string())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let sealed = self.store.get(&Path::from(name)).await?.bytes().await?;
        self.open(name, &sealed)
    }

    fn open<T: DeserializeOwned>(&self, name: &str, sealed: &[u8]) -> Result<T, StoreError> {
        let plain = self.key.open(name, sealed);
        let plain = plain.map_err(|why| StoreError::Sealed {
            name: name.to_owned(),
            why,
        })?;
        serde_json::from_slice(&plain).map_err(|why| StoreError::Format {
            name: name.to_owned(),
            why,
        })
    }

    /// Creates an object. One that is there already decides: true where it is equal.
    ///
    /// A failed write may have succeeded in part: a local store links the file first and syncs the
    /// folder afterwards, so an object that is found is not known to outlast a crash. Its own bytes are
    /// written over it, which changes nothing and is durable when it succeeds.
    async fn create<T>(&self, name: &str, value: &T) -> Result<bool, StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let Err(why) = self.put(name, value).await else {
            return Ok(true);
        };
        let path = Path::from(name);
        let Ok(found) = self.store.get(&path).await else {
            return Err(why);
        };
        let sealed = found.bytes().await?;
        if self.open::<T>(name, &sealed)? != *value {
            return Ok(false);
        }
        self.store.put(&path, sealed.into()).await?;
        Ok(true)
    }

    async fn put<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let plain = serde_json::to_vec(value).map_err(|why| StoreError::Format {
            name: name.to_owned(),
            why,
        })?;
        let sealed = Bytes::from(self.key.seal(name, &plain));
        let mode = PutMode::Create.into();
        let path = Path::from(name);
        self.store.put_opts(&path, sealed.into(), mode).await?;
        Ok(())
    }
}

const BATCHES: &str = "usage/batches";
const MERGED: &str = "usage/merged";

fn batch_name(origin: UsageOrigin, sequence: u64) -> String {
    let UsageOrigin { source, epoch } = origin;
    format!("{BATCHES}/{source}/{epoch:020}/{sequence:020}")
}

#[cfg(test)]
mod tests;
