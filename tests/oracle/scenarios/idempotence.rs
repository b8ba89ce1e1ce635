//! Produce (0) by idempotent producers: what becomes of each sequence and epoch (KIP-98, KIP-360).
//!
//! Owns: the sequences. Does not own: the batches' form (`produce`).

use anyhow::Result;
use records::Codec;
use wire::ApiKey;

use super::init_producer_id::fresh;
use super::produce::request;
use super::{make, topic, versions};
use crate::batches::{batch, sequenced};
use crate::side::Side;

/// Records of each batch.
const COUNT: i64 = 2;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for version in versions(ApiKey::Produce) {
        let name = format!("idempotent-{version}");
        make(side, topic(&name, 1, &[])).await?;
        for scenario in [&WINDOW[..], &EPOCHS, &GAP_FIRST, &WRAP, &SIZES] {
            play(side, version, &name, scenario).await?;
        }
        interleaved(side, version, &name).await?;
        // Kafka takes a negative epoch, so these have a log of their own.
        let name = format!("negative-{version}");
        make(side, topic(&name, 1, &[])).await?;
        play(side, version, &name, &NEGATIVE).await?;
    }
    Ok(())
}

/// A batch: what it is, its epoch above the producer's, its sequence, its records.
type Step = (&'static str, i16, i32, i64);

/// In order; then each that the window still has, and one older.
const WINDOW: [Step; 14] = [
    ("first", 0, 0, COUNT),
    ("first again", 0, 0, COUNT),
    ("second", 0, 2, COUNT),
    ("a gap", 0, 6, COUNT),
    ("third", 0, 4, COUNT),
    ("fourth", 0, 6, COUNT),
    ("fifth", 0, 8, COUNT),
    ("sixth", 0, 10, COUNT),
    ("sixth again", 0, 10, COUNT),
    ("second again", 0, 2, COUNT),
    ("first, older than the window", 0, 0, COUNT),
    ("over the edge of two", 0, 9, COUNT),
    ("seventh", 0, 12, COUNT),
    ("second, older than the window", 0, 2, COUNT),
];

const EPOCHS: [Step; 7] = [
    ("epoch 1 first", 1, 0, COUNT),
    ("epoch 0 after it", 0, 0, COUNT),
    ("epoch 2 from the middle", 2, 5, COUNT),
    ("epoch 1 goes on", 1, 2, COUNT),
    ("epoch 2 from the start", 2, 0, COUNT),
    ("epoch 2 again", 2, 0, COUNT),
    ("epoch 1 again", 1, 0, COUNT),
];

const GAP_FIRST: [Step; 3] = [
    ("from the middle", 0, 5, COUNT),
    ("from the start after it", 0, 0, COUNT),
    ("goes on in the middle", 0, 7, COUNT),
];

const WRAP: [Step; 4] = [
    ("at the last sequence", 0, i32::MAX - 1, COUNT),
    ("wrapped", 0, 0, COUNT),
    ("wrapped again", 0, 0, COUNT),
    ("before the wrap again", 0, i32::MAX - 1, COUNT),
];

const NEGATIVE: [Step; 3] = [
    ("no sequence", 0, -1, COUNT),
    ("a negative epoch", -1, 0, COUNT),
    ("sequence -2", 0, -2, COUNT),
];

const SIZES: [Step; 4] = [
    ("three records", 0, 0, 3),
    ("the first two of them", 0, 0, 2),
    ("four from the first", 0, 0, 4),
    ("from the second", 0, 1, 2),
];

async fn play(side: &mut Side, version: i16, topic: &str, steps: &[Step]) -> Result<()> {
    let (producer_id, first_epoch) = fresh(side, "the producer").await?;
    let start = side.start_ms();
    for (case, epoch, sequence, count) in steps {
        let producer = (producer_id, first_epoch + epoch);
        let records = sequenced(producer, *sequence, start, *count);
        let request = request(side, topic, records);
        side.ask(case, version, request).await?;
    }
    Ok(())
}

/// Two producers and batches without one do not touch each other's sequences.
async fn interleaved(side: &mut Side, version: i16, topic: &str) -> Result<()> {
    let one = fresh(side, "one producer").await?;
    let other = fresh(side, "the other producer").await?;
    let start = side.start_ms();
    for (case, records) in [
        ("one", sequenced(one, 0, start, COUNT)),
        ("the other", sequenced(other, 0, start, COUNT)),
        ("none", batch(Codec::Uncompressed, start, COUNT)),
        ("one goes on", sequenced(one, 2, start, COUNT)),
        ("the other again", sequenced(other, 0, start, COUNT)),
        (
            "one with an id that nobody gave",
            sequenced((1 << 40, 0), 0, start, COUNT),
        ),
    ] {
        let request = request(side, topic, records);
        side.ask(case, version, request).await?;
    }
    Ok(())
}
