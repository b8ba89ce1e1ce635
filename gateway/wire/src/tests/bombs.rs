//! Short frames that announce much: refused, at the price of the bytes that came.

use bytes::Bytes;

use super::allocations::{Allocated, counted};
use crate::api_key::ApiKey;
use crate::decode_error::DecodeError;
use crate::header::RequestHeader;
use crate::messages::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::reader::{DENSE_BYTES_MAX, Reader, memory_grant};
use crate::records::Records;
use crate::request::{Request, RequestError};
use crate::response::Response;
use crate::schema::Message;
use crate::writer::Writer;

/// Decodes a body and checks the bound.
fn decode(
    api_key: ApiKey,
    api_version: i16,
    body: &[u8],
) -> (Result<Request, RequestError>, Allocated) {
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id: 0,
        client_id: None,
    };
    let input = Bytes::copy_from_slice(body);
    let (result, allocated) = counted(|| Request::decode(&header, input));
    let bound = memory_grant(body.len());
    assert!(
        allocated.bytes <= bound,
        "{allocated:?} for {} bytes",
        body.len()
    );
    (result, allocated)
}

fn error(api_key: ApiKey, api_version: i16, body: &[u8]) -> DecodeError {
    let (result, allocated) = decode(api_key, api_version, body);
    assert!(allocated.bytes < 1024, "{allocated:?}");
    match result {
        Err(RequestError::Malformed(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn produce_of_twelve_bytes_with_two_billion_topics() {
    let body = b"\xff\xff\x00\x01\x00\x00\x75\x30\x7f\xff\xff\xff";
    let expected = DecodeError::Count {
        field: "topic_data",
        offset: 12,
        count: 0x7fff_ffff,
        left: 0,
    };
    assert_eq!(error(ApiKey::Produce, 8, body), expected);
}

#[test]
fn metadata_of_four_bytes_with_two_billion_topics() {
    let expected = DecodeError::Count {
        field: "topics",
        offset: 4,
        count: 0x7fff_ffff,
        left: 0,
    };
    assert_eq!(error(ApiKey::Metadata, 1, b"\x7f\xff\xff\xff"), expected);
}

#[test]
fn a_compact_array_of_four_billion() {
    let expected = DecodeError::Count {
        field: "topics",
        offset: 5,
        count: 0xffff_fffe,
        left: 3,
    };
    assert_eq!(
        error(ApiKey::Metadata, 12, b"\xff\xff\xff\xff\x0f\0\0\0"),
        expected
    );
}

#[test]
fn four_billion_tagged_fields() {
    let body = b"\x01\x01\x00\xff\xff\xff\xff\x0f";
    let expected = DecodeError::Count {
        field: "tagged fields",
        offset: 8,
        count: 0xffff_ffff,
        left: 0,
    };
    assert_eq!(error(ApiKey::Metadata, 12, body), expected);
    let frame = b"\0\x03\0\x0c\0\0\0\x01\xff\xff\xff\xff\xff\xff\x0f";
    let result = RequestHeader::decode(Bytes::from_static(frame));
    assert!(
        matches!(
            result,
            Err(RequestError::Malformed(DecodeError::Count { .. }))
        ),
        "{result:?}"
    );
}

#[test]
fn a_tagged_field_of_four_gigabytes() {
    let body = b"\x01\x01\x00\x01\x63\xff\xff\xff\xff\x0f";
    assert!(matches!(
        error(ApiKey::Metadata, 12, body),
        DecodeError::Short { .. }
    ));
}

#[test]
fn records_of_two_gigabytes() {
    let mut body =
        b"\xff\xff\x00\x01\x00\x00\x75\x30\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01".to_vec();
    body.extend(b"\x00\x00\x00\x00\x7f\xff\xff\xff");
    let expected = DecodeError::Short {
        field: "records",
        offset: 27,
        needed: 0x7fff_ffff,
        left: 0,
    };
    // The topic and the partition did come, so their memory is taken.
    let (result, _) = decode(ApiKey::Produce, 3, &body);
    assert_eq!(result, Err(RequestError::Malformed(expected)));
}

/// The densest request there is: empty strings of one byte each, 24 times as large in memory.
#[test]
fn a_million_empty_names() {
    let count = 1_000_000_u32;
    let mut writer = Writer::new();
    writer.put_uvarint(count + 1);
    let mut body = writer.finish().to_bytes().to_vec();
    body.resize(body.len() + count as usize + 5, 1);
    let (result, allocated) = decode(ApiKey::DeleteTopics, 4, &body);
    assert!(
        matches!(
            result,
            Err(RequestError::Malformed(DecodeError::Memory { .. }))
        ),
        "{result:?}"
    );
    assert!(allocated.bytes < 1024, "{allocated:?}");
}

/// Above the first MiB a byte is granted less, so that a list that is dense to its end is refused.
#[test]
fn two_million_bytes_of_short_names_are_refused() {
    let count = 2 * 1024 * 1024_u32 / 3;
    let mut body = count.to_be_bytes().to_vec();
    body.extend(b"\0\x01a".repeat(count as usize));
    assert!(body.len() > DENSE_BYTES_MAX);
    let (result, allocated) = decode(ApiKey::Metadata, 1, &body);
    assert!(
        matches!(
            result,
            Err(RequestError::Malformed(DecodeError::Memory { .. }))
        ),
        "{result:?}"
    );
    assert!(allocated.bytes <= memory_grant(body.len()));
}

/// Names as short as they can be while they mean something stay within the grant.
#[test]
fn many_short_names_are_accepted() {
    let topic = |i: usize| MetadataRequestTopic {
        name: Some(char::from(b'a' + (i % 26) as u8).to_string()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some((0..50_000).map(topic).collect()),
        ..MetadataRequest::default()
    };
    let mut writer = Writer::new();
    request.encode(&mut writer, 1);
    let (result, _) = decode(ApiKey::Metadata, 1, &writer.finish().to_bytes());
    assert!(result.is_ok(), "{result:?}");
}

const PARTITIONS: usize = 50;
const BATCH_BYTES: usize = 16 * 1024;

#[test]
fn produce_of_50_partitions_takes_a_handful_of_allocations_and_copies_no_batch() {
    let partition = |index: usize| PartitionProduceData {
        index: index as i32,
        records: Some(Bytes::from(vec![7; BATCH_BYTES])),
    };
    let topic = TopicProduceData {
        name: "orders".to_owned(),
        partition_data: (0..PARTITIONS).map(partition).collect(),
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        topic_data: vec![topic],
        ..ProduceRequest::default()
    };
    for version in [3, 9, 12] {
        let mut writer = Writer::new();
        request.encode(&mut writer, version);
        let body = writer.finish().to_bytes();
        let input = body.as_ptr_range();
        let mut reader = Reader::new(body);
        let (decoded, allocated) =
            counted(|| ProduceRequest::decode(&mut reader, version).unwrap());
        assert!(
            allocated.calls <= 4 && allocated.bytes < 4096,
            "{allocated:?}"
        );
        for partition in &decoded.topic_data[0].partition_data {
            assert!(input.contains(&partition.records.as_ref().unwrap().as_ptr()));
        }
    }
}

#[test]
fn fetch_of_50_partitions_copies_no_batch() {
    let batch = Bytes::from(vec![7; BATCH_BYTES]);
    let partition = |index: usize| PartitionData {
        partition_index: index as i32,
        records: Some(Records::new(vec![batch.clone(), batch.clone()])),
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse {
        topic_id: [9; 16],
        partitions: (0..PARTITIONS).map(partition).collect(),
        ..FetchableTopicResponse::default()
    };
    let response = Response::from(FetchResponse {
        responses: vec![topic],
        ..FetchResponse::default()
    });
    let (segments, allocated) = counted(|| response.encode(1, 17));
    assert!(segments.len() > 2 * PARTITIONS * BATCH_BYTES);
    assert!(
        allocated.calls < 20 && allocated.bytes < 40_000,
        "{allocated:?}"
    );
    let shared = segments
        .parts()
        .iter()
        .filter(|part| part.as_ptr() == batch.as_ptr())
        .count();
    assert_eq!(shared, 2 * PARTITIONS);
}
