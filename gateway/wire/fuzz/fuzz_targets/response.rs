//! Any bytes as a response: key, version, frame without its length.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fuzz::fuzz_response(data));
