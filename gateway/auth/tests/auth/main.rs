//! Sign-in and permission from outside, as the gateway and real clients see them.
#![allow(
    clippy::unwrap_used,
    reason = "test code outside of test functions, too"
)]

mod checklist;
mod fixture;
mod garbage;
mod iam;
mod oauthbearer;
mod permission;
mod scram;
mod scram_client;
mod signer;
