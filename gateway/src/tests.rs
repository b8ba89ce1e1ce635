//! Tests of the whole crate: real connections over in-memory pipes, a node and a control plane in
//! memory, time that is moved by hand.

mod admin;
mod cluster;
mod config_resources;
mod configs;
mod connections;
mod coordinators;
mod fake_control;
mod fake_coordinator;
mod fake_node;
mod fetching;
mod group_admin;
mod groups;
mod leader_epochs;
mod limits;
mod log_dirs;
mod offsets;
mod partitions;
mod peer;
mod producing;
mod shutdown;
mod sign_in;
mod tls;
mod topic_partitions;
mod topic_properties;
mod world;
