//! DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.

use std::collections::BTreeMap;

use model::TopicConfig;
use model::topic_property::TOPIC_PROPERTIES;
use wire::Response;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlterableConfig,
};
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult,
};
use wire::messages::incremental_alter_configs as incremental;

use super::peer::Peer;
use super::sign_in::sign_in;
use super::world::{ADMIN, PASSWORD, READER, World};
use crate::limits::DESCRIBED_PROPERTIES_MAX;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

async fn describe(peer: &mut Peer, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    match peer.call(4, request).await {
        Response::DescribeConfigs(response) => response,
        other => panic!("{other:?}"),
    }
}

fn about(resources: &[(i8, &str)]) -> DescribeConfigsRequest {
    let resource = |&(resource_type, name): &(i8, &str)| DescribeConfigsResource {
        resource_type,
        resource_name: name.to_owned(),
        configuration_keys: None,
    };
    DescribeConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        ..DescribeConfigsRequest::default()
    }
}

fn by_name(result: &DescribeConfigsResult) -> BTreeMap<&str, &DescribeConfigsResourceResult> {
    let configs = result.configs.iter();
    configs
        .map(|config| (config.name.as_str(), config))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_topic_tells_every_property_with_its_source() {
    let world = World::new();
    let mut config = TopicConfig {
        retention_ms: Some(1000),
        ..TopicConfig::default()
    };
    for (name, value) in [("retention.ms", " 1000 "), ("segment.bytes", "14")] {
        config.written.insert(name.to_owned(), value.to_owned());
    }
    world.topic_with("t", 1, config);
    let mut peer = world.connect();
    let request = DescribeConfigsRequest {
        include_synonyms: true,
        include_documentation: true,
        ..about(&[(TOPIC, "t")])
    };
    let result = &describe(&mut peer, request).await.results[0];
    assert_eq!(result.error_code, 0);
    let configs = by_name(result);
    assert_eq!(configs.len(), TOPIC_PROPERTIES.len());
    let retention = configs["retention.ms"];
    assert_eq!(retention.value.as_deref(), Some("1000"));
    assert_eq!((retention.config_source, retention.config_type), (1, 5));
    assert!(!retention.read_only && !retention.is_sensitive);
    assert!(
        retention
            .documentation
            .as_ref()
            .is_some_and(|text| !text.is_empty())
    );
    let segment = &configs["segment.bytes"].synonyms;
    let places: Vec<_> = segment
        .iter()
        .map(|s| (s.name.as_str(), s.value.as_deref().unwrap(), s.source))
        .collect();
    let expected = [
        ("segment.bytes", "14", 1),
        ("log.segment.bytes", "1073741824", 5),
    ];
    assert_eq!(places, expected);
    assert_eq!(configs["compression.type"].config_source, 5);
    assert_eq!(configs["min.insync.replicas"].config_source, 3);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_is_told() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let mut request = about(&[(TOPIC, "t"), (BROKER, "1")]);
    let keys = ["retention.ms", "num.partitions", "no.such"];
    for resource in &mut request.resources {
        resource.configuration_keys = Some(keys.map(str::to_owned).to_vec());
    }
    let results = describe(&mut peer, request).await.results;
    assert_eq!(
        by_name(&results[0]).into_keys().collect::<Vec<_>>(),
        ["retention.ms"]
    );
    assert_eq!(
        by_name(&results[1]).into_keys().collect::<Vec<_>>(),
        ["num.partitions"]
    );
    assert!(results[0].configs[0].synonyms.is_empty());
    assert_eq!(results[0].configs[0].documentation, None);
}

#[tokio::test(start_paused = true)]
async fn brokers_tell_what_clients_read() {
    let world = World::new();
    world.change_cluster(|cluster| {
        cluster.auto_create_topics = false;
        cluster.groups.session_timeout_ms_min = 100;
    });
    let mut peer = world.connect();
    let results = describe(&mut peer, about(&[(BROKER, "2"), (BROKER, "")]))
        .await
        .results;
    let configs = by_name(&results[0]);
    for (name, value) in [
        ("num.partitions", "2"),
        ("default.replication.factor", "3"),
        ("min.insync.replicas", "1"),
        ("auto.create.topics.enable", "false"),
        ("connections.max.reauth.ms", "43200000"),
        ("message.max.bytes", "1048588"),
        ("log.retention.hours", "168"),
        ("log.retention.bytes", "268435456000"),
        ("group.min.session.timeout.ms", "100"),
        ("group.max.session.timeout.ms", "1800000"),
        ("offsets.retention.minutes", "10080"),
        ("advertised.listeners", "PLAINTEXT://boot.example:9098"),
        ("broker.id", "2"),
    ] {
        assert_eq!(configs[name].value.as_deref(), Some(value), "{name}");
    }
    assert_eq!(configs["log.retention.ms"].value, None);
    assert!(configs.values().all(|config| config.read_only));
    assert_eq!(configs.len(), results[0].configs.len(), "each is told once");
    assert_eq!(
        by_name(&results[1]).into_keys().collect::<Vec<_>>(),
        ["min.insync.replicas"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_no_properties_is_told_so() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let asked = [
        (TOPIC, "unknown", 3),
        (TOPIC, "a b", 17),
        (BROKER, "3", 42),
        (BROKER, "x", 42),
        (LOGGER, "0", 0),
        (LOGGER, "", 42),
        (CLIENT_METRICS, "x", 0),
        (CLIENT_METRICS, "", 42),
        (GROUP, "g", 0),
        (GROUP, "", 42),
    ];
    let resources = asked.map(|(kind, name, _)| (kind, name));
    let results = describe(&mut peer, about(&resources)).await.results;
    for (result, (kind, name, code)) in results.iter().zip(asked) {
        assert_eq!(result.error_code, code, "{kind} {name}");
        assert!(result.configs.is_empty());
        assert_eq!((result.resource_type, &*result.resource_name), (kind, name));
    }
    let results = describe(&mut peer, about(&[(TOPIC, "t"), (3, "x")]))
        .await
        .results;
    let codes: Vec<_> = results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [42, 42], "an unknown type spoils the request");
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_only_so_many_properties_and_each_resource_once() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let results = describe(&mut peer, about(&[(TOPIC, "t"); 5_000]))
        .await
        .results;
    assert_eq!((results.len(), results[0].error_code), (1, 0));
    // One broker has many names: leading zeros do not count.
    let one = describe(&mut peer, about(&[(BROKER, "0")])).await.results;
    let fitting = DESCRIBED_PROPERTIES_MAX / one[0].configs.len();
    let names: Vec<_> = (1..=fitting + 1)
        .map(|width| format!("{:0>width$}", 0))
        .collect();
    let resources: Vec<_> = names.iter().map(|name| (BROKER, name.as_str())).collect();
    let results = describe(&mut peer, about(&resources)).await.results;
    let told = |result: &&DescribeConfigsResult| result.error_code == 0;
    assert_eq!(results.iter().filter(told).count(), fitting);
    assert_eq!(results[fitting].error_code, 42);
}

async fn change(
    peer: &mut Peer,
    request: incremental::IncrementalAlterConfigsRequest,
) -> Vec<(i16, Option<String>)> {
    match peer.call(1, request).await {
        Response::IncrementalAlterConfigs(response) => {
            let responses = response.responses.into_iter();
            responses.map(|r| (r.error_code, r.error_message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn changed(
    kind: i8,
    name: &str,
    configs: &[(&str, i8, Option<&str>)],
) -> incremental::AlterConfigsResource {
    let config = |&(name, config_operation, value): &(&str, i8, Option<&str>)| {
        incremental::AlterableConfig {
            name: name.to_owned(),
            config_operation,
            value: value.map(str::to_owned),
        }
    };
    incremental::AlterConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configs: configs.iter().map(config).collect(),
    }
}

fn changes(
    resources: Vec<incremental::AlterConfigsResource>,
) -> incremental::IncrementalAlterConfigsRequest {
    incremental::IncrementalAlterConfigsRequest {
        resources,
        validate_only: false,
    }
}

fn written(world: &World, topic: &str) -> String {
    let map = world.control.map();
    let topic = map.topic_by_name(super::world::CLUSTER, topic).unwrap();
    let written = topic.config.written.iter();
    let written: Vec<_> = written
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    written.join(" ")
}

#[tokio::test(start_paused = true)]
async fn each_operation_reaches_the_catalog_and_is_seen_at_once() {
    let world = World::new();
    world.topic("t", 1);
    let mut peer = world.connect();
    let set = [("a", 0, Some("1")), ("b", 0, Some("2"))];
    let request = changes(vec![changed(TOPIC, "t", &set)]);
    assert_eq!(change(&mut peer, request).await, [(0, None)]);
    let rest = [("a", 1, None), ("c", 2, Some("x")), ("d", 3, Some("y"))];
    let request = changes(vec![changed(TOPIC, "t", &rest)]);
    let only_checked = incremental::IncrementalAlterConfigsRequest {
        validate_only: true,
        ..request.clone()
    };
    assert_eq!(change(&mut peer, only_checked).await, [(0, None)]);
    assert_eq!(written(&world, "t"), "a=1 b=2");
    assert_eq!(change(&mut peer, request).await, [(0, None)]);
    assert_eq!(written(&world, "t"), "b=2 c=+x d=-y");
}

#[tokio::test(start_paused = true)]
async fn each_resource_is_altered_or_refused_on_its_own() {
    let world = World::new();
    world.topic("t", 1);
    world.topic("u", 1);
    let mut peer = world.connect();
    let one = [("a", 0, Some("1"))];
    let resources = vec![
        changed(TOPIC, "t", &one),
        changed(TOPIC, "u", &[("bad", 0, Some("1"))]),
        changed(TOPIC, "unknown", &one),
        changed(TOPIC, "a b", &one),
        changed(TOPIC, "", &one),
        changed(TOPIC, "twice", &one),
        changed(TOPIC, "twice", &one),
        changed(TOPIC, "double", &[("a", 0, Some("1")), ("a", 1, None)]),
        changed(TOPIC, "null", &[("a", 0, None)]),
        changed(TOPIC, "odd", &[("a", 4, Some("1"))]),
        changed(BROKER, "0", &one),
        changed(BROKER, "", &one),
        changed(LOGGER, "0", &one),
        changed(CLIENT_METRICS, "x", &one),
        changed(GROUP, "g", &one),
        changed(7, "x", &one),
    ];
    let outcomes = change(&mut peer, changes(resources)).await;
    let codes: Vec<_> = outcomes.iter().map(|(code, _)| *code).collect();
    let expected = [0, 40, 3, 17, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42];
    assert_eq!(codes, expected);
    for (code, text) in &outcomes {
        assert_eq!(text.is_some(), *code != 0);
    }
    let unknown = outcomes[2].1.as_deref();
    assert_eq!(unknown, Some("The topic 'unknown' does not exist."));
    assert_eq!(written(&world, "t"), "a=1");
}

#[tokio::test(start_paused = true)]
async fn all_properties_are_replaced() {
    let world = World::new();
    let mut config = TopicConfig::default();
    config.written.insert("old".to_owned(), "1".to_owned());
    world.topic_with("t", 1, config);
    let mut peer = world.connect();
    let resource = |name: &str, values: &[(&str, Option<&str>)]| AlterConfigsResource {
        resource_type: TOPIC,
        resource_name: name.to_owned(),
        configs: values
            .iter()
            .map(|(name, value)| AlterableConfig {
                name: (*name).to_owned(),
                value: value.map(str::to_owned),
            })
            .collect(),
    };
    let request = AlterConfigsRequest {
        resources: vec![
            resource("t", &[("new", Some("2"))]),
            resource("u", &[("new", None)]),
            resource("v", &[("new", Some("2")), ("new", Some("3"))]),
        ],
        validate_only: true,
    };
    let codes = |response: AlterConfigsResponse| -> Vec<_> {
        response.responses.iter().map(|r| r.error_code).collect()
    };
    for (validate_only, expected) in [(true, "old=1"), (false, "new=2")] {
        let request = AlterConfigsRequest {
            validate_only,
            ..request.clone()
        };
        match peer.call(2, request).await {
            Response::AlterConfigs(response) => assert_eq!(codes(response), [0, 42, 42]),
            other => panic!("{other:?}"),
        }
        assert_eq!(written(&world, "t"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn properties_are_for_those_who_may() {
    let world = World::new();
    world.topic("public", 1);
    let mut reader = world.connect_tls();
    sign_in(&mut reader, READER, PASSWORD).await;
    let resources = [
        (TOPIC, "public"),
        (TOPIC, "unknown"),
        (BROKER, "0"),
        (GROUP, "g"),
    ];
    let results = describe(&mut reader, about(&resources)).await.results;
    let codes: Vec<_> = results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [29, 29, 31, 30]);
    let one = [("a", 0, Some("1"))];
    let resources = resources.map(|(kind, name)| changed(kind, name, &one));
    let outcomes = change(&mut reader, changes(resources.to_vec())).await;
    let codes: Vec<_> = outcomes.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [29, 29, 31, 30]);
    assert_eq!(written(&world, "public"), "");
    let mut admin = world.connect_tls();
    sign_in(&mut admin, ADMIN, PASSWORD).await;
    let request = changes(vec![changed(TOPIC, "public", &one)]);
    assert_eq!(change(&mut admin, request).await, [(0, None)]);
}
