//! Reads a topic into its ledger.
//!
//! Owns: going on where the ledger stopped, and telling a broken promise from a broken connection.
//! Does not own: the rules (`ledger`), fetching (`client`).

use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::client::{CallError, Client};
use crate::ledger::Ledger;

/// Reads what was appended since the last time and compares it with what was acknowledged: how many bytes came.
///
/// # Errors
/// [`crate::ledger::Violation`] where a promise is broken, [`CallError`] where it cannot be read.
pub async fn read_on(
    client: &mut Client,
    topic: &str,
    partitions: i32,
    ledger: &Mutex<Ledger>,
) -> Result<u64> {
    let ledger = || ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bytes = 0;
    for partition in 0..partitions {
        let from = ledger().next_offset(partition);
        let mut violation = None;
        let read = client.read_to_end_of(topic, partition, from, |batch| {
            ledger().read(partition, &batch).map_err(|found| {
                violation = Some(found);
                CallError::Unexpected("a broken promise".to_owned())
            })
        });
        let read = read.await;
        if let Some(violation) = violation {
            return Err(violation.into());
        }
        bytes += read?;
    }
    ledger().check_acknowledged()?;
    Ok(bytes)
}
