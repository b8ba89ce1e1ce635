//! Short inputs that announce much: each has brought a Kafka server in Rust down.
//!
//! Owns: the frames. Does not own: what must hold after them (`mutate`).

use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use model::Timestamp;
use records::{BatchBuilder, Codec, NewRecord};
use wire::sample::{SAMPLE_BATCH, SAMPLE_TOPIC};
use wire::{ApiKey, Request, RequestHeader};

use crate::client::{Client, produce_request};
use crate::process::Access;

/// What the compressed bomb becomes: more than any batch may have, and more than the bar's bound of memory.
const DECOMPRESSED_BYTES: usize = 512 << 20;

/// Names and frames for a connection that has not signed in.
pub(super) fn before_sign_in() -> Vec<(&'static str, Bytes)> {
    let mut bombs = lengths();
    bombs.push((
        "a SASL token of 2 GiB",
        framed(ApiKey::SaslAuthenticate, 0, b"\x7f\xff\xff\xff"),
    ));
    bombs.push((
        "a mechanism of 32 KiB",
        framed(ApiKey::SaslHandshake, 1, b"\x7f\xff"),
    ));
    bombs.push((
        "4 G tagged fields",
        framed(ApiKey::ApiVersions, 3, b"\x01\x01\xff\xff\xff\xff\x0f"),
    ));
    bombs.extend(after_sign_in());
    bombs
}

/// Names and frames for a client that has signed in.
pub(super) fn after_sign_in() -> Vec<(&'static str, Bytes)> {
    let mut bombs = lengths();
    let produce = b"\xff\xff\x00\x01\x00\x00\x75\x30\x7f\xff\xff\xff";
    bombs.push((
        "Produce of 12 bytes with 2 G topics",
        framed(ApiKey::Produce, 8, produce),
    ));
    let metadata = b"\x7f\xff\xff\xff";
    bombs.push((
        "Metadata of 4 bytes with 2 G topics",
        framed(ApiKey::Metadata, 1, metadata),
    ));
    let compact = b"\xff\xff\xff\xff\x0f\0\0\0";
    bombs.push((
        "Metadata with 4 G topics, compact",
        framed(ApiKey::Metadata, 12, compact),
    ));
    let tags = b"\x01\x01\x00\xff\xff\xff\xff\x0f";
    bombs.push((
        "4 G tagged fields in Metadata",
        framed(ApiKey::Metadata, 12, tags),
    ));
    let tag = b"\x01\x01\x00\x01\x63\xff\xff\xff\xff\x0f";
    bombs.push(("a tagged field of 4 GiB", framed(ApiKey::Metadata, 12, tag)));
    bombs.push(("a million empty names", empty_names()));
    bombs.push(("a batch with 2 G records", produced(record_count())));
    bombs.push(("a record with 2 G headers", produced(header_count())));
    bombs.push(("records of 2 GiB", records_length()));
    bombs
}

/// Lengths that no request has.
fn lengths() -> Vec<(&'static str, Bytes)> {
    let length = |length: i32| Bytes::copy_from_slice(&length.to_be_bytes());
    vec![
        ("a frame of 2 GiB", length(i32::MAX)),
        ("a frame of -1 bytes", length(-1)),
        ("a frame of -2 GiB", length(i32::MIN)),
        ("an empty frame", length(0)),
        ("a frame of 100 MiB that does not come", length(100 << 20)),
        ("a frame of one byte", Bytes::from_static(b"\0\0\0\x01\0")),
    ]
}

/// A body behind an honest length and header.
fn framed(api_key: ApiKey, api_version: i16, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::zeroed(4);
    frame.extend_from_slice(&api_key.code().to_be_bytes());
    frame.extend_from_slice(&api_version.to_be_bytes());
    frame.extend_from_slice(&1_i32.to_be_bytes());
    frame.extend_from_slice(&(-1_i16).to_be_bytes());
    if api_key.request_header_version(api_version) >= 2 {
        frame.extend_from_slice(&[0]);
    }
    frame.extend_from_slice(body);
    let length = frame.len() as u32 - 4;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.freeze()
}

fn empty_names() -> Bytes {
    const NAMES: u32 = 1_000_000;
    // As many names as a count of 20 bits says, each a single byte.
    let count = NAMES + 1;
    let mut body = vec![
        count as u8 | 0x80,
        (count >> 7) as u8 | 0x80,
        (count >> 14) as u8,
    ];
    body.resize(body.len() + NAMES as usize + 5, 1);
    framed(ApiKey::DeleteTopics, 4, &body)
}

/// The sample batch with 2 147 483 647 records in its header.
fn record_count() -> Vec<u8> {
    const LAST_OFFSET_DELTA_AT: usize = 23;
    const RECORD_COUNT_AT: usize = 57;
    let mut batch = SAMPLE_BATCH.to_vec();
    batch[LAST_OFFSET_DELTA_AT..][..4].copy_from_slice(&(i32::MAX - 1).to_be_bytes());
    batch[RECORD_COUNT_AT..][..4].copy_from_slice(&i32::MAX.to_be_bytes());
    with_crc(batch)
}

/// The sample batch, whose one record ends with a count of 2 147 483 647 headers.
fn header_count() -> Vec<u8> {
    const LENGTH_AT: usize = 8;
    const RECORD_AT: usize = 61;
    let mut batch = SAMPLE_BATCH.to_vec();
    batch.pop();
    batch.extend(b"\xfe\xff\xff\xff\x0f");
    batch[RECORD_AT] += 2 * 4;
    let length = batch.len() as u32 - 12;
    batch[LENGTH_AT..][..4].copy_from_slice(&length.to_be_bytes());
    with_crc(batch)
}

/// The checksum is made anew, so that what is behind it is looked at.
fn with_crc(mut batch: Vec<u8>) -> Vec<u8> {
    const CRC_AT: usize = 17;
    const COVERED_FROM: usize = 21;
    let crc = crc32c::crc32c(&batch[COVERED_FROM..]);
    batch[CRC_AT..COVERED_FROM].copy_from_slice(&crc.to_be_bytes());
    batch
}

fn produced(batch: Vec<u8>) -> Bytes {
    let request: Request = produce_request(SAMPLE_TOPIC, 1, batch.into(), -1).into();
    let header = RequestHeader {
        api_key: ApiKey::Produce,
        api_version: 9,
        correlation_id: 1,
        client_id: None,
    };
    request.encode(&header).to_bytes()
}

fn records_length() -> Bytes {
    let mut body =
        b"\xff\xff\x00\x01\x00\x00\x75\x30\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01".to_vec();
    body.extend(b"\x00\x00\x00\x00\x7f\xff\xff\xff");
    framed(ApiKey::Produce, 3, &body)
}

/// A batch of some kilobytes that decompresses to half a gigabyte: whether it is refused or kept as it is, looking for a
/// timestamp in it must not bring it into memory.
pub(super) async fn decompress(access: &Access) -> Result<()> {
    let topic = "compressed-bomb";
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    let created = client.create_topic(topic, 1).await?;
    ensure!(
        created.error_code == 0,
        "creating {topic}: error {}",
        created.error_code
    );
    let bomb = tokio::task::spawn_blocking(compressed).await?;
    let bytes = bomb.len();
    let appended = client.produce(topic, 0, bomb).await?.error_code;
    let found = client.list_offset(topic, 0, 2).await?.error_code;
    println!(
        "bomb of {bytes} bytes compressed: produced with error {appended}, looked up with error {found}"
    );
    Ok(())
}

fn compressed() -> Bytes {
    let zeroes = vec![0; DECOMPRESSED_BYTES];
    let mut builder = BatchBuilder::new(Codec::Zstd);
    for timestamp in [1, 3] {
        let value = if timestamp == 1 {
            &zeroes[..]
        } else {
            b"small"
        };
        builder.push(&NewRecord {
            timestamp: Timestamp(timestamp),
            key: None,
            value: Some(value),
            headers: &[],
        });
    }
    builder.build()
}
