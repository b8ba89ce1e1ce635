//! Tests of the whole: tidiness of the tree, the parts together as they are composed to run, and the bars that
//! `tests/bars.rs` runs as commands.
//!
//! Owns: a raw Kafka client on our own codec, the real binary as a child process, the ledger that compares what was
//! acknowledged with what is read back. Does not own: foreign clients (`clients/`), the tests of single crates.

pub mod audit;
pub mod client;
pub mod embedded;
pub mod footprint;
#[cfg(test)]
mod groups;
pub mod kill9;
pub mod lanes;
pub mod ledger;
pub mod load;
pub mod mutate;
pub mod process;
#[cfg(test)]
mod tidy;
