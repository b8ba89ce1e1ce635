use super::*;
use crate::format::BLOCK_BYTES;
use crate::sim::SimDisk;

fn at(position: u64, length: u32) -> FrameAt {
    FrameAt {
        segment: SegmentId(1),
        position,
        length,
    }
}

#[test]
fn near_frames_are_read_together() {
    let near = [at(5000, 100), at(5300, 100), at(5400 + READ_GAP_MAX, 100)];
    assert_eq!(run_length(&near), 3);
    let far = [at(5000, 100), at(5300, 100), at(5401 + READ_GAP_MAX, 100)];
    assert_eq!(run_length(&far), 2);
    assert_eq!(run_length(&[at(5300, 100), at(5000, 100)]), 1, "backwards");
    assert_eq!(
        run_length(&[at(5300, 100), at(5300, 100)]),
        1,
        "the same again"
    );
    let other = FrameAt {
        segment: SegmentId(2),
        ..at(5300, 100)
    };
    assert_eq!(run_length(&[at(5000, 100), other]), 1, "another segment");
    let half = (READ_RUN_BYTES_MAX / 2) as u32;
    let large = [
        at(0, half),
        at(u64::from(half), half),
        at(2 * u64::from(half), 1),
    ];
    assert_eq!(run_length(&large), 2, "the bound");
    assert_eq!(run_length(&[at(0, 3 * half)]), 1, "a single large one");
}

#[test]
fn a_place_where_no_batch_lies_is_refused() {
    let disk = SimDisk::new(1);
    disk.create(&segment_name(SegmentId(1)), 4 * BLOCK_BYTES as u64)
        .unwrap();
    let reader = SegmentReader::new(Arc::new(disk));
    let fault = |place: FrameAt| match reader.read(place) {
        Err(ReadError::Damaged {
            segment: SegmentId(1),
            fault,
            ..
        }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(at(100, 10)), Fault::Short);
    assert_eq!(fault(at(4 * BLOCK_BYTES as u64 - 9, 10)), Fault::Short);
    assert!(matches!(fault(at(5000, 10)), Fault::Frame(_)));
    let missing = FrameAt {
        segment: SegmentId(2),
        ..at(5000, 10)
    };
    assert!(matches!(
        reader.read(missing),
        Err(ReadError::Gone(SegmentId(2)))
    ));
    let unfinished = reader.directory(SegmentId(1));
    assert!(matches!(
        unfinished,
        Err(ReadError::NotSealed(SegmentId(1)))
    ));
}
