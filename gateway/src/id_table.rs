//! Tables by ids of ours that many tasks share.

use dashmap::DashMap;
use model::IdHash;

/// Like [`model::IdMap`], for many tasks at once: never by anything that a client chooses.
pub(crate) type IdTable<K, V> = DashMap<K, V, IdHash>;
