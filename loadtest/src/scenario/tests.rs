use super::*;

const GOOD: &str = r#"
name = "x"
about = "y"
topics = 2
partitions = 3
message_bytes = 100

[producer]
idempotent = true
linger_ms = 0

[open]
seconds = 10
warm_up_seconds = 1

[[open.offers]]
name = "all"
messages_per_second = 5

[bars]
p50_ratio_max = 1.5
"#;

/// The complaint about the good scenario with one text replaced.
fn complaint(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old));
    let parsed = Scenario::parse(&GOOD.replace(old, new), Overrides::default());
    format!("{:#}", parsed.expect_err("it is refused"))
}

#[test]
fn every_built_in_scenario_is_sound_and_named_after_its_file() {
    for (name, _) in BUILT_IN {
        let scenario = Scenario::load(name, Overrides::default()).unwrap();
        assert_eq!(scenario.name, *name);
    }
}

#[test]
fn flags_override_and_are_checked_too() {
    let overrides = |seconds| Overrides {
        seconds: Some(seconds),
        megabytes: Some(7),
    };
    let scenario = Scenario::parse(GOOD, overrides(3)).unwrap();
    assert_eq!(scenario.open.unwrap().seconds, 3);
    let refused = Scenario::parse(GOOD, overrides(0)).unwrap_err();
    assert!(refused.to_string().contains("open.seconds"), "{refused}");
    let bulk = Scenario::load("bulk-1k-50", overrides(3)).unwrap();
    assert_eq!(bulk.bulk.unwrap().messages(bulk.message_bytes), 7_000);
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for (old, new) in [
        ("topics = 2", "topics = 2\ntopic = 1"),
        ("linger_ms = 0", "linger_ms = 0\nlinger = 1"),
        ("seconds = 10", "seconds = 10\nminutes = 1"),
        ("name = \"all\"", "name = \"all\"\nrate = 1"),
        ("p50_ratio_max = 1.5", "p50 = 1"),
    ] {
        let key = new.lines().last().unwrap().split(' ').next().unwrap();
        let said = complaint(old, new);
        assert!(said.contains(&format!("`{key}`")), "{said}");
    }
}

#[test]
fn missing_keys_are_refused_by_name() {
    for line in ["topics = 2", "idempotent = true", "messages_per_second = 5"] {
        let key = line.split(' ').next().unwrap();
        let said = complaint(line, "");
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn impossible_values_are_refused_by_name() {
    for (old, new) in [
        ("topics = 2", "topics = 0"),
        ("topics = 2", "topics = -1"),
        ("partitions = 3", "partitions = 1001"),
        ("message_bytes = 100", "message_bytes = 39"),
        ("message_bytes = 100", "message_bytes = 99999999"),
        ("linger_ms = 0", "linger_ms = 10001"),
        ("seconds = 10", "seconds = 100000"),
        ("messages_per_second = 5", "messages_per_second = 0"),
        ("p50_ratio_max = 1.5", "p50_ratio_max = -1.0"),
        ("p50_ratio_max = 1.5", "produce_ratio_min = 2.0"),
    ] {
        let key = new.split(' ').next().unwrap();
        let said = complaint(old, new);
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn offers_must_fit_the_topics_and_have_names_of_their_own() {
    let said = complaint(
        "messages_per_second = 5",
        "messages_per_second = 5\npartitions = [3]",
    );
    assert!(
        said.contains("partitions of the offer \"all\" is 3"),
        "{said}"
    );
    let said = complaint(
        "messages_per_second = 5",
        "messages_per_second = 5\npartitions = [1, 1]",
    );
    assert!(said.contains("given twice"), "{said}");
    let twice = "name = \"all\"\nmessages_per_second = 5\n[[open.offers]]\nname = \"all\"";
    let said = complaint("name = \"all\"", twice);
    assert!(said.contains("two offers are called \"all\""), "{said}");
}

#[test]
fn it_is_either_open_or_bulk() {
    let said = complaint("[bars]", "[bulk]\nmegabytes = 1\n[bars]");
    assert!(said.contains("exactly one"), "{said}");
}

#[test]
fn messages_go_to_all_topics_before_the_next_partition() {
    let scenario = Scenario::parse(GOOD, Overrides::default()).unwrap();
    let offer = &scenario.open.as_ref().unwrap().offers[0];
    assert_eq!(scenario.slots_of(offer), [0, 3, 1, 4, 2, 5]);
}

#[test]
fn a_name_that_is_no_scenario_lists_those_there_are() {
    let said = Scenario::load("nonsense", Overrides::default()).unwrap_err();
    assert!(said.to_string().contains("game"), "{said}");
}

#[test]
fn a_warm_up_is_never_longer_than_the_thing_itself() {
    let scenario = Scenario::parse(GOOD, Overrides::default()).unwrap();
    assert_eq!(scenario.at_most(5, 1).open.unwrap().seconds, 5);
    assert_eq!(scenario.at_most(50, 1).open.unwrap().seconds, 10);
}
