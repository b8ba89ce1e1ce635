//! How much memory the checks take: counted by the allocator, for each thread apart.
//! The C code of zstd is not counted; it is given its output and holds less than 200 KiB.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use model::ByteCount;
use records::{BatchRules, Codec, DecompressLimits, RECORD_ERRORS_MAX, Rejected, validate};

use crate::samples::{NOW, batch, record, rules, shapes, with_body};

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    let in_use = IN_USE.get() + bytes;
    IN_USE.set(in_use);
    PEAK.set(PEAK.get().max(in_use));
}

#[expect(
    unsafe_code,
    reason = "the trait asks for it; each call goes to the system's allocator"
)]
// SAFETY: every method hands its arguments to `System` unchanged and returns what that returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes in use at one time during `work`, beyond those in use before.
pub fn peak_bytes(work: impl FnOnce()) -> usize {
    let before = IN_USE.get();
    PEAK.set(before);
    work();
    usize::try_from(PEAK.get() - before).expect("the peak is not below the start")
}

#[test]
fn checking_an_uncompressed_batch_takes_no_memory() {
    for records in shapes() {
        let sent = batch(Codec::Uncompressed, &records);
        let peak = peak_bytes(|| assert!(validate(sent, &rules(), NOW).is_ok()));
        assert!(peak <= 256, "{peak} bytes for {} records", records.len());
    }
}

#[test]
fn a_refusal_takes_no_more_than_its_bound() {
    let million = 1_000_000;
    let keyless = [12, 0, 0, 0, 1, 1, 0].repeat(million);
    let sent = with_body(Codec::Uncompressed, &keyless, million as i32);
    let max = ByteCount(u64::MAX);
    let compacted = BatchRules {
        compacted: true,
        batch_bytes_max: max,
        cluster_batch_bytes_max: max,
        ..rules()
    };
    let mut result = None;
    let peak = peak_bytes(|| result = Some(validate(sent, &compacted, NOW)));
    let Some(Err(Rejected::InvalidRecords { errors, total })) = result else {
        panic!("{result:?}")
    };
    assert_eq!((errors.len(), total as usize), (RECORD_ERRORS_MAX, million));
    assert!(peak < 128 * 1024, "{peak} bytes");
}

#[test]
fn decompressing_takes_a_few_times_what_comes_out() {
    let records = [record(0, NOW.0, b"k", &vec![b'x'; 4 << 20])];
    let decompress = DecompressLimits {
        bytes_max: ByteCount(64 << 20),
    };
    let compacted = BatchRules {
        compacted: true,
        decompress,
        ..rules()
    };
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let sent = batch(codec, &records);
        let peak = peak_bytes(|| assert!(validate(sent, &compacted, NOW).is_ok()));
        assert!(peak <= 13 << 20, "{codec:?} took {peak} bytes");
    }
}
