//! ListConfigResources (key 74), versions 0-1; of other types than client metrics from version 1.
//!
//! As in Kafka it takes the right to describe the cluster's configuration; no type means every type;
//! one that the version does not have is error 35 for the whole request. Groups and client metrics are
//! listed where they have properties of their own, which none has here.
//!
//! What differs from Apache Kafka: topics that the caller may not describe are left out. An answer has
//! a bound, beyond which it is error 42.

use auth::{Action, Resource};
use wire::ErrorCode;
use wire::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::metadata;
use crate::call::{Answer, Call};
use crate::config_resource::ResourceType;
use crate::error::Fault;
use crate::limits::CONFIG_RESOURCES_MAX;
use crate::permission::authorize;

/// First version that lists anything else than client metrics.
const VERSION_WITH_TYPES: i16 = 1;

/// Lists the resources.
pub(crate) fn handle(call: &Call, request: &ListConfigResourcesRequest) -> Answer {
    call.answer(match list(call, request) {
        Ok(config_resources) => ListConfigResourcesResponse {
            config_resources,
            ..ListConfigResourcesResponse::default()
        },
        Err(fault) => refusal(call.refuse(&fault)),
    })
}

/// No list.
pub(crate) fn refusal(code: ErrorCode) -> ListConfigResourcesResponse {
    ListConfigResourcesResponse {
        error_code: code.code(),
        ..ListConfigResourcesResponse::default()
    }
}

fn list(call: &Call, request: &ListConfigResourcesRequest) -> Result<Vec<ConfigResource>, Fault> {
    let action = Action::DescribeClusterDynamicConfiguration;
    let _right = authorize(&call.caller, action, Resource::Cluster, ())?;
    let served = |kind: ResourceType| {
        call.version() >= VERSION_WITH_TYPES || kind == ResourceType::ClientMetrics
    };
    let asked = &request.resource_types;
    let is_known = |&code: &i8| ResourceType::from_code(code).is_some_and(served);
    if !asked.iter().all(is_known) {
        return Err(Fault::UnsupportedVersion(
            "A type of resource is not known to this version.",
        ));
    }
    let is_wanted =
        |kind: &ResourceType| served(*kind) && (asked.is_empty() || asked.contains(&kind.code()));
    let kinds = ResourceType::ALL.into_iter().filter(is_wanted);
    let resources = kinds.flat_map(|kind| {
        let names = names(call, kind).into_iter();
        names.map(move |resource_name| ConfigResource {
            resource_name,
            resource_type: kind.code(),
        })
    });
    // One more shows that there are too many.
    let resources: Vec<_> = resources.take(CONFIG_RESOURCES_MAX + 1).collect();
    if resources.len() > CONFIG_RESOURCES_MAX {
        return Err(Fault::Invalid(
            "Too many resources for one answer; ask for fewer types.",
        ));
    }
    Ok(resources)
}

fn names(call: &Call, kind: ResourceType) -> Vec<String> {
    match kind {
        ResourceType::Group | ResourceType::ClientMetrics => Vec::new(),
        ResourceType::Broker | ResourceType::BrokerLogger => {
            let ids = 0..metadata::broker_count(&call.cluster);
            ids.map(|id| id.to_string()).collect()
        }
        ResourceType::Topic => {
            let topics = call.topics(Action::DescribeTopic);
            let names = topics.map(|topic| topic.name.to_string());
            names.take(CONFIG_RESOURCES_MAX + 1).collect()
        }
    }
}
