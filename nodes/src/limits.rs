//! The node's own bounds, and what happens at each.

use std::time::Duration;

/// Appends that may wait for a shard; at the bound lanes wait, and in the end clients' connections
/// are not read.
pub const APPENDS_MAX: usize = 1024;

/// Appends that a shard takes in one turn before it looks at anything else.
pub const APPENDS_PER_TURN: usize = 128;

/// Calls that a shard takes after the appends of one turn; the last may be of more partitions.
pub const CALLS_PER_TURN: usize = 64;

/// Reads from files that may be under way or wait for their turn, each partition one; at the bound those
/// of a further call are refused as busy, and the gateway asks again.
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

/// How long a shard may take to say what it has counted for metrics; then they show what it said before.
pub const TRAFFIC_WAIT_MAX: Duration = Duration::from_secs(1);

/// Reads from files at one time, all shards together; further ones wait for their turn.
pub const FILE_READS_MAX: usize = 16;

/// Parts that the reads of one call are divided into if they are large, so that the disk has more than
/// one of them at a time; a larger part is not divided further.
pub const FILE_READ_PARTS_MAX: usize = 4;

/// Bytes of a part at least.
pub const FILE_READ_PART_BYTES_MIN: u64 = 1 << 20;

/// Bytes that are read ahead and wait to be asked for; at the bound nothing more is read ahead, but what has waited for
/// [`AHEAD_SAFE_FOR`] is given up for something else.
pub const AHEAD_BYTES_MAX: u64 = 16 << 20;

/// What one call is followed by is read ahead if it is so much at least: less is read in no time.
pub const AHEAD_BYTES_MIN: u64 = 256 << 10;

/// Who reads as fast as he can comes back within this time.
pub const AHEAD_SAFE_FOR: Duration = Duration::from_millis(50);

/// After this time what was read ahead is given up.
pub const AHEAD_WAIT_MAX: Duration = Duration::from_secs(1);

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

/// Calls that may wait for the coordinators' task; at the bound the caller waits.
pub const GROUP_CALLS_MAX: usize = 1024;

/// Calls that the coordinators' task takes in one turn before it looks at anything else.
pub const GROUP_CALLS_PER_TURN: usize = 256;

/// Calls without an answer, of all coordinators of a node together (a join waits as long as its
/// rebalance); at the bound a further one is refused as not available, and its client tries again.
pub const GROUP_CALLS_UNANSWERED_MAX: usize = 262_144;

/// Calls that may wait for one coordinator's state to be loaded; at the bound a further one is
/// refused as not available.
pub const LOADING_CALLS_MAX: usize = 4096;

/// How long a call waits for a coordinator's state to be loaded; then it is refused as not
/// available. Well below the 30 s after which clients give up on their own.
pub const LOADING_PATIENCE: Duration = Duration::from_secs(10);

/// Coordinators whose state is loaded at one time; the others wait for their turn.
pub const LOADS_AT_ONCE: usize = 4;

/// Bytes that one read of a load asks for.
pub const LOAD_READ_BYTES: u32 = 4 << 20;

/// A read of a load that was refused for now is tried again after this time.
pub const LOAD_RETRY_AFTER: Duration = Duration::from_millis(50);

/// Times that one read of a load is tried; then the load has failed, and others have its turn.
pub const LOAD_TRIES_MAX: u32 = 200;

/// A load that failed is tried again after this time; until then calls are refused.
pub const LOAD_FAILED_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Bytes of records in one batch of a coordinator, or one record if that is larger. One batch of
/// a coordinator is under way at a time; what is written meanwhile is the next.
pub const GROUP_BATCH_BYTES_MAX: usize = 1 << 20;

/// Bytes that may wait to be written of one coordinator, its snapshot aside; at the bound further
/// calls are refused as not available.
pub const GROUP_BACKLOG_BYTES_MAX: usize = 32 << 20;

/// Bytes after which a coordinator writes its whole state anew, or as many as its last snapshot
/// had, if those are more: so a load reads little more than twice the state, and at most half of
/// what is written are snapshots.
pub const GROUP_SNAPSHOT_BYTES: u64 = 64 << 20;

/// Time after which it does so too, if anything was written: until then no segment that the
/// coordinator's records lie in can be given back.
pub const GROUP_SNAPSHOT_AGE: Duration = Duration::from_secs(60 * 60);

/// A coordinator's broken lane is opened again after this time.
pub const LANE_REOPEN_AFTER: Duration = Duration::from_millis(100);

/// How often offsets of topics that nobody reads any more are looked for, as Kafka's
/// `offsets.retention.check.interval.ms`.
pub const UNSUBSCRIBED_CHECK_EVERY: Duration = Duration::from_secs(600);

/// How long stopping waits for the answers whose writes are under way; then they are refused.
pub const GROUPS_STOP_MAX: Duration = Duration::from_secs(1);

/// How often the lags of consumer groups are computed.
pub const LAG_REFRESH_EVERY: Duration = Duration::from_secs(15);

/// Committed offsets that one refresh looks at; those beyond count as not shown.
pub const LAG_OFFSETS_MAX: usize = 200_000;

/// Positions that a shard is asked for at one time by a refresh of lags; other calls have their turn
/// before the next.
pub const LAG_POSITIONS_PER_CALL: usize = 1000;

/// Pairs of group and topic that are shown, those with the largest lags; the others are counted.
pub const LAG_SERIES_MAX: usize = 5_000;

const _: () = assert!(APPENDS_PER_TURN <= APPENDS_MAX);
