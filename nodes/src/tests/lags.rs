//! The lags of groups, as they are shown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coordinator::{GroupReply, GroupRequest, Membership};

use super::groups::member::{ask, assign, commit, join, joining};
use super::world::{GATEWAY, World, Writer, batch, partition, wait_until};
use crate::coordinators::Rules;
use crate::node::Coordination;

fn line(metric: &str, group: &str, value: &str) -> String {
    format!(r#"aws_msk_{metric}{{cluster="c1",group="{group}",topic="t"}} {value}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lags_are_shown_while_they_are_true() {
    let world = World::new();
    let coordination = Coordination {
        rules: Rules {
            lag_refresh_every: Duration::from_millis(10),
            ..Rules::default()
        },
        ..Coordination::default()
    };
    let node = world.start_with(coordination).await;
    let transport = node.transport();
    let now = world.clock.wall.load(Ordering::Relaxed);
    for index in 0..2 {
        let mut writer = Writer::open(&transport, partition(index), GATEWAY).await;
        for _ in 0..10 {
            writer.append(batch(b"x", now, None)).await;
        }
    }
    commit(
        &transport,
        "a:b",
        Membership::default(),
        &[(0, 3), (1, 8), (2, 0)],
    )
    .await;
    world.clock.wall.fetch_add(5_000, Ordering::Relaxed);
    let shows = |wanted: &[String]| {
        let text = node.lag_metrics();
        wanted
            .iter()
            .all(|line| text.lines().any(|found| found == line))
    };
    let behind = [
        line("max_offset_lag", "a:b", "7"),
        line("sum_offset_lag", "a:b", "9"),
        line("estimated_max_time_lag", "a:b", "5"),
    ];
    wait_until(async || shows(&behind)).await;
    commit(
        &transport,
        "a:b",
        Membership::default(),
        &[(0, 10), (1, 10)],
    )
    .await;
    let there = [
        line("max_offset_lag", "a:b", "0"),
        line("estimated_max_time_lag", "a:b", "0"),
    ];
    wait_until(async || shows(&there)).await;

    // While a group rebalances it is not shown.
    let first = join(&transport, "g", "").await;
    assign(&transport, "g", &first).await;
    commit(
        &transport,
        "g",
        super::groups::member::member_of(&first),
        &[(0, 4)],
    )
    .await;
    wait_until(async || shows(&[line("max_offset_lag", "g", "6")])).await;
    let waiting = tokio::spawn({
        let transport = transport.clone();
        async move { ask(&transport, "g", joining("")).await }
    });
    wait_until(async || !node.lag_metrics().contains(r#"group="g""#)).await;
    waiting.abort();

    let deleted = ask(&transport, "a:b", GroupRequest::Delete).await;
    assert_eq!(deleted, Ok(GroupReply::Delete(Ok(()))));
    wait_until(async || !node.lag_metrics().contains("a:b")).await;
    node.shutdown().await;
}
