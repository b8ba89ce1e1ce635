//! Any bytes as a request frame without its length.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fuzz::fuzz_request(data));
