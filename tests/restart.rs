//! A stop on request is quick and loses nothing; what a start finds wrong, it says by name.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::{ProducerEpoch, ProducerId};
use records::ProducerFields;
use tempfile::TempDir;
use tests::audit::read_on;
use tests::client::{Client, FetchLimits};
use tests::ledger::{Ledger, Promise, Tag, batch};
use tests::load::{Producer, Target};
use tests::process::Server;
use wire::ErrorCode;

use crate::{launch, signed_in};

/// From the signal to the end of the process.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How long delivered bytes may take to get onto the bill.
const REPORTED_WITHIN: Duration = Duration::from_secs(10);

const TOPIC: &str = "orders";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// One partition's worth of an idempotent producer.
struct Idempotent(ProducerFields);

impl Idempotent {
    async fn new(client: &mut Client) -> Self {
        let answer = client.init_producer_id().await.unwrap();
        assert_eq!(answer.error_code, 0);
        Self(ProducerFields {
            producer_id: ProducerId(answer.producer_id),
            producer_epoch: ProducerEpoch(answer.producer_epoch),
            base_sequence: 0,
        })
    }

    /// The batch of three records with this number.
    fn batch(&self, number: u32) -> Bytes {
        let fields = ProducerFields {
            base_sequence: 3 * number as i32,
            ..self.0
        };
        batch(
            Tag {
                producer: 0,
                number,
            },
            Some(fields),
            3,
            1000,
        )
    }
}

/// Everything from the beginning, as it is stored.
async fn stored(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = client.read_to_end_of(TOPIC, 0, 0, |batch| {
        batch
            .segments()
            .iter()
            .for_each(|segment| bytes.extend_from_slice(segment));
        Ok(())
    });
    read.await.unwrap();
    bytes
}

async fn await_bytes_out(server: &Server, expected: usize) {
    let deadline = Instant::now() + REPORTED_WITHIN;
    loop {
        let billed = server.usage("demo").unwrap().bytes_out;
        if billed == expected as u64 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "billed {billed} bytes out, delivered {expected}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_again() {
    let folder = folder();
    let server = launch(folder.path()).start().unwrap();
    let access = server.access().unwrap();
    let (ready, ca) = (
        server.ready().clone(),
        std::fs::read(&server.ready().ca_file).unwrap(),
    );
    let mut client = signed_in(&access).await;
    client.create_topic(TOPIC, 1).await.unwrap();
    let producer = Idempotent::new(&mut client).await;
    let batches: Vec<Bytes> = (0..8).map(|number| producer.batch(number)).collect();
    for (number, batch) in (0..).zip(&batches) {
        let answer = client.produce(TOPIC, 0, batch.clone()).await.unwrap();
        assert_eq!((answer.error_code, answer.base_offset), (0, 3 * number));
    }
    let before = stored(&mut client).await;
    let told = client.metadata(None).await.unwrap();
    let sent: usize = batches.iter().map(Bytes::len).sum();
    assert_eq!(server.usage("demo").unwrap().bytes_in, sent as u64);
    // Not waited for: what was delivered is reported at the stop, at the latest.
    server.terminate(STOP_WITHIN).unwrap();

    let server = launch(folder.path()).start().unwrap();
    let again = server.ready();
    assert_eq!(again.access_key_id, ready.access_key_id);
    assert_eq!(again.secret_access_key, ready.secret_access_key);
    assert_eq!(again.scram_password, ready.scram_password);
    assert_eq!(std::fs::read(&again.ca_file).unwrap(), ca);
    let usage = server.usage("demo").unwrap();
    assert_eq!(
        (usage.bytes_in, usage.bytes_out),
        (sent as u64, before.len() as u64)
    );

    let mut client = signed_in(&server.access().unwrap()).await;
    assert_eq!(stored(&mut client).await, before);
    await_bytes_out(&server, 2 * before.len()).await;
    let told_again = client.metadata(None).await.unwrap();
    assert_eq!(told_again.cluster_id, told.cluster_id);
    assert_eq!(told_again.topics, told.topics);
    producers_go_on(&mut client, &producer, &batches).await;
    server.terminate(STOP_WITHIN).unwrap();
}

/// What a producer has sent is known after a restart: repeats have their offsets, gaps are refused.
async fn producers_go_on(client: &mut Client, producer: &Idempotent, batches: &[Bytes]) {
    for number in 3..8_u32 {
        let repeat = batches[number as usize].clone();
        let answer = client.produce(TOPIC, 0, repeat).await.unwrap();
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (0, 3 * i64::from(number))
        );
    }
    let gap = client.produce(TOPIC, 0, producer.batch(9)).await.unwrap();
    let out_of_order = ErrorCode::OutOfOrderSequenceNumber.code();
    assert_eq!((gap.error_code, gap.base_offset), (out_of_order, -1));
    let next = client.produce(TOPIC, 0, producer.batch(8)).await.unwrap();
    assert_eq!((next.error_code, next.base_offset), (0, 24));
    let fresh = Idempotent::new(client).await;
    assert_ne!(fresh.0.producer_id, producer.0.producer_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_loses_nothing_that_was_acknowledged() {
    let folder = folder();
    let target = Target {
        topic: TOPIC.to_owned(),
        partitions: 2,
        value_bytes_max: 2000,
    };
    let ledger = Arc::new(Mutex::new(Ledger::new(Promise::ExactlyOnce)));
    let mut producer = None;
    for signal in ["TERM", "INT", "KILL"] {
        let mut server = launch(folder.path())
            .set("CLUSTERS__DEMO__PLAN", "provisioned")
            .start()
            .unwrap();
        let mut client = signed_in(&server.access().unwrap()).await;
        let mut loaded = match producer.take() {
            Some(producer) => producer,
            None => {
                client.create_topic(TOPIC, 2).await.unwrap();
                let Idempotent(fields) = Idempotent::new(&mut client).await;
                let identity = (fields.producer_id, fields.producer_epoch);
                Producer::new(0, Some(identity), &target, 1)
            }
        };
        let shared = Arc::clone(&ledger);
        let load = tokio::spawn(async move {
            let outcome = loaded.run(&mut client, &shared, || true).await;
            (
                loaded,
                outcome.expect_err("only the end of the connection ends the load"),
            )
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.signal(signal).unwrap();
        let status = server.wait(STOP_WITHIN).unwrap();
        assert_eq!(status.success(), signal != "KILL", "{signal}: {status}");
        let (loaded, end) = load.await.unwrap();
        assert!(end.is_connection(), "{signal}: {end}");
        producer = Some(loaded);
    }
    let server = launch(folder.path()).start().unwrap();
    let mut client = signed_in(&server.access().unwrap()).await;
    let mut producer = producer.unwrap();
    producer.run(&mut client, &ledger, || false).await.unwrap();
    read_on(&mut client, TOPIC, 2, &ledger).await.unwrap();
    let totals = ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .totals();
    assert!(totals.acknowledged_batches > 10, "{totals:?}");
    assert_eq!(totals.acknowledged_bytes, totals.read_bytes);
    assert_eq!(server.usage("demo").unwrap().bytes_in, totals.read_bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_clients_do_not_hold_up_a_stop() {
    let folder = folder();
    let server = launch(folder.path()).start().unwrap();
    let access = server.access().unwrap();
    let mut client = signed_in(&access).await;
    client.create_topic(TOPIC, 1).await.unwrap();
    let waiting = tokio::spawn(async move {
        let limits = FetchLimits {
            max_wait_ms: 60_000,
            ..FetchLimits::default()
        };
        client.fetch(TOPIC, 0, 0, limits).await
    });
    let idle = signed_in(&access).await;
    let unsigned = Client::connect(&access.endpoint).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.terminate(STOP_WITHIN).unwrap();
    // An empty answer or the end of the connection: both tell the client to come again.
    let _ = tokio::time::timeout(STOP_WITHIN, waiting)
        .await
        .expect("the client is told");
    drop((idle, unsigned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_folder_is_refused_and_does_no_harm() {
    let folder = folder();
    let server = launch(folder.path()).start().unwrap();
    let access = server.access().unwrap();
    let mut client = signed_in(&access).await;
    client.create_topic(TOPIC, 1).await.unwrap();
    for _ in 0..2 {
        let data = folder.path().to_str().unwrap();
        let listen = ["serve", "--listen", "127.0.0.1:0", "--data", data];
        let said = launch(folder.path()).run(&listen).unwrap();
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success(), "{words}");
        assert!(words.contains(data) && words.contains("in use"), "{words}");
    }
    let sent = batch(
        Tag {
            producer: 0,
            number: 0,
        },
        None,
        1,
        100,
    );
    assert_eq!(client.produce(TOPIC, 0, sent).await.unwrap().error_code, 0);
    assert_eq!(client.create_topic("later", 1).await.unwrap().error_code, 0);
    assert!(
        server.usage("demo").unwrap().bytes_in > 0,
        "the command still reaches the server"
    );
    server.terminate(STOP_WITHIN).unwrap();
    let server = launch(folder.path()).start().unwrap();
    let mut client = signed_in(&server.access().unwrap()).await;
    assert_eq!(client.metadata(None).await.unwrap().topics.len(), 2);
    assert_eq!(client.list_offset(TOPIC, 0, -1).await.unwrap().offset, 1);
    server.terminate(STOP_WITHIN).unwrap();
}

/// What `tidegate` says where it does not start.
fn refusal(data: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let data_flag = ["--data", data.to_str().unwrap()];
    let arguments: Vec<&str> = arguments.iter().chain(&data_flag).copied().collect();
    let set = environment.iter();
    let launch = set.fold(launch(data), |launch, (name, value)| {
        launch.set(name, value)
    });
    let said = launch.run(&arguments).unwrap();
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        !said.status.success(),
        "{environment:?} {arguments:?} was accepted: {words}"
    );
    words
}

#[test]
fn a_wrong_flag_is_refused_by_name() {
    let folder = folder();
    for (arguments, name) in [
        (&["serve", "--listen", "nonsense"][..], "--listen"),
        (&["serve", "--listen", "127.0.0.1:99999"], "--listen"),
        (&["serve", "--no-such-flag"], "--no-such-flag"),
        (&["no-such-command"], "no-such-command"),
        (
            &["serve", "--config", "/no/such/file.toml"],
            "/no/such/file.toml",
        ),
        (&["serve", "--listen", "192.0.2.1:0"], "192.0.2.1"),
    ] {
        let words = refusal(folder.path(), &[], arguments);
        assert!(words.contains(name), "{arguments:?}: {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}

#[test]
fn a_wrong_setting_is_refused_by_name() {
    let folder = folder();
    for (name, value, told) in [
        ("SEGMENT_BYTES", "lots", "segment_bytes"),
        ("SEGMENT_BYTES", "1", "segment_bytes"),
        ("LOG_FORMAT", "xml", "log_format"),
        ("NO_SUCH_KEY", "1", "no_such_key"),
        ("ADMIN_LISTEN", "0.0.0.0:0", "admin_listen"),
        ("CLUSTERS__DEMO__PLAN", "golden", "clusters.demo.plan"),
        (
            "CLUSTERS__DEMO__VIRTUAL_BROKERS",
            "0",
            "clusters.demo.virtual_brokers",
        ),
        (
            "CLUSTERS__DEMO__LIMITS__CONNECTIONS_MAX",
            "-1",
            "connections_max",
        ),
        (
            "CLUSTERS__DEMO__LIMITS__NO_SUCH_LIMIT",
            "1",
            "no_such_limit",
        ),
        (
            "CLUSTERS__DEMO__PLAINTEXT_LISTEN",
            "0.0.0.0:9",
            "clusters.demo.plaintext_listen",
        ),
        (
            "GATEWAY__REQUEST_BYTES_MAX",
            "big",
            "gateway.request_bytes_max",
        ),
        ("GATEWAY__REQUEST_MEMORY_BYTES", "1", "request_memory_bytes"),
    ] {
        let words = refusal(
            folder.path(),
            &[(name, value)],
            &["serve", "--listen", "127.0.0.1:0"],
        );
        assert!(
            words.to_lowercase().contains(told),
            "{name}={value}: {words}"
        );
        assert!(!words.contains("panicked"), "{words}");
    }
    std::fs::write(folder.path().join("tidegate.toml"), "listen = 5\n").unwrap();
    let words = refusal(folder.path(), &[], &["serve"]);
    assert!(
        words.contains("listen") && words.contains("tidegate.toml"),
        "{words}"
    );
    std::fs::write(folder.path().join("tidegate.toml"), "listen = \n").unwrap();
    let words = refusal(folder.path(), &[], &["serve"]);
    assert!(words.contains("tidegate.toml"), "{words}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = refusal(folder.path(), &[], &["serve", "--listen", &address]);
    assert!(words.contains(&address), "{words}");
}

#[test]
fn usage_without_a_server_says_so() {
    let folder = folder();
    let words = refusal(folder.path(), &[], &["usage"]);
    assert!(words.contains("admin.json"), "{words}");
    let server = launch(folder.path()).start().unwrap();
    server.terminate(STOP_WITHIN).unwrap();
    let words = refusal(folder.path(), &[], &["usage"]);
    assert!(words.contains("is it running?"), "{words}");
}
