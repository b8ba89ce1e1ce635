//! TLS over a TCP socket, for a server that moves much data.
//!
//! What is rustls's: the handshake with all that it decides (versions, cipher suites, certificates,
//! names, tickets), every key and every key that follows a key, and the ciphers, which seal and open
//! single records. What is ours: the loop over records after the handshake, that is, framing,
//! sequence numbers, key updates, alerts, the limits on all of these, and how the socket is read and
//! written.
//!
//! Why: rustls's own loop reads the socket a record (16 KiB) at a time, and copies each record twice
//! on its way to the reader. Here the socket is read in large gulps, records are opened where they
//! lie, and what was in them is copied once, straight to the reader's buffer.
//!
//! Owns: sockets from the handshake on. Does not own: addresses, certificates, how long a
//! handshake may take (callers bound it).
//!
//! ```text
//! socket -> gulp in the thread's scratch -> record opened in place -> reader's buffer
//!                 \-> what is left over: kept, in a buffer of its own size
//! writer's slices -> sealed record -> queue (bounded) -> socket
//! ```
//!
//! Invariants: a record that was altered, left out, repeated or moved ends the connection, and
//! nothing of it is handed out; an idle connection holds no buffer; no secret is logged, and keys
//! live in rustls's types, which wipe them.

mod acceptor;
mod control;
mod error;
mod handshake;
mod keys;
mod low_water;
mod outgoing;
mod record;
mod scratch;
mod session;
mod stream;
mod undigested;
mod witness;

pub use acceptor::TlsAcceptor;
pub use error::RecordError;
pub use stream::TlsStream;

#[cfg(test)]
mod tests;
