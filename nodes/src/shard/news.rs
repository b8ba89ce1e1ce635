//! News for gateways: which partitions have more to read, told once per turn and merged while a
//! gateway does not listen.
//!
//! Owns: what is to be told to whom. Does not own: who is interested (`partition`).

use std::collections::BTreeSet;

use model::{GatewayIncarnation, IdMap, TopicPartition};
use node_api::Watermark;
use tokio::sync::mpsc;

use crate::limits::GATEWAYS_MAX;

#[derive(Default)]
pub(crate) struct News {
    gateways: IdMap<GatewayIncarnation, Outgoing>,
}

struct Outgoing {
    channel: mpsc::Sender<Vec<Watermark>>,
    untold: BTreeSet<TopicPartition>,
}

impl News {
    /// Opens a gateway's stream. At [`GATEWAYS_MAX`] streams that are closed are swept out first.
    pub(crate) fn open(
        &mut self,
        gateway: GatewayIncarnation,
        channel: mpsc::Sender<Vec<Watermark>>,
    ) {
        if self.gateways.len() >= GATEWAYS_MAX {
            self.gateways
                .retain(|_, outgoing| !outgoing.channel.is_closed());
        }
        self.gateways.insert(
            gateway,
            Outgoing {
                channel,
                untold: BTreeSet::new(),
            },
        );
    }

    /// Notes that there is news of `partition` for `gateway`.
    pub(crate) fn note(&mut self, gateway: GatewayIncarnation, partition: TopicPartition) {
        if let Some(outgoing) = self.gateways.get_mut(&gateway) {
            outgoing.untold.insert(partition);
        }
    }

    /// Whether a gateway's stream is open.
    pub(crate) fn is_open(&self, gateway: GatewayIncarnation) -> bool {
        self.gateways.contains_key(&gateway)
    }

    /// Tells what is untold, by the present state. Returns whether something is left for later.
    pub(crate) fn flush(&mut self, state: impl Fn(TopicPartition) -> Watermark) -> bool {
        let mut is_left = false;
        self.gateways.retain(|_, outgoing| {
            if outgoing.untold.is_empty() {
                return !outgoing.channel.is_closed();
            }
            match outgoing.channel.try_reserve() {
                Ok(place) => {
                    place.send(
                        outgoing
                            .untold
                            .iter()
                            .map(|partition| state(*partition))
                            .collect(),
                    );
                    outgoing.untold.clear();
                }
                Err(mpsc::error::TrySendError::Full(())) => is_left = true,
                Err(mpsc::error::TrySendError::Closed(())) => return false,
            }
            true
        });
        is_left
    }
}
