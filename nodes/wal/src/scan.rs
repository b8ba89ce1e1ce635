//! Finds the end of a segment that has no footer, and tells a torn end from damage.
//!
//! Owns: the judgement. Does not own: reading the file, or what becomes of the frames.
//!
//! One group is in flight at a time, and the next is written after the sync of the one before. So
//! if group n is not intact and a later group is there, n was durable once and has changed since:
//! that is damage, and nothing may be cut. If nothing later is there, n was in flight when the power
//! went: that is a torn end, which was never acknowledged.
//!
//! ```text
//! | n-2 ok | n-1 ok | n broken | zeros, or an older life of the file ...  -> torn, ends before n
//! | n-2 ok | n-1 ok | n broken | n+1 ...                                  -> damaged at n
//! ```
//! What cannot be told apart: damage of the very last group of a log that has stopped without its
//! trailer. One group is at stake there, as with any log.

use std::ops::Range;

use partition_log::FrameAt;

use crate::error::{Damage, Fault, Proof};
use crate::format::frame::{self, Frame};
use crate::format::group::{GROUP_HEADER_BYTES, GroupHeader, add_frame_crc};
use crate::format::header::SegmentHeader;
use crate::format::trailer::Trailer;
use crate::format::{BLOCK_BYTES, Chain, Identity, to_blocks};
use crate::plant::{Bug, is_planted};

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Where the next group would begin.
    pub end: u64,
    /// Where the chain stands there.
    pub chain: Chain,
    /// Where the last intact group lies, without the zeros after it.
    pub last_group: Option<Range<u64>>,
    /// What is wrong with the group at `end`, if one of this segment has begun there.
    pub torn: Option<Fault>,
}

/// Goes through the groups of the segment whose file begins with `bytes`, which have all that groups may have
/// reached ([`crate::format::reach`]), and shows each frame of an
/// intact group to `visit`, with the place of its payload. A frame that `visit` refuses is damage.
pub fn scan(
    bytes: &[u8],
    header: &SegmentHeader,
    mut visit: impl FnMut(&Frame<'_>, FrameAt) -> Result<(), Fault>,
) -> Result<Scan, Damage> {
    let mut scan = Scan {
        end: BLOCK_BYTES as u64,
        chain: header.chain,
        last_group: None,
        torn: None,
    };
    loop {
        match intact_group(bytes, scan.end, header.identity, scan.chain) {
            Ok((group, crc)) => {
                let range = scan.end..scan.end + group.group_bytes();
                visit_frames(bytes, range.clone(), &mut visit).map_err(|(position, fault)| {
                    damage(header.identity, position, fault, Proof::Checksum)
                })?;
                scan.end = to_blocks(range.end);
                scan.last_group = Some(range);
                scan.chain = Chain {
                    sequence: group.sequence + 1,
                    crc,
                    commit_time: group.commit_time,
                };
            }
            Err(fault) => {
                judge(bytes, header.identity, &scan, &fault)?;
                scan.torn = (fault != Fault::NoGroup).then_some(fault);
                return Ok(scan);
            }
        }
    }
}

/// The group at `position`, if it is the next one and all of it is right.
fn intact_group(
    bytes: &[u8],
    position: u64,
    identity: Identity,
    chain: Chain,
) -> Result<(GroupHeader, u32), Fault> {
    let bytes = from(bytes, position);
    let (group, crc) = GroupHeader::decode(bytes).ok_or(Fault::NoGroup)?;
    if group.identity != identity {
        return Err(Fault::NoGroup);
    }
    if group.sequence != chain.sequence {
        return Err(Fault::Sequence {
            expected: chain.sequence,
            found: group.sequence,
        });
    }
    let body = usize::try_from(group.group_bytes())
        .ok()
        .and_then(|end| bytes.get(GROUP_HEADER_BYTES..end))
        .ok_or(Fault::GroupSize)?;
    let frames_crc = check_frames(body, group.frame_count)?;
    if group.encode(frames_crc).1 != crc && !is_planted(Bug::TrustTornFrame) {
        return Err(Fault::GroupCrc);
    }
    if group.previous_crc != chain.crc || group.commit_time < chain.commit_time {
        return Err(Fault::Chain);
    }
    Ok((group, crc))
}

/// The checksum over the checksums of the frames, if all are right and fill `body`.
fn check_frames(mut body: &[u8], frame_count: u32) -> Result<u32, Fault> {
    let mut frames_crc = 0;
    for _ in 0..frame_count {
        let checked = frame::check(body)?;
        frames_crc = add_frame_crc(frames_crc, checked.crc);
        body = &body[checked.frame_bytes..];
    }
    if body.is_empty() {
        Ok(frames_crc)
    } else {
        Err(Fault::GroupSize)
    }
}

/// Shows the frames of the intact group at `range`.
fn visit_frames(
    bytes: &[u8],
    range: Range<u64>,
    visit: &mut impl FnMut(&Frame<'_>, FrameAt) -> Result<(), Fault>,
) -> Result<(), (u64, Fault)> {
    let mut position = range.start + GROUP_HEADER_BYTES as u64;
    while position < range.end {
        let frame =
            Frame::decode(from(bytes, position)).map_err(|fault| (position, fault.into()))?;
        let at = frame::payload_at(frame.origin.segment, position, frame.frame_bytes());
        visit(&frame, at).map_err(|fault| (position, fault))?;
        position += frame.frame_bytes() as u64;
    }
    Ok(())
}

/// Errs where something shows that the group which `fault` is about was durable once.
fn judge(bytes: &[u8], identity: Identity, scan: &Scan, fault: &Fault) -> Result<(), Damage> {
    let damaged = |proof| Err(damage(identity, scan.end, fault.clone(), proof));
    if let Some(position) = later_group(bytes, identity, scan) {
        return damaged(Proof::LaterGroup(position));
    }
    match own_trailer(bytes, identity) {
        Some(trailer) if trailer.chain != scan.chain => damaged(Proof::Trailer),
        _ => Ok(()),
    }
}

fn damage(identity: Identity, position: u64, fault: Fault, proof: Proof) -> Damage {
    Damage {
        segment: identity.segment,
        position,
        fault,
        proof,
    }
}

/// The position of a later group of this segment. Its header alone proves that it was begun, and
/// so that all before it was durable.
fn later_group(bytes: &[u8], identity: Identity, scan: &Scan) -> Option<u64> {
    let mut position = scan.end + BLOCK_BYTES as u64;
    while position < bytes.len() as u64 {
        if let Some((group, _)) = GroupHeader::decode(from(bytes, position))
            && group.identity == identity
            && group.sequence > scan.chain.sequence
        {
            return Some(position);
        }
        position += BLOCK_BYTES as u64;
    }
    None
}

fn own_trailer(bytes: &[u8], identity: Identity) -> Option<Trailer> {
    let trailer = Trailer::decode(bytes.last_chunk()?).ok()?;
    (trailer.identity == identity).then_some(trailer)
}

/// The bytes from `position` on; none behind the end.
fn from(bytes: &[u8], position: u64) -> &[u8] {
    usize::try_from(position)
        .ok()
        .and_then(|at| bytes.get(at..))
        .unwrap_or(&[])
}

#[cfg(test)]
mod tests;
