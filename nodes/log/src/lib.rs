//! The log of one partition, as pure state.
