//! Every bound of one shard's coordinator, with what happens at it.

/// Records in one [`crate::Effect::Write`]. What needs more comes as several writes in a row.
pub const WRITE_RECORDS_MAX: usize = 4096;

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

/// Bytes of one stored record at most, key and value: a whole group with its assignment.
pub const RECORD_BYTES_MAX: usize = 5 * 1024 * 1024;

/// How long an empty group without offsets is still known, in milliseconds: as long as Kafka takes
/// at most to find it (`offsets.retention.check.interval.ms`). Then it is gone.
pub const EMPTY_GROUP_KEPT_MS: u64 = 10 * 60 * 1000;
