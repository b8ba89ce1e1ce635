//! The one leader epoch that clients see, and what becomes of a request that names another.
//!
//! Owns: the rules of KIP-320 for logs that are never truncated. Does not own: the epochs that fence
//! former owners, which no client sees.
//!
//! A partition's epoch is [`SHOWN`] from its creation on, through every move: in Metadata, in the
//! batches of Fetch, in ListOffsets and in OffsetForLeaderEpoch.

use model::LeaderEpoch;

use crate::error::Fault;

/// See [`LeaderEpoch::SHOWN`].
pub(crate) const SHOWN: i32 = LeaderEpoch::SHOWN.0 as i32;

/// Stands for no epoch.
pub(crate) const NONE: i32 = -1;

/// Checks the leader epoch that a client believes a partition to have.
pub(crate) fn check(current_leader_epoch: i32) -> Result<(), Fault> {
    match current_leader_epoch {
        SHOWN | NONE => Ok(()),
        known => Err(Fault::LeaderEpoch { known }),
    }
}

#[cfg(test)]
mod tests {
    use wire::ErrorCode;

    use super::*;

    #[test]
    fn an_epoch_other_than_the_one_shown_is_refused() {
        assert!(check(0).is_ok() && check(-1).is_ok());
        let code = |known| check(known).unwrap_err().code();
        assert_eq!(code(1), ErrorCode::UnknownLeaderEpoch);
        assert_eq!(code(i32::MAX), ErrorCode::UnknownLeaderEpoch);
        assert_eq!(code(-2), ErrorCode::FencedLeaderEpoch);
    }
}
