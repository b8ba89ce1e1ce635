//! Every bound of one partition's log, with what happens at it.
//!
//! The index of durable batches has no bound here: it holds one [`crate::Extent`] for each segment
//! that retention has not emptied, and frames only of segments that are not sealed, whose size the
//! write-ahead log bounds.

use crate::producers::PRODUCER_BATCHES;

/// Appends that may wait to be durable. At the bound an append is refused as full, for a while.
pub const PENDING_APPENDS_MAX: usize = 4096;

/// Idempotent producers that are remembered. At the bound an eighth of them goes, those that have
/// not appended for longest: their next batch is accepted with any sequence, as if they had expired.
/// Only a retry that is older than the last batches of thousands of others could then be repeated.
pub const PRODUCERS_MAX: usize = 4096;

/// How long Kafka remembers an idle producer (`producer.id.expiration.ms`).
pub const PRODUCER_EXPIRATION_MS_DEFAULT: u64 = 24 * 60 * 60 * 1000;

/// Gateways whose appends are remembered. At the bound the one that has been silent for longest
/// goes, if it has been so for [`SESSION_EVICTABLE_MS`]; if none has, an append of a further gateway
/// is refused as full, for a while.
pub const SESSIONS_MAX: usize = 256;

/// Appends of one gateway that it may not have had the answer of. At the bound its next one is
/// refused as full, for a while. Results are remembered as far back, so no repeat that anybody
/// still waits for finds its result forgotten, not even after a replay that knows no answers.
pub const SESSION_UNANSWERED_MAX: u64 = 1024;

/// Silence after which a gateway may be forgotten to make room for another. An append waits at most
/// 25 s for its answer (DESIGN, parking), and asks again meanwhile: who is silent for longer waits
/// for nothing, and forgetting is harmless, because the next append says itself what was answered.
pub const SESSION_EVICTABLE_MS: u64 = 2 * 60 * 1000;

/// Silence after which a gateway is forgotten anyway; long, so that a step of the wall clock does
/// not forget one that waits.
pub const SESSION_IDLE_MS: u64 = 60 * 60 * 1000;

const _: () = assert!(SESSION_EVICTABLE_MS < SESSION_IDLE_MS);
const _: () = assert!(
    PRODUCER_BATCHES == 5,
    "clients have five batches in flight (KIP-98)"
);
