//! DescribeLogDirs (35): versions 1-5, flexible from 2.
//!
//! Owns: the tables of request and response.
//! 3: an error for the whole answer. 4: the size of the volume (KIP-827). 5: folders may be cordoned (KIP-1066).

use crate::schema::messages;

messages! {
    /// Which partitions to tell the folders of.
    pub struct DescribeLogDirsRequest, versions [1..=5], flexible [2..] {
        /// The topics; null is all of them.
        topics: Option<Vec<DescribableLogDirTopic>> [0..] null [0..],
    }

    /// The partitions of one topic.
    pub struct DescribableLogDirTopic {
        /// The topic.
        topic: String [0..],
        /// The partitions.
        partitions: Vec<i32> [0..],
    }

    /// The folders.
    pub struct DescribeLogDirsResponse, versions [1..=5], flexible [2..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// Zero, or why nothing is told.
        error_code: i16 [3..],
        /// The folders.
        results: Vec<DescribeLogDirsResult> [0..],
    }

    /// A folder.
    pub struct DescribeLogDirsResult {
        /// Zero, or why nothing is told of it.
        error_code: i16 [0..],
        /// Its path.
        log_dir: String [0..],
        /// The topics of which it holds something.
        topics: Vec<DescribeLogDirsTopic> [0..],
        /// The size of its volume in bytes; -1 if it is not known.
        total_bytes: i64 [4..] = -1,
        /// How much of that may be used; -1 if it is not known.
        usable_bytes: i64 [4..] = -1,
        /// Whether no new partitions are put there.
        is_cordoned: bool [5..],
    }

    /// The partitions of one topic.
    pub struct DescribeLogDirsTopic {
        /// The topic.
        name: String [0..],
        /// The partitions.
        partitions: Vec<DescribeLogDirsPartition> [0..],
    }

    /// One partition.
    pub struct DescribeLogDirsPartition {
        /// The partition.
        partition_index: i32 [0..],
        /// The size of its log in bytes.
        partition_size: i64 [0..],
        /// How many records the log lags behind.
        offset_lag: i64 [0..],
        /// Whether it is a copy that will replace the current one.
        is_future_key: bool [0..],
    }
}
