//! The limits of whole virtual clusters, as this gateway gives them out.
//!
//! Owns: one gate for each virtual cluster that clients have asked for, and what waits at it. Does not
//! own: the rules and levels (`quota`), the limits (the cluster map has them, and they change while
//! running), the limits of partitions (their owners have them).
//!
//! ```text
//!   connection --enter--> Place, for as long as it lives
//!   request ----request--> throttle: told in its answer, and its connection is not read
//!   batch ------ingress--> the same, or parked        records of a fetch --egress--> the same
//! ```
//!
//! Invariants: a gate lasts while its virtual cluster is in the map, so that nobody escapes a debt by
//! coming again; there are no more gates than virtual clusters.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dashmap::DashMap;
use model::{
    ByteCount, CatalogVersion, Clock, ClusterMap, IdHash, Instant, Limits, VirtualCluster,
    VirtualClusterId,
};
use quota::throttle::TOLD_MAX;
use quota::{ClusterQuota, Figures, Flow, LimitName, Overdue, Throttle};
use tokio::sync::{Notify, Semaphore};
use wire::ApiKey;

use crate::config::GatewayConfig;
use crate::limits::{DOORSTEP_MAX, DOORSTEP_PLACES_MAX, FETCH_SHARE_MIN};

mod publish;
mod view;

pub(crate) use publish::publish;
pub use view::{LimitRow, LimitsView};

/// All gates of this gateway.
pub(crate) struct Gates {
    gates: DashMap<VirtualClusterId, Arc<Gate>, IdHash>,
    clock: Arc<dyn Clock>,
    shares: Shares,
}

/// Memory that one virtual cluster may have, in bytes.
#[derive(Clone, Copy, Debug)]
struct Shares {
    request: usize,
    fetch: usize,
}

/// The limits of one virtual cluster.
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Version of the newest map that the limits were seen in. Written with the state only; whoever
    /// reads it without finds out that there is nothing new.
    version: AtomicU64,
    clock: Arc<dyn Clock>,
    /// Its shares of the memory for requests, and for answers to fetches.
    request_memory: Arc<Semaphore>,
    fetch_memory: Arc<Semaphore>,
    /// A place was given back, or the number of places has changed.
    freed: Notify,
    /// Connections that wait to be let in, or to be closed.
    waiting: AtomicUsize,
}

struct State {
    quota: ClusterQuota,
    limits: Limits,
}

impl Gates {
    pub(crate) fn new(config: &GatewayConfig, clock: Arc<dyn Clock>) -> Self {
        // Half of it, but as much as one request or fetch may take.
        let half = |bytes: usize, least: usize| (bytes / 2).clamp(least, Semaphore::MAX_PERMITS);
        let shares = Shares {
            request: half(config.request_memory_bytes, config.request_bytes_max),
            fetch: half(config.fetch_memory_bytes, FETCH_SHARE_MIN as usize),
        };
        Self {
            gates: DashMap::default(),
            clock,
            shares,
        }
    }

    /// The gate of a virtual cluster, which follows the limits that it has in `map`.
    pub(crate) fn gate(&self, cluster: &VirtualCluster, map: &ClusterMap) -> Arc<Gate> {
        let known = self.gates.get(&cluster.id).map(|gate| Arc::clone(&gate));
        let gate = known.unwrap_or_else(|| {
            let entry = self.gates.entry(cluster.id);
            let new = || Gate::new(&cluster.limits, map.version, self);
            Arc::clone(&entry.or_insert_with(|| Arc::new(new())))
        });
        gate.follow(&cluster.limits, map.version);
        gate
    }

    /// The gate of a virtual cluster that clients have asked for.
    fn known(&self, cluster: VirtualClusterId) -> Option<Arc<Gate>> {
        self.gates.get(&cluster).map(|gate| Arc::clone(&gate))
    }

    /// Forgets the gates of virtual clusters that are gone.
    fn retain(&self, map: &ClusterMap) {
        self.gates
            .retain(|id, _| map.virtual_clusters.contains_key(id));
    }
}

impl Gate {
    fn new(limits: &Limits, version: CatalogVersion, gates: &Gates) -> Self {
        let Gates { clock, shares, .. } = gates;
        Self {
            request_memory: Arc::new(Semaphore::new(shares.request)),
            fetch_memory: Arc::new(Semaphore::new(shares.fetch)),
            state: Mutex::new(State {
                quota: ClusterQuota::new(limits, clock.now()),
                limits: limits.clone(),
            }),
            version: AtomicU64::new(version.0),
            clock: Arc::clone(clock),
            freed: Notify::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Takes over the limits of a map that is newer than the last; an older one, which a request that
    /// began before may still have, changes nothing.
    fn follow(&self, limits: &Limits, version: CatalogVersion) {
        let is_old = || version.0 <= self.version.load(Ordering::Relaxed);
        if is_old() {
            return;
        }
        let mut state = self.state();
        if is_old() {
            return;
        }
        self.version.store(version.0, Ordering::Relaxed);
        if state.limits != *limits {
            state.limits = limits.clone();
            state.quota.set_limits(self.clock.now(), limits);
            drop(state);
            self.freed.notify_waiters();
        }
    }

    /// Charges a request by its kind. Requests that manage topics are charged as such, too.
    pub(crate) fn request(&self, key: ApiKey) -> Result<Throttle, Overdue> {
        let now = self.clock.now();
        let mut state = self.state();
        let throttle = state.quota.charge(now, Flow::Requests, 1, Duration::ZERO)?;
        if !manages_topics(key) {
            return Ok(throttle);
        }
        let flow = Flow::TopicRequests;
        let topics = state.quota.charge(now, flow, 1, flow.park_max())?;
        Ok(Throttle {
            park: topics.park,
            told: throttle.told.max(topics.told),
            mute: throttle.mute.max(topics.mute),
        })
    }

    /// Charges a Metadata request that creates topics as one that manages them. It is slowed down and never
    /// refused, since consumers ask so: far above the rate it waits for as long as any, uncharged.
    pub(crate) fn creation(&self) -> Throttle {
        let flow = Flow::TopicRequests;
        let now = self.clock.now();
        let charged = self.state().quota.charge(now, flow, 1, flow.park_max());
        charged.unwrap_or(Throttle {
            park: flow.park_max(),
            told: TOLD_MAX,
            mute: flow.mute_max(),
        })
    }

    /// Charges batches, one after the other, before they are appended: the limits are locked once for
    /// all of them.
    pub(crate) fn ingress(&self) -> Ingress<'_> {
        let now = self.clock.now();
        let state = self.state();
        Ingress { now, state }
    }

    /// How many bytes of records a fetch may be answered with now.
    pub(crate) fn egress_room(&self) -> ByteCount {
        self.state().quota.egress_room(self.clock.now())
    }

    /// What a fetch is told that has no room.
    pub(crate) fn egress_throttle(&self) -> Throttle {
        self.state().quota.egress_throttle(self.clock.now())
    }

    /// Charges the records of a fetch's answer. Nothing is held against one that found none.
    pub(crate) fn egress(&self, bytes: u64) -> Throttle {
        if bytes == 0 {
            return Throttle::default();
        }
        let now = self.clock.now();
        let mut state = self.state();
        let charged = state.quota.charge(now, Flow::Egress, bytes, Duration::ZERO);
        charged.expect("answers to fetches are never parked")
    }

    /// The virtual cluster's share of the memory for requests.
    pub(crate) fn request_memory(&self) -> &Arc<Semaphore> {
        &self.request_memory
    }

    /// Its share of the memory for answers to fetches.
    pub(crate) fn fetch_memory(&self) -> &Arc<Semaphore> {
        &self.fetch_memory
    }

    /// Something was refused for a limit.
    pub(crate) fn refuse(&self, limit: LimitName) {
        self.state().quota.refuse(limit);
    }

    /// A partition's owner has held something back for this long.
    pub(crate) fn held(&self, limit: LimitName, time: Duration) {
        if !time.is_zero() {
            self.state().quota.held(limit, time);
        }
    }

    /// What is to be shown of a limit.
    fn figures(&self, limit: LimitName) -> Figures {
        self.state().quota.figures(self.clock.now(), limit)
    }

    /// Lets a connection in, perhaps a little later; none where it is to be closed. Then a while has
    /// passed, unless too many wait already, so that whoever tries again at once is slowed.
    pub(crate) async fn enter(self: &Arc<Self>) -> Option<Place> {
        let _waiting = Waiting::begin(self)?;
        let doorstep = tokio::time::Instant::now() + DOORSTEP_MAX;
        let attempt = self.state().quota.attempt(self.clock.now());
        let Some(delay) = attempt else {
            tokio::time::sleep_until(doorstep).await;
            return None;
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        loop {
            let freed = self.freed.notified();
            if self.state().quota.take_place(self.clock.now()) {
                return Some(Place(Arc::clone(self)));
            }
            if tokio::time::timeout_at(doorstep, freed).await.is_err() {
                self.refuse(LimitName::Connections);
                return None;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }
}

/// Where the batches of one request are charged. Nobody else is meanwhile.
pub(crate) struct Ingress<'a> {
    now: Instant,
    state: MutexGuard<'a, State>,
}

impl Ingress<'_> {
    /// Charges a batch, unless it would have to wait for longer than `patience` or than any batch may.
    pub(crate) fn charge(&mut self, bytes: usize, patience: Duration) -> Result<Throttle, Overdue> {
        let patience = patience.min(Flow::Ingress.park_max());
        let quota = &mut self.state.quota;
        quota.charge(self.now, Flow::Ingress, bytes as u64, patience)
    }

    /// The time of the charges.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }
}

/// A connection that is on the doorstep.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn begin(gate: &'a Gate) -> Option<Self> {
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(gate);
        if before >= DOORSTEP_PLACES_MAX {
            gate.refuse(LimitName::ConnectionAttempts);
            return None;
        }
        Some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection's place among those of its virtual cluster.
pub(crate) struct Place(Arc<Gate>);

impl Place {
    pub(crate) fn gate(&self) -> &Gate {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().quota.leave_place();
        self.0.freed.notify_one();
    }
}

/// Whether a request counts against the rate of topic management: CreateTopics, DeleteTopics,
/// AlterConfigs, CreatePartitions, IncrementalAlterConfigs. By number, since the last three may be
/// served or not.
fn manages_topics(key: ApiKey) -> bool {
    matches!(key.code(), 19 | 20 | 33 | 37 | 44)
}
