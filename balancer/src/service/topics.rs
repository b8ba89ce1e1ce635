//! Requests that create, change and delete topics of one virtual cluster.
//!
//! Owns: how the parts of one request are decided: one after the other, each on what those before it
//! have left, on a copy of what the virtual cluster has, so that a request cannot collide with itself.
//! Does not own: the decisions (`catalog`), or how they are stored and shown ([`Service::commit`]).

use catalog::alter::Growth;
use catalog::decide::Birth;
use catalog::{CatalogRecord, CatalogState, ChangeBudget};
use control_api::{CreatedTopic, MorePartitions, NewTopic, TopicChange, TopicError, TopicRef};
use model::{NodeId, TopicId, TopicName, VirtualClusterId};

use super::Service;
use crate::store::StoreError;

impl Service {
    pub(super) async fn create_topics(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> (
        Vec<Result<CreatedTopic, TopicError>>,
        Result<(), StoreError>,
    ) {
        let mut after = self.state.part_of(cluster);
        let (at, node) = (self.clock.wall(), NodeId(0));
        let mut budget = ChangeBudget::new(&self.state, cluster, at);
        let mut records = Vec::new();
        let mut results = Vec::new();
        for topic in topics {
            let birth = Birth {
                id: TopicId((self.fresh_id)()),
                at,
                node,
            };
            let decided = catalog::create_topic(&after, cluster, topic, birth);
            let decided = decided.and_then(|decided| {
                budget.spend(decided.1.partitions)?;
                Ok(decided)
            });
            results.push(decided.map(|(record, created)| {
                after.replay(record.clone());
                records.push(record);
                created
            }));
        }
        if validate_only {
            let as_validated = |created| CreatedTopic {
                id: TopicId::ZERO,
                ..created
            };
            return (
                results.into_iter().map(|r| r.map(as_validated)).collect(),
                Ok(()),
            );
        }
        records.extend(budget.record());
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }

    pub(super) async fn delete_topics(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[TopicRef],
    ) -> (
        Vec<Result<(TopicId, TopicName), TopicError>>,
        Result<(), StoreError>,
    ) {
        let mut after = self.state.part_of(cluster);
        let mut budget = ChangeBudget::new(&self.state, cluster, self.clock.wall());
        let mut records = Vec::new();
        let mut results = Vec::new();
        for topic in topics {
            let decided = catalog::delete_topic(&after, cluster, topic).and_then(|decided| {
                let there = after.topics.get(&decided.1.0);
                budget.spend_on_deletion(there.map_or(0, |topic| topic.placements.len() as u32))?;
                Ok(decided)
            });
            results.push(decided.map(|(record, gone)| {
                after.replay(record.clone());
                records.push(record);
                gone
            }));
        }
        records.extend(budget.record());
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }

    pub(super) async fn create_partitions(
        &mut self,
        cluster: VirtualClusterId,
        topics: &[MorePartitions],
        validate_only: bool,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let growth = Growth {
            at: self.clock.wall(),
            node: NodeId(0),
        };
        let decide = |state: &CatalogState, more: &MorePartitions| {
            catalog::create_partitions(state, cluster, more, growth).map(Some)
        };
        self.change(cluster, (topics, validate_only), decide).await
    }

    pub(super) async fn alter_topics(
        &mut self,
        cluster: VirtualClusterId,
        changes: &[TopicChange],
        validate_only: bool,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let decide = |state: &CatalogState, change: &TopicChange| {
            catalog::alter_topic(state, cluster, change)
        };
        self.change(cluster, (changes, validate_only), decide).await
    }

    /// Decides changes of topics one after the other, each on what those before it have left.
    async fn change<C>(
        &mut self,
        cluster: VirtualClusterId,
        (changes, validate_only): (&[C], bool),
        decide: impl Fn(&CatalogState, &C) -> Result<Option<CatalogRecord>, TopicError>,
    ) -> (Vec<Result<(), TopicError>>, Result<(), StoreError>) {
        let mut budget = ChangeBudget::new(&self.state, cluster, self.clock.wall());
        let mut after = self.state.part_of(cluster);
        let mut records = Vec::new();
        let mut results = Vec::new();
        for change in changes {
            let decided = decide(&after, change).and_then(|record| {
                if let Some(CatalogRecord::PartitionsCreated { placements, .. }) = &record {
                    budget.spend(placements.len() as u32)?;
                }
                Ok(record)
            });
            results.push(decided.map(|record| {
                if let Some(record) = record {
                    after.replay(record.clone());
                    records.push(record);
                }
            }));
        }
        if validate_only {
            return (results, Ok(()));
        }
        records.extend(budget.record());
        let outcome = self.commit(records).await;
        (unless_failed(results, &outcome), outcome)
    }
}

/// What was decided holds only if it was stored; each topic may have been refused before.
fn unless_failed<T>(
    results: Vec<Result<T, TopicError>>,
    outcome: &Result<(), StoreError>,
) -> Vec<Result<T, TopicError>> {
    let failed = outcome.is_err();
    let hold = |result: Result<T, TopicError>| match result {
        Ok(_) if failed => Err(TopicError::Unavailable),
        other => other,
    };
    results.into_iter().map(hold).collect()
}
