//! Health, metrics and usage over HTTP/1.1, on loopback.
//!
//! ```text
//!   GET /healthz     200 "ok" while the process serves, 503 while it drains; open to all
//!   GET /metrics     Prometheus text; open to all, but what names topics needs the token below
//!   GET /v1/usage    JSON, one row a virtual cluster; needs `Authorization: Bearer <token>`
//!   GET /v1/usage/windows?by=minute|hour|day&since=TIME&until=TIME&cluster=NAME
//!                    JSON, one row a period and virtual cluster, sealed or not; needs the same
//!   GET /v1/usage/records?since=TIME&until=TIME&cluster=NAME
//!                    JSON, the sealed records with their ids; needs the same
//!   GET /v1/limits   JSON, one row a virtual cluster and limit; needs the same
//! ```
//!
//! Owns: routes and answers. Does not own: where the figures come from ([`AdminSource`]).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// Connections at one time; at the bound a further one waits in the listener's queue.
const CONNECTIONS_MAX: usize = 64;

/// A request's head must have come within this time, or the connection is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// After a failed accept (mostly: too many open files) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one virtual cluster has used since it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Number of the tenant.
    pub tenant: u32,
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Its cluster id.
    pub cluster_id: String,
    /// Bytes of committed record batches, as received.
    pub bytes_in: u64,
    /// Bytes of record batches that were fully written to clients' sockets.
    pub bytes_out: u64,
    /// Milliseconds that it has existed.
    pub cluster_ms: u64,
    /// Milliseconds that its partitions have existed, summed over them.
    pub partition_ms: u64,
    /// Bytes stored times milliseconds. A decimal number in quotes: it may have more digits than a
    /// reader of JSON keeps.
    #[serde(with = "decimal")]
    pub stored_byte_ms: u128,
    /// Bytes stored now.
    pub stored_bytes: u64,
}

/// What one virtual cluster has used in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageWindow {
    /// First moment, RFC 3339.
    pub start: String,
    /// First moment after it.
    pub end: String,
    /// Whether it is sealed: what is so never changes. A period that is sealed in part has two rows.
    pub sealed: bool,
    /// Number of the tenant.
    pub tenant: u32,
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Its cluster id.
    pub cluster_id: String,
    /// As in [`UsageRow`].
    pub bytes_in: u64,
    /// As in [`UsageRow`].
    pub bytes_out: u64,
    /// As in [`UsageRow`].
    pub cluster_ms: u64,
    /// As in [`UsageRow`].
    pub partition_ms: u64,
    /// As in [`UsageRow`].
    #[serde(with = "decimal")]
    pub stored_byte_ms: u128,
}

/// One sealed amount, under its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecordRow {
    /// The id: the same whenever, and however often, the amount is asked for or worked out.
    pub id: String,
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Which meter.
    pub meter: String,
    /// First moment of the window, RFC 3339.
    pub start: String,
    /// First moment after it.
    pub end: String,
    /// How much, in the meter's unit.
    #[serde(with = "decimal")]
    pub amount: u128,
}

/// Numbers that may not fit a JSON reader's, as text.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        number: &u128,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What usage is asked for, as it stands in the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRequest {
    /// `minute`, `hour` or `day`.
    pub by: Option<String>,
    /// The first moment.
    pub since: Option<String>,
    /// The first moment after it.
    pub until: Option<String>,
    /// Name of the only virtual cluster.
    pub cluster: Option<String>,
}

impl UsageRequest {
    /// Reads the query of a request; what it does not know is refused.
    fn parse(query: &str) -> Result<Self, UsageRefusal> {
        let mut request = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| UsageRefusal::Bad(format!("{name}: not UTF-8")))?;
            let field = match name {
                "by" => &mut request.by,
                "since" => &mut request.since,
                "until" => &mut request.until,
                "cluster" => &mut request.cluster,
                _ => return Err(UsageRefusal::Bad(format!("{name} is not known"))),
            };
            *field = Some(value.into_owned());
        }
        Ok(request)
    }
}

/// Why usage could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageRefusal {
    /// The request is wrong.
    #[error("{0}")]
    Bad(String),
    /// What is kept cannot be read now.
    #[error("{0}")]
    Unavailable(String),
}

/// One limit of one virtual cluster, and how far it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitUse {
    /// Number of the tenant.
    pub tenant: u32,
    /// Name of the virtual cluster.
    pub cluster: String,
    /// Name of the limit, as in the configuration.
    pub limit: String,
    /// Its use: per second for rates, at present for numbers; none where it is that of one request.
    pub used: Option<u64>,
    /// Its value; none where nothing is held back.
    pub ceiling: Option<u64>,
    /// For how many seconds it has held somebody back since the server started.
    pub throttle_seconds: f64,
    /// How often something was refused for it since the server started.
    pub refused: u64,
}

/// Where the figures come from.
#[async_trait]
pub trait AdminSource: Send + Sync + 'static {
    /// Whether clients are served.
    fn is_healthy(&self) -> bool;
    /// All metrics that name nothing of a tenant's, in Prometheus's text format.
    fn metrics(&self) -> String;
    /// Those that name virtual clusters, topics and groups.
    async fn topic_metrics(&self) -> String;
    /// What each virtual cluster has used.
    async fn usage(&self) -> Vec<UsageRow>;
    /// What each virtual cluster has used, by period.
    async fn usage_windows(&self, request: UsageRequest) -> Result<Vec<UsageWindow>, UsageRefusal>;
    /// The sealed records.
    async fn usage_records(
        &self,
        request: UsageRequest,
    ) -> Result<Vec<UsageRecordRow>, UsageRefusal>;
    /// Every limit of every virtual cluster, and how far it is used.
    async fn limits(&self) -> Vec<LimitUse>;
}

/// Serves until the task is aborted.
pub async fn serve_admin(listener: TcpListener, source: Arc<dyn AdminSource>, token: String) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let token: Arc<str> = token.into();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(why) => {
                warn!(%why, "an admin connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (source, token) = (Arc::clone(&source), Arc::clone(&token));
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &source, &token));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(why) = served {
                debug!(%why, "an admin connection ended early");
            }
            drop(place);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    source: &Arc<dyn AdminSource>,
    token: &str,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::GET {
        return Ok(text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is served here\n".to_owned(),
        ));
    }
    Ok(match request.uri().path() {
        "/healthz" if source.is_healthy() => text(StatusCode::OK, "ok\n".to_owned()),
        "/healthz" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
        // Names are nobody's business who does not own the server.
        "/metrics" if is_authorized(&request, token) => {
            let topics = source.topic_metrics().await;
            text(StatusCode::OK, source.metrics() + &topics)
        }
        "/metrics" => text(StatusCode::OK, source.metrics()),
        "/v1/usage" | "/v1/usage/windows" | "/v1/usage/records" | "/v1/limits"
            if !is_authorized(&request, token) =>
        {
            text(
                StatusCode::UNAUTHORIZED,
                "the token in admin.json of the data folder is needed, as a bearer token\n"
                    .to_owned(),
            )
        }
        "/v1/usage" => json(&source.usage().await),
        "/v1/usage/windows" => match UsageRequest::parse(request.uri().query().unwrap_or("")) {
            Ok(asked) => rows(source.usage_windows(asked).await),
            Err(why) => rows::<UsageWindow>(Err(why)),
        },
        "/v1/usage/records" => match UsageRequest::parse(request.uri().query().unwrap_or("")) {
            Ok(asked) => rows(source.usage_records(asked).await),
            Err(why) => rows::<UsageRecordRow>(Err(why)),
        },
        "/v1/limits" => json(&source.limits().await),
        _ => text(
            StatusCode::NOT_FOUND,
            "there is /healthz, /metrics, /v1/usage, /v1/usage/windows, /v1/usage/records and \
             /v1/limits\n"
                .to_owned(),
        ),
    })
}

fn is_authorized(request: &Request<Incoming>, token: &str) -> bool {
    let sent = request
        .headers()
        .get(AUTHORIZATION)
        .map(|value| value.as_bytes());
    let sent = sent.and_then(|value| value.strip_prefix(b"Bearer "));
    sent.is_some_and(|sent| bool::from(sent.ct_eq(token.as_bytes())))
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    respond(
        status,
        "text/plain; version=0.0.4; charset=utf-8",
        body.into(),
    )
}

fn rows<T: Serialize>(rows: Result<Vec<T>, UsageRefusal>) -> Response<Full<Bytes>> {
    match rows {
        Ok(rows) => json(&rows),
        Err(why @ UsageRefusal::Bad(_)) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        Err(why @ UsageRefusal::Unavailable(_)) => {
            text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
        }
    }
}

fn json<T: Serialize>(value: &T) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(value).expect("rows of numbers and strings are JSON");
    respond(StatusCode::OK, "application/json", body.into())
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
