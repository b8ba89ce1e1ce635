//! Tests of the whole crate: our server's end against rustls's ordinary client, over loopback.

mod expecting;
mod handshakes;
mod key_updates;
mod pair;
mod tampering;
mod transfer;
