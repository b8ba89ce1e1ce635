//! Egress that gateways report: records of the system's own batches that are reports.
//!
//! Owns: telling reports from the other records of the system's partitions. Does not own: their
//! form (`quota`), counting them. What is not understood is passed over: it cannot be billed.

use bytes::Bytes;
use model::VirtualClusterId;
use partition_log::LogRecord;
use quota::EgressReport;
use records::{DecompressLimits, StampedBatch, decode_records};

use crate::format::frame::FrameOrigin;
use crate::write::FrameRecord;

/// The reports in a frame with this payload, which comes in pieces; none in a tenant's frame.
pub(crate) fn egress_reports(
    origin: &FrameOrigin,
    record: &FrameRecord,
    payload: [&[u8]; 2],
) -> Vec<EgressReport> {
    let is_append = matches!(record, FrameRecord::Log(LogRecord::Append(_)));
    if !is_append || origin.virtual_cluster != VirtualClusterId::SYSTEM {
        return Vec::new();
    }
    StampedBatch::parse(Bytes::from(payload.concat()))
        .map_or_else(|_| Vec::new(), |b| reports_in(&b))
}

/// The reports in a batch of the system's.
pub fn reports_in(batch: &StampedBatch) -> Vec<EgressReport> {
    let Ok(records) = decode_records(batch, &DecompressLimits::default()) else {
        return Vec::new();
    };
    // A report has no key. Records of consumer groups have one, and may hold what clients chose.
    let reports = records.filter_map(|record| record.ok().filter(|record| record.key.is_none()));
    let values = reports.filter_map(|record| record.value);
    values
        .filter_map(|value| EgressReport::decode(&value).ok())
        .collect()
}
