//! One of the two servers, and what it answered so far.
//!
//! Owns: the connection, the list of answers, and the other names of values that no two servers share: the ids they
//! draw and the time of day. Does not own: what is asked (`scenarios`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tests::client::{CallError, Client, Credentials, Endpoint, Exchange};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use wire::schema::Message;
use wire::{ApiKey, DecodeError, Response};

use crate::fields::{Field, IdNames, fields};
use crate::scenarios::UNKNOWN_ID;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long a new topic may take until it can be used, and a deleted one until it is gone.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);

/// How often the server is asked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Timestamps later than this after the start of the comparison are the server's own.
const OWN_TIME_AFTER_MS: i64 = 300_000;

/// Fields that hold a time.
const TIMES: [&str; 4] = [
    "log_append_time_ms",
    "timestamp",
    "base_timestamp",
    "max_timestamp",
];

/// A topic's id on the wire.
pub type TopicId = [u8; 16];

/// How to reach a server: a part of the ready file, which the bar also writes for Apache Kafka.
#[derive(Clone, Debug, Deserialize)]
pub struct Access {
    bootstrap: String,
    ca_file: PathBuf,
    scram_username: String,
    scram_password: String,
}

impl Access {
    /// The user and a password that is not theirs.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.scram_username
    }

    /// The user's password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.scram_password
    }
}

/// What came back for one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request's key.
    pub key: ApiKey,
    /// The request's version.
    pub version: i16,
    /// What was asked.
    pub case: String,
    /// The answer's fields; before them `outcome`: `answer`, `closed` or `silence`.
    pub fields: Vec<Field>,
}

/// See the file's header.
pub struct Side {
    access: Access,
    endpoint: Endpoint,
    client: Option<Client>,
    signs_in: bool,
    answers: Vec<Answer>,
    producer_names: BTreeMap<String, String>,
    id_names: IdNames,
    topic_ids: BTreeMap<String, TopicId>,
    broker_id: i32,
    start_ms: i64,
}

impl Side {
    /// A server. Timestamps in records count from `start_ms`.
    ///
    /// # Errors
    /// If there is no such authority, or nobody answers.
    pub async fn new(access: Access, start_ms: i64) -> Result<Self> {
        let endpoint = Endpoint::tls(&access.bootstrap, "localhost", &access.ca_file)?;
        let mut side = Self {
            access,
            endpoint,
            client: None,
            signs_in: true,
            answers: Vec::new(),
            producer_names: BTreeMap::new(),
            id_names: IdNames::from([
                ([0; 16], "no id".to_owned()),
                (UNKNOWN_ID, "an unknown id".to_owned()),
            ]),
            topic_ids: BTreeMap::new(),
            broker_id: 0,
            start_ms,
        };
        let answer = side.connected().await?.metadata(Some(&[])).await?;
        side.broker_id = answer.controller_id;
        Ok(side)
    }

    /// How it is reached.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// The one broker.
    #[must_use]
    pub const fn broker_id(&self) -> i32 {
        self.broker_id
    }

    /// From when timestamps count.
    #[must_use]
    pub const fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// Everything that was answered.
    #[must_use]
    pub fn into_answers(self) -> Vec<Answer> {
        self.answers
    }

    /// Goes on with a new connection, on which the scenario signs in itself, if at all.
    pub fn stranger(&mut self) {
        self.client = None;
        self.signs_in = false;
    }

    /// Goes on with a new connection that is signed in.
    pub fn signed_in(&mut self) {
        self.client = None;
        self.signs_in = true;
    }

    /// Asks, and keeps the answer for the comparison. None where the server closed or said nothing.
    ///
    /// # Errors
    /// If there is no connection to be had, or the answer does not decode.
    pub async fn ask<R>(
        &mut self,
        case: &str,
        version: i16,
        request: R,
    ) -> Result<Option<R::Response>>
    where
        R: Exchange,
        R::Response: Message,
    {
        let client = self.connected().await?;
        let answered = match client.send_unanswered(version, request).await {
            Ok(()) => client.receive_frame().await,
            Err(error) => Err(error),
        };
        let told = format!("{:?} v{version} {case}", R::KEY);
        self.keep::<R>(case, version, answered).context(told)
    }

    /// Sends a frame as it is, its length included; the answer, if any, is of this key and version.
    ///
    /// # Errors
    /// As [`Side::ask`].
    pub async fn ask_raw<R>(&mut self, case: &str, version: i16, frame: &[u8]) -> Result<()>
    where
        R: Exchange,
        R::Response: Message,
    {
        let client = self.connected().await?;
        let answered = match client.send_bytes(frame).await {
            Ok(()) => client.receive_frame().await,
            Err(error) => Err(error),
        };
        self.keep::<R>(case, version, answered)
            .context(case.to_owned())?;
        Ok(())
    }

    fn keep<R>(
        &mut self,
        case: &str,
        version: i16,
        answered: Result<bytes::Bytes, CallError>,
    ) -> Result<Option<R::Response>>
    where
        R: Exchange,
        R::Response: Message,
    {
        let (outcome, frame) = match answered {
            Ok(frame) => ("answer", Some(frame)),
            Err(CallError::Connection(_)) => ("closed", None),
            Err(CallError::TimedOut(_)) => ("silence", None),
            Err(error) => bail!("{error}"),
        };
        if frame.is_none() {
            self.client = None;
        }
        let mut all = vec![("outcome".to_owned(), outcome.to_owned())];
        let mut response = None;
        if let Some(frame) = frame {
            let decoded = decode::<R>(version, frame.clone());
            response = Some(decoded.with_context(|| hex::encode(&frame))?);
            all.extend(fields::<R::Response>(
                R::KEY,
                version,
                frame,
                &self.id_names,
            )?);
        }
        let start_ms = self.start_ms;
        for (path, value) in &mut all {
            let name = path.rsplit('.').next().unwrap_or_default();
            if name == "producer_id" {
                match self.producer_names.get(value) {
                    Some(name) => value.clone_from(name),
                    None if value.starts_with('-') => {}
                    None => "a new producer id".clone_into(value),
                }
            } else if TIMES.contains(&name) {
                *value = time_name(value, start_ms);
            }
        }
        // A broker's properties are asked for by its id.
        let (id, name) = (
            format!("[{:?}]", self.broker_id.to_string()),
            "[the broker]",
        );
        for (path, value) in &mut all {
            if path.ends_with(".resource_name") && format!("[{value}]") == id {
                "the broker".clone_into(value);
            }
            *path = path.replace(&id, name);
        }
        let case = case.to_owned();
        self.answers.push(Answer {
            key: R::KEY,
            version,
            case,
            fields: all,
        });
        Ok(response)
    }

    /// Lets a producer id be called by another name, the same for both servers.
    pub fn call_producer(&mut self, producer_id: i64, name: &str) {
        self.producer_names
            .insert(producer_id.to_string(), name.to_owned());
    }

    /// The id of a topic that was made.
    ///
    /// # Panics
    /// If [`Side::settle`] was not called for it.
    #[must_use]
    pub fn topic_id(&self, topic: &str) -> TopicId {
        self.topic_ids[topic]
    }

    /// Waits until a new topic can be used, and learns its id.
    ///
    /// # Errors
    /// If that does not come.
    pub async fn settle(&mut self, topic: &str) -> Result<()> {
        let usable = |told: &MetadataResponseTopic| {
            let led = |partition: &wire::messages::metadata::MetadataResponsePartition| {
                partition.error_code == 0 && partition.leader_id >= 0
            };
            told.error_code == 0 && !told.partitions.is_empty() && told.partitions.iter().all(led)
        };
        let told = self.wait_for(topic, usable).await?;
        for partition in &told.partitions {
            self.wait_for_log(topic, partition.partition_index).await?;
        }
        self.topic_ids.insert(topic.to_owned(), told.topic_id);
        self.id_names
            .insert(told.topic_id, format!("id of {topic}"));
        Ok(())
    }

    /// Waits until a partition has a log: Kafka tells its leader before that.
    async fn wait_for_log(&mut self, topic: &str, partition: i32) -> Result<()> {
        const EARLIEST: i64 = -2;
        let deadline = Instant::now() + SETTLES_WITHIN;
        loop {
            let client = self.connected().await?;
            let told = client.list_offset(topic, partition, EARLIEST).await?;
            if told.error_code == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{topic}-{partition} does not settle: {told:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a deleted topic is gone.
    ///
    /// # Errors
    /// If it stays.
    pub async fn settle_gone(&mut self, topic: &str) -> Result<()> {
        self.wait_for(topic, |told| told.error_code == 3).await?;
        Ok(())
    }

    async fn wait_for(
        &mut self,
        topic: &str,
        settled: impl Fn(&MetadataResponseTopic) -> bool,
    ) -> Result<MetadataResponseTopic> {
        let deadline = Instant::now() + SETTLES_WITHIN;
        loop {
            let by_name = MetadataRequestTopic {
                name: Some(topic.to_owned()),
                ..MetadataRequestTopic::default()
            };
            let request = MetadataRequest {
                topics: Some(vec![by_name]),
                allow_auto_topic_creation: false,
                ..MetadataRequest::default()
            };
            let answer = self.connected().await?.call(request).await?;
            let told = answer.topics.into_iter().next().context("no topic told")?;
            if settled(&told) {
                return Ok(told);
            }
            if Instant::now() > deadline {
                bail!("{topic} does not settle: {told:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The connection, made anew if the server closed it.
    ///
    /// # Errors
    /// If there is none to be had.
    pub async fn connected(&mut self) -> Result<&mut Client> {
        if self.client.is_none() {
            let mut client = Client::connect(&self.endpoint).await?;
            client.set_patience(PATIENCE);
            if self.signs_in {
                let Access {
                    scram_username,
                    scram_password,
                    ..
                } = &self.access;
                client
                    .sign_in(&Credentials::scram(scram_username, scram_password))
                    .await?;
            }
            self.client = Some(client);
        }
        Ok(self.client.as_mut().expect("it was made just now"))
    }
}

/// What `wire` makes of a frame.
fn decode<R: Exchange>(version: i16, frame: bytes::Bytes) -> Result<R::Response, DecodeError> {
    let (_, response) = Response::decode(R::KEY, version, frame)?;
    Ok(R::take(response).expect("a frame is decoded as the key that was asked for"))
}

/// A time as both servers can tell it.
fn time_name(value: &str, start_ms: i64) -> String {
    match value.parse::<i64>() {
        Ok(ms) if ms > start_ms + OWN_TIME_AFTER_MS => "the server's time".to_owned(),
        Ok(ms) if ms >= 0 => format!("start{:+}", ms - start_ms),
        _ => value.to_owned(),
    }
}
