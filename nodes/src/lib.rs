//! Storage nodes: partitions, write-ahead log, segments, cache.
