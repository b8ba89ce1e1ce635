//! The properties of topics that producers and consumers feel.

use bytes::Bytes;
use model::{ByteCount, Timestamp, TopicConfig};
use records::{BatchBuilder, Codec, NewRecord};
use wire::Response;

use super::peer::{fetch_of, produce_to};
use super::producing::codes;
use super::world::{WALL_START, World, batch, batch_at, partition};

/// Records that compress well, or not at all, in a batch of this codec.
fn packed(codec: Codec, value_bytes: usize) -> Bytes {
    let value = vec![b'v'; value_bytes];
    let mut builder = BatchBuilder::new(codec);
    for after in 0..3 {
        builder.push(&NewRecord {
            timestamp: Timestamp(WALL_START + after),
            key: Some(b"key"),
            value: Some(&value),
            headers: &[("trace", Some(b"1"))],
        });
    }
    builder.build()
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_names_a_codec_stores_its_batches_so() {
    let world = World::new();
    let mut peer = world.connect();
    for (name, codec) in [
        ("uncompressed", Codec::Uncompressed),
        ("gzip", Codec::Gzip),
        ("snappy", Codec::Snappy),
        ("lz4", Codec::Lz4),
        ("zstd", Codec::Zstd),
    ] {
        let config = TopicConfig {
            compression_type: name.to_owned(),
            ..TopicConfig::default()
        };
        let topic = world.topic_with(name, 1, config);
        // Small ones are compressed on the spot, large ones on another thread.
        for value_bytes in [10, 30_000] {
            for sent in Codec::ALL {
                let request = produce_to(name, 0, packed(sent, value_bytes));
                assert_eq!(codes(&peer.produce(request).await), [0], "{sent:?}");
            }
        }
        let response = peer.fetch(fetch_of(name, &[(0, 0)])).await;
        let records = response.responses[0].partitions[0].records.clone();
        let stored: Vec<_> = records::batches(records.unwrap().into_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(stored.len(), 10);
        for batch in &stored {
            assert_eq!(batch.header().attributes.codec(), Some(codec));
            batch.check_crc().unwrap();
            let records = records::decode_records(batch, &Default::default()).unwrap();
            let records: Vec<_> = records.collect::<Result<_, _>>().unwrap();
            assert_eq!(records.len(), 3);
            assert_eq!(records[2].timestamp.0, WALL_START + 2);
            assert_eq!(records[2].headers[0].0, "trace");
        }
        let end = stored[9].last_offset().value();
        assert_eq!((end, world.node.records(partition(topic, 0))), (29, 30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_producers_codec_stays_where_the_topic_names_none() {
    let world = World::new();
    let topic = world.topic("t", 1);
    let mut peer = world.connect();
    for codec in Codec::ALL {
        let sent = packed(codec, 100);
        peer.produce(produce_to("t", 0, sent.clone())).await;
        let stored = world.node.bodies(partition(topic, 0));
        assert_eq!(stored.last().unwrap(), &sent.slice(61..));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_codec_makes_too_large_is_refused() {
    let world = World::new();
    let config = TopicConfig {
        compression_type: "uncompressed".to_owned(),
        max_message_bytes: ByteCount(10_000),
        ..TopicConfig::default()
    };
    let topic = world.topic_with("t", 1, config);
    let mut peer = world.connect();
    let large = produce_to("t", 0, packed(Codec::Gzip, 5_000));
    assert_eq!(codes(&peer.produce(large).await), [10]);
    assert_eq!(world.node.records(partition(topic, 0)), 0);
}

#[tokio::test(start_paused = true)]
async fn old_and_early_timestamps_have_limits_of_their_own() {
    let world = World::new();
    let timed = TopicConfig {
        message_timestamp_before_max_ms: 10_000,
        message_timestamp_after_max_ms: 100_000,
        ..TopicConfig::default()
    };
    world.topic_with("timed", 1, timed);
    let mut peer = world.connect();
    for (at, code) in [(-5_000, 0), (-20_000, 32), (50_000, 0), (200_000, 32)] {
        let request = produce_to("timed", 0, batch_at(WALL_START + at, b"a"));
        assert_eq!(codes(&peer.produce(request).await), [code], "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_know_zstd_is_told_so() {
    let world = World::new();
    let config = TopicConfig {
        compression_type: "zstd".to_owned(),
        ..TopicConfig::default()
    };
    world.topic_with("t", 1, config);
    let mut peer = world.connect();
    peer.produce(produce_to("t", 0, batch(b"a"))).await;
    for (version, code) in [(9, 76), (10, 0)] {
        let Response::Fetch(response) = peer.call(version, fetch_of("t", &[(0, 0)])).await else {
            panic!("a fetch answer");
        };
        assert_eq!(response.responses[0].partitions[0].error_code, code);
    }
}
