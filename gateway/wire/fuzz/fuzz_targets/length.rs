//! Any four bytes as the length of a frame.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fuzz::fuzz_length(data));
