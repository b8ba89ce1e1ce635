//! Compares the tables of messages with Kafka's own definitions: `cargo run -p wire --example check_tables -- <folder>`.
//!
//! Owns: the comparison. Does not own: the tables (`src/messages/`), nor the definitions, which are the files
//! `common/message/*.json` of the kafka-clients 4.3 jar, unpacked into the folder.
//!
//! Invariant: every key is compared, and the first difference ends the program with an error that names its place.

use std::path::{Path, PathBuf};

use serde_json::Value;
use wire::messages::{
    alter_configs, api_versions, create_partitions, create_topics, delete_groups, delete_records,
    delete_topics, describe_cluster, describe_configs, describe_groups, describe_log_dirs,
    describe_topic_partitions, fetch, find_coordinator, heartbeat, incremental_alter_configs,
    init_producer_id, join_group, leave_group, list_config_resources, list_groups, list_offsets,
    list_partition_reassignments, metadata, offset_commit, offset_delete, offset_fetch,
    offset_for_leader_epoch, produce, sasl_authenticate, sasl_handshake, sync_group,
};
use wire::schema::{FieldSchema, Kind, StructSchema};
use wire::{ApiKey, Message, Versions};

/// The tables of every request and response; [`table`] notices one that is missing.
const TABLES: [StructSchema; 64] = [
    produce::ProduceRequest::SCHEMA,
    produce::ProduceResponse::SCHEMA,
    fetch::FetchRequest::SCHEMA,
    fetch::FetchResponse::SCHEMA,
    list_offsets::ListOffsetsRequest::SCHEMA,
    list_offsets::ListOffsetsResponse::SCHEMA,
    metadata::MetadataRequest::SCHEMA,
    metadata::MetadataResponse::SCHEMA,
    offset_commit::OffsetCommitRequest::SCHEMA,
    offset_commit::OffsetCommitResponse::SCHEMA,
    offset_fetch::OffsetFetchRequest::SCHEMA,
    offset_fetch::OffsetFetchResponse::SCHEMA,
    find_coordinator::FindCoordinatorRequest::SCHEMA,
    find_coordinator::FindCoordinatorResponse::SCHEMA,
    join_group::JoinGroupRequest::SCHEMA,
    join_group::JoinGroupResponse::SCHEMA,
    heartbeat::HeartbeatRequest::SCHEMA,
    heartbeat::HeartbeatResponse::SCHEMA,
    leave_group::LeaveGroupRequest::SCHEMA,
    leave_group::LeaveGroupResponse::SCHEMA,
    sync_group::SyncGroupRequest::SCHEMA,
    sync_group::SyncGroupResponse::SCHEMA,
    describe_groups::DescribeGroupsRequest::SCHEMA,
    describe_groups::DescribeGroupsResponse::SCHEMA,
    list_groups::ListGroupsRequest::SCHEMA,
    list_groups::ListGroupsResponse::SCHEMA,
    sasl_handshake::SaslHandshakeRequest::SCHEMA,
    sasl_handshake::SaslHandshakeResponse::SCHEMA,
    api_versions::ApiVersionsRequest::SCHEMA,
    api_versions::ApiVersionsResponse::SCHEMA,
    create_topics::CreateTopicsRequest::SCHEMA,
    create_topics::CreateTopicsResponse::SCHEMA,
    delete_topics::DeleteTopicsRequest::SCHEMA,
    delete_topics::DeleteTopicsResponse::SCHEMA,
    delete_records::DeleteRecordsRequest::SCHEMA,
    delete_records::DeleteRecordsResponse::SCHEMA,
    init_producer_id::InitProducerIdRequest::SCHEMA,
    init_producer_id::InitProducerIdResponse::SCHEMA,
    offset_for_leader_epoch::OffsetForLeaderEpochRequest::SCHEMA,
    offset_for_leader_epoch::OffsetForLeaderEpochResponse::SCHEMA,
    describe_configs::DescribeConfigsRequest::SCHEMA,
    describe_configs::DescribeConfigsResponse::SCHEMA,
    alter_configs::AlterConfigsRequest::SCHEMA,
    alter_configs::AlterConfigsResponse::SCHEMA,
    sasl_authenticate::SaslAuthenticateRequest::SCHEMA,
    sasl_authenticate::SaslAuthenticateResponse::SCHEMA,
    create_partitions::CreatePartitionsRequest::SCHEMA,
    create_partitions::CreatePartitionsResponse::SCHEMA,
    delete_groups::DeleteGroupsRequest::SCHEMA,
    delete_groups::DeleteGroupsResponse::SCHEMA,
    incremental_alter_configs::IncrementalAlterConfigsRequest::SCHEMA,
    incremental_alter_configs::IncrementalAlterConfigsResponse::SCHEMA,
    list_partition_reassignments::ListPartitionReassignmentsRequest::SCHEMA,
    list_partition_reassignments::ListPartitionReassignmentsResponse::SCHEMA,
    offset_delete::OffsetDeleteRequest::SCHEMA,
    offset_delete::OffsetDeleteResponse::SCHEMA,
    describe_cluster::DescribeClusterRequest::SCHEMA,
    describe_cluster::DescribeClusterResponse::SCHEMA,
    describe_log_dirs::DescribeLogDirsRequest::SCHEMA,
    describe_log_dirs::DescribeLogDirsResponse::SCHEMA,
    list_config_resources::ListConfigResourcesRequest::SCHEMA,
    list_config_resources::ListConfigResourcesResponse::SCHEMA,
    describe_topic_partitions::DescribeTopicPartitionsRequest::SCHEMA,
    describe_topic_partitions::DescribeTopicPartitionsResponse::SCHEMA,
];

fn main() {
    let folder = std::env::args_os().nth(1);
    let folder = PathBuf::from(folder.expect("the folder of *.json is the only argument"));
    for &key in ApiKey::ALL {
        let request = definition(&folder, &format!("{key:?}Request"));
        check(key, &format!("{key:?}Request"), &request, &request);
        let response = definition(&folder, &format!("{key:?}Response"));
        check(key, &format!("{key:?}Response"), &response, &request);
    }
    println!("{} tables are Kafka's definitions", TABLES.len());
}

fn table(name: &str) -> &'static StructSchema {
    let found = TABLES.iter().find(|table| table.name == name);
    found.unwrap_or_else(|| panic!("{name} is missing in the list of tables"))
}

/// Compares one table; whether its newest version is stable stands in the request's definition.
fn check(key: ApiKey, name: &str, definition: &Value, request: &Value) {
    assert_eq!(definition["apiKey"], key.code(), "{name}");
    let mut valid = range(&definition["validVersions"]);
    if request["latestVersionUnstable"] == true {
        valid.max -= 1;
    }
    assert_eq!(key.versions(), valid, "{name}");
    let flexible = range(&definition["flexibleVersions"]);
    assert_eq!(key.flexible_versions(), flexible, "{name}");
    compare(
        table(name),
        &definition["fields"],
        &definition["commonStructs"],
        valid,
    );
}

fn definition(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).expect(name)
}

/// `3-13`, `9+`, `4`, `none`, or nothing.
fn range(text: &Value) -> Versions {
    let number = |text: &str| text.parse().expect("a version");
    match text.as_str().unwrap_or("none") {
        "none" => Versions::NONE,
        text if text.ends_with('+') => Versions::new(number(text.trim_end_matches('+')), i16::MAX),
        text => {
            let (min, max) = text.split_once('-').unwrap_or((text, text));
            Versions::new(number(min), number(max))
        }
    }
}

fn compare(schema: &StructSchema, fields: &Value, common: &Value, valid: Versions) {
    let fields = fields.as_array().expect("a list of fields");
    let is_served = |field: &&Value| {
        let versions = range(&field["versions"]);
        versions.min <= valid.max && versions.max >= valid.min
    };
    let fields: Vec<_> = fields.iter().filter(is_served).collect();
    let names: Vec<_> = fields
        .iter()
        .map(|field| snake_case(text(&field["name"])))
        .collect();
    assert_eq!(
        schema
            .fields
            .iter()
            .map(|field| field.name)
            .collect::<Vec<_>>(),
        names,
        "{}",
        schema.name
    );
    for (ours, theirs) in schema.fields.iter().zip(fields) {
        compare_field(schema.name, ours, theirs);
        if let Kind::Struct(part) | Kind::Array(Kind::Struct(part)) = &ours.kind {
            let common_part = || {
                let parts = common.as_array().into_iter().flatten();
                parts
                    .into_iter()
                    .find(|common| common["name"] == part.name)
                    .map(|common| &common["fields"])
            };
            let inner = theirs
                .get("fields")
                .or_else(common_part)
                .expect("a part has fields");
            compare(part, inner, common, valid);
        }
    }
}

fn compare_field(owner: &str, ours: &FieldSchema, theirs: &Value) {
    let place = format!("{owner}.{}", ours.name);
    assert_eq!(
        kind(ours.kind),
        text(&theirs["type"]).replace("records", "bytes"),
        "{place}"
    );
    assert_eq!(ours.versions, range(&theirs["versions"]), "{place}");
    assert_eq!(ours.nullable, range(&theirs["nullableVersions"]), "{place}");
    assert_eq!(ours.tag.map(u64::from), theirs["tag"].as_u64(), "{place}");
    let tagged = if ours.tag.is_some() {
        ours.versions
    } else {
        Versions::NONE
    };
    assert_eq!(tagged, range(&theirs["taggedVersions"]), "{place}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Kafka's word for a type; `records` are `bytes`, because a request's are a slice.
fn kind(kind: Kind) -> String {
    match kind {
        Kind::Array(element) => format!("[]{}", self::kind(*element)),
        Kind::Struct(schema) => schema.name.to_owned(),
        Kind::Records => "bytes".to_owned(),
        simple => format!("{simple:?}").to_lowercase(),
    }
}

/// `ThrottleTimeMs` is `throttle_time_ms`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
