//! A shard's coordinator, seen from outside: each rule by itself (after Apache Kafka 4.3's classic
//! groups), and a simulation of many members.

mod describing;
mod durability;
mod joining;
mod leaving;
mod offsets;
mod rebalancing;
mod retention;
mod sessions;
mod shard;
mod simulation;
mod statics;
mod syncing;
