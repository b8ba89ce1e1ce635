//! The messages, one file per API key.
//!
//! Owns: the list of keys, from which [`crate::ApiKey`], [`crate::Request`] and [`crate::Response`] follow.
//! To add a key: a file with two tables, and a line in the list.
//! Does not own: what a message means to the service.

pub mod api_versions;
pub mod create_topics;
pub mod delete_topics;
pub mod fetch;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod produce;
pub mod sasl_authenticate;
pub mod sasl_handshake;

/// Hands the list of keys, ascending, to another macro: variant, code, module, request, response.
macro_rules! for_each_api {
    ($callback:ident) => {
        $callback! {
            /// Append record batches.
            (Produce, 0, produce, ProduceRequest, ProduceResponse)
            /// Read record batches.
            (Fetch, 1, fetch, FetchRequest, FetchResponse)
            /// Look offsets up by time.
            (ListOffsets, 2, list_offsets, ListOffsetsRequest, ListOffsetsResponse)
            /// Nodes, topics and leaders.
            (Metadata, 3, metadata, MetadataRequest, MetadataResponse)
            /// Choose a SASL mechanism.
            (SaslHandshake, 17, sasl_handshake, SaslHandshakeRequest, SaslHandshakeResponse)
            /// Ask what is served.
            (ApiVersions, 18, api_versions, ApiVersionsRequest, ApiVersionsResponse)
            /// Create topics.
            (CreateTopics, 19, create_topics, CreateTopicsRequest, CreateTopicsResponse)
            /// Delete topics.
            (DeleteTopics, 20, delete_topics, DeleteTopicsRequest, DeleteTopicsResponse)
            /// Obtain a producer id.
            (InitProducerId, 22, init_producer_id, InitProducerIdRequest, InitProducerIdResponse)
            /// One step of a SASL exchange.
            (SaslAuthenticate, 36, sasl_authenticate, SaslAuthenticateRequest, SaslAuthenticateResponse)
        }
    };
}

pub(crate) use for_each_api;
