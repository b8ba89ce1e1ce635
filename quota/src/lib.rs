//! Quotas and meters, as pure state.
