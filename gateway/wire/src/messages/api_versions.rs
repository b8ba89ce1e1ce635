//! ApiVersions (18): versions 0-4, flexible from 3; its response header is always version 0.
//!
//! Owns: the tables of request and response, and the answer to a version that is not served.
//! 3: the client names its software (KIP-511), features are told (KIP-584). 4: a feature's minimum may be 0
//! (KAFKA-17011): before, such features must be left out.

use crate::api_key::ApiKey;
use crate::error_code::ErrorCode;
use crate::response::Response;
use crate::schema::messages;
use crate::segments::Segments;

messages! {
    /// A client that says what it is.
    pub struct ApiVersionsRequest, versions [0..=4], flexible [3..] {
        /// The name of the client's software.
        client_software_name: String [3..],
        /// Its version.
        client_software_version: String [3..],
    }

    /// What is served.
    pub struct ApiVersionsResponse, versions [0..=4], flexible [3..] {
        /// Zero, or why there is no answer.
        error_code: i16 [0..],
        /// The keys and their versions; see [`crate::advertised`].
        api_keys: Vec<ApiVersion> [0..],
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [1..],
        /// The features that the cluster could have.
        supported_features: Vec<SupportedFeatureKey> [3..] tag 0,
        /// The epoch of `finalized_features`; -1 if there are none.
        finalized_features_epoch: i64 [3..] tag 1 = -1,
        /// The features that the cluster has.
        finalized_features: Vec<FinalizedFeatureKey> [3..] tag 2,
        /// Whether a migration from ZooKeeper may start.
        zk_migration_ready: bool [3..] tag 3,
    }

    /// A key and its versions.
    pub struct ApiVersion {
        /// The key.
        api_key: i16 [0..],
        /// Its first version.
        min_version: i16 [0..],
        /// Its last version.
        max_version: i16 [0..],
    }

    /// A feature that the cluster could have.
    pub struct SupportedFeatureKey {
        /// Its name.
        name: String [3..],
        /// Its first level.
        min_version: i16 [3..],
        /// Its last level.
        max_version: i16 [3..],
    }

    /// A feature that the cluster has.
    pub struct FinalizedFeatureKey {
        /// Its name.
        name: String [3..],
        /// The highest level in use.
        max_version_level: i16 [3..],
        /// The lowest level in use.
        min_version_level: i16 [3..],
    }
}

/// The answer to an ApiVersions request of a version that is not served: version 0, UNSUPPORTED_VERSION, and the
/// versions of ApiVersions itself, so that the client can ask again on the same connection (KIP-511).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedApiVersions {
    /// The request's correlation id.
    pub correlation_id: i32,
}

impl UnsupportedApiVersions {
    /// The whole frame.
    #[must_use]
    pub fn encode(self) -> Segments {
        let body = ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            api_keys: vec![ApiKey::ApiVersions.advertised()],
            ..ApiVersionsResponse::default()
        };
        Response::from(body).encode(self.correlation_id, 0)
    }
}
