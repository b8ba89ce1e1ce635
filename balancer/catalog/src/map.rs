//! The cluster map, made from the catalog's state. Topics are shared with it, virtual clusters that did
//! not change with the map before; finding that out compares all of these.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ClusterMap, Topic, VirtualCluster, VirtualClusterId};

use crate::state::CatalogState;

/// The map of `state`, sharing with `previous` what is equal.
pub fn cluster_map(state: &CatalogState, previous: &ClusterMap) -> ClusterMap {
    let mut map = ClusterMap {
        version: state.version,
        topics: state.topics.clone(),
        partition_changes: state.partition_changes.clone(),
        ..ClusterMap::default()
    };
    for cluster in state.clusters.values() {
        add_cluster(&mut map, cluster, previous);
    }
    for (cluster, names) in &state.names {
        let topics = names.iter().filter_map(|(name, id)| {
            map.topics
                .get(id)
                .map(|topic| (name.clone(), Arc::clone(topic)))
        });
        let topics: BTreeMap<_, Arc<Topic>> = topics.collect();
        map.topics_by_name.insert(*cluster, Arc::new(topics));
    }
    map
}

fn add_cluster(map: &mut ClusterMap, cluster: &VirtualCluster, previous: &ClusterMap) {
    let shared = previous
        .virtual_clusters
        .get(&cluster.id)
        .filter(|b| b.as_ref() == cluster);
    let shared = shared.map_or_else(|| Arc::new(cluster.clone()), Arc::clone);
    map.virtual_clusters.insert(cluster.id, shared);
    for key in cluster.access_keys.keys() {
        map.access_key_owner.insert(key.clone(), cluster.id);
    }
    for name in &cluster.advertised_names {
        map.name_owner.insert(name.to_ascii_lowercase(), cluster.id);
    }
    for user in cluster.scram_users.keys() {
        claim_user(map, user, cluster.id);
    }
}

/// A user name that two virtual clusters use tells neither.
fn claim_user(map: &mut ClusterMap, user: &str, cluster: VirtualClusterId) {
    let others = map
        .virtual_clusters
        .values()
        .filter(|other| other.id != cluster);
    let is_shared = others
        .into_iter()
        .any(|other| other.scram_users.contains_key(user));
    if is_shared {
        map.scram_user_owner.remove(user);
    } else {
        map.scram_user_owner.insert(user.to_owned(), cluster);
    }
}
