//! AlterConfigs (key 33), versions 0-2: all properties of a topic are replaced.
//!
//! What differs from Apache Kafka: `cleanup.policy` is fixed when a topic is created, as in MSK
//! Serverless, so it stays where it is not named, and is refused (40) where it would change. Only
//! topics can be changed: brokers, loggers, client metrics and groups are error 42. As in Kafka a
//! resource that is named twice is refused with 42 both times, and so is a property.

use std::collections::{HashMap, HashSet};

use control_api::{ConfigChange, TopicChange, TopicError};
use model::TopicName;
use wire::ErrorCode;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

use crate::call::{Answer, Call};
use crate::config_resource::{Deed, ResourceType};
use crate::error::Fault;
use crate::limits::PARKING_MAX;

/// Replaces what can be replaced; one failure does not touch the other resources.
pub(crate) async fn handle(call: Call, request: AlterConfigsRequest) -> Answer {
    let resources = request.resources.into_iter();
    let alterations = resources.map(|asked| Alteration {
        change: change(&asked),
        resource_type: asked.resource_type,
        name: asked.resource_name,
    });
    let outcomes = alter(&call, alterations.collect(), request.validate_only).await;
    let responses = outcomes.into_iter().map(|outcome| {
        let (error_code, error_message) = outcome.told(&call);
        AlterConfigsResourceResponse {
            error_code,
            error_message,
            resource_type: outcome.resource_type,
            resource_name: outcome.name,
        }
    });
    call.answer(AlterConfigsResponse {
        responses: responses.collect(),
        ..AlterConfigsResponse::default()
    })
}

/// The same error for every resource.
pub(crate) fn refusal(request: &AlterConfigsRequest, code: ErrorCode) -> AlterConfigsResponse {
    let resources = request.resources.iter();
    let responses = resources.map(|asked| AlterConfigsResourceResponse {
        error_code: code.code(),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..AlterConfigsResourceResponse::default()
    });
    AlterConfigsResponse {
        responses: responses.collect(),
        ..AlterConfigsResponse::default()
    }
}

fn change(asked: &AlterConfigsResource) -> Result<ConfigChange, Fault> {
    check_names(asked.configs.iter().map(|config| config.name.as_str()))?;
    let properties = asked.configs.iter().map(|config| {
        let value = config.value.clone().ok_or(Fault::Invalid(NULL_VALUE))?;
        Ok((config.name.clone(), value))
    });
    properties
        .collect::<Result<_, _>>()
        .map(ConfigChange::Replace)
}

/// Where a value has to be, and none is.
pub(super) const NULL_VALUE: &str = "Null value not supported.";

/// A property may stand once.
pub(super) fn check_names<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    if names.all(|name| seen.insert(name)) {
        Ok(())
    } else {
        Err(Fault::Invalid("Error due to duplicate config keys."))
    }
}

/// A change of one resource that a client asks for.
pub(super) struct Alteration {
    pub(super) resource_type: i8,
    pub(super) name: String,
    pub(super) change: Result<ConfigChange, Fault>,
}

/// What became of one.
pub(super) struct Outcome {
    pub(super) resource_type: i8,
    pub(super) name: String,
    fault: Option<Fault>,
}

impl Outcome {
    /// Error and text for the client.
    pub(super) fn told(&self, call: &Call) -> (i16, Option<String>) {
        match &self.fault {
            None => (0, None),
            Some(fault) => {
                let text = match fault {
                    // In Kafka's words, which its tools print.
                    Fault::Topic(TopicError::UnknownTopic) => {
                        format!("The topic '{}' does not exist.", self.name)
                    }
                    _ => fault.text(),
                };
                (call.refuse(fault).code(), Some(text))
            }
        }
    }
}

/// Makes the changes, each on its own; outcomes come in the order in which they were asked for.
pub(super) async fn alter(
    call: &Call,
    alterations: Vec<Alteration>,
    validate_only: bool,
) -> Vec<Outcome> {
    let mut counts = HashMap::<_, u32>::new();
    for asked in &alterations {
        let count = counts.entry((asked.resource_type, asked.name.clone()));
        *count.or_default() += 1;
    }
    let mut outcomes = Vec::with_capacity(alterations.len());
    let (mut changes, mut places) = (Vec::new(), Vec::new());
    for asked in alterations {
        let (resource_type, name) = (asked.resource_type, asked.name.clone());
        let is_twice = counts[&(resource_type, name.clone())] > 1;
        let checked = if is_twice {
            Err(Fault::Invalid("Each resource must appear at most once."))
        } else {
            check(call, asked)
        };
        let fault = match checked {
            Ok(change) => {
                places.push(outcomes.len());
                changes.push(change);
                None
            }
            Err(fault) => Some(fault),
        };
        outcomes.push(Outcome {
            resource_type,
            name,
            fault,
        });
    }
    for (place, fault) in places
        .into_iter()
        .zip(carry_out(call, changes, validate_only).await)
    {
        outcomes[place].fault = fault;
    }
    outcomes
}

fn check(call: &Call, asked: Alteration) -> Result<TopicChange, Fault> {
    let change = asked.change?;
    let kind = ResourceType::from_code(asked.resource_type);
    let kind = kind.ok_or(Fault::Invalid("Unknown resource type."))?;
    let right = kind.authorize(call, &asked.name, Deed::Alter)?;
    match kind {
        ResourceType::Topic if asked.name.is_empty() => {
            Err(Fault::Invalid("Default topic resources are not allowed."))
        }
        ResourceType::Topic => {
            TopicName::parse(&asked.name)?;
            let change = TopicChange {
                name: asked.name,
                change,
            };
            Ok(right.with(|()| change).into_request())
        }
        ResourceType::Broker | ResourceType::BrokerLogger => Err(Fault::Invalid(
            "Brokers cannot be configured here; the configurations of topics can be altered.",
        )),
        ResourceType::ClientMetrics | ResourceType::Group => Err(Fault::Invalid(
            "Only the configurations of topics can be altered.",
        )),
    }
}

/// Asks the control plane; gives back what was wrong with each.
async fn carry_out(
    call: &Call,
    changes: Vec<TopicChange>,
    validate_only: bool,
) -> Vec<Option<Fault>> {
    if changes.is_empty() {
        return Vec::new();
    }
    let count = changes.len();
    let control = &call.services.control;
    let altering = control.alter_topics(call.cluster.id, changes, validate_only);
    let outcomes = tokio::time::timeout(call.patience(PARKING_MAX), altering).await;
    call.services.router.refresh();
    match outcomes {
        Ok(outcomes) => outcomes
            .into_iter()
            .map(|outcome| outcome.err().map(Fault::from))
            .collect(),
        Err(_) => vec![Some(Fault::TimedOut); count],
    }
}
