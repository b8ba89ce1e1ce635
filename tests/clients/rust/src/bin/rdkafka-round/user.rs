//! How rdkafka signs in, and what it tells its program besides answers.

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use rdkafka::admin::AdminClient;
use rdkafka::client::OAuthToken;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::FutureProducer;
use rdkafka::{ClientContext, Statistics};
use rust_clients::cluster::{Cluster, Credentials, SignIn};
use rust_clients::token::token;

/// A user of the cluster, and what the clients that sign in as them have told.
pub struct User {
    settings: ClientConfig,
    context: Context,
}

/// What every client of a user has in common.
#[derive(Clone)]
pub struct Context {
    credentials: Credentials,
    region: String,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    errors: Mutex<Vec<KafkaError>>,
    throttle_ms: AtomicI64,
    disconnects: AtomicI64,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn stats(&self, statistics: Statistics) {
        // Not those of the addresses in `bootstrap.servers`, which are left once the nodes are known.
        let nodes = statistics
            .brokers
            .values()
            .filter(|broker| broker.nodeid >= 0);
        let (mut throttle_ms, mut disconnects) = (0, 0);
        for node in nodes {
            throttle_ms = throttle_ms.max(node.throttle.as_ref().map_or(0, |window| window.max));
            disconnects += node.disconnects.unwrap_or(0);
        }
        self.told
            .throttle_ms
            .fetch_max(throttle_ms, Ordering::Relaxed);
        self.told
            .disconnects
            .fetch_max(disconnects, Ordering::Relaxed);
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        let errors = self.told.errors.lock();
        errors.unwrap_or_else(PoisonError::into_inner).push(error);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let token = token(&self.credentials, &self.region)?;
        Ok(OAuthToken {
            token: token.text,
            principal_name: self.credentials.access_key_id.clone(),
            lifetime_ms: token.ends_at_ms,
        })
    }
}

impl ConsumerContext for Context {}

impl User {
    /// A user who signs in with `credentials`.
    pub fn new(cluster: &Cluster, credentials: &Credentials, sign_in: SignIn) -> Self {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", &cluster.bootstrap)
            .set("security.protocol", "SASL_SSL")
            .set("ssl.ca.location", cluster.ca_file.to_string_lossy())
            .set("sasl.mechanisms", sign_in.to_string())
            .set("statistics.interval.ms", "200");
        if sign_in == SignIn::Scram {
            settings
                .set("sasl.username", &credentials.scram_username)
                .set("sasl.password", &credentials.scram_password);
        }
        let context = Context {
            credentials: credentials.clone(),
            region: cluster.region.clone(),
            told: Arc::default(),
        };
        Self { settings, context }
    }

    /// An admin client.
    pub fn admin(&self) -> Result<AdminClient<Context>> {
        Ok(self.settings.create_with_context(self.context.clone())?)
    }

    /// A producer with further settings, `acks=all`.
    pub fn producer(&self, further: &[(&str, &str)]) -> Result<FutureProducer<Context>> {
        let mut settings = self.settings.clone();
        settings.set("acks", "all");
        for (name, value) in further {
            settings.set(*name, *value);
        }
        Ok(settings.create_with_context(self.context.clone())?)
    }

    /// A consumer that commits only what it is told to.
    pub fn consumer(&self, group: &str) -> Result<StreamConsumer<Context>> {
        let mut settings = self.settings.clone();
        settings
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        Ok(settings.create_with_context(self.context.clone())?)
    }

    /// The longest throttle that librdkafka's statistics tell of.
    pub fn throttle_ms(&self) -> i64 {
        self.context.told.throttle_ms.load(Ordering::Relaxed)
    }

    /// The most connections that any client of the user has lost.
    pub fn disconnects(&self) -> i64 {
        self.context.told.disconnects.load(Ordering::Relaxed)
    }

    /// Whether a client of the user was told that it is not who it says.
    pub fn is_refused(&self) -> bool {
        let refused = KafkaError::Global(RDKafkaErrorCode::Authentication);
        self.errors().contains(&refused)
    }

    /// Fails if a client of the user was told of any error.
    pub fn expect_no_error(&self) -> Result<()> {
        let errors = self.errors();
        ensure!(errors.is_empty(), "the client reported {errors:?}");
        Ok(())
    }

    fn errors(&self) -> Vec<KafkaError> {
        let errors = self.context.told.errors.lock();
        errors.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
