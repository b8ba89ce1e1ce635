//! Every bound of one shard's coordinator, with what happens at it.

/// Records in one [`crate::Effect::Write`]. What needs more comes as several writes in a row.
pub const WRITE_RECORDS_MAX: usize = 4096;

/// Bytes of a group's id. A call for a longer one is refused with `INVALID_GROUP_ID`: the id is part
/// of the key of every record of the group. (Apache Kafka takes any that its request can hold.)
pub const GROUP_ID_BYTES_MAX: usize = 255;

/// Bytes of the records that one OffsetCommit may make, about. A larger one is refused as a whole with
/// `OFFSET_METADATA_TOO_LARGE`, and nothing of it is kept.
pub const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of one group's members: their ids, names and metadata for all protocols. A join that would
/// go above it is refused with `GROUP_MAX_SIZE_REACHED`, which clients take for fatal. (Apache Kafka
/// cannot store a group of more than its `message.max.bytes`, 1 MiB unless it is raised.)
pub const MEMBERS_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of one group's assignment. A leader's SyncGroup above it is refused with
/// `GROUP_MAX_SIZE_REACHED`.
pub const ASSIGNMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Partitions that one group has committed offsets of. A commit of one more is refused with
/// `OFFSET_METADATA_TOO_LARGE`, which clients take for fatal; those that are there can be committed.
pub const GROUP_OFFSETS_MAX: usize = 100_000;

/// Bytes of the metadata of all of a group's committed offsets. A commit above it is refused with
/// `OFFSET_METADATA_TOO_LARGE`.
pub const OFFSET_METADATA_BYTES_SUM_MAX: usize = 16 * 1024 * 1024;

/// Bytes of one stored record at most, key and value: a whole group with its assignment.
pub const RECORD_BYTES_MAX: usize = 5 * 1024 * 1024;

/// How long an empty group without offsets is still known, in milliseconds: as long as Kafka takes
/// at most to find it (`offsets.retention.check.interval.ms`). Then it is gone.
pub const EMPTY_GROUP_KEPT_MS: u64 = 10 * 60 * 1000;

/// Longest time between two looks for offsets to expire in a group without members, in milliseconds.
/// They go by the wall clock, which may be set.
pub const EXPIRY_CHECK_MS_MAX: u64 = 60 * 60 * 1000;

/// How long the first join of a member may wait before the member is dropped, in milliseconds, as in
/// Kafka. Its client comes again, if it is still there.
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: u64 = 5 * 60 * 1000;

/// Shortest time after which a rebalance that nobody has joined is looked at again, in milliseconds.
/// It ends with the sessions of the static members that it waits for.
pub const POSTPONED_REBALANCE_MS_MIN: u64 = 1000;
