//! InitProducerId (22): versions 0-5, flexible from 2.
//!
//! Owns: the tables of request and response.
//! 3: a producer may go on with its id (KIP-360). 4: PRODUCER_FENCED (KIP-588). 5: TRANSACTION_ABORTABLE (KIP-890).
//! Version 6 (KIP-939) is marked unstable in Kafka 4.3 and is not served.

use crate::schema::messages;

messages! {
    /// A producer that wants an id.
    pub struct InitProducerIdRequest, versions [0..=5], flexible [2..] {
        /// The transactional id; null for a producer without transactions.
        transactional_id: Option<String> [0..] null [0..],
        /// After how many idle milliseconds a transaction is aborted.
        transaction_timeout_ms: i32 [0..],
        /// The id that the producer has; -1 for none.
        producer_id: i64 [3..] = -1,
        /// Its epoch; -1 for none.
        producer_epoch: i16 [3..] = -1,
    }

    /// The id.
    pub struct InitProducerIdResponse, versions [0..=5], flexible [2..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// Zero, or why there is no id.
        error_code: i16 [0..],
        /// The id; -1 for none.
        producer_id: i64 [0..] = -1,
        /// Its epoch.
        producer_epoch: i16 [0..],
    }
}
