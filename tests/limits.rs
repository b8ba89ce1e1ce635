//! Limits of a virtual cluster against the real binary: what the raw client is told, and what is shown of it.

use tests::client::produce_request;
use tests::ledger::{Tag, batch};

use crate::{Site, signed_in};

fn large(number: u32) -> bytes::Bytes {
    let tag = Tag {
        producer: 1,
        number,
    };
    batch(tag, None, 10, 60_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_above_its_rate_is_told_and_shown_and_another_is_not() {
    let site = Site::start_with(|launch| {
        launch
            .set("CLUSTERS__DEMO__TENANT", "1")
            .set("CLUSTERS__UMBRELLA__TENANT", "2")
            .set("CLUSTERS__DEMO__LIMITS__INGRESS_BYTES_PER_S", "400000")
    });
    let mut driven = site.client().await;
    let mut other = signed_in(&site.server.access_to("umbrella").unwrap()).await;
    for client in [&mut driven, &mut other] {
        assert_eq!(client.create_topic("t", 1).await.unwrap().error_code, 0);
    }
    let told = driven.call(produce_request("t", 0, large(1), -1)).await;
    // What the bytes take at this rate is longer than a second; a part of it may have passed.
    let told_ms = told.unwrap().throttle_time_ms;
    assert!((1..=1_000).contains(&told_ms), "{told_ms}");
    let told = other.call(produce_request("t", 0, large(2), -1)).await;
    assert_eq!(told.unwrap().throttle_time_ms, 0);

    let name = "ingress_bytes_per_s";
    let shown = site.server.limit("demo", name).unwrap();
    assert_eq!(shown.ceiling, Some(400_000));
    assert!(shown.throttle_seconds > 1.0, "{shown:?}");
    let shown = site.server.limit("umbrella", name).unwrap();
    assert_eq!((shown.throttle_seconds, shown.refused), (0.0, 0));
    let partitions = site.server.limit("umbrella", "partitions_max").unwrap();
    assert_eq!(partitions.used, Some(1));

    let (status, _) = site.server.page("/v1/limits").unwrap();
    assert!(status.contains("401"), "{status}");
    let (_, page) = site.server.page("/metrics").unwrap();
    let series = format!("tidegate_limit_ceiling{{cluster=\"demo\",limit=\"{name}\"}} 400000");
    assert!(page.contains(&series), "{page}");
    site.check().await;
}
