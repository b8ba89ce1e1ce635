//! The names of the log's files.
//!
//! Owns: which file is a segment and which a spare. Does not own: the files.
//! Invariant: a file has a segment's name only while it is that segment; spares have other names.

use partition_log::SegmentId;

const DIGITS: usize = 20;
const SEGMENT: &str = "segment";
const SPARE: &str = "spare";

/// What a file of the folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A segment, begun and maybe full.
    Segment(SegmentId),
    /// A file that waits to become a segment; what it holds does not matter.
    Spare(u64),
    /// Not one of the log's.
    Other,
}

pub(crate) fn segment_name(segment: SegmentId) -> String {
    name(segment.0, SEGMENT)
}

pub(crate) fn spare_name(number: u64) -> String {
    name(number, SPARE)
}

/// What the file of this name is.
pub(crate) fn kind_of(file_name: &str) -> FileKind {
    match file_name.split_once('.') {
        Some((digits, SEGMENT)) => number(digits).map_or(FileKind::Other, |number| {
            FileKind::Segment(SegmentId(number))
        }),
        Some((digits, SPARE)) => number(digits).map_or(FileKind::Other, FileKind::Spare),
        _ => FileKind::Other,
    }
}

fn name(number: u64, kind: &str) -> String {
    format!("{number:0DIGITS$}.{kind}")
}

/// Only the one spelling that [`name`] writes.
fn number(digits: &str) -> Option<u64> {
    let all_digits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for number in [0, 7, u64::MAX] {
            let segment = SegmentId(number);
            assert_eq!(kind_of(&segment_name(segment)), FileKind::Segment(segment));
            assert_eq!(kind_of(&spare_name(number)), FileKind::Spare(number));
        }
        let others = [
            "lock",
            "1.segment",
            "+0000000000000000001.spare",
            "99999999999999999999.spare",
            ".",
        ];
        for other in others {
            assert_eq!(kind_of(other), FileKind::Other, "{other}");
        }
    }
}
