//! DescribeConfigs (key 32), versions 1-4.
//!
//! Topics tell every property of Kafka 4.3's list, and MSK Serverless's one more, with or without an
//! effect. Brokers, by the ids that Metadata shows, tell what clients are known to read, with what
//! holds here; the name "" tells what is set for all brokers, as in Kafka one property.
//!
//! What differs from Apache Kafka: a broker tells fewer properties and all are read-only; any broker
//! is told by any; there are no loggers, and neither client metrics nor groups have properties, so
//! their lists are empty. An answer has a bound, beyond which a resource is error 42.

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
use crate::limits::DESCRIBED_PROPERTIES_MAX;
use crate::topic_config::{self, Property};

mod broker;

/// Tells the properties of each resource.
pub(crate) fn handle(call: &Call, request: &DescribeConfigsRequest) -> Answer {
    let mut types = request.resources.iter().map(|asked| asked.resource_type);
    if types.any(|code| ResourceType::from_code(code).is_none()) {
        // As in Kafka nothing is told at all then.
        let unknown = Fault::Invalid("A resource is of an unknown type.");
        let mut refused = refusal(request, call.refuse(&unknown));
        for result in &mut refused.results {
            result.error_message = Some(unknown.text());
        }
        return call.answer(refused);
    }
    let mut room = DESCRIBED_PROPERTIES_MAX;
    let results = request.resources.iter().map(|asked| {
        let result = DescribeConfigsResult {
            resource_type: asked.resource_type,
            resource_name: asked.resource_name.clone(),
            ..DescribeConfigsResult::default()
        };
        match describe(call, request, asked).and_then(|configs| fit(configs, &mut room)) {
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
    });
    let results = results.collect();
    call.answer(DescribeConfigsResponse {
        results,
        ..DescribeConfigsResponse::default()
    })
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

/// Takes its room in the answer, if there is enough.
fn fit(configs: Configs, room: &mut usize) -> Result<Configs, Fault> {
    let left = room.checked_sub(configs.len());
    *room = left.ok_or(Fault::Invalid(
        "Too many properties for one answer; ask for fewer resources.",
    ))?;
    Ok(configs)
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
    configs.retain(|config| keys.is_empty() || keys.contains(&config.name));
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
