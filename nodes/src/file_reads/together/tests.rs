//! Sweeps and their parts.

use model::{Timestamp, TopicId};
use partition_log::{FrameEntry, SegmentId};

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

#[test]
fn a_sweep_that_is_cut_leaves_each_read_the_beginning_of_what_it_asked_for() {
    // Three reads of two batches each, a KiB a batch, interleaved; the last one lies behind the others.
    let place = |position: u64| wanted(position << 10, 1 << 10).at;
    let lies = [[0_u64, 2], [1, 3], [4, 5]];
    let partition = TopicPartition {
        topic: TopicId([1; 16]),
        partition: 0,
    };
    let reads = lies.iter().enumerate().map(|(index, lies)| {
        let frames = lies
            .iter()
            .zip([7, 8])
            .map(|(&position, offset)| FrameEntry {
                base_offset: Offset::new(offset).unwrap(),
                record_count: 1,
                max_timestamp: Timestamp::NONE,
                at: place(position),
                bytes_before: 0,
            });
        Planned {
            index,
            partition,
            offset: Offset::new(7).unwrap(),
            bounds: LogBounds::default(),
            run: Ok(Some(FrameRun {
                frames: frames.collect(),
                next_offset: Offset::new(9).unwrap(),
                next_position: Some(3),
            })),
        }
    });
    let at = |read: usize, batch: usize| place(lies[read][batch]);
    let order = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1)];
    let sweep = order.map(|(read, batch)| Wanted {
        at: at(read, batch),
        read,
    });
    let mut together = Together {
        reads: reads.collect(),
        sweep: sweep.to_vec(),
        parts: Vec::new(),
    };
    together.cut(3 << 10);
    assert_eq!(together.sweep, sweep[..3]);
    let told = |read: usize| {
        let run = together.reads[read].run.as_ref().map(Option::as_ref);
        run.map(|run| {
            let run = run.unwrap();
            (run.frames.len(), run.next_offset, run.next_position)
        })
    };
    let offset = |offset| Offset::new(offset).unwrap();
    assert_eq!(told(0), Ok((2, offset(9), Some(3))), "it has all");
    assert_eq!(told(1), Ok((1, offset(8), None)));
    assert_eq!(told(2), Err(&ReadError::Busy));
}
