//! DescribeConfigs (32): versions 1-4, flexible from 4.
//!
//! Owns: the tables of request and response.
//! Types of resources: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. 3: types and documentation
//! (KIP-569).

use crate::schema::messages;

messages! {
    /// Resources whose properties are to be told.
    pub struct DescribeConfigsRequest, versions [1..=4], flexible [4..] {
        /// The resources.
        resources: Vec<DescribeConfigsResource> [0..],
        /// Whether to tell for each property where else it has a value.
        include_synonyms: bool [1..],
        /// Whether to tell what each property means.
        include_documentation: bool [3..],
    }

    /// A resource.
    pub struct DescribeConfigsResource {
        /// Its type.
        resource_type: i8 [0..],
        /// Its name; a broker's id as text.
        resource_name: String [0..],
        /// The properties; null is all of them.
        configuration_keys: Option<Vec<String>> [0..] null [0..] = Some(Vec::new()),
    }

    /// The properties.
    pub struct DescribeConfigsResponse, versions [1..=4], flexible [4..] {
        /// For how long the client is to send nothing, because a quota was exceeded.
        throttle_time_ms: i32 [0..],
        /// The resources.
        results: Vec<DescribeConfigsResult> [0..],
    }

    /// The properties of one resource.
    pub struct DescribeConfigsResult {
        /// Zero, or why they are not told.
        error_code: i16 [0..],
        /// Why, in words.
        error_message: Option<String> [0..] null [0..],
        /// The resource's type.
        resource_type: i8 [0..],
        /// Its name.
        resource_name: String [0..],
        /// The properties.
        configs: Vec<DescribeConfigsResourceResult> [0..],
    }

    /// A property.
    pub struct DescribeConfigsResourceResult {
        /// Its name.
        name: String [0..],
        /// Its value; null if it has none, or if it is a secret.
        value: Option<String> [0..] null [0..],
        /// Whether it cannot be changed.
        read_only: bool [0..],
        /// Where the value comes from. 0: unknown. 1: the topic. 2: the broker, changed at run time. 3: all brokers,
        /// changed at run time. 4: the broker's file. 5: the default. 6: a broker's logger. 7: client metrics.
        /// 8: the group.
        config_source: i8 [1..] = -1,
        /// Whether the value is a secret.
        is_sensitive: bool [0..],
        /// Every place that has a value, the one in use first.
        synonyms: Vec<DescribeConfigsSynonym> [1..],
        /// The value's type. 0: unknown. 1: boolean. 2: string. 3: int. 4: short. 5: long. 6: double. 7: list.
        /// 8: class. 9: password.
        config_type: i8 [3..] = 0,
        /// What it means, in words; null unless it was asked for.
        documentation: Option<String> [3..] null [0..] = Some(String::new()),
    }

    /// A place that has a value.
    pub struct DescribeConfigsSynonym {
        /// The property's name there.
        name: String [1..],
        /// Its value there.
        value: Option<String> [1..] null [0..],
        /// The place, in the numbers of `config_source`.
        source: i8 [1..],
    }
}
