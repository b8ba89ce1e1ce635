//! Two tenants in one process: what one knows of the other is nothing, whatever it asks for.

use tests::client::{
    Client, Credentials, Endpoint, FetchLimits, SignInError, fetch_request, partition_of,
    produce_request,
};
use tests::ledger::{Tag, batch};
use tests::process::Access;
use wire::ErrorCode;
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::{Site, signed_in};

/// Both tenants have a topic of this name.
const SHARED_NAME: &str = "orders";

/// Only the other has this one.
const SECRET: &str = "mergers";

/// The demo tenant is the one who asks.
struct Tenants {
    site: Site,
    other: Access,
    client: Client,
    secret_id: [u8; 16],
}

async fn tenants() -> Tenants {
    let site = Site::start_with(|launch| {
        launch
            .set("CLUSTERS__UMBRELLA__TENANT", "2")
            .set("CLUSTERS__DEMO__AUTO_CREATE_TOPICS", "false")
            .set("CLUSTERS__DEMO__TENANT", "1")
    });
    let other = site.server.access_to("umbrella").unwrap();
    let mut owner = signed_in(&other).await;
    let created = owner.create_topic(SECRET, 1).await.unwrap();
    assert_eq!(created.error_code, 0);
    assert_eq!(
        owner.create_topic(SHARED_NAME, 1).await.unwrap().error_code,
        0
    );
    for topic in [SECRET, SHARED_NAME] {
        let sent = batch(
            Tag {
                producer: 2,
                number: 0,
            },
            None,
            3,
            50,
        );
        assert_eq!(owner.produce(topic, 0, sent).await.unwrap().error_code, 0);
    }
    let client = site.client().await;
    let secret_id = created.topic_id;
    Tenants {
        site,
        other,
        client,
        secret_id,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_topic_is_unknown_by_name() {
    let Tenants {
        site, mut client, ..
    } = tenants().await;
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert!(client.metadata(None).await.unwrap().topics.is_empty());
    let told = client.metadata(Some(&[SECRET, "none"])).await.unwrap();
    for topic in &told.topics {
        assert_eq!((topic.error_code, topic.topic_id), (unknown, [0; 16]));
        assert!(topic.partitions.is_empty());
    }
    let sent = batch(
        Tag {
            producer: 1,
            number: 0,
        },
        None,
        1,
        50,
    );
    let appended = client.produce(SECRET, 0, sent).await.unwrap();
    assert_eq!((appended.error_code, appended.base_offset), (unknown, -1));
    let fetched = client
        .fetch(SECRET, 0, 0, FetchLimits::default())
        .await
        .unwrap();
    assert_eq!(fetched.error_code, unknown);
    assert!(fetched.records.unwrap_or_default().is_empty());
    assert_eq!(fetched.high_watermark, -1);
    let found = client.list_offset(SECRET, 0, -1).await.unwrap();
    assert_eq!((found.error_code, found.offset), (unknown, -1));
    assert_eq!(
        client.delete_topic(SECRET).await.unwrap().error_code,
        unknown
    );
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_topic_is_unknown_by_id() {
    let Tenants {
        site,
        other,
        mut client,
        secret_id,
    } = tenants().await;
    let unknown = ErrorCode::UnknownTopicId.code();
    let by_id = MetadataRequestTopic {
        topic_id: secret_id,
        name: None,
    };
    let request = MetadataRequest {
        topics: Some(vec![by_id]),
        ..MetadataRequest::default()
    };
    let told = client.call(request).await.unwrap();
    assert_eq!(
        (told.topics[0].error_code, told.topics[0].name.as_deref()),
        (unknown, None)
    );

    let sent = batch(
        Tag {
            producer: 1,
            number: 0,
        },
        None,
        1,
        50,
    );
    let mut produce = produce_request("", 0, sent, -1);
    produce.topic_data[0].topic_id = secret_id;
    let appended = partition_of(client.call_at(13, produce).await.unwrap()).unwrap();
    assert_eq!((appended.error_code, appended.base_offset), (unknown, -1));

    let mut fetch = fetch_request("", 0, 0, FetchLimits::default());
    fetch.topics[0].topic_id = secret_id;
    let answer = client.call_at(17, fetch).await.unwrap();
    let fetched = &answer.responses[0].partitions[0];
    assert_eq!(fetched.error_code, unknown);
    assert!(fetched.records.as_ref().is_none_or(wire::Records::is_empty));

    let topic = DeleteTopicState {
        name: None,
        topic_id: secret_id,
    };
    let request = DeleteTopicsRequest {
        topics: vec![topic],
        timeout_ms: 5000,
        ..DeleteTopicsRequest::default()
    };
    let deleted = client.call(request).await.unwrap();
    assert_eq!(
        (deleted.responses[0].error_code, &deleted.responses[0].name),
        (unknown, &None)
    );

    let end = signed_in(&other)
        .await
        .list_offset(SECRET, 0, -1)
        .await
        .unwrap();
    assert_eq!(
        (end.error_code, end.offset),
        (0, 3),
        "the owner's topic is as it was"
    );
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_one_name_are_two() {
    let Tenants {
        site,
        other,
        mut client,
        ..
    } = tenants().await;
    let mine = client.create_topic(SHARED_NAME, 1).await.unwrap();
    assert_eq!(mine.error_code, 0, "the name is free here");
    let end = client.list_offset(SHARED_NAME, 0, -1).await.unwrap();
    assert_eq!(end.offset, 0, "and the topic is empty");
    let sent = batch(
        Tag {
            producer: 1,
            number: 7,
        },
        None,
        1,
        50,
    );
    assert_eq!(
        client
            .produce(SHARED_NAME, 0, sent)
            .await
            .unwrap()
            .base_offset,
        0
    );
    let mut owner = signed_in(&other).await;
    let end = owner.list_offset(SHARED_NAME, 0, -1).await.unwrap();
    assert_eq!(end.offset, 3, "the other's is as it was");
    let (my, their) = (
        client.metadata(None).await.unwrap(),
        owner.metadata(None).await.unwrap(),
    );
    assert_ne!(my.cluster_id, their.cluster_id);
    assert_ne!(my.topics[0].topic_id, their.topics[0].topic_id);
    assert_eq!((my.topics.len(), their.topics.len()), (1, 2));
    let deleted = client.delete_topic(SHARED_NAME).await.unwrap();
    assert_eq!(deleted.error_code, 0);
    let end = owner.list_offset(SHARED_NAME, 0, -1).await.unwrap();
    assert_eq!((end.error_code, end.offset), (0, 3), "and outlives mine");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_worth_nothing_elsewhere() {
    let Tenants { site, other, .. } = tenants().await;
    let mine = &site.access;
    let mut my_signature = mine.signed();
    my_signature.host.clone_from(&other.host);
    let foreign = [
        mine.scram(),
        Credentials::MskIam(my_signature),
        Credentials::MskIam(mine.signed()),
    ];
    for credentials in foreign {
        let refused = Client::open(&other.endpoint, &credentials).await.err();
        let Some(SignInError::Refused { code, message }) = refused else {
            panic!("{credentials:?}: {refused:?}");
        };
        assert_eq!(code, ErrorCode::SaslAuthenticationFailed.code());
        let told = ["demo", "umbrella", &mine.access_key_id];
        assert!(told.iter().all(|name| !message.contains(name)), "{message}");
    }
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_only_what_was_named() {
    let Tenants {
        site, mut client, ..
    } = tenants().await;
    let created = client.create_topic("a b", 1).await.unwrap();
    let text = created.error_message.unwrap_or_default();
    assert!(
        !text.contains(SECRET) && !text.contains("umbrella"),
        "{text}"
    );
    let (_, page) = site.server.page("/metrics").unwrap();
    assert!(!page.contains(SECRET), "metrics do not name topics");
    let (_, page) = site.server.own_page("/metrics").unwrap();
    let series = format!("aws_msk_bytes_in_total{{cluster=\"umbrella\",topic=\"{SECRET}\"}} ");
    assert!(page.contains(&series), "but to the server's owner they do");
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_of_its_tenant_alone() {
    let Tenants {
        site,
        other,
        mut client,
        ..
    } = tenants().await;
    let foreign = site.server.usage("umbrella").unwrap();
    assert!(foreign.bytes_in > 0);
    assert_eq!(site.server.usage("demo").unwrap().bytes_in, 0);
    client.create_topic(SHARED_NAME, 1).await.unwrap();
    let sent = batch(
        Tag {
            producer: 1,
            number: 0,
        },
        None,
        1,
        50,
    );
    let bytes = sent.len() as u64;
    assert_eq!(
        client
            .produce(SHARED_NAME, 0, sent)
            .await
            .unwrap()
            .error_code,
        0
    );
    assert_eq!(site.server.usage("demo").unwrap().bytes_in, bytes);
    assert_eq!(site.server.usage("umbrella").unwrap(), foreign);
    drop(other);
    site.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plaintext_listener_leads_to_its_own_cluster() {
    let site = Site::start_with(|launch| {
        launch
            .set("CLUSTERS__UMBRELLA__TENANT", "2")
            .set("CLUSTERS__DEMO__PLAINTEXT_LISTEN", "127.0.0.1:0")
    });
    let mut owner = signed_in(&site.server.access_to("umbrella").unwrap()).await;
    assert_eq!(owner.create_topic(SECRET, 1).await.unwrap().error_code, 0);
    let address = site.server.ready().plaintext.clone().expect("it is told");
    let mut client = Client::connect(&Endpoint::plain(&address)).await.unwrap();
    let all = client.metadata(None).await.unwrap();
    assert!(all.topics.is_empty(), "{:?}", all.topics);
    let mine = site.client().await.metadata(None).await.unwrap();
    assert_eq!(all.cluster_id, mine.cluster_id);
    let told = client.metadata(Some(&[SECRET])).await.unwrap();
    assert_eq!(
        told.topics[0].error_code,
        ErrorCode::UnknownTopicOrPartition.code()
    );
    assert_eq!(client.create_topic(SECRET, 1).await.unwrap().error_code, 0);
    site.check().await;
}
