use bytes::Bytes;

use super::*;

#[test]
fn a_buffer_comes_back_with_the_last_slice_of_it() {
    let buffers = Arc::new(ReadBuffers::default());
    let mut buffer = buffers.take(100_000).unwrap();
    buffer.fill(7);
    assert_eq!(buffer.len(), 100_000);
    let place = buffer.as_ptr();
    let bytes = Bytes::from_owner(buffer);
    let slice = bytes.slice(50_000..50_010);
    drop(bytes);
    assert_eq!(buffers.lock().bytes, 0, "a slice of it is there");
    let other = buffers.take(100_000).unwrap();
    assert_ne!(other.as_ptr(), place, "it has an owner");
    assert_eq!(slice[..], [7; 10]);
    drop(slice);
    assert_eq!(buffers.lock().bytes, SIZES[1]);
    let smaller = buffers.take(80_000).unwrap();
    assert_eq!((smaller.as_ptr(), smaller.len()), (place, 80_000));
    assert_eq!(buffers.lock().bytes, 0);
    let of_another_size = buffers.take(1_000_000).unwrap();
    assert_eq!(of_another_size.len(), 1_000_000);
}

#[test]
fn what_waits_is_bounded_and_the_oldest_goes() {
    let buffers = Arc::new(ReadBuffers::default());
    let small = buffers.take(1).unwrap();
    let count = KEPT_BYTES_MAX / HUGE_PAGE_BYTES;
    let large: Vec<_> = (0..count)
        .map(|_| buffers.take(HUGE_PAGE_BYTES).unwrap())
        .collect();
    drop(small);
    assert_eq!(buffers.lock().bytes, SIZES[0]);
    drop(large);
    let kept = buffers.lock();
    assert_eq!(kept.bytes, KEPT_BYTES_MAX);
    assert_eq!(kept.buffers.len(), count, "all of one size");
}

#[test]
fn a_buffer_beyond_all_sizes_is_not_kept() {
    let buffers = Arc::new(ReadBuffers::default());
    let bytes = SIZES[6] + 1;
    let mut buffer = buffers.take(bytes).unwrap();
    assert_eq!(buffer.len(), bytes);
    buffer.fill(1);
    drop(buffer);
    assert_eq!(buffers.lock().bytes, 0);
}

#[test]
fn no_read_gets_much_more_than_it_needs() {
    assert!(SIZES.is_sorted());
    let least = AROUND_CACHE_BYTES_MIN / BLOCK_BYTES;
    for blocks in least..=SIZES[6] / BLOCK_BYTES {
        let bytes = blocks * BLOCK_BYTES;
        let size = SIZES.into_iter().find(|&size| size >= bytes).unwrap();
        assert!(size * 10 <= bytes * 22, "{size} for {bytes}");
    }
}
