//! What an operator may set about a gateway: plain data, with defaults that suit one machine.
//!
//! Owns: the settings and their defaults. Does not own: reading them from files (the root package),
//! limits of tenants (`model::Limits`), fixed bounds (`limits`).

use std::time::Duration;

use serde::Deserialize;

/// Settings of a gateway. Sizes are in bytes, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Connections at one time, signed in or not. One more is closed as soon as it is accepted.
    pub connections_max: usize,
    /// Largest request of a client that has signed in (Kafka's `socket.request.max.bytes`). A
    /// larger one closes the connection.
    pub request_bytes_max: usize,
    /// Largest request before that (Kafka's `sasl.server.max.receive.size`).
    pub sign_in_request_bytes_max: usize,
    /// Memory for requests of signed-in clients, all together. Where it is used up, connections
    /// are not read until an answer has left.
    pub request_memory_bytes: usize,
    /// The same for connections that have not signed in, apart, so that strangers cannot use up
    /// what clients need.
    pub sign_in_memory_bytes: usize,
    /// Memory for answers to fetches, all together. Where it is short, fetches are answered with
    /// less, or wait.
    pub fetch_memory_bytes: usize,
    /// A connection on which nothing has happened for this time is closed (Kafka's
    /// `connections.max.idle.ms`).
    pub idle_timeout_ms: u64,
    /// A TLS handshake that takes longer is broken off.
    pub handshake_timeout_ms: u64,
    /// A connection that has not signed in by this time is closed.
    pub sign_in_timeout_ms: u64,
    /// A client that takes no byte of an answer for this time is cut off.
    pub write_timeout_ms: u64,
    /// Longest session before a client has to sign in again (Kafka's `connections.max.reauth.ms`);
    /// 0 leaves it to the credential's own end. AWS documents up to 12 hours.
    pub reauth_ms_max: u64,
    /// At shutdown, requests under way get this long to be answered.
    pub drain_timeout_ms: u64,
    /// The port that Metadata advertises; none for the one that the client came to. Set it where
    /// a load balancer listens on another.
    pub advertised_port: Option<u16>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            request_bytes_max: 100 << 20,
            sign_in_request_bytes_max: 512 << 10,
            request_memory_bytes: 1 << 30,
            sign_in_memory_bytes: 64 << 20,
            fetch_memory_bytes: 1 << 30,
            idle_timeout_ms: 10 * 60 * 1000,
            handshake_timeout_ms: 10_000,
            sign_in_timeout_ms: 60_000,
            write_timeout_ms: 30_000,
            reauth_ms_max: 12 * 60 * 60 * 1000,
            drain_timeout_ms: 3_000,
            advertised_port: None,
        }
    }
}

impl GatewayConfig {
    /// See [`Self::idle_timeout_ms`].
    pub const fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// See [`Self::write_timeout_ms`].
    pub const fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }
}
