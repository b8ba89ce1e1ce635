//! Reads every segment of a log, and seals the last one.
//!
//! Owns: what of a segment is believed, and the proof that a damaged place is no torn end. Does not
//! own: which files are segments.

use std::collections::BTreeMap;

use model::{NodeEpoch, Timestamp, TopicPartition};
use partition_log::{PartitionDigest, SegmentId};
use quota::{Meters, Tally};

use crate::digest::{SegmentDigest, SegmentMeters};
use crate::disk::Disk;
use crate::error::{Damage, Fault, Proof, WalError};
use crate::format::header::SegmentHeader;
use crate::format::trailer::{Part, Trailer};
use crate::format::{BLOCK_BYTES, Chain, Identity, WalId, footer};
use crate::names::segment_name;
use crate::reports::egress_reports;
use crate::scan::{Scan, scan};
use crate::segment_file::{PartError, SegmentFile};
use crate::write::FrameRecord;

/// A sealed segment, by its footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// The segment.
    pub segment: SegmentId,
    /// The incarnation of the node that wrote it.
    pub node_epoch: NodeEpoch,
    /// Size of its file.
    pub file_bytes: u64,
    /// Commit time of its first group.
    pub commit_time_min: Timestamp,
    /// Commit time of its last group.
    pub commit_time_max: Timestamp,
    /// What it holds of each partition.
    pub partitions: BTreeMap<TopicPartition, PartitionDigest>,
    /// What it metered.
    pub meters: SegmentMeters,
}

/// The unfinished end of the log: a group that was in flight, and never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub segment: SegmentId,
    /// Where the group begins.
    pub position: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What the segments hold.
pub(super) struct Found {
    pub(super) wal: Option<WalId>,
    pub(super) chain: Chain,
    pub(super) segments: Vec<SegmentSummary>,
    pub(super) torn: Option<Torn>,
}

/// Reads `segments`, which ascend. The last one is durable and sealed on return.
pub(super) fn read_segments(
    disk: &dyn Disk,
    segments: &[SegmentId],
    node_epoch: NodeEpoch,
) -> Result<Found, WalError> {
    let mut found = Found {
        wal: None,
        chain: Chain::START,
        segments: Vec::new(),
        torn: None,
    };
    for (index, &segment) in segments.iter().enumerate() {
        let opened = SegmentFile::open(disk, segment);
        let file = opened.map_err(WalError::disk("open", &segment_name(segment)))?;
        let header = file
            .header()
            .map_err(|error| refuse(error, segment, 0, Proof::Name))?;
        check_header(&found, &header, node_epoch)?;
        found.wal = Some(header.identity.wal);
        let (summary, chain) = match segments.get(index + 1) {
            Some(&next) => {
                let trailer_at = file.length.saturating_sub(BLOCK_BYTES as u64);
                let proof = Proof::LaterSegment(next);
                read_sealed(&file, header.identity)
                    .map_err(|error| refuse(error, segment, trailer_at, proof))?
            }
            None => {
                let (digest, scan) = scan_last(&file, &header)?;
                found.torn = scan.torn.clone().map(|fault| Torn {
                    segment,
                    position: scan.end,
                    fault,
                });
                let file_bytes = seal_last(&file, header.identity, &digest, &scan)?;
                (
                    summarize(header.identity, digest, scan.chain, file_bytes),
                    scan.chain,
                )
            }
        };
        found.chain = chain;
        found.segments.push(summary);
    }
    Ok(found)
}

fn refuse(error: PartError, segment: SegmentId, position: u64, proof: Proof) -> WalError {
    match error {
        PartError::Disk(source) => WalError::disk("read", &segment_name(segment))(source),
        PartError::Fault(fault) => Damage {
            segment,
            position,
            fault,
            proof,
        }
        .into(),
    }
}

fn check_header(
    found: &Found,
    header: &SegmentHeader,
    node_epoch: NodeEpoch,
) -> Result<(), WalError> {
    let Identity {
        wal,
        segment,
        node_epoch: written,
    } = header.identity;
    if let Some(expected) = found.wal
        && wal != expected
    {
        return Err(WalError::Foreign {
            segment,
            found: wal,
            expected,
        });
    }
    if written >= node_epoch {
        return Err(WalError::NodeEpoch {
            found: written,
            given: node_epoch,
        });
    }
    // Where the segment before is gone, its end is not known any more.
    let follows = found
        .segments
        .last()
        .is_none_or(|before| before.segment.0 + 1 != segment.0 || found.chain == header.chain);
    if !follows {
        let damage = Damage {
            segment,
            position: 0,
            fault: Fault::Chain,
            proof: Proof::Name,
        };
        return Err(damage.into());
    }
    Ok(())
}

/// Reads a segment by its footer.
fn read_sealed(
    file: &SegmentFile,
    identity: Identity,
) -> Result<(SegmentSummary, Chain), PartError> {
    let trailer = file.trailer()?;
    if trailer.identity != identity {
        return Err(Fault::Footer("the trailer was written under another epoch").into());
    }
    let mut partitions = BTreeMap::new();
    for entry in file.directory(&trailer)?.entries() {
        let digest = PartitionDigest::decode(file.segment, &file.part(entry.digest)?)
            .map_err(|_| Fault::Footer("a digest cannot be read"))?;
        partitions.insert(entry.partition, digest);
    }
    let meters = read_meters(file, &trailer)?;
    let digest = SegmentDigest {
        partitions,
        meters,
        commit_time_min: Some(trailer.commit_time_min),
    };
    Ok((
        summarize(identity, digest, trailer.chain, file.length),
        trailer.chain,
    ))
}

fn read_meters(file: &SegmentFile, trailer: &Trailer) -> Result<SegmentMeters, PartError> {
    let fault = |_| PartError::Fault(Fault::Footer("meters cannot be read"));
    let read = |part: Part| Tally::decode(&file.part(part)?).map_err(fault);
    let is_there = trailer.totals != Part::default();
    Ok(SegmentMeters {
        sums: read(trailer.sums)?,
        totals: if is_there {
            Some(Meters::decode(&file.part(trailer.totals)?).map_err(fault)?)
        } else {
            None
        },
        since_totals: read(trailer.since_totals)?,
    })
}

fn summarize(
    identity: Identity,
    digest: SegmentDigest,
    chain: Chain,
    file_bytes: u64,
) -> SegmentSummary {
    SegmentSummary {
        segment: identity.segment,
        node_epoch: identity.node_epoch,
        file_bytes,
        commit_time_min: digest.commit_time_min.unwrap_or(chain.commit_time),
        commit_time_max: chain.commit_time,
        partitions: digest.partitions,
        meters: digest.meters,
    }
}

/// What a scan has found in the bytes that it went through.
struct Scanned {
    bytes: Vec<u8>,
    digest: SegmentDigest,
    scan: Scan,
}

/// Goes through the groups below `end`.
fn scan_to(file: &SegmentFile, header: &SegmentHeader, end: u64) -> Result<Scanned, WalError> {
    let bytes = file.read_to(end)?;
    let mut digest = SegmentDigest::default();
    let scan = scan(&bytes, header, |frame, at| {
        if let FrameRecord::Log(partition_log::LogRecord::Append(facts)) = &frame.record
            && !digest.follows(frame.origin.partition, &frame.record)
        {
            return Err(Fault::Order(facts.base_offset));
        }
        digest.add(&frame.origin, &frame.record, at);
        let reports = egress_reports(&frame.origin, &frame.record, [frame.payload, &[]]);
        digest.add_reports(&frame.origin, &reports);
        Ok(())
    })?;
    Ok(Scanned {
        bytes,
        digest,
        scan,
    })
}

/// Finds what the last segment holds, and makes all of it durable.
fn scan_last(
    file: &SegmentFile,
    header: &SegmentHeader,
) -> Result<(SegmentDigest, Scan), WalError> {
    let reach = file.reach(header.identity)?;
    let mut scanned = scan_to(file, header, reach)?;
    if scanned.scan.torn == Some(Fault::GroupSize) && reach < file.length {
        // The group that was in flight may lie across the reach, and be whole.
        scanned = scan_to(file, header, file.length)?;
    }
    let Scanned {
        bytes,
        digest,
        scan,
    } = scanned;
    if let Some(range) = &scan.last_group {
        let name = segment_name(file.segment);
        let start = usize::try_from(range.start).expect("the file is in memory");
        let end = usize::try_from(range.end).expect("the file is in memory");
        let written = file.file.write_at(&bytes[start..end], range.start);
        written.map_err(WalError::disk("write", &name))?;
        file.file.sync().map_err(WalError::disk("sync", &name))?;
    }
    Ok((digest, scan))
}

/// Gives the last segment its footer, and the file the length that it needs: a log that is opened
/// often shall not take a whole segment for each time. Says the length.
fn seal_last(
    file: &SegmentFile,
    identity: Identity,
    digest: &SegmentDigest,
    scan: &Scan,
) -> Result<u64, WalError> {
    let footer = footer::encode(digest, identity, scan.chain, scan.end);
    let trailer_at = scan.end + footer.bytes.len() as u64;
    let file_bytes = trailer_at + BLOCK_BYTES as u64;
    let name = segment_name(file.segment);
    let file = &file.file;
    file.write_at(&footer.bytes, scan.end)
        .map_err(WalError::disk("write", &name))?;
    file.write_at(&footer.trailer, trailer_at)
        .map_err(WalError::disk("write", &name))?;
    file.set_length(file_bytes)
        .map_err(WalError::disk("cut", &name))?;
    file.sync().map_err(WalError::disk("sync", &name))?;
    Ok(file_bytes)
}
