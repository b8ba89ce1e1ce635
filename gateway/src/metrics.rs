//! What a gateway counts: every name once, every handle made once.
//!
//! Owns: names, labels and handles. Does not own: where the figures go (the recorder is the root
//! package's). No label names a topic or client: their number has no bound here. Virtual
//! clusters are named by the series of their limits alone (`gates/publish`).

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use wire::ApiKey;

use crate::error::ErrorKind;

/// See the file's header.
pub(crate) struct Metrics {
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Connections accepted.
    pub(crate) connections_accepted: Counter,
    /// Connections closed at once because there were too many.
    pub(crate) connections_refused: Counter,
    /// TLS handshakes that failed.
    pub(crate) handshakes_failed: Counter,
    /// Sign-ins refused.
    pub(crate) sign_ins_failed: Counter,
    /// Sign-ins on connections that were signed in before (KIP-368).
    pub(crate) sign_ins_renewed: Counter,
    /// Connections closed for what their client sent.
    pub(crate) protocol_errors: Counter,
    /// Bytes of requests.
    pub(crate) bytes_in: Counter,
    /// Bytes of answers.
    pub(crate) bytes_out: Counter,
    requests: Vec<Counter>,
    latencies: Vec<Histogram>,
    errors: [Counter; ErrorKind::ALL.len()],
}

impl Metrics {
    /// Registers every name with the recorder that is installed.
    pub(crate) fn register() -> Self {
        let by_api = |make: &dyn Fn(String) -> Counter| {
            ApiKey::ALL.iter().map(|key| make(label(*key))).collect()
        };
        Self {
            connections: gauge!("tidegate_gateway_connections"),
            connections_accepted: counter!("tidegate_gateway_connections_accepted_total"),
            connections_refused: counter!("tidegate_gateway_connections_refused_total"),
            handshakes_failed: counter!("tidegate_gateway_tls_handshakes_failed_total"),
            sign_ins_failed: counter!("tidegate_gateway_sign_ins_failed_total"),
            sign_ins_renewed: counter!("tidegate_gateway_sign_ins_renewed_total"),
            protocol_errors: counter!("tidegate_gateway_protocol_errors_total"),
            bytes_in: counter!("tidegate_gateway_bytes_in_total"),
            bytes_out: counter!("tidegate_gateway_bytes_out_total"),
            requests: by_api(&|api| counter!("tidegate_gateway_requests_total", "api" => api)),
            latencies: ApiKey::ALL
                .iter()
                .map(|key| histogram!("tidegate_gateway_request_seconds", "api" => label(*key)))
                .collect(),
            errors: ErrorKind::ALL
                .map(|kind| counter!("tidegate_gateway_errors_total", "kind" => kind.label())),
        }
    }

    /// A request came.
    pub(crate) fn request(&self, key: ApiKey, bytes: usize) {
        self.bytes_in.increment(bytes as u64);
        self.requests[index(key)].increment(1);
    }

    /// Its answer is made, `latency` after it came.
    pub(crate) fn answered(&self, key: ApiKey, latency: Duration) {
        self.latencies[index(key)].record(latency);
    }

    /// A request, or a part of it, was refused.
    pub(crate) fn error(&self, kind: ErrorKind) {
        let index = ErrorKind::ALL.iter().position(|&other| other == kind);
        self.errors[index.expect("ALL has every kind")].increment(1);
    }
}

fn label(key: ApiKey) -> String {
    format!("{key:?}")
}

fn index(key: ApiKey) -> usize {
    let index = ApiKey::ALL.binary_search(&key);
    index.expect("ALL has every key, ascending")
}
