//! Finding the credential that a client names, in the only virtual cluster it may be found in.
//!
//! Owns: the rule that a credential of another virtual cluster than the TLS name's does not exist.

use std::sync::Arc;

use model::{AccessKey, ClusterMap, ScramCredential, VirtualCluster};

use crate::TlsName;

/// The virtual cluster that a credential is looked up in, and the credential if it has it.
pub(crate) struct Found<'a, T> {
    pub(crate) cluster: &'a Arc<VirtualCluster>,
    pub(crate) credential: Option<&'a T>,
}

/// The access key called `id`; nothing where not even the virtual cluster is known.
pub(crate) fn find_access_key<'a>(
    map: &'a ClusterMap,
    tls_name: TlsName,
    id: &str,
) -> Option<Found<'a, AccessKey>> {
    let cluster = tls_name.cluster(map.access_key_owner.get(id).copied())?;
    let cluster = map.virtual_clusters.get(&cluster)?;
    let credential = cluster.access_keys.get(id);
    Some(Found {
        cluster,
        credential,
    })
}

/// The SCRAM user called `name`; nothing where not even the virtual cluster is known.
pub(crate) fn find_scram_user<'a>(
    map: &'a ClusterMap,
    tls_name: TlsName,
    name: &str,
) -> Option<Found<'a, ScramCredential>> {
    let cluster = tls_name.cluster(map.scram_user_owner.get(name).copied())?;
    let cluster = map.virtual_clusters.get(&cluster)?;
    let credential = cluster.scram_users.get(name);
    Some(Found {
        cluster,
        credential,
    })
}
