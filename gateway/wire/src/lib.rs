//! The Kafka wire protocol, bounded, without I/O.
