//! Broken frames: whatever is changed, decoding returns, within its grant of memory.

use bytes::Bytes;

use super::allocations::counted;
use super::served;
use crate::api_key::ApiKey;
use crate::fuzz::{fuzz_length, fuzz_request, fuzz_response, mutate};
use crate::header::RequestHeader;
use crate::reader::memory_grant;
use crate::request::Request;
use crate::response::Response;
use crate::sample::{Source, XorShift, sample_frames};

const MUTATIONS: usize = 20_000;
const SEED: u64 = 0x7469_6465;

/// Valid request frames without their length, wild and tame.
fn requests() -> Vec<Vec<u8>> {
    let mut frames: Vec<_> = sample_frames()
        .into_iter()
        .map(|(_, _, frame)| frame[4..].to_vec())
        .collect();
    for (seed, (api_key, api_version)) in served().into_iter().enumerate() {
        let request = Request::sample(&mut Source::seeded(seed as u64), api_key, api_version);
        let client_id = Some("fuzz".to_owned());
        let header = RequestHeader {
            api_key,
            api_version,
            correlation_id: 1,
            client_id,
        };
        frames.push(request.encode(&header).to_bytes()[4..].to_vec());
    }
    frames
}

/// Valid response frames as [`fuzz_response`] takes them: index of the key, version above the first, frame.
fn responses() -> Vec<Vec<u8>> {
    let frame = |(seed, (key, version)): (usize, (ApiKey, i16))| {
        let response = Response::sample(&mut Source::seeded(seed as u64), key, version);
        let index = ApiKey::ALL.iter().position(|other| *other == key).unwrap();
        let mut data = vec![index as u8, (version - key.versions().min) as u8];
        data.extend_from_slice(&response.encode(1, version).to_bytes()[4..]);
        data
    };
    served().into_iter().enumerate().map(frame).collect()
}

fn mutations(frames: &[Vec<u8>], seed: u64, mut check: impl FnMut(&[u8])) {
    let mut numbers = XorShift::new(seed);
    for round in 0..MUTATIONS {
        let mut frame = frames[round % frames.len()].clone();
        let other = &frames[numbers.below(frames.len())];
        mutate(&mut frame, other, &mut numbers);
        check(&frame);
    }
}

#[test]
fn of_requests() {
    let frames = requests();
    frames.iter().for_each(|frame| fuzz_request(frame));
    let mut accepted = 0;
    mutations(&frames, SEED, |frame| {
        fuzz_request(frame);
        let input = Bytes::copy_from_slice(frame);
        let (decoded, allocated) = counted(|| {
            let (header, body) = RequestHeader::decode(input).ok()?;
            Request::decode(&header, body).ok()
        });
        accepted += usize::from(decoded.is_some());
        // Header and body are read by one reader each, so both grants count.
        let bound = 2 * memory_grant(frame.len());
        assert!(
            allocated.bytes <= bound,
            "{allocated:?} for {}",
            hex::encode(frame)
        );
    });
    // Both ways must be walked, or the mutations are too tame or too wild to find anything.
    assert!(
        (MUTATIONS / 10..MUTATIONS * 9 / 10).contains(&accepted),
        "{accepted} accepted"
    );
}

#[test]
fn of_responses() {
    let frames = responses();
    frames.iter().for_each(|frame| fuzz_response(frame));
    mutations(&frames, SEED + 1, fuzz_response);
}

#[test]
fn of_lengths() {
    let mut numbers = XorShift::new(SEED + 2);
    for _ in 0..MUTATIONS {
        fuzz_length(&numbers.next_u64().to_be_bytes());
    }
}

#[test]
fn every_key_and_version_has_a_sample_that_decodes() {
    let frames = sample_frames();
    assert_eq!(
        frames
            .iter()
            .map(|(key, version, _)| (*key, *version))
            .collect::<Vec<_>>(),
        served()
    );
    for (key, version, frame) in frames {
        assert_eq!(
            u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize,
            frame.len() - 4
        );
        let (header, body) = RequestHeader::decode(Bytes::from(frame).slice(4..)).unwrap();
        assert_eq!((header.api_key, header.api_version), (key, version));
        assert!(Request::decode(&header, body).is_ok());
    }
}
