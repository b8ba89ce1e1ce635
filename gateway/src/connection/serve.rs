//! One frame of a connection: told apart, held against the session, handed to its handler.
//!
//! Owns: the order of these steps, and which frames end a connection. Does not own: the session's
//! rules, the handlers.
//!
//! ```text
//!   Frame -> raw token
//!         -> RequestHeader -> Request -> SASL, ApiVersions: served by the session
//!                                     -> anything else: Call -> dispatch
//! ```

use std::sync::Arc;

use bytes::Bytes;
use model::VirtualClusterId;
use quota::throttle::TOLD_MAX;
use tokio::time::Instant;
use wire::{
    ApiKey, ErrorCode, Request, RequestError, RequestHeader, Response, UnsupportedApiVersions,
    Writer,
};

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::dispatch::{Step, dispatch, items, may_read_on, overload, refusal, throttled};
use crate::error::Fault;
use crate::handlers::api_versions;
use crate::limits::{FAILED_SIGN_IN_DELAY, REQUEST_ITEMS_MAX};
use crate::memory::Held;
use crate::mute::Mute;
use crate::services::Services;
use crate::session::{Fate, NoCaller, Session};

/// A frame that is served.
pub(super) struct Served {
    pub(super) step: Step,
    /// None for a raw token.
    pub(super) api_key: Option<ApiKey>,
    /// Whether the connection may be read while this is unanswered.
    pub(super) may_read_on: bool,
}

/// Why a frame ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It is no request that we know.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Its sender may no longer make requests.
    #[error(transparent)]
    NoCaller(#[from] NoCaller),
    /// Its answer would take much more memory than itself.
    #[error(
        "a request names {items} topics and partitions, above the limit of {REQUEST_ITEMS_MAX}"
    )]
    Items {
        /// How many.
        items: usize,
    },
}

/// Serves a frame.
pub(super) fn frame(
    services: &Arc<Services>,
    client: &Arc<Client>,
    session: &mut Session,
    (bytes, memory): (Bytes, &Arc<Held>),
) -> Result<Served, Refused> {
    if session.expects_raw_token() {
        services.metrics.bytes_in.increment(bytes.len() as u64);
        let served = raw_token(session, &bytes);
        return Ok(with_place(services, client, session, served));
    }
    let frame_bytes = bytes.len();
    let (header, body) = RequestHeader::decode(bytes)?;
    services.metrics.request(header.api_key, frame_bytes);
    let request = match Request::decode(&header, body) {
        Ok(request) => request,
        Err(RequestError::UnsupportedVersion {
            api_key: ApiKey::ApiVersions,
            ..
        }) => return Ok(done(&header, unsupported_api_versions(&header))),
        Err(error) => return Err(error.into()),
    };
    let items = items(&request);
    if items > REQUEST_ITEMS_MAX {
        return Err(Refused::Items { items });
    }
    if session.is_known() {
        charge(client, &request);
    }
    match &request {
        Request::SaslHandshake(asked) => {
            let (response, fate) = session.handshake(&asked.mechanism, header.api_version);
            Ok(signing_in(&header, &response.into(), fate))
        }
        Request::SaslAuthenticate(asked) => {
            let (response, fate) = session.authenticate(&asked.auth_bytes);
            let served = signing_in(&header, &response.into(), fate);
            Ok(with_place(services, client, session, served))
        }
        Request::ApiVersions(asked) => {
            let response = api_versions::answer(asked, header.api_version);
            Ok(done(&header, Answer::new(&header, &response.into())))
        }
        _ => {
            let envelope = Envelope {
                header,
                frame_bytes,
                memory: Arc::clone(memory),
            };
            data(services, client, session, envelope, request)
        }
    }
}

/// The requests that the connection serves by itself count, too, from the sign-in on: nobody is to make
/// them for nothing. What signs in is bounded by the time that it may take.
fn charge(client: &Client, request: &Request) {
    let is_own = matches!(
        request,
        Request::SaslHandshake(_) | Request::SaslAuthenticate(_) | Request::ApiVersions(_)
    );
    if let (true, Some(place)) = (is_own, client.place.get()) {
        // Requests of these keys are never overdue.
        let throttle = place.gate().request(request.api_key()).unwrap_or_default();
        client.mute.extend(throttle.mute);
    }
}

/// What a request came in.
struct Envelope {
    header: RequestHeader,
    frame_bytes: usize,
    memory: Arc<Held>,
}

/// A request that needs a caller.
fn data(
    services: &Arc<Services>,
    client: &Arc<Client>,
    session: &mut Session,
    envelope: Envelope,
    request: Request,
) -> Result<Served, Refused> {
    let Envelope {
        header,
        frame_bytes,
        memory,
    } = envelope;
    let map = services.router.map();
    let caller = match session.caller(&map) {
        Ok(caller) => caller,
        Err(NoCaller::NotSignedIn) => {
            services.metrics.error(Fault::NotSignedIn.kind());
            let answer = refusal(&header, &request, ErrorCode::IllegalSaslState);
            return Ok(closing(Some(header.api_key), answer));
        }
        Err(error) => return Err(error.into()),
    };
    let cluster = map.virtual_clusters.get(&caller.virtual_cluster());
    let cluster = cluster.ok_or(NoCaller::SignedOut(auth::SignedOut::VirtualCluster))?;
    let api_key = header.api_key;
    let gate = services.gates.gate(cluster, &map);
    let Ok(throttle) = gate.request(api_key) else {
        client.mute.extend(TOLD_MAX);
        let overload = overload(&header);
        services.metrics.error(overload.kind());
        let answer = throttled(&header, &request, overload.code());
        return Ok(done(&header, answer));
    };
    let received_at = Instant::now();
    let mut call = Call {
        header,
        frame_bytes,
        memory,
        cluster: Arc::clone(cluster),
        map,
        caller,
        client: Arc::clone(client),
        services: Arc::clone(services),
        gate,
        throttle: Mute::new(received_at),
        park: throttle.park,
    };
    call.slow_down(throttle);
    let may_read_on = may_read_on(&call, &request);
    let mut park = throttle.park;
    if matches!(request, Request::Metadata(_)) && !may_read_on {
        // It creates topics.
        let throttle = call.gate.creation();
        call.slow_down(throttle);
        park = park.max(throttle.park);
        call.park = park;
    }
    Ok(Served {
        step: dispatch(call, request).not_before(received_at + park),
        api_key: Some(api_key),
        may_read_on,
    })
}

/// The virtual cluster of a client that has just signed in is known at last: the answer waits for a place
/// among its connections, and without one the connection is closed.
fn with_place(
    services: &Arc<Services>,
    client: &Arc<Client>,
    session: &Session,
    served: Served,
) -> Served {
    let cluster = session.virtual_cluster();
    let (Some(cluster), None) = (cluster, client.place.get()) else {
        return served;
    };
    let Step::Done(answer) = served.step else {
        return served;
    };
    let (services, client) = (Arc::clone(services), Arc::clone(client));
    let waiting = async move {
        if enter(&services, &client, cluster).await {
            answer
        } else {
            Answer::close()
        }
    };
    Served {
        step: Step::Waiting(Box::pin(waiting)),
        may_read_on: false,
        ..served
    }
}

/// Takes a place for the connection among those of its virtual cluster; says whether it has one.
pub(super) async fn enter(services: &Services, client: &Client, cluster: VirtualClusterId) -> bool {
    let map = services.router.map();
    let Some(cluster) = map.virtual_clusters.get(&cluster) else {
        // It is gone; the sign-in, or the first request, says so.
        return true;
    };
    let place = services.gates.gate(cluster, &map).enter().await;
    match place {
        Some(place) => client.place.set(place).is_ok(),
        None => false,
    }
}

fn raw_token(session: &mut Session, token: &[u8]) -> Served {
    let Some(reply) = session.raw_token(token) else {
        return closing(None, Answer::close());
    };
    let mut writer = Writer::framed();
    writer.put(&reply);
    let answer = Answer {
        segments: Some(writer.finish()),
        ..Answer::default()
    };
    Served {
        step: Step::Done(answer),
        api_key: None,
        may_read_on: true,
    }
}

fn signing_in(header: &RequestHeader, response: &Response, fate: Fate) -> Served {
    let answer = Answer::new(header, response);
    match fate {
        Fate::GoOn => done(header, answer),
        Fate::Close => closing(Some(header.api_key), answer),
    }
}

fn done(header: &RequestHeader, answer: Answer) -> Served {
    Served {
        step: Step::Done(answer),
        api_key: Some(header.api_key),
        may_read_on: true,
    }
}

/// The last answer of a connection, held back a little so that guessing costs time.
fn closing(api_key: Option<ApiKey>, answer: Answer) -> Served {
    let waiting = async move {
        tokio::time::sleep(FAILED_SIGN_IN_DELAY).await;
        answer.closing()
    };
    Served {
        step: Step::Waiting(Box::pin(waiting)),
        api_key,
        may_read_on: false,
    }
}

fn unsupported_api_versions(header: &RequestHeader) -> Answer {
    let correlation_id = header.correlation_id;
    Answer {
        segments: Some(UnsupportedApiVersions { correlation_id }.encode()),
        ..Answer::default()
    }
}
