//! Usage from the log to the bill, over lost answers and restarts; and what is billed as stored.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize};

use control_api::{RecordUsageError, Unavailable};
use quota::{Amounts, SealedUsage, UsageSource};

use super::*;

/// How the bill answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// It keeps the batch and says so.
    #[default]
    Kept,
    /// It keeps the batch, and the answer is lost.
    Lost,
    /// It does not keep the batch.
    Away,
}

/// Keeps batches as the balancer does.
#[derive(Default)]
pub(super) struct TestBill {
    answer: AtomicU8,
    asked: AtomicUsize,
    kept: Mutex<BTreeMap<(u64, u64), SealedUsage>>,
    conflicts: AtomicUsize,
}

impl TestBill {
    pub(super) fn record(
        &self,
        source: UsageSource,
        usage: SealedUsage,
    ) -> Result<(), RecordUsageError> {
        assert_eq!(source, UsageSource::Node(NodeId(0)));
        let answer = self.answer.load(Ordering::SeqCst);
        if answer != Answer::Away as u8 {
            let mut kept = self.kept.lock().unwrap();
            let id = (usage.epoch, usage.sequence);
            if *kept.entry(id).or_insert_with(|| usage.clone()) != usage {
                self.conflicts.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        match answer == Answer::Kept as u8 {
            true => Ok(()),
            false => Err(Unavailable.into()),
        }
    }

    fn set(&self, answer: Answer) {
        self.answer.store(answer as u8, Ordering::SeqCst);
    }

    fn batches(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    /// What is kept of the demo cluster, in all.
    fn total(&self) -> Amounts {
        let kept = self.kept.lock().unwrap();
        let runs = kept.values().flat_map(|batch| &batch.runs);
        runs.filter(|run| run.virtual_cluster == DEMO)
            .fold(Amounts::default(), |sum, run| sum.plus(run.total()))
    }

    /// Asserts that no window is kept twice.
    fn check(&self) {
        assert_eq!(
            self.conflicts.load(Ordering::SeqCst),
            0,
            "a batch has changed"
        );
        let kept = self.kept.lock().unwrap();
        let runs: Vec<_> = kept.values().flat_map(|batch| &batch.runs).collect();
        assert!(runs.windows(2).all(|pair| pair[0].end() <= pair[1].first));
    }
}

async fn stored_bytes(node: &Node) -> u64 {
    let used = node.used_in_all().await;
    let demo = used.into_iter().find(|(cluster, _)| *cluster == DEMO);
    demo.map_or(0, |(_, used)| used.stored_bytes)
}

/// Appends one batch and says how many bytes it has.
async fn append(node: &Node, gateway: u64, value: &[u8], at: i64) -> u64 {
    let gateway = GatewayIncarnation(gateway);
    let mut writer = Writer::open(&node.transport(), partition(0), gateway).await;
    let batch = batch(value, at, None);
    let bytes = batch.bytes().len() as u64;
    writer.append(batch).await;
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_minute_is_billed_once_whatever_becomes_of_answers_and_of_the_node() {
    let world = World::new();
    let bill = &world.control.bill;
    let (mut billed, mut byte_ms, mut batches) = (0_u64, 0_u128, 0);
    let answers = [
        Answer::Kept,
        Answer::Lost,
        Answer::Away,
        Answer::Lost,
        Answer::Kept,
    ];
    for (round, answer) in (10..).zip(answers) {
        bill.set(answer);
        let node = world.start().await;
        // A second minute goes by with the same answers: what is not known to be kept stays.
        for minute in 0..2 {
            billed += append(&node, 2 * round + minute, &[7; 500], 1).await;
            world.clock.wall.fetch_add(60_000, Ordering::SeqCst);
            byte_ms += u128::from(billed) * 60_000;
            let asked = bill.asked.load(Ordering::SeqCst);
            wait_until(async || bill.asked.load(Ordering::SeqCst) > asked).await;
        }
        if answer == Answer::Kept {
            batches += 1;
        }
        // What was not answered is sent again by the next life.
        node.shutdown().await;
        bill.check();
    }
    bill.set(Answer::Kept);
    let node = world.start().await;
    wait_until(async || bill.total().bytes_in == billed).await;
    assert!(bill.batches() >= batches);
    bill.check();
    let open = node.open_usage().await.expect("it runs");
    let open: u128 = open.runs.iter().map(|run| run.total().stored_byte_ms).sum();
    assert_eq!(bill.total().stored_byte_ms + open, byte_ms);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_back_bills_nothing_twice_and_seals_nothing_early() {
    let world = World::new();
    let bill = &world.control.bill;
    let node = world.start().await;
    let mut billed = append(&node, 1, &[1; 100], 1).await;
    world.clock.wall.fetch_sub(200_000, Ordering::SeqCst);
    billed += append(&node, 2, &[2; 100], 1).await;
    // Commit time stands still until the clock has caught up: the window stays open.
    world.clock.wall.fetch_add(190_000, Ordering::SeqCst);
    billed += append(&node, 3, &[3; 100], 1).await;
    assert_eq!(bill.batches(), 0);
    world.clock.wall.fetch_add(100_000, Ordering::SeqCst);
    wait_until(async || bill.total().bytes_in == billed).await;
    bill.check();
    assert_eq!(bill.batches(), 1);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deleted_topic_stored_is_billed_no_more_even_if_nobody_was_there_to_close_it() {
    let world = World::new();
    let node = world.start().await;
    let bytes = append(&node, 1, &[1; 5000], 1).await;
    assert_eq!(stored_bytes(&node).await, bytes);
    world.control.map.send_replace(Arc::new(map(2, None)));
    wait_until(async || stored_bytes(&node).await == 0).await;
    node.shutdown().await;

    let topic = Some(TopicConfig::default());
    world.control.map.send_replace(Arc::new(map(3, topic)));
    let world = World::new();
    let node = world.start().await;
    append(&node, 1, &[1; 5000], 1).await;
    node.shutdown().await;
    world.control.map.send_replace(Arc::new(map(2, None)));
    let node = world.start().await;
    wait_until(async || stored_bytes(&node).await == 0).await;
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(stored_bytes(&node).await, 0, "it is freed once");
    let used = node.transport().usage().await;
    assert_eq!(used.iter().map(|total| total.bytes_in).sum::<u64>(), bytes);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_takes_is_billed_as_stored_until_then() {
    let world = World::new();
    let config = TopicConfig {
        retention_ms: Some(1000),
        ..TopicConfig::default()
    };
    let with_config = Arc::new(map(2, Some(config)));
    world.control.map.send_replace(with_config);
    let node = world.start().await;
    let now = world.clock.wall.load(Ordering::SeqCst);
    append(&node, 1, &[1; 50_000], now).await;
    let kept = append(&node, 2, &[1; 50_000], now + 10_000).await;
    assert_eq!(stored_bytes(&node).await, 2 * kept);
    world.clock.wall.fetch_add(5000, Ordering::SeqCst);
    // The young batch keeps the other, for they lie in one segment; a restart parts them.
    node.shutdown().await;
    let node = world.start().await;
    append(&node, 3, &[1; 50_000], now + 100_000).await;
    world.clock.wall.fetch_add(20_000, Ordering::SeqCst);
    wait_until(async || stored_bytes(&node).await == kept).await;
    node.shutdown().await;
    let node = world.start().await;
    assert_eq!(stored_bytes(&node).await, kept);
    let used = node.used_in_all().await;
    let byte_ms = used
        .iter()
        .map(|(_, used)| used.stored_byte_ms)
        .sum::<u128>();
    // Two batches for 5 s; three for 20 s, until retention was applied at the end of them.
    let expected = u128::from(kept) * (2 * 5000 + 3 * 20_000);
    assert_eq!(byte_ms, expected);
    node.shutdown().await;
}
