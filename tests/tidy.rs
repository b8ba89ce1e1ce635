//! The rules of the tree as tests: sizes, headers, names, and who may depend on whom.
//!
//! A rule that is broken names the file and what to do. The tables are the place where a new crate
//! or a new edge becomes a visible decision.

mod dependencies;
mod files;
mod sources;
