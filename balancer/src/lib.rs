//! The control plane: keeps the catalog, answers what gateways and nodes ask of it, and shows them
//! the cluster map.
//!
//! Owns: the catalog and its storage. Does not own: data, and nothing on the way of data (law 8).

mod admin;
mod bill;
mod seal;
mod service;
mod store;
mod usage_store;

pub use admin::{
    AdminSource, LimitUse, UsageRecordRow, UsageRefusal, UsageRequest, UsageRow, UsageWindow,
    serve_admin,
};
pub use bill::{BillRow, Period, ROWS_MAX, TooManyRows, UsageQuery, bill_records, bill_rows};
pub use seal::SealingKey;
pub use service::{Balancer, BalancerParts, StartError};
pub use store::StoreError;
pub use usage_store::KeptUsage;
