//! Sweeps and their parts.

use partition_log::SegmentId;

use super::*;

fn wanted(position: u64, length: u32) -> Wanted {
    let at = FrameAt {
        segment: SegmentId(1),
        position,
        length,
    };
    Wanted { at, read: 0 }
}

fn sizes(sweep: &[Wanted]) -> Vec<u64> {
    let parts = divide(sweep);
    let ends = parts.windows(2).all(|pair| pair[0].end == pair[1].start);
    assert!(ends && parts[0].start == 0 && parts[parts.len() - 1].end == sweep.len());
    let size = |part: &Range<usize>| {
        let part = &sweep[part.clone()];
        part.iter().map(|wanted| u64::from(wanted.at.length)).sum()
    };
    parts.iter().map(size).collect()
}

#[test]
fn a_sweep_is_divided_evenly_if_that_is_worth_it() {
    let sweep = |count: u64, length: u32| -> Vec<_> {
        let place = |i| wanted(i * 2 * u64::from(length), length);
        (0..count).map(place).collect()
    };
    assert_eq!(sizes(&[]), [0]);
    assert_eq!(sizes(&sweep(31, 1 << 16)), [31 << 16]);
    assert_eq!(sizes(&sweep(32, 1 << 16)), [1 << 20, 1 << 20]);
    assert_eq!(sizes(&sweep(128, 1 << 16)), [2 << 20; 4]);
    // What is large by itself is one part.
    assert_eq!(sizes(&[wanted(0, 9 << 20)]), [9 << 20]);
    let uneven = [wanted(0, 9 << 20), wanted(10 << 20, 100)];
    assert_eq!(sizes(&uneven), [9 << 20, 100]);
}
