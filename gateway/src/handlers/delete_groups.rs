//! DeleteGroups (key 42), versions 0-2.
//!
//! What differs from Apache Kafka: results come in the order of the request. As in Kafka, a group that is named twice
//! is answered once.

use std::collections::HashSet;

use auth::Action;
use futures_util::{StreamExt, stream};
use node_api::{GroupReply, GroupRequest};
use wire::ErrorCode;
use wire::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

use crate::call::{Answer, Call};
use crate::coordinators::{Coordinators, wrong_reply};
use crate::error::Fault;
use crate::limits::GROUPS_IN_PARALLEL_MAX;

/// Deletes what can be deleted; one failure does not touch the other groups.
pub(crate) async fn handle(call: Call, request: DeleteGroupsRequest) -> Answer {
    let mut seen = HashSet::new();
    let mut groups = request.groups_names;
    groups.retain(|group| seen.insert(group.clone()));
    let coordinators = Coordinators::new(&call);
    let results = groups.into_iter().map(|group_id| async {
        let outcome = delete(&coordinators, &group_id).await;
        DeletableGroupResult {
            error_code: outcome.map_or_else(|fault| call.refuse(&fault).code(), |()| 0),
            group_id,
        }
    });
    let results = stream::iter(results).buffered(GROUPS_IN_PARALLEL_MAX);
    let results = results.collect().await;
    call.answer(DeleteGroupsResponse {
        results,
        ..DeleteGroupsResponse::default()
    })
}

/// The same error for every group.
pub(crate) fn refusal(request: &DeleteGroupsRequest, code: ErrorCode) -> DeleteGroupsResponse {
    let results = request
        .groups_names
        .iter()
        .map(|group| DeletableGroupResult {
            group_id: group.clone(),
            error_code: code.code(),
        });
    DeleteGroupsResponse {
        results: results.collect(),
        ..DeleteGroupsResponse::default()
    }
}

async fn delete(coordinators: &Coordinators<'_>, group: &str) -> Result<(), Fault> {
    let group = coordinators.group(Action::DeleteGroup, group)?;
    let GroupReply::Delete(outcome) = coordinators.ask(&group, GroupRequest::Delete).await? else {
        return Err(wrong_reply());
    };
    Ok(outcome?)
}
