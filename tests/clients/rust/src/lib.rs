//! What the rounds of the Rust clients share: where the server is, what is written, what is said.
//!
//! The steps are those of `docs/clients.md`; each binary does them with one library.

pub mod cluster;
pub mod records;
pub mod round;
pub mod token;
