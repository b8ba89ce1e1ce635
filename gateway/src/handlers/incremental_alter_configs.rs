//! IncrementalAlterConfigs (key 44), versions 0-1: properties that are not named stay (KIP-339).
//!
//! What differs from Apache Kafka: as for AlterConfigs, which also does the work.

use control_api::{ConfigChange, PropertyChange};
use wire::ErrorCode;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::alter_configs::{Alteration, NULL_VALUE, alter, check_names};
use crate::call::{Answer, Call};
use crate::error::Fault;

/// Changes what can be changed; one failure does not touch the other resources.
pub(crate) async fn handle(call: Call, request: IncrementalAlterConfigsRequest) -> Answer {
    let resources = request.resources.into_iter();
    let alterations = resources.map(|asked| Alteration {
        change: changes(&asked),
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
    call.answer(IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    })
}

/// The same error for every resource.
pub(crate) fn refusal(
    request: &IncrementalAlterConfigsRequest,
    code: ErrorCode,
) -> IncrementalAlterConfigsResponse {
    let resources = request.resources.iter();
    let responses = resources.map(|asked| AlterConfigsResourceResponse {
        error_code: code.code(),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..AlterConfigsResourceResponse::default()
    });
    IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    }
}

fn changes(asked: &AlterConfigsResource) -> Result<ConfigChange, Fault> {
    check_names(asked.configs.iter().map(|config| config.name.as_str()))?;
    let changes = asked.configs.iter().map(change);
    changes.collect::<Result<_, _>>().map(ConfigChange::Each)
}

/// By Kafka's numbers of the operations (`AlterConfigOp.OpType`).
fn change(config: &AlterableConfig) -> Result<(String, PropertyChange), Fault> {
    let value = || config.value.clone().ok_or(Fault::Invalid(NULL_VALUE));
    let change = match config.config_operation {
        0 => PropertyChange::Set(value()?),
        1 => PropertyChange::Delete,
        2 => PropertyChange::Append(value()?),
        3 => PropertyChange::Subtract(value()?),
        _ => return Err(Fault::Invalid("Unknown operation.")),
    };
    Ok((config.name.clone(), change))
}
