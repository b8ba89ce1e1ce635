//! What all connections of a gateway share.
//!
//! Owns: nothing but the list; each part has a file of its own. It is made once, by
//! [`crate::Gateway::start`], and never changes.

use std::sync::Arc;

use auth::{Entropy, FakeSaltSecret};
use control_api::ControlPlane;
use model::Clock;
use tokio::sync::{Semaphore, watch};

use crate::config::GatewayConfig;
use crate::egress::EgressMeter;
use crate::gates::Gates;
use crate::lanes::Lanes;
use crate::metrics::Metrics;
use crate::news::News;
use crate::producer_ids::ProducerIds;
use crate::router::Router;
use crate::traffic::Traffic;

/// Fills the bytes with chance, from a source fit for secrets.
pub type FillRandom = dyn Fn(&mut [u8]) + Send + Sync;

/// See the file's header.
pub(crate) struct Services {
    pub(crate) config: GatewayConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) control: Arc<dyn ControlPlane>,
    pub(crate) router: Arc<Router>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) news: Arc<News>,
    pub(crate) egress: Arc<EgressMeter>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) gates: Arc<Gates>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) metrics: Metrics,
    pub(crate) random: Arc<FillRandom>,
    pub(crate) fake_salt: FakeSaltSecret,
    /// Places for connections.
    pub(crate) connections: Arc<Semaphore>,
    /// Bytes for requests of clients that have signed in.
    pub(crate) request_memory: Arc<Semaphore>,
    /// Bytes for requests of connections that have not.
    pub(crate) sign_in_memory: Arc<Semaphore>,
    /// Bytes for answers to fetches.
    pub(crate) fetch_memory: Arc<Semaphore>,
    /// Places for batches that are compressed anew.
    pub(crate) recompressions: Semaphore,
    /// Turns true once, when the gateway shuts down.
    pub(crate) draining: watch::Receiver<bool>,
}

/// Waits until a flag is set, or until whoever sets it is gone.
pub(crate) async fn is_set(flag: &mut watch::Receiver<bool>) {
    // Both mean the same to whoever waits.
    let _ = flag.wait_for(|set| *set).await;
}

impl Services {
    /// Chance for one step of a sign-in.
    pub(crate) fn entropy(&self) -> Entropy {
        let mut entropy = Entropy {
            request_id: [0; 16],
            nonce: [0; 24],
        };
        (self.random)(&mut entropy.request_id);
        (self.random)(&mut entropy.nonce);
        entropy
    }
}
