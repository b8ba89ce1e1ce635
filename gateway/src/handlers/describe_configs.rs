//! DescribeConfigs (key 32), versions 1-4.
//!
//! Topics tell every property of Kafka 4.3's list, and MSK Serverless's one more, with or without an
//! effect. Brokers, by the ids that Metadata shows, tell what clients are known to read, with what
//! holds here; the name "" tells what is set for all brokers, as in Kafka one property.
//!
//! What differs from Apache Kafka: a broker tells fewer properties and all are read-only; any broker
//! is told by any; there are no loggers, and neither client metrics nor groups have properties, so
//! their lists are empty. A resource that is named twice is told once. An answer has bounds, beyond
//! which a resource is error 42.

use std::collections::HashSet;

use model::{Limits, TopicConfig, TopicName};
use wire::ErrorCode;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

use crate::call::{Answer, Call, TopicKey};
use crate::config_resource::{Deed, ResourceType};
use crate::config_source::{ConfigSource, MIN_INSYNC_REPLICAS, type_code};
use crate::error::Fault;
use crate::limits::{DESCRIBED_AT_ONCE_MAX, DESCRIBED_BYTES_MAX, DESCRIBED_PROPERTIES_MAX};
use crate::topic_config::{self, Property};

mod broker;

/// Tells the properties of each resource.
pub(crate) async fn handle(call: Call, request: DescribeConfigsRequest) -> Answer {
    let mut types = request.resources.iter().map(|asked| asked.resource_type);
    if types.any(|code| ResourceType::from_code(code).is_none()) {
        // As in Kafka nothing is told at all then.
        let unknown = Fault::Invalid("A resource is of an unknown type.");
        let mut refused = refusal(&request, call.refuse(&unknown));
        for result in &mut refused.results {
            result.error_message = Some(unknown.text());
        }
        return call.answer(refused);
    }
    let mut room = Room::new();
    let mut seen = HashSet::new();
    let mut results = Vec::new();
    for (number, asked) in request.resources.iter().enumerate() {
        if seen.insert((asked.resource_type, asked.resource_name.as_str())) {
            results.push(tell(&call, &request, asked, &mut room));
        }
        if (number + 1) % DESCRIBED_AT_ONCE_MAX == 0 {
            tokio::task::yield_now().await;
        }
    }
    call.answer(DescribeConfigsResponse {
        results,
        ..DescribeConfigsResponse::default()
    })
}

fn tell(
    call: &Call,
    request: &DescribeConfigsRequest,
    asked: &DescribeConfigsResource,
    room: &mut Room,
) -> DescribeConfigsResult {
    let result = DescribeConfigsResult {
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..DescribeConfigsResult::default()
    };
    match describe(call, request, asked).and_then(|configs| room.fit(configs)) {
        Ok(configs) => DescribeConfigsResult {
            // As in Kafka empty, not null.
            error_message: Some(String::new()),
            configs,
            ..result
        },
        Err(fault) => DescribeConfigsResult {
            error_code: call.refuse(&fault).code(),
            error_message: Some(fault.text()),
            ..result
        },
    }
}

/// The same error for every resource.
pub(crate) fn refusal(
    request: &DescribeConfigsRequest,
    code: ErrorCode,
) -> DescribeConfigsResponse {
    let resources = request.resources.iter();
    let results = resources.map(|asked| DescribeConfigsResult {
        error_code: code.code(),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..DescribeConfigsResult::default()
    });
    DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    }
}

type Configs = Vec<DescribeConfigsResourceResult>;

/// How much the answer may still tell.
struct Room {
    properties: usize,
    bytes: usize,
}

impl Room {
    fn new() -> Self {
        Self {
            properties: DESCRIBED_PROPERTIES_MAX,
            bytes: DESCRIBED_BYTES_MAX,
        }
    }

    /// Takes the room of a resource, if there is enough.
    fn fit(&mut self, configs: Configs) -> Result<Configs, Fault> {
        let properties = self.properties.checked_sub(configs.len());
        let bytes = self
            .bytes
            .checked_sub(configs.iter().map(size_of_property).sum());
        let (Some(properties), Some(bytes)) = (properties, bytes) else {
            return Err(Fault::Invalid(
                "Too many properties for one answer; ask for fewer resources.",
            ));
        };
        *self = Self { properties, bytes };
        Ok(configs)
    }
}

/// The bytes of its texts; the rest is bounded by the number of properties.
fn size_of_property(config: &DescribeConfigsResourceResult) -> usize {
    let synonyms = config.synonyms.iter();
    let synonyms = synonyms.map(|is| is.name.len() + is.value.as_ref().map_or(0, String::len));
    let own = [&config.value, &config.documentation].into_iter().flatten();
    config.name.len() + own.map(String::len).sum::<usize>() + synonyms.sum::<usize>()
}

fn describe(
    call: &Call,
    request: &DescribeConfigsRequest,
    asked: &DescribeConfigsResource,
) -> Result<Configs, Fault> {
    let name = asked.resource_name.as_str();
    let kind = ResourceType::from_code(asked.resource_type);
    let kind = kind.expect("the types were checked before");
    let _right = kind.authorize(call, name, Deed::Describe)?;
    let mut configs = match kind {
        ResourceType::Topic => of_topic(&topic(call, name)?, &call.cluster.limits, request),
        ResourceType::Broker if name.is_empty() => broker::of_all(request),
        ResourceType::Broker => broker::of_one(call, broker_id(call, name)?, request),
        ResourceType::BrokerLogger => broker_id(call, name).map(|_| Configs::new())?,
        ResourceType::ClientMetrics | ResourceType::Group if name.is_empty() => {
            return Err(Fault::Invalid("The name must not be empty."));
        }
        ResourceType::ClientMetrics | ResourceType::Group => Configs::new(),
    };
    let keys = asked.configuration_keys.as_deref().unwrap_or_default();
    let keys: HashSet<&str> = keys.iter().map(String::as_str).collect();
    configs.retain(|config| keys.is_empty() || keys.contains(config.name.as_str()));
    Ok(configs)
}

/// The right was checked before, as for every resource.
fn topic(call: &Call, name: &str) -> Result<TopicConfig, Fault> {
    TopicName::parse(name)?;
    let action = auth::Action::DescribeTopicDynamicConfiguration;
    let topic = call.topic(TopicKey::Name(name), action)?;
    Ok(topic.request().config.clone())
}

/// The broker of this name, if it is one that Metadata shows.
fn broker_id(call: &Call, name: &str) -> Result<u32, Fault> {
    let id = name.parse::<u32>().ok();
    let known = |id: &u32| *id < call.cluster.virtual_brokers.max(1);
    id.filter(known).ok_or(Fault::Invalid(
        "There is no broker with this id; brokers are numbered as Metadata shows them.",
    ))
}

fn of_topic(config: &TopicConfig, limits: &Limits, request: &DescribeConfigsRequest) -> Configs {
    let properties = topic_config::describe(config, limits).into_iter();
    let configs = properties.map(|property| {
        let synonyms = if request.include_synonyms {
            synonyms(&property)
        } else {
            Vec::new()
        };
        let documentation = property.is.documentation;
        DescribeConfigsResourceResult {
            name: property.is.name.to_owned(),
            value: Some(property.value),
            config_source: property.source.code(),
            synonyms,
            config_type: type_code(property.is.kind),
            documentation: request
                .include_documentation
                .then(|| documentation.to_owned()),
            ..DescribeConfigsResourceResult::default()
        }
    });
    configs.collect()
}

/// Every place that has a value of the property, the topic first.
fn synonyms(property: &Property) -> Vec<DescribeConfigsSynonym> {
    let synonym = |name: &str, value: &str, source: ConfigSource| DescribeConfigsSynonym {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source: source.code(),
    };
    let is = property.is;
    let mut synonyms = Vec::new();
    if property.source == ConfigSource::Topic {
        synonyms.push(synonym(is.name, &property.value, ConfigSource::Topic));
    }
    if is.name == MIN_INSYNC_REPLICAS {
        synonyms.push(synonym(
            is.name,
            &property.default,
            ConfigSource::AllBrokers,
        ));
    }
    if let Some(name) = is.broker_name {
        synonyms.push(synonym(name, &property.default, ConfigSource::Default));
    }
    synonyms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_room_for_so_many_properties_and_bytes() {
        let property = |bytes| DescribeConfigsResourceResult {
            documentation: Some("x".repeat(bytes)),
            ..DescribeConfigsResourceResult::default()
        };
        let mut room = Room::new();
        assert!(room.fit(vec![property(DESCRIBED_BYTES_MAX - 1)]).is_ok());
        assert!(room.fit(vec![property(2)]).is_err());
        assert!(room.fit(vec![property(1)]).is_ok());
        let many = || vec![DescribeConfigsResourceResult::default(); DESCRIBED_PROPERTIES_MAX / 2];
        let mut room = Room::new();
        assert!(room.fit(many()).is_ok() && room.fit(many()).is_ok());
        assert!(room.fit(vec![property(0)]).is_err());
    }
}
