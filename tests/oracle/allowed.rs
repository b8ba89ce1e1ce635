//! The differences that the comparison allows, each with its reason. `docs/protocol.md` tells the same list.
//!
//! Owns: the lists. Does not own: how they are applied (`compare`); an entry that nothing needs fails there, so what is
//! mended must leave.

use wire::ApiKey;

/// A difference that is allowed.
#[derive(Debug)]
pub struct Allowed {
    /// Why.
    pub reason: &'static str,
    /// Where it shows.
    pub fields: &'static [AllowedField],
}

/// One place where an allowed difference shows.
#[derive(Debug)]
pub struct AllowedField {
    /// The key, or any.
    pub key: Option<ApiKey>,
    /// How the cases begin in which it is allowed; none for every case.
    pub cases: &'static [&'static str],
    /// The field without the names of elements; what lies in it is meant as well, and an empty one is the whole
    /// answer. `*.` at its beginning: wherever it stands.
    pub field: &'static str,
    /// What Kafka says: `*` for anything, `not x` for anything but x.
    pub kafka: &'static str,
    /// What we say, likewise.
    pub ours: &'static str,
}

/// For every key.
const fn any([field, kafka, ours]: [&'static str; 3]) -> AllowedField {
    AllowedField {
        key: None,
        cases: &[],
        field,
        kafka,
        ours,
    }
}

/// For one key.
const fn of(
    key: ApiKey,
    cases: &'static [&'static str],
    [field, kafka, ours]: [&'static str; 3],
) -> AllowedField {
    AllowedField {
        key: Some(key),
        cases,
        field,
        kafka,
        ours,
    }
}

/// What follows from what Tidegate is, and stays.
pub const ON_PURPOSE: &[Allowed] = &[
    Allowed {
        reason: "words are our own, and more often given",
        fields: &[
            any(["*.error_message", "*", "not null"]),
            any(["*.batch_index_error_message", "not null", "not null"]),
            any(["*.documentation", "not null", "not null"]),
        ],
    },
    Allowed {
        reason: "every cluster has an id of its own",
        fields: &[any(["cluster_id", "*", "*"])],
    },
    Allowed {
        reason: "brokers are numbered from 0, and each knows the others",
        fields: &[
            any(["brokers[]", "there", "absent"]),
            any(["brokers[]", "absent", "there"]),
            any(["controller_id", "1", "0"]),
            any(["*.leader_id", "1", "0"]),
            any(["*.replica_nodes[]", "1", "0"]),
            any(["*.isr_nodes[]", "1", "0"]),
        ],
    },
    Allowed {
        reason: "other mechanisms are enabled",
        fields: &[of(ApiKey::SaslHandshake, &[], ["mechanisms", "*", "*"])],
    },
    Allowed {
        reason: "signing in again is always possible",
        fields: &[of(
            ApiKey::SaslHandshake,
            &["signed in"],
            ["error_code", "34", "0"],
        )],
    },
    Allowed {
        reason: "may be asked at any time",
        fields: &[of(
            ApiKey::ApiVersions,
            &["second"],
            ["outcome", "closed", "answer"],
        )],
    },
    Allowed {
        reason: "an unknown user is refused after the last token, like a wrong password",
        fields: &[
            of(
                ApiKey::ApiVersions,
                &["after unknown user"],
                ["outcome", "answer", "closed"],
            ),
            of(ApiKey::SaslAuthenticate, &["unknown user"], ["", "*", "*"]),
        ],
    },
    Allowed {
        reason: "a stranger is told error 34 before the connection closes",
        fields: &[
            of(
                ApiKey::SaslAuthenticate,
                &["before a handshake"],
                ["outcome", "closed", "answer"],
            ),
            of(
                ApiKey::Metadata,
                &["stranger"],
                ["outcome", "closed", "answer"],
            ),
            of(
                ApiKey::Produce,
                &["stranger"],
                ["outcome", "closed", "answer"],
            ),
        ],
    },
    Allowed {
        reason: "a frame out of turn is refused without words",
        fields: &[of(
            ApiKey::SaslAuthenticate,
            &["signed in"],
            ["error_message", "not null", "null"],
        )],
    },
    Allowed {
        reason: "salts and nonces are drawn",
        fields: &[of(ApiKey::SaslAuthenticate, &[], ["auth_bytes", "*", "*"])],
    },
    Allowed {
        reason: "sessions end",
        fields: &[of(
            ApiKey::SaslAuthenticate,
            &["good, last"],
            ["session_lifetime_ms", "0", "43200000"],
        )],
    },
    Allowed {
        reason: "what is only checked has no id",
        fields: &[of(
            ApiKey::CreateTopics,
            &["validate only", "name ", "checked: "],
            ["topics[].topic_id", "a new id", "no id"],
        )],
    },
    Allowed {
        reason: "durability is the store's: three replicas are told",
        fields: &[of(
            ApiKey::CreateTopics,
            &["defaults"],
            ["topics[].replication_factor", "1", "3"],
        )],
    },
    Allowed {
        reason: "message.timestamp.difference.max.ms is MSK Serverless's",
        fields: &[
            of(
                ApiKey::CreateTopics,
                &[],
                ["topics[].configs[]", "absent", "there"],
            ),
            of(
                ApiKey::CreateTopics,
                &[],
                ["topics[].configs.count", "33", "34"],
            ),
            of(
                ApiKey::CreateTopics,
                &["checked: message.timestamp.difference.max.ms"],
                ["topics[]", "*", "*"],
            ),
            of(
                ApiKey::DescribeConfigs,
                &[],
                ["results[].configs[]", "absent", "there"],
            ),
            of(
                ApiKey::DescribeConfigs,
                &[],
                ["results[].configs.count", "33", "34"],
            ),
        ],
    },
    Allowed {
        reason: "timestamps may be ahead as far as they like unless the topic's owner says otherwise",
        fields: &[
            of(
                ApiKey::CreateTopics,
                &[],
                [
                    "topics[].configs[].value",
                    "\"3600000\"",
                    "\"9223372036854775807\"",
                ],
            ),
            of(
                ApiKey::DescribeConfigs,
                &[],
                ["*.value", "\"3600000\"", "\"9223372036854775807\""],
            ),
        ],
    },
    Allowed {
        reason: "segment.bytes may be however small",
        fields: &[of(
            ApiKey::CreateTopics,
            &["checked: segment.bytes=1 "],
            ["topics[]", "*", "*"],
        )],
    },
    Allowed {
        reason: "cleanup.policy is fixed when a topic is created",
        fields: &[
            of(
                ApiKey::IncrementalAlterConfigs,
                &["cleanup.policy "],
                ["responses[].error_code", "0", "40"],
            ),
            of(
                ApiKey::DescribeConfigs,
                &["after "],
                ["*.value", "\"compact\"", "\"delete\""],
            ),
        ],
    },
    Allowed {
        reason: "brokers, groups and client metrics cannot be configured",
        fields: &[
            of(
                ApiKey::DescribeConfigs,
                &["all brokers", "broker"],
                ["*.read_only", "false", "true"],
            ),
            of(
                ApiKey::DescribeConfigs,
                &["broker"],
                ["*.config_source", "5", "4"],
            ),
            of(
                ApiKey::DescribeConfigs,
                &["client metrics", "group", "loggers"],
                ["results[].configs", "*", "*"],
            ),
            of(
                ApiKey::IncrementalAlterConfigs,
                &["all brokers", "broker"],
                ["responses[].error_code", "0", "42"],
            ),
            of(
                ApiKey::IncrementalAlterConfigs,
                &["group", "logger"],
                ["responses[].error_code", "40", "42"],
            ),
            of(
                ApiKey::AlterConfigs,
                &["broker"],
                ["responses[].error_code", "0", "42"],
            ),
            of(
                ApiKey::AlterConfigs,
                &["group"],
                ["responses[].error_code", "40", "42"],
            ),
        ],
    },
    Allowed {
        reason: "an epoch below zero has no end",
        fields: &[of(
            ApiKey::OffsetForLeaderEpoch,
            &["epoch -2"],
            ["topics[].partitions[]", "*", "*"],
        )],
    },
    Allowed {
        reason: "creating is a right on topics",
        fields: &[any(["cluster_authorized_operations", "8096", "7552"])],
    },
    Allowed {
        reason: "a topic that asking creates is there in the same answer",
        fields: &[of(ApiKey::Metadata, &["creates"], ["topics[]", "*", "*"])],
    },
    Allowed {
        reason: "Kafka fails inside and answers -1, or never",
        fields: &[
            of(
                ApiKey::Produce,
                &["null records"],
                ["outcome", "silence", "answer"],
            ),
            of(
                ApiKey::Produce,
                &["unknown codec", "length too high", "garbled records"],
                [
                    "responses[].partition_responses[].error_code",
                    "-1",
                    "not 0",
                ],
            ),
            of(
                ApiKey::Fetch,
                &["isolation level 2", "a negative number"],
                ["", "*", "*"],
            ),
            of(ApiKey::ListOffsets, &["isolation level 2"], ["", "*", "*"]),
            of(ApiKey::Metadata, &["by no id"], ["", "*", "*"]),
            of(
                ApiKey::AlterConfigs,
                &["topic twice"],
                ["outcome", "silence", "answer"],
            ),
            of(
                ApiKey::IncrementalAlterConfigs,
                &["operation "],
                ["responses[].error_code", "-1", "42"],
            ),
        ],
    },
    Allowed {
        reason: "records are decompressed only where a rule needs them",
        fields: &[of(
            ApiKey::Produce,
            &["not gzip"],
            ["responses[]", "*", "*"],
        )],
    },
    Allowed {
        reason: "Kafka takes a batch that is not in order",
        fields: &[of(
            ApiKey::Produce,
            &[
                "append time bit",
                "bytes after the batch",
                "a negative epoch",
            ],
            ["responses[]", "*", "*"],
        )],
    },
    Allowed {
        reason: "a refusal does not tell the log's start",
        fields: &[of(
            ApiKey::Produce,
            &[],
            [
                "responses[].partition_responses[].log_start_offset",
                "0",
                "-1",
            ],
        )],
    },
    Allowed {
        reason: "the ends of the log are told with error 1 too",
        fields: &[
            of(
                ApiKey::Fetch,
                &[
                    "beyond",
                    "far beyond",
                    "before",
                    "far before",
                    "a leader epoch",
                ],
                ["responses[].partitions[].high_watermark", "-1", "not -1"],
            ),
            of(
                ApiKey::Fetch,
                &[
                    "beyond",
                    "far beyond",
                    "before",
                    "far before",
                    "a leader epoch",
                ],
                [
                    "responses[].partitions[].last_stable_offset",
                    "-1",
                    "not -1",
                ],
            ),
            of(
                ApiKey::Fetch,
                &[
                    "beyond",
                    "far beyond",
                    "before",
                    "far before",
                    "a leader epoch",
                ],
                ["responses[].partitions[].log_start_offset", "-1", "not -1"],
            ),
        ],
    },
    Allowed {
        reason: "with an error the list of aborted transactions may be null or empty",
        fields: &[of(
            ApiKey::Fetch,
            &[],
            ["responses[].partitions[].aborted_transactions", "*", "*"],
        )],
    },
    Allowed {
        reason: "only whole batches are returned",
        fields: &[of(
            ApiKey::Fetch,
            &["a batch and a bit"],
            [
                "responses[].partitions[].records.rest",
                "not absent",
                "absent",
            ],
        )],
    },
    Allowed {
        reason: "sessions are declined",
        fields: &[of(ApiKey::Fetch, &[], ["session_id", "not 0", "0"])],
    },
    Allowed {
        reason: "the checksum covers the server's time",
        fields: &[of(
            ApiKey::Fetch,
            &["append time", "two topics"],
            ["responses[].partitions[].records[].crc", "*", "*"],
        )],
    },
    Allowed {
        reason: "topics and partitions are answered as they were asked, once for each time they are named",
        fields: &[
            of(
                ApiKey::DeleteRecords,
                &["no partition"],
                ["topics", "*", "*"],
            ),
            of(ApiKey::Fetch, &["no partition"], ["responses", "*", "*"]),
            of(
                ApiKey::Fetch,
                &["known and unknown"],
                ["responses", "*", "*"],
            ),
            of(ApiKey::Fetch, &["partition twice"], ["responses", "*", "*"]),
            of(ApiKey::ListOffsets, &["no partition"], ["topics", "*", "*"]),
            of(
                ApiKey::ListOffsets,
                &["partition twice"],
                ["topics", "*", "*"],
            ),
            of(ApiKey::Produce, &["no partition"], ["responses", "*", "*"]),
            of(ApiKey::Produce, &["topic twice"], ["responses", "*", "*"]),
        ],
    },
    Allowed {
        reason: "what is described is told once, however often it is named",
        fields: &[of(
            ApiKey::DescribeConfigs,
            &["topic twice"],
            ["results", "*", "*"],
        )],
    },
];

/// What will go.
pub const NOT_YET: &[Allowed] = &[
    Allowed {
        reason: "the other keys and the features are not served",
        fields: &[
            of(ApiKey::ApiVersions, &[], ["api_keys[]", "there", "absent"]),
            of(ApiKey::ApiVersions, &[], ["api_keys.count", "*", "*"]),
            of(
                ApiKey::ApiVersions,
                &[],
                ["finalized_features", "*", "absent"],
            ),
            of(
                ApiKey::ApiVersions,
                &[],
                ["finalized_features_epoch", "*", "absent"],
            ),
            of(
                ApiKey::ApiVersions,
                &[],
                ["supported_features", "*", "absent"],
            ),
        ],
    },
    Allowed {
        reason: "transactions are not served",
        fields: &[
            of(
                ApiKey::InitProducerId,
                &["transactional"],
                ["error_code", "*", "53"],
            ),
            of(
                ApiKey::Produce,
                &["transactional id"],
                ["responses[].partition_responses[].error_code", "*", "53"],
            ),
        ],
    },
    Allowed {
        reason: "a duplicate's answer does not tell the time of its batch",
        fields: &[of(
            ApiKey::Produce,
            &[],
            [
                "responses[].partition_responses[].log_append_time_ms",
                "not -1",
                "-1",
            ],
        )],
    },
];
