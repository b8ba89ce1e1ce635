//! FindCoordinator (key 10), versions 0-6; several keys from version 4.
//!
//! What differs from Apache Kafka: the coordinator of a group is one of the constant brokers, by a hash of the group,
//! and has the address that the client came by. It is told at once, whether or not a node coordinates the group just
//! now: the gateway waits for that. Transactional ids are error 53 until transactions are served; the keys of share
//! groups are error 42.

use auth::Action;
use node_api::group::shard_of;
use wire::ErrorCode;
use wire::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use crate::call::{Answer, Call};
use crate::coordinators::Coordinators;
use crate::error::Fault;
use crate::handlers::metadata::broker_count;

/// Kafka's numbers of what a key is.
const GROUP: i8 = 0;
const TRANSACTIONAL_ID: i8 = 1;

/// First version with several keys.
const VERSION_WITH_KEYS: i16 = 4;

/// Says which broker coordinates each key.
pub(crate) async fn handle(call: Call, request: FindCoordinatorRequest) -> Answer {
    let FindCoordinatorRequest {
        key,
        key_type,
        coordinator_keys,
    } = request;
    if call.version() < VERSION_WITH_KEYS {
        let found = tell(&call, key_type, key);
        return call.answer(alone(found));
    }
    let coordinators = coordinator_keys.into_iter();
    let coordinators = coordinators.map(|key| tell(&call, key_type, key));
    call.answer(FindCoordinatorResponse {
        coordinators: coordinators.collect(),
        ..FindCoordinatorResponse::default()
    })
}

/// No coordinator for any key.
pub(crate) fn refusal(
    request: &FindCoordinatorRequest,
    version: i16,
    code: ErrorCode,
) -> FindCoordinatorResponse {
    let nobody = |key: &String| nobody(key.clone(), code, None);
    if version < VERSION_WITH_KEYS {
        return alone(nobody(&request.key));
    }
    FindCoordinatorResponse {
        coordinators: request.coordinator_keys.iter().map(nobody).collect(),
        ..FindCoordinatorResponse::default()
    }
}

/// In the form of the versions with one key.
fn alone(found: Coordinator) -> FindCoordinatorResponse {
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    }
}

fn nobody(key: String, code: ErrorCode, error_message: Option<String>) -> Coordinator {
    Coordinator {
        key,
        node_id: -1,
        port: -1,
        error_code: code.code(),
        error_message,
        ..Coordinator::default()
    }
}

fn tell(call: &Call, key_type: i8, key: String) -> Coordinator {
    match find(call, key_type, &key) {
        Ok(node_id) => Coordinator {
            key,
            node_id,
            host: call.client.advertised_host.clone(),
            port: i32::from(call.client.advertised_port),
            ..Coordinator::default()
        },
        Err(fault) => nobody(key, call.refuse(&fault), Some(fault.text())),
    }
}

/// The broker that stands for the key's coordinator.
fn find(call: &Call, key_type: i8, key: &str) -> Result<i32, Fault> {
    match key_type {
        GROUP => {
            Coordinators::new(call).group(Action::DescribeGroup, key)?;
            let broker = shard_of(call.cluster.id, key) % broker_count(&call.cluster);
            Ok(broker as i32)
        }
        TRANSACTIONAL_ID => Err(Fault::TransactionalId),
        _ => Err(Fault::Invalid("There are no coordinators for such keys.")),
    }
}
