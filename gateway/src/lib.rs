//! The front of Tidegate: the async shell that Kafka clients talk to.
//!
//! Owns: TLS, connections and the order on them, the way of each request to a node or to the control
//! plane and of its answer back, waiting, throttling, counting what was delivered. Does not own:
//! any durable state; the protocol (`wire`), sign-in and permission (`auth`), batches (`records`),
//! where partitions live (the cluster map).
//!
//! The way of a produce request; each arrow is one function, each type is made by the step before it:
//!
//! ```text
//! bytes --connection/inbound--> Frame --connection/serve--> Request --permission--> Authorized
//!       --admission--> Admitted --lanes--> node append --> ack --handlers/produce--> Response
//! ```

mod admission;
mod alarm;
mod answer_room;
mod call;
mod client;
mod config;
mod config_resource;
mod config_source;
mod connection;
mod coordinators;
mod dispatch;
mod egress;
mod error;
mod gates;
mod gateway;
mod handlers;
mod lanes;
mod leader_epoch;
mod limits;
mod listener;
mod memory;
mod metrics;
mod mute;
mod news;
mod operations;
mod owner;
mod permission;
mod producer_ids;
mod readable_topics;
mod router;
mod services;
mod session;
mod topic_config;
mod traffic;

pub use auth::FakeSaltSecret;
pub use config::GatewayConfig;
pub use gates::{LimitRow, LimitsView};
pub use gateway::{Gateway, GatewayParts, StartError};
pub use listener::{Listener, ListenerKind};
pub use router::Nodes;
pub use services::FillRandom;
pub use traffic::{DeliveredByTopic, TopicDelivered};

#[cfg(test)]
mod tests;
