use super::*;
use crate::names::segment_name;
use crate::sim::SimDisk;

#[test]
fn the_file_that_was_not_used_for_longest_is_closed() {
    let disk = SimDisk::new(1);
    let count = OPEN_FILES_MAX as u64 + 3;
    for number in 0..count {
        disk.create(&segment_name(SegmentId(number)), 4096, &mut || {})
            .unwrap();
    }
    let files = OpenFiles::default();
    let first = files.open(&disk, SegmentId(0)).unwrap();
    for number in 1..count {
        files.open(&disk, SegmentId(number)).unwrap();
        files.open(&disk, SegmentId(0)).unwrap();
    }
    let mut state = files.lock();
    assert_eq!(state.entries.len(), OPEN_FILES_MAX);
    assert!(
        Arc::ptr_eq(&first, &state.find(SegmentId(0)).unwrap()),
        "it was used all the time"
    );
    assert!(state.find(SegmentId(1)).is_none() && state.find(SegmentId(3)).is_none());
    assert!(state.find(SegmentId(4)).is_some());
    drop(state);

    files.forget(SegmentId(0));
    assert!(files.lock().find(SegmentId(0)).is_none());
    let missing = files.open(&disk, SegmentId(count)).err().unwrap();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}
