//! Tests of record batches through the crate's public face.
//!
//! Owns: samples, and one module per promise. Does not own: tests of single fields (beside the code).

mod allocation;
mod bombs;
mod crc;
mod differential;
mod mutations;
mod recompress;
mod rejected;
mod round_trip;
mod samples;
mod stamps;
mod timestamps;
