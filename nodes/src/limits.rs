//! The node's own bounds, and what happens at each.

use std::time::Duration;

/// Appends that may wait for a shard; at the bound lanes wait, and in the end clients' connections
/// are not read.
pub const APPENDS_MAX: usize = 1024;

/// Appends that a shard takes in one turn before it looks at anything else.
pub const APPENDS_PER_TURN: usize = 128;

/// Calls that a shard takes after the appends of one turn.
pub const CALLS_PER_TURN: usize = 64;

/// Reads from files that may wait for their turn; at the bound a further one is refused as busy, and
/// the gateway asks again.
pub const FILE_READS_WAITING_MAX: usize = 4096;

/// Places that are searched for one timestamp: more only where batches claim timestamps that their
/// records do not have. At the bound no offset is found.
pub const SEARCH_PLACES_MAX: usize = 64;

/// Frames that a shard submits together; more are submitted in parts.
pub const SUBMIT_FRAMES_MAX: usize = 64;

/// Bytes of batches that a shard submits together, or one batch if that is larger.
pub const SUBMIT_BYTES_MAX: usize = 8 << 20;

/// Other calls that may wait for a shard; at the bound the caller waits.
pub const CALLS_MAX: usize = 1024;

/// Reads from files at one time, all shards together; further ones wait for their turn.
pub const FILE_READS_MAX: usize = 16;

/// Most that one read returns, whatever was asked for (one batch may still be larger).
pub const READ_BYTES_MAX: u32 = 8 << 20;

/// Gateways that a shard knows lanes of; at the bound the one that opened its lanes first is
/// forgotten, and opens them anew.
pub const GATEWAYS_MAX: usize = 256;

/// News that could not be delivered because the gateway's channel is full are tried again after
/// this time.
pub const NEWS_RETRY: Duration = Duration::from_millis(5);

/// Memory for frame lists of segments on disk; at the bound the least used go.
pub const FRAME_LISTS_BYTES_MAX: u64 = 16 << 20;

/// What a batch in the tail cache costs beside its bytes.
pub const TAIL_BATCH_OVERHEAD: usize = 128;

/// How often it is looked whether a minute is over whose usage can be sealed, and how long after a
/// failed hand-over the next one is tried.
pub const USAGE_LOOK_EVERY: Duration = Duration::from_secs(1);

const _: () = assert!(APPENDS_PER_TURN <= APPENDS_MAX);
