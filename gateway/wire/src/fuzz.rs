//! Entry points for a fuzzer, and mutations that know where frames hurt.
//!
//! Owns: the properties that hold for any bytes: no panic, and what decodes survives a round trip.
//! Does not own: chance (`sample.rs` has it), the fuzzer (`fuzz/` has its targets).
//! For tests and fuzzers only: behind the feature `fuzz`.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::frame::check_length;
use crate::header::RequestHeader;
use crate::request::Request;
use crate::response::Response;
use crate::sample::XorShift;

/// Bytes of the prefix before a frame.
const PREFIX_BYTES: usize = 4;

/// Numbers that lengths and counts like to break on.
const TRICKY_BYTES: [u8; 8] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const TRICKY_I16: [i16; 5] = [-1, 0, i16::MAX, i16::MIN, 0x100];
const TRICKY_I32: [i32; 6] = [-1, 0, i32::MAX, i32::MIN, 0xffff, 0x0100_0000];

/// Decodes bytes as a request frame without its length. What decodes is encoded and must decode to the same.
///
/// # Panics
/// If that does not hold.
pub fn fuzz_request(data: &[u8]) {
    let Ok((header, body)) = RequestHeader::decode(Bytes::copy_from_slice(data)) else {
        return;
    };
    let Ok(request) = Request::decode(&header, body) else {
        return;
    };
    let frame = request.encode(&header).to_bytes().slice(PREFIX_BYTES..);
    let (header_again, body) = RequestHeader::decode(frame).expect("what was encoded has a header");
    assert_eq!(header_again, header, "a header changed in a round trip");
    let request_again = Request::decode(&header, body).expect("what was encoded decodes");
    assert_eq!(request_again, request, "a request changed in a round trip");
}

/// Decodes bytes as a response; the first two say of which key and version. What decodes is encoded and must decode
/// to the same.
///
/// # Panics
/// If that does not hold.
pub fn fuzz_response(data: &[u8]) {
    let [key, version, frame @ ..] = data else {
        return;
    };
    let key = ApiKey::ALL[usize::from(*key) % ApiKey::ALL.len()];
    let served = key.versions();
    let version = served.min + i16::from(*version) % (served.max - served.min + 1);
    let Ok((correlation_id, response)) =
        Response::decode(key, version, Bytes::copy_from_slice(frame))
    else {
        return;
    };
    let frame = response
        .encode(correlation_id, version)
        .to_bytes()
        .slice(PREFIX_BYTES..);
    let again = Response::decode(key, version, frame).expect("what was encoded decodes");
    assert_eq!(
        again,
        (correlation_id, response),
        "a response changed in a round trip"
    );
}

/// Reads four bytes as the length of a frame.
///
/// # Panics
/// If a length above the cap is accepted.
pub fn fuzz_length(data: &[u8]) {
    if let Some((prefix, _)) = data.split_first_chunk::<PREFIX_BYTES>() {
        let cap = 1 << 20;
        if let Ok(length) = check_length(*prefix, cap) {
            assert!(length <= cap, "a frame of {length} bytes was accepted");
        }
    }
}

/// Changes a frame in one to three places: bits, bytes, lengths, cuts, repeats, and pieces of another frame.
pub fn mutate(frame: &mut Vec<u8>, other: &[u8], numbers: &mut XorShift) {
    for _ in 0..=numbers.below(3) {
        if frame.is_empty() {
            return;
        }
        mutate_once(frame, other, numbers);
    }
}

fn mutate_once(frame: &mut Vec<u8>, other: &[u8], numbers: &mut XorShift) {
    let at = numbers.below(frame.len());
    match numbers.below(9) {
        0 => frame[at] ^= 1 << numbers.below(8),
        1 => frame[at] = TRICKY_BYTES[numbers.below(TRICKY_BYTES.len())],
        2 => overwrite(
            frame,
            at,
            &TRICKY_I16[numbers.below(TRICKY_I16.len())].to_be_bytes(),
        ),
        3 => overwrite(
            frame,
            at,
            &TRICKY_I32[numbers.below(TRICKY_I32.len())].to_be_bytes(),
        ),
        4 => frame.truncate(at),
        5 => drop(frame.drain(at..(at + 1 + numbers.below(8)).min(frame.len()))),
        6 => {
            let piece = frame[at..(at + 1 + numbers.below(32)).min(frame.len())].to_vec();
            frame.splice(at..at, piece);
        }
        7 => {
            // A variable-length integer of five bytes, up to 2^35.
            frame.splice(at..=at, [0xff, 0xff, 0xff, 0xff, numbers.below(0x80) as u8]);
        }
        _ => {
            let from = numbers.below(other.len().max(1)).min(other.len());
            frame.truncate(at);
            frame.extend_from_slice(&other[from..]);
        }
    }
}

fn overwrite(frame: &mut [u8], at: usize, bytes: &[u8]) {
    frame[at..]
        .iter_mut()
        .zip(bytes)
        .for_each(|(byte, new)| *byte = *new);
}
