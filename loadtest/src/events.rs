//! What a client tells beside its answers: deliveries, errors, throttle times; and the token it asks for.
//!
//! Owns: the counters and the first errors of one client. Does not own: what they lead to (see `patience`).
//!
//! Several threads count here, so everything is atomic or behind a lock that is taken once a millisecond at most;
//! a bulk producer touches one counter a message.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::Histogram;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use serde::Deserialize;
use signer::SignedRequest;

use crate::figures::{histogram, record};
use crate::target::SignIn;

/// Errors that are kept; the first says most, and one fails the run.
const ERRORS_MAX: usize = 16;

/// How long a token is valid; the signers of the published libraries say as much.
const TOKEN_LIFETIME: Duration = Duration::from_secs(900);

/// Bits of a delivery's note that hold its due time in microseconds: 8 years.
const DUE_BITS: u32 = 48;

/// One offer's acknowledgements.
#[derive(Debug)]
pub struct Acks {
    /// How many.
    pub count: AtomicU64,
    latencies: Mutex<Histogram<u64>>,
}

/// What one client told so far.
#[derive(Debug)]
pub struct Events {
    epoch: Instant,
    sign_in: SignIn,
    /// Messages acknowledged, by offer.
    pub acks: Vec<Acks>,
    measured_from_us: AtomicU64,
    failed: AtomicBool,
    errors: Mutex<Vec<String>>,
    throttle_ms_max: AtomicI64,
}

/// What goes with a message and comes back with its acknowledgement: its offer and its due time, in one word.
pub fn delivery_note(offer: usize, due_ns: u64) -> usize {
    (offer << DUE_BITS) | (due_ns / 1_000) as usize
}

impl Events {
    /// For a client with so many offers; times count from `epoch`.
    pub fn new(sign_in: &SignIn, offers: usize, epoch: Instant) -> Self {
        let acks = || Acks {
            count: AtomicU64::new(0),
            latencies: Mutex::new(histogram()),
        };
        Self {
            epoch,
            sign_in: sign_in.clone(),
            acks: (0..offers).map(|_| acks()).collect(),
            measured_from_us: AtomicU64::new(u64::MAX),
            failed: AtomicBool::new(false),
            errors: Mutex::new(Vec::new()),
            throttle_ms_max: AtomicI64::new(0),
        }
    }

    /// Latencies are kept of messages that are due from then on; before this is called, of none.
    pub fn measure_from(&self, due_ns: u64) {
        self.measured_from_us.store(due_ns / 1_000, Relaxed);
    }

    /// Messages acknowledged, over all offers.
    pub fn acknowledged(&self) -> u64 {
        self.acks.iter().map(|acks| acks.count.load(Relaxed)).sum()
    }

    /// The latencies of one offer.
    pub fn latencies(&self, offer: usize) -> Histogram<u64> {
        let latencies = &self.acks[offer].latencies;
        latencies.lock().expect("no thread panics with it").clone()
    }

    /// The first error, if there was one.
    pub fn error(&self) -> Option<String> {
        if !self.failed.load(Relaxed) {
            return None;
        }
        let errors = self.errors.lock().expect("no thread panics with it");
        errors.first().cloned()
    }

    /// The longest throttle time that the server told.
    pub fn throttle_ms_max(&self) -> i64 {
        self.throttle_ms_max.load(Relaxed)
    }

    fn fail(&self, error: String) {
        let mut errors = self.errors.lock().expect("no thread panics with it");
        if errors.len() < ERRORS_MAX {
            errors.push(error);
        }
        self.failed.store(true, Relaxed);
    }

    fn delivered(&self, note: usize) {
        let acks = &self.acks[note >> DUE_BITS];
        acks.count.fetch_add(1, Relaxed);
        let due_us = note as u64 & ((1 << DUE_BITS) - 1);
        if due_us >= self.measured_from_us.load(Relaxed) {
            let elapsed = self.epoch.elapsed().as_nanos() as u64;
            let mut latencies = acks.latencies.lock().expect("no thread panics with it");
            record(&mut latencies, elapsed.saturating_sub(due_us * 1_000));
        }
    }
}

/// The part of librdkafka's statistics that is read.
#[derive(Deserialize)]
struct Statistics {
    brokers: std::collections::HashMap<String, BrokerStatistics>,
}

#[derive(Deserialize)]
struct BrokerStatistics {
    throttle: Option<Window>,
}

#[derive(Deserialize)]
struct Window {
    max: i64,
}

impl ClientContext for Events {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn stats_raw(&self, statistics: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(statistics) else {
            return self.fail("the client's statistics cannot be read".to_owned());
        };
        let windows = statistics
            .brokers
            .values()
            .filter_map(|b| b.throttle.as_ref());
        let max = windows.map(|window| window.max).max().unwrap_or(0);
        self.throttle_ms_max.fetch_max(max, Relaxed);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.fail(format!("{error}: {reason}"));
    }

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let SignIn::MskIam {
            access_key_id,
            secret_access_key,
            region,
        } = &self.sign_in
        else {
            return Err("this client does not sign in by token".into());
        };
        let request = SignedRequest::now(access_key_id, secret_access_key, region, "");
        let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)? + TOKEN_LIFETIME;
        Ok(OAuthToken {
            token: request.bearer_token(),
            principal_name: "kafka-cluster".to_owned(),
            lifetime_ms: i64::try_from(end.as_millis())?,
        })
    }
}

impl ConsumerContext for Events {}

impl ProducerContext for Events {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, note: usize) {
        match result {
            Ok(_) => self.delivered(note),
            Err((error, _)) => self.fail(format!("a message was not delivered: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(sign_in: &SignIn) -> Events {
        Events::new(sign_in, 2, Instant::now())
    }

    #[test]
    fn a_note_keeps_offer_and_due_time_apart() {
        let events = events(&SignIn::Nobody);
        events.measure_from(5_000);
        events.delivered(delivery_note(1, 5_000));
        events.delivered(delivery_note(1, 4_000));
        events.delivered(delivery_note(0, 0));
        assert_eq!(events.acknowledged(), 3);
        assert_eq!(events.latencies(1).len(), 1);
        assert_eq!(events.latencies(0).len(), 0);
    }

    #[test]
    fn the_first_of_many_errors_is_told() {
        let events = events(&SignIn::Nobody);
        assert_eq!(events.error(), None);
        (0..100).for_each(|n| events.fail(format!("error {n}")));
        assert_eq!(events.error().as_deref(), Some("error 0"));
        assert_eq!(events.errors.lock().unwrap().len(), ERRORS_MAX);
    }

    #[test]
    fn a_throttle_time_is_found_in_the_statistics() {
        let events = events(&SignIn::Nobody);
        events.stats_raw(br#"{"brokers": {"a": {"throttle": {"max": 0}}, "b": {"throttle": {"max": 12}}, "c": {}}}"#);
        assert_eq!((events.throttle_ms_max(), events.error()), (12, None));
        events.stats_raw(b"nonsense");
        assert!(events.error().is_some());
    }

    #[test]
    fn a_token_is_a_presigned_address_without_padding() {
        let key = SignIn::MskIam {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let token = events(&key).generate_oauth_token(None).unwrap().token;
        assert!(token.starts_with("aHR0cHM6Ly9rYWZrYS51cy1lYXN0LTEuYW1hem9uYXdzLmNvbS8_QWN0aW9u"));
        assert!(!token.contains('='));
        assert!(events(&SignIn::Nobody).generate_oauth_token(None).is_err());
    }
}
