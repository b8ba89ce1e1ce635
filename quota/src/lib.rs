//! Quotas and meters, as pure state.
//!
//! Owns: how far a partition has used its rates, what that means for an acknowledgement or a read,
//! and how many bytes a virtual cluster has moved in which minute.
//! Does not own: waiting, sending, storing. Time comes in as an argument.
//!
//! The order for a batch that arrives: [`PartitionQuota::ingress_park`] says whether it may be
//! appended yet; then it is appended and [`PartitionQuota::charge_ingress`] turns its size into a
//! [`Verdict`]; once it is durable, a [`Window`] counts it under the commit time of its frame.
//! The order for a read: [`PartitionQuota::egress_allowance`] bounds it, then
//! [`PartitionQuota::charge_egress`] charges what was read; once the bytes are in the client's
//! socket the gateway puts them into an [`EgressReport`].
//!
//! Above the partitions stands [`ClusterQuota`]: what all connections of a virtual cluster together may
//! do, or the share of it that one gateway gives out; a charge becomes a [`Throttle`].

pub mod bucket;
pub mod burst;
pub mod cluster;
mod codec;
pub mod egress_report;
pub mod level;
pub mod limit_name;
pub mod meter;
pub mod meters;
pub mod minute;
pub mod nano_bytes;
pub mod partition;
mod per_second;
pub mod sealed;
pub mod share;
pub mod tally;
pub mod throttle;
pub mod usage;
pub mod verdict;

pub use bucket::TokenBucket;
pub use burst::BurstCredit;
pub use cluster::{ClusterQuota, Figures};
pub use codec::DecodeError;
pub use egress_report::EgressReport;
pub use level::Level;
pub use limit_name::LimitName;
pub use meter::{MeterSum, Window};
pub use meters::{Meters, UsedInAll};
pub use minute::Minute;
pub use nano_bytes::NanoBytes;
pub use partition::PartitionQuota;
pub use sealed::{Amounts, OpenUsage, SealedUsage, UsageRun};
pub use share::{Lease, Share};
pub use tally::Tally;
pub use throttle::{Flow, Overdue, Throttle};
pub use usage::{Meter, UsageId, UsageOrigin, UsageRecord, UsageSource};
pub use verdict::Verdict;
