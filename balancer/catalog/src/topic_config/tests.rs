use super::*;

fn parse(properties: &[(&str, &str)]) -> Result<TopicConfig, TopicError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), Some((*value).to_owned()));
    let properties: Vec<_> = properties.iter().map(owned).collect();
    parse_config(&properties, &Limits::serverless())
}

fn each(changes: &[(&str, PropertyChange)]) -> ConfigChange {
    let owned = |(name, change): &(&str, PropertyChange)| ((*name).to_owned(), change.clone());
    ConfigChange::Each(changes.iter().map(owned).collect())
}

fn replace(properties: &[(&str, &str)]) -> ConfigChange {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ConfigChange::Replace(properties.iter().map(owned).collect())
}

fn alter(config: &TopicConfig, change: &ConfigChange) -> Result<TopicConfig, TopicError> {
    alter_config(config, change, &Limits::serverless())
}

fn text(outcome: Result<TopicConfig, TopicError>) -> String {
    outcome.expect_err("it is refused").to_string()
}

fn set(value: &str) -> PropertyChange {
    PropertyChange::Set(value.to_owned())
}

#[test]
fn the_list_and_the_configuration_have_the_same_defaults() {
    for (name, value) in TopicConfig::default().with_effect() {
        let property = TopicProperty::named(name).expect("it is on the list");
        assert_eq!(property.default, value, "{name}");
    }
    let most = Limits {
        retention_ms_max: Some(1000),
        ..Limits::serverless()
    };
    for limits in [Limits::serverless(), Limits::provisioned(), most] {
        let config = parse_config(&[], &limits).expect("nothing is written");
        for (name, value) in config.with_effect() {
            let property = TopicProperty::named(name).expect("it is on the list");
            assert_eq!(property.default_in(&limits), value, "{name}");
        }
    }
}

#[test]
fn how_much_stays_unless_it_is_written_depends_on_the_cluster() {
    let limits = Limits::provisioned();
    let config = parse_config(&[], &limits).expect("nothing is written");
    assert_eq!(config.retention_bytes, None);
    let change = each(&[("flush.ms", set("1"))]);
    let altered = alter_config(&config, &change, &limits).expect("fine");
    assert_eq!(altered.retention_bytes, None);
    assert_eq!(altered.written.len(), 1, "the default is not written down");
    let change = each(&[("retention.bytes", set("7"))]);
    let altered = alter_config(&altered, &change, &limits).expect("fine");
    assert_eq!(altered.retention_bytes, Some(ByteCount(7)));
    let change = each(&[("retention.bytes", PropertyChange::Delete)]);
    let altered = alter_config(&altered, &change, &limits).expect("fine");
    assert_eq!(altered.retention_bytes, None);
}

#[test]
fn what_has_an_effect_is_read_and_all_is_kept_as_written() {
    let config = parse(&[
        ("cleanup.policy", "delete, compact"),
        ("compression.type", "zstd"),
        ("max.message.bytes", "8388608"),
        ("message.timestamp.difference.max.ms", "5"),
        ("message.timestamp.before.max.ms", "6"),
        ("message.timestamp.after.max.ms", "7"),
        ("message.timestamp.type", "LogAppendTime"),
        ("retention.bytes", "-5"),
        ("retention.ms", " 1000 "),
        ("segment.bytes", "14"),
    ])
    .expect("all are fine");
    assert_eq!(config.cleanup_policy, CleanupPolicy::CompactDelete);
    assert_eq!(config.compression_type, "zstd");
    assert_eq!(config.max_message_bytes, ByteCount(8 << 20));
    assert_eq!(config.message_timestamp_difference_max_ms, 5);
    assert_eq!(config.message_timestamp_before_max_ms, 6);
    assert_eq!(config.message_timestamp_after_max_ms, 7);
    assert_eq!(config.message_timestamp_type, TimestampType::LogAppendTime);
    assert_eq!(config.retention_bytes, None);
    assert_eq!(config.retention_ms, Some(1000));
    assert_eq!(config.written.len(), 10);
    assert_eq!(config.written["retention.ms"], " 1000 ");
    assert_eq!(config.written["segment.bytes"], "14");
}

#[test]
fn properties_change_one_by_one() {
    let config = parse(&[("retention.ms", "1000"), ("segment.ms", "7")]).expect("fine");
    let change = each(&[
        ("retention.ms", PropertyChange::Delete),
        ("retention.bytes", set("99")),
        ("flush.ms", set("1")),
    ]);
    let altered = alter(&config, &change).expect("fine");
    assert_eq!(altered.retention_ms, TopicConfig::default().retention_ms);
    assert_eq!(altered.retention_bytes, Some(ByteCount(99)));
    let names: Vec<_> = altered.written.keys().map(String::as_str).collect();
    assert_eq!(names, ["flush.ms", "retention.bytes", "segment.ms"]);
}

#[test]
fn lists_are_added_to_and_taken_from() {
    const THROTTLED: &str = "leader.replication.throttled.replicas";
    let change = |change| each(&[(THROTTLED, change)]);
    let config = TopicConfig::default();
    let added = PropertyChange::Append("0:1,1:2,0:1".to_owned());
    let config = alter(&config, &change(added)).expect("fine");
    assert_eq!(config.written[THROTTLED], "0:1,1:2");
    let taken = PropertyChange::Subtract("0:1,9:9".to_owned());
    let config = alter(&config, &change(taken)).expect("fine");
    assert_eq!(config.written[THROTTLED], "1:2");
    let number = each(&[("retention.ms", PropertyChange::Append("1".to_owned()))]);
    assert!(text(alter(&config, &number)).contains("not LIST"));
    let same = PropertyChange::Append("delete".to_owned());
    alter(&config, &each(&[("cleanup.policy", same)])).expect("nothing changes");
}

/// A list of so many replicas, from this number on.
fn replicas(from: usize, count: usize) -> String {
    let all: Vec<_> = (from..from + count).map(|n| format!("{n}:1")).collect();
    all.join(",")
}

#[test]
fn a_value_and_all_that_is_written_are_bounded() {
    const LISTS: [&str; 2] = [
        "leader.replication.throttled.replicas",
        "follower.replication.throttled.replicas",
    ];
    let config = TopicConfig::default();
    let append = |from| each(&[(LISTS[0], PropertyChange::Append(replicas(from, 1000)))]);
    let grown = alter(&config, &append(1000)).expect("7 kB");
    let refused = text(alter(&grown, &append(2000)));
    assert!(refused.contains("longer than 8192 bytes"), "{refused}");
    alter(&grown, &append(1000)).expect("all of them are there");
    let padded = |bytes: usize| format!("{}5", " ".repeat(bytes));
    let numbers = ["segment.ms", "flush.ms", "retention.bytes", "retention.ms"];
    let large: Vec<_> = numbers.map(|name| (name, set(&padded(7000)))).to_vec();
    let config = alter(&config, &each(&large)).expect("28 kB");
    let one_more = [(LISTS[1], set(&replicas(1000, 1000)))];
    let refused = text(alter(&config, &each(&one_more)));
    assert!(refused.contains("at most 32768"), "{refused}");
}

#[test]
fn all_are_replaced_but_for_the_cleanup_policy() {
    let config = parse(&[
        ("cleanup.policy", "compact"),
        ("retention.ms", "1000"),
        ("segment.ms", "7"),
    ]);
    let config = config.expect("fine");
    let altered = alter(&config, &replace(&[("retention.bytes", "5")])).expect("fine");
    assert_eq!(altered.cleanup_policy, CleanupPolicy::Compact);
    assert_eq!(altered.retention_ms, TopicConfig::default().retention_ms);
    assert_eq!(altered.written.len(), 2);
    let named = replace(&[("cleanup.policy", "compact")]);
    assert_eq!(alter(&config, &named).expect("fine").written.len(), 1);
}

#[test]
fn the_cleanup_policy_is_fixed() {
    let config = parse(&[("cleanup.policy", "compact")]).expect("fine");
    for change in [
        replace(&[("cleanup.policy", "delete")]),
        each(&[("cleanup.policy", set("compact,delete"))]),
        each(&[("cleanup.policy", PropertyChange::Delete)]),
        each(&[(
            "cleanup.policy",
            PropertyChange::Append("delete".to_owned()),
        )]),
    ] {
        let text = text(alter(&config, &change));
        assert!(text.contains("cleanup.policy can't be altered"), "{text}");
        assert!(text.contains("retention.ms]"), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let config = TopicConfig::default();
    for (name, value) in [
        ("no.such", "1"),
        ("retention.ms", "soon"),
        ("segment.ms", "0"),
        ("max.message.bytes", "8388609"),
        ("min.compaction.lag.ms", "9223372036854775807"),
    ] {
        let both = [("max.compaction.lag.ms", "5"), (name, value)];
        assert!(parse(&both).is_err(), "{name}={value}");
        assert!(alter(&config, &replace(&both)).is_err(), "{name}={value}");
        let changes = both.map(|(name, value)| (name, set(value)));
        assert!(alter(&config, &each(&changes)).is_err(), "{name}={value}");
    }
    let unknown = each(&[("no.such", PropertyChange::Delete)]);
    assert_eq!(
        alter(&config, &unknown),
        Ok(config),
        "it is not there after"
    );
    let null = [("retention.ms".to_owned(), None)];
    assert!(parse_config(&null, &Limits::serverless()).is_err());
}

#[test]
fn a_limit_is_for_what_changes() {
    let large = parse(&[("max.message.bytes", "5000000")]).expect("fine");
    let limits = Limits {
        message_bytes_max: ByteCount(1_000_000),
        retention_ms_max: Some(1000),
        ..Limits::serverless()
    };
    let change = each(&[("retention.ms", set("1000"))]);
    alter_config(&large, &change, &limits).expect("the batch size stays as it was");
    for (name, value) in [
        ("max.message.bytes", "1000001"),
        ("retention.ms", "1001"),
        ("retention.ms", "-1"),
    ] {
        let refused = alter_config(&large, &each(&[(name, set(value))]), &limits);
        assert!(text(refused).contains("limit"), "{name}={value}");
    }
}

#[test]
fn nothing_stays_longer_than_the_maximum() {
    let limits = Limits {
        retention_ms_max: Some(1000),
        ..Limits::serverless()
    };
    let config = parse_config(&[], &limits).expect("nothing is written");
    assert_eq!(config.retention_ms, Some(1000));
    let change = each(&[("flush.ms", set("1"))]);
    let altered = alter_config(&config, &change, &limits).expect("fine");
    assert_eq!(altered.retention_ms, Some(1000));
    assert_eq!(altered.written.len(), 1, "the default is not written down");
    let shorter = each(&[("retention.ms", set("5"))]);
    let altered = alter_config(&config, &shorter, &limits).expect("fine");
    let unset = each(&[("retention.ms", PropertyChange::Delete)]);
    let altered = alter_config(&altered, &unset, &limits).expect("fine");
    assert_eq!(altered.retention_ms, Some(1000));
    let kept = [("cleanup.policy".to_owned(), Some(" ".to_owned()))];
    let refused = text(parse_config(&kept, &limits));
    assert!(refused.contains("limit is 1000 ms"), "{refused}");
    parse_config(&kept, &Limits::serverless()).expect("there is no maximum");
}

#[test]
fn what_an_older_release_stored_can_still_be_altered() {
    let stored = r#"{"cleanup_policy":"compact","retention_ms":5,
        "others":{"message.format.version":"3.0","segment.ms":"0","flush.ms":"9"}}"#;
    let config: TopicConfig = serde_json::from_str(stored).expect("it is read");
    let altered = alter(&config, &each(&[("retention.bytes", set("1"))])).expect("fine");
    assert_eq!(altered.cleanup_policy, CleanupPolicy::Compact);
    assert_eq!(altered.retention_ms, Some(5));
    let names: Vec<_> = altered.written.keys().map(String::as_str).collect();
    let expected = [
        "cleanup.policy",
        "flush.ms",
        "retention.bytes",
        "retention.ms",
    ];
    assert_eq!(names, expected);
}
