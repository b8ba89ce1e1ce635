//! librdkafka's settings for each kind of client; all servers get the same.
//!
//! Owns: the settings. Does not own: what the clients are used for. Everything that is not set here is librdkafka's
//! default: acknowledgement by all, no compression, 1 MB of batch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;

use crate::events::Events;
use crate::scenario::ProducerSettings;
use crate::target::{SignIn, Target};

/// Messages that a producer holds at most; beyond it, sending waits.
const QUEUE_MESSAGES_MAX: &str = "500000";
/// KiB that a producer holds at most; beyond it, sending waits.
const QUEUE_KBYTES_MAX: &str = "200000";
/// How often a client of an open loop tells its statistics, throttle times among them.
const STATISTICS_MS: &str = "1000";
/// How long a blocking question to a server may take.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// What each client has on its way to a server.
fn base(target: &Target, sign_in: &SignIn) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &target.bootstrap);
    config.set("client.id", "tidegate-loadtest");
    let protocol = match (&target.ca_file, sign_in) {
        (Some(_), SignIn::Nobody) => "ssl",
        (Some(_), _) => "sasl_ssl",
        (None, SignIn::Nobody) => "plaintext",
        (None, _) => "sasl_plaintext",
    };
    config.set("security.protocol", protocol);
    if let Some(ca_file) = &target.ca_file {
        config.set("ssl.ca.location", ca_file.to_string_lossy());
    }
    match sign_in {
        SignIn::Nobody => {}
        SignIn::MskIam { .. } => {
            config.set("sasl.mechanisms", "OAUTHBEARER");
        }
        SignIn::Scram { username, password } => {
            config.set("sasl.mechanisms", "SCRAM-SHA-512");
            config.set("sasl.username", username);
            config.set("sasl.password", password);
        }
    }
    config
}

/// A producer; its events are served by whoever polls it. It tells statistics if `paced`.
///
/// # Errors
/// The settings do not work.
pub fn producer(
    target: &Target,
    settings: ProducerSettings,
    paced: bool,
    events: Events,
) -> Result<BaseProducer<Events>> {
    let mut config = base(target, &target.sign_in);
    config.set("queue.buffering.max.messages", QUEUE_MESSAGES_MAX);
    config.set("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX);
    config.set("enable.idempotence", settings.idempotent.to_string());
    config.set("linger.ms", settings.linger_ms.to_string());
    if let Some(bytes) = settings.batch_bytes {
        config.set("batch.size", bytes.to_string());
    }
    if paced {
        config.set("statistics.interval.ms", STATISTICS_MS);
    }
    let producer = config.create_with_context(events);
    producer.context("the producer cannot be made")
}

/// A consumer; a group that commits if `commits`.
///
/// # Errors
/// The settings do not work.
pub fn consumer(
    target: &Target,
    group: &str,
    commits: bool,
    events: Events,
) -> Result<Arc<BaseConsumer<Events>>> {
    let mut config = base(target, &target.sign_in);
    config.set("group.id", group);
    config.set("auto.offset.reset", "earliest");
    config.set("enable.auto.commit", commits.to_string());
    if commits {
        config.set("statistics.interval.ms", STATISTICS_MS);
    }
    let consumer = config.create_with_context(events);
    consumer
        .map(Arc::new)
        .context("the consumer cannot be made")
}

/// Who makes and deletes topics.
///
/// # Errors
/// The settings do not work.
pub fn admin(target: &Target) -> Result<AdminClient<DefaultClientContext>> {
    let config = base(target, &target.admin_sign_in);
    config.create().context("the admin client cannot be made")
}
