//! Bytes that kafka-clients 4.3.1 wrote.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::header::RequestHeader;
use crate::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use crate::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::request::{Request, RequestError};
use crate::response::Response;
use crate::sample::SAMPLE_BATCH;
use crate::{UnsupportedApiVersions, versions};

/// A frame without its length.
fn bytes(text: &str) -> Bytes {
    hex::decode(text).unwrap().into()
}

fn assert_request(expected: &str, api_key: ApiKey, api_version: i16, request: &Request) {
    let correlation_id = if api_key == ApiKey::Produce { 43 } else { 42 };
    let client_id = Some("golden".to_owned());
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id,
        client_id,
    };
    let frame = request.encode(&header).to_bytes();
    assert_eq!(hex::encode(&frame[4..]), expected, "version {api_version}");
    let (decoded, body) = RequestHeader::decode(bytes(expected)).unwrap();
    assert_eq!(
        (&decoded, Request::decode(&header, body).as_ref()),
        (&header, Ok(request))
    );
}

#[test]
fn api_versions_requests() {
    let named = ApiVersionsRequest {
        client_software_name: "tidegate".to_owned(),
        client_software_version: "0.1".to_owned(),
    };
    for version in 0..=2 {
        let expected = format!("0012000{version}0000002a0006676f6c64656e");
        assert_request(
            &expected,
            ApiKey::ApiVersions,
            version,
            &ApiVersionsRequest::default().into(),
        );
    }
    for version in 3..=4 {
        let expected =
            format!("0012000{version}0000002a0006676f6c64656e0009746964656761746504302e3100");
        assert_request(
            &expected,
            ApiKey::ApiVersions,
            version,
            &named.clone().into(),
        );
    }
}

fn api_versions_response() -> ApiVersionsResponse {
    ApiVersionsResponse {
        api_keys: vec![
            ApiVersion {
                api_key: 0,
                min_version: 0,
                max_version: 13,
            },
            ApiVersion {
                api_key: 18,
                min_version: 0,
                max_version: 4,
            },
        ],
        throttle_time_ms: 7,
        supported_features: vec![SupportedFeatureKey {
            name: "group.version".to_owned(),
            min_version: 1,
            max_version: 1,
        }],
        finalized_features_epoch: 3,
        finalized_features: vec![FinalizedFeatureKey {
            name: "group.version".to_owned(),
            max_version_level: 1,
            min_version_level: 1,
        }],
        ..ApiVersionsResponse::default()
    }
}

#[test]
fn api_versions_responses() {
    let v3 = "0000002a00000300000000000d000012000000040000000007030014020e67726f75702e76657273696f6e000100010001\
              0800000000000000030214020e67726f75702e76657273696f6e0001000100";
    let expected = [
        "0000002a00000000000200000000000d001200000004",
        "0000002a00000000000200000000000d00120000000400000007",
        "0000002a00000000000200000000000d00120000000400000007",
        v3,
        v3,
    ];
    for (expected, version) in expected.iter().zip(0..) {
        let response = Response::from(api_versions_response());
        assert_eq!(
            hex::encode(&response.encode(42, version).to_bytes()[4..]),
            *expected
        );
        let (id, decoded) =
            Response::decode(ApiKey::ApiVersions, version, bytes(expected)).unwrap();
        assert_eq!(
            (id, decoded.encode(42, version).to_bytes()),
            (42, response.encode(42, version).to_bytes())
        );
    }
}

/// librdkafka before 2.2 skips one byte too few for each tagged field, so a default must not be one.
#[test]
fn defaults_are_not_tagged() {
    let body = ApiVersionsResponse {
        api_keys: vec![ApiKey::ApiVersions.advertised()],
        ..ApiVersionsResponse::default()
    };
    for version in [3, 4] {
        let frame = Response::from(body.clone()).encode(42, version).to_bytes();
        assert_eq!(hex::encode(&frame[8..]), "000002001200000004000000000000");
    }
}

#[test]
fn an_api_versions_request_of_the_future_is_answered_in_version_0() {
    let frame = bytes("001200630000002a0006676f6c64656e0009746964656761746504302e310000");
    let (header, body) = RequestHeader::decode(frame).unwrap();
    let served = versions::Versions::new(0, 4);
    let error = RequestError::UnsupportedVersion {
        api_key: ApiKey::ApiVersions,
        version: 99,
        served,
    };
    assert_eq!(Request::decode(&header, body), Err(error));
    let answer = UnsupportedApiVersions {
        correlation_id: header.correlation_id,
    }
    .encode();
    assert_eq!(
        hex::encode(&answer.to_bytes()[4..]),
        "0000002a002300000001001200000004"
    );
}

#[test]
fn produce_requests() {
    let batch = hex::encode(SAMPLE_BATCH);
    let expected = [
        (
            3,
            format!(
                "000000030000002b0006676f6c64656effffffff000075300000000100066f726465727300000001000000030000004c{batch}"
            ),
        ),
        (
            9,
            format!(
                "000000090000002b0006676f6c64656e0000ffff0000753002076f726465727302000000034d{batch}000000"
            ),
        ),
        (
            13,
            format!(
                "0000000d0000002b0006676f6c64656e0000ffff00007530020102030405060708090a0b0c0d0e0f1002000000034d\
                 {batch}000000"
            ),
        ),
    ];
    for (version, expected) in expected {
        let (name, topic_id) = if version < 13 {
            ("orders", [0; 16])
        } else {
            ("", std::array::from_fn(|i| i as u8 + 1))
        };
        let partition = PartitionProduceData {
            index: 3,
            records: Some(Bytes::from_static(SAMPLE_BATCH)),
        };
        let topic = TopicProduceData {
            name: name.to_owned(),
            topic_id,
            partition_data: vec![partition],
        };
        let request = ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![topic],
        };
        assert_request(&expected, ApiKey::Produce, version, &request.into());
    }
}

/// A topic as version 9 names it, and as version 10 does.
fn topic_in(version: i16) -> (String, [u8; 16]) {
    if version < 10 {
        ("orders".to_owned(), [0; 16])
    } else {
        (String::new(), std::array::from_fn(|i| i as u8 + 1))
    }
}

#[test]
fn offset_commit_requests() {
    let expected = [
        "000800090000002a0006676f6c64656e00087265616465727300000003026d0002076f7264657273020000000100000000000000\
         4600000005056e6f7465000000",
        "0008000a0000002a0006676f6c64656e00087265616465727300000003026d00020102030405060708090a0b0c0d0e0f10020000\
         0001000000000000004600000005056e6f7465000000",
    ];
    for (expected, version) in expected.iter().zip(9..) {
        let (name, topic_id) = topic_in(version);
        let partition = OffsetCommitRequestPartition {
            partition_index: 1,
            committed_offset: 70,
            committed_leader_epoch: 5,
            committed_metadata: Some("note".to_owned()),
        };
        let topic = OffsetCommitRequestTopic {
            name,
            topic_id,
            partitions: vec![partition],
        };
        let request = OffsetCommitRequest {
            group_id: "readers".to_owned(),
            generation_id_or_member_epoch: 3,
            member_id: "m".to_owned(),
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        };
        assert_request(expected, ApiKey::OffsetCommit, version, &request.into());
    }
}

#[test]
fn offset_fetch_requests() {
    let expected = [
        "000900090000002a0006676f6c64656e00030872656164657273026d0000000302076f726465727302000000010000076f7468\
         65727300ffffffff00000100",
        "0009000a0000002a0006676f6c64656e00030872656164657273026d00000003020102030405060708090a0b0c0d0e0f1002\
         000000010000076f746865727300ffffffff00000100",
    ];
    for (expected, version) in expected.iter().zip(9..) {
        let (name, topic_id) = topic_in(version);
        let topic = OffsetFetchRequestTopics {
            name,
            topic_id,
            partition_indexes: vec![1],
        };
        let group = OffsetFetchRequestGroup {
            group_id: "readers".to_owned(),
            member_id: Some("m".to_owned()),
            member_epoch: 3,
            topics: Some(vec![topic]),
        };
        let all_of_others = OffsetFetchRequestGroup {
            group_id: "others".to_owned(),
            topics: None,
            ..OffsetFetchRequestGroup::default()
        };
        let request = OffsetFetchRequest {
            groups: vec![group, all_of_others],
            require_stable: true,
            ..OffsetFetchRequest::default()
        };
        assert_request(expected, ApiKey::OffsetFetch, version, &request.into());
    }
}
