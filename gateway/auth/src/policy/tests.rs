//! Policies against the tables of AWS, and against what is wrong with them.

use super::*;

const UUID: &str = "abcd1234-0123-abcd-5678-1234abcd-1";

fn arn(kind: &str, cluster: &str, name: &str) -> String {
    format!("arn:aws:kafka:us-east-1:0123456789012:{kind}/{cluster}/{name}")
}

fn parse(document: &str) -> Result<PolicySet, PolicyError> {
    PolicySet::parse(&[document.to_owned()])
}

fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

fn set(statements: &[String]) -> PolicySet {
    let list = statements.join(",");
    parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{list}]}}"#
    ))
    .unwrap()
}

fn allowed_by(action: &str) -> Vec<Action> {
    let set = set(&[statement("Allow", action, "*")]);
    let topic = arn("topic", "MyTestCluster", "x");
    let is_allowed = |action: &Action| set.verdict(*action, &topic) == Verdict::Allowed;
    Action::ALL.into_iter().filter(is_allowed).collect()
}

fn fault(statement: &str) -> StatementFault {
    let good = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let document = format!(r#"{{"Statement":[{good},{statement}]}}"#);
    match PolicySet::parse(&[format!(r#"{{"Statement":{good}}}"#), document]) {
        Err(PolicyError::Statement {
            document: 2,
            statement: 2,
            fault,
        }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn action_patterns_stand_for_what_aws_says() {
    use Action::{AlterTopic, CreateTopic, DeleteTopic, DescribeTopic, ReadData, WriteData};
    assert_eq!(
        allowed_by("kafka-cluster:*Topic"),
        [CreateTopic, DescribeTopic, AlterTopic, DeleteTopic]
    );
    assert_eq!(allowed_by("kafka-cluster:WriteData"), [WriteData]);
    assert_eq!(allowed_by("Kafka-Cluster:writeDATA"), [WriteData]);
    assert_eq!(allowed_by("kafka-cluster:?e?dData"), [ReadData]);
    assert_eq!(allowed_by("kafka-cluster:*"), Action::ALL);
    assert_eq!(allowed_by("*"), Action::ALL);
    assert_eq!(allowed_by("s3:*"), []);
    assert_eq!(allowed_by("kafka:*"), []);
}

#[test]
fn resource_patterns_stand_for_what_aws_says() {
    let topic = |rest: &str| arn("topic", "MyTestCluster", rest);
    let named = |cluster: &str, name: &str| arn("topic", cluster, &format!("{UUID}/{name}"));
    let other = "ffffffff-0123-abcd-5678-1234abcd-2";
    let transaction = |uuid: &str, name: &str| {
        arn(
            "transactional-id",
            "MyTestCluster",
            &format!("{uuid}/{name}"),
        )
    };
    let id = "5555abcd-1111-abcd-1234-abcd1234-1";
    let one_cluster = arn("cluster", "MyTestCluster", UUID);
    let cases = [
        // All topics in every cluster of a name.
        (topic("*"), named("MyTestCluster", "a"), true),
        (topic("*"), topic(&format!("{other}/a/b")), true),
        (topic("*"), named("MyTestCluster2", "a"), false),
        (topic("*"), arn("group", "MyTestCluster", "x/a"), false),
        // Topics of one cluster by the end of their name.
        (
            named("MyTestCluster", "*_test"),
            named("MyTestCluster", "a_test"),
            true,
        ),
        (
            named("MyTestCluster", "*_test"),
            named("MyTestCluster", "a_test2"),
            false,
        ),
        (
            named("MyTestCluster", "*_test"),
            topic(&format!("{other}/a_test")),
            false,
        ),
        // One transactional id in every incarnation of a cluster.
        (transaction("*", id), transaction(UUID, id), true),
        (transaction("*", id), transaction(other, id), true),
        (transaction("*", id), transaction(UUID, "another"), false),
        // Names of resources are told apart by case, and `?` is one character.
        (
            named("MyTestCluster", "Orders"),
            named("MyTestCluster", "orders"),
            false,
        ),
        (
            named("MyTestCluster", "o?ders"),
            named("MyTestCluster", "o€ders"),
            true,
        ),
        (
            named("MyTestCluster", "o?ders"),
            named("MyTestCluster", "oders"),
            false,
        ),
        (one_cluster.clone(), one_cluster.clone(), true),
        (one_cluster.clone(), format!("{one_cluster}/x"), false),
        ("*".to_owned(), one_cluster.clone(), true),
        ("arn:aws:kafka:*:*:*".to_owned(), one_cluster.clone(), true),
        ("arn:*:kafka:*:*:topic/*".to_owned(), named("c", "a"), true),
        // A star stays within its part of the ARN until the last.
        (
            "arn:aws:kafka:*:topic/*:*".to_owned(),
            named("c", "a"),
            false,
        ),
        (
            "arn:aws:kafka:us-*:0*:group/*".to_owned(),
            arn("group", "c", "u/a:b:c"),
            true,
        ),
        ("arn:aws:s3:::bucket/*".to_owned(), named("c", "a"), false),
    ];
    for (pattern, resource, expected) in cases {
        let set = set(&[statement("Allow", "kafka-cluster:*", &pattern)]);
        let verdict = set.verdict(Action::ReadData, &resource);
        assert_eq!(
            verdict == Verdict::Allowed,
            expected,
            "{pattern} on {resource}"
        );
    }
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    let allow = statement("Allow", "kafka-cluster:*", "*");
    let secret = arn("topic", "c", "u/secret*");
    let deny = statement("Deny", "kafka-cluster:ReadData", &secret);
    for statements in [[allow.clone(), deny.clone()], [deny.clone(), allow.clone()]] {
        let set = set(&statements);
        let verdict = |action, name| set.verdict(action, &arn("topic", "c", name));
        assert_eq!(verdict(Action::ReadData, "u/secrets"), Verdict::Denied);
        assert_eq!(verdict(Action::ReadData, "u/plain"), Verdict::Allowed);
        assert_eq!(verdict(Action::WriteData, "u/secrets"), Verdict::Allowed);
    }
    // The same over two documents.
    let documents = [deny, allow].map(|s| format!(r#"{{"Statement":{s}}}"#));
    let set = PolicySet::parse(&documents).unwrap();
    let secret = arn("topic", "c", "u/secret");
    assert_eq!(set.verdict(Action::ReadData, &secret), Verdict::Denied);
}

#[test]
fn nothing_is_allowed_that_no_statement_allows() {
    let topic = arn("topic", "c", "u/t");
    let none = PolicySet::default();
    let other = set(&[statement("Allow", "kafka-cluster:DescribeTopic", "*")]);
    for action in Action::ALL {
        assert_eq!(none.verdict(action, &topic), Verdict::NotAllowed);
        let expected = match action {
            Action::DescribeTopic => Verdict::Allowed,
            _ => Verdict::NotAllowed,
        };
        assert_eq!(other.verdict(action, &topic), expected);
    }
    let all = set(&[statement("Allow", "*", "*")]);
    assert_eq!(all.verdict(Action::Connect, "no arn"), Verdict::NotAllowed);
    let longest = |length| format!("{:a<length$}", arn("group", "c", "u/"));
    let verdict = |length| all.verdict(Action::AlterGroup, &longest(length));
    assert_eq!(verdict(ARN_BYTES_MAX), Verdict::Allowed);
    assert_eq!(verdict(ARN_BYTES_MAX + 1), Verdict::NotAllowed);
}

#[test]
fn negated_lists_are_about_all_the_rest() {
    let secret = arn("topic", "c", "u/secret");
    let plain = arn("topic", "c", "u/plain");
    let set = parse(&format!(
        r#"{{"Statement":{{"Effect":"Allow","NotAction":["kafka-cluster:Delete*","iam:*"],
            "NotResource":"{secret}"}}}}"#
    ))
    .unwrap();
    assert_eq!(set.verdict(Action::ReadData, &plain), Verdict::Allowed);
    assert_eq!(
        set.verdict(Action::DeleteTopic, &plain),
        Verdict::NotAllowed
    );
    assert_eq!(set.verdict(Action::ReadData, &secret), Verdict::NotAllowed);
}

#[test]
fn the_sets_of_the_developer_guide_do_what_they_are_for() {
    let set = parse(&format!(
        r#"{{"Version":"2012-10-17","Id":"guide","Statement":[
          {{"Sid":"A","Effect":"Allow","Action":["kafka-cluster:Connect","kafka-cluster:AlterCluster",
            "kafka-cluster:DescribeCluster"],"Resource":["{cluster}"]}},
          {{"Sid":"B","Effect":"Allow","Action":["kafka-cluster:*Topic*","kafka-cluster:WriteData",
            "kafka-cluster:ReadData"],"Resource":["{topics}"]}},
          {{"Sid":"C","Effect":"Allow","Action":["kafka-cluster:AlterGroup",
            "kafka-cluster:DescribeGroup"],"Resource":["{groups}"]}}]}}"#,
        cluster = arn("cluster", "c", UUID),
        topics = arn("topic", "c", "*"),
        groups = arn("group", "c", "*"),
    ))
    .unwrap();
    let allowed = |action, kind, name| set.verdict(action, &arn(kind, "c", name));
    assert_eq!(allowed(Action::Connect, "cluster", UUID), Verdict::Allowed);
    assert_eq!(
        allowed(Action::CreateTopic, "topic", "u/t"),
        Verdict::Allowed
    );
    let configuration = Action::AlterTopicDynamicConfiguration;
    assert_eq!(allowed(configuration, "topic", "u/t"), Verdict::Allowed);
    assert_eq!(
        allowed(Action::AlterGroup, "group", "u/g"),
        Verdict::Allowed
    );
    assert_eq!(
        allowed(Action::DeleteGroup, "group", "u/g"),
        Verdict::NotAllowed
    );
    assert_eq!(
        allowed(Action::ReadData, "group", "u/g"),
        Verdict::NotAllowed
    );
}

#[test]
fn what_is_not_supported_is_refused_and_named() {
    let base = r#""Effect":"Deny","Action":"kafka-cluster:*","Resource":"*""#;
    for condition in [
        r#"{"StringEquals":{"aws:ResourceTag/a":"b"}}"#,
        "{}",
        "null",
    ] {
        let statement = format!(r#"{{{base},"Condition":{condition}}}"#);
        assert_eq!(fault(&statement), StatementFault::Condition);
    }
    for principal in [r#""Principal":"*""#, r#""NotPrincipal":{"AWS":"x"}"#] {
        let statement = format!("{{{base},{principal}}}");
        assert_eq!(fault(&statement), StatementFault::Principal);
    }
    let resource = "arn:aws:kafka:*:*:topic/${aws:username}".to_owned();
    let statement = statement("Deny", "*", &resource);
    assert_eq!(fault(&statement), StatementFault::Variable { resource });
}

#[test]
fn mistakes_in_statements_are_refused_and_named() {
    for action in [
        "",
        "Connect",
        ":Connect",
        "kafka-*:Connect",
        "kafka cluster:x",
    ] {
        let wrong = StatementFault::ActionForm {
            action: action.to_owned(),
        };
        assert_eq!(fault(&statement("Deny", action, "*")), wrong);
    }
    for action in [
        "kafka-cluster:ReadDate",
        "kafka-cluster:",
        "kafka-cluster:*X",
    ] {
        let wrong = StatementFault::UnknownAction {
            action: action.to_owned(),
        };
        assert_eq!(fault(&statement("Deny", action, "*")), wrong);
    }
    for resource in [
        "",
        "**",
        "topic/*",
        "arn:aws:kafka:*",
        "xrn:aws:kafka:a:b:c",
    ] {
        let wrong = StatementFault::ResourceForm {
            resource: resource.to_owned(),
        };
        assert_eq!(fault(&statement("Deny", "*", resource)), wrong);
    }
    let lists = [
        (r#""Resource":"*""#, StatementFault::Actions),
        (r#""Action":[],"Resource":"*""#, StatementFault::Actions),
        (
            r#""Action":"*","NotAction":"*","Resource":"*""#,
            StatementFault::Actions,
        ),
        (r#""Action":"*""#, StatementFault::Resources),
        (r#""Action":"*","Resource":[]"#, StatementFault::Resources),
        (
            r#""Action":"*","Resource":"*","NotResource":"*""#,
            StatementFault::Resources,
        ),
    ];
    for (rest, expected) in lists {
        assert_eq!(fault(&format!(r#"{{"Effect":"Allow",{rest}}}"#)), expected);
    }
}

#[test]
fn mistakes_in_documents_are_refused_and_named() {
    for json in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"Statement":5}"#,
        r#"{"Statement":["x"]}"#,
        r#"{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":5,"Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":["*",{}],"Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}}"#,
        r#"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} x"#,
        r#"{"Statements":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    ] {
        let error = parse(json).unwrap_err();
        assert!(
            matches!(error, PolicyError::Json { document: 1, .. }),
            "{json}"
        );
    }
    let deep = format!(r#"{{"Statement":{}"#, "[".repeat(60_000));
    assert!(matches!(parse(&deep), Err(PolicyError::Json { .. })));
    assert_eq!(
        parse(r#"{"Statement":[]}"#).err(),
        Some(PolicyError::Empty { document: 1 })
    );
    let version = parse(
        r#"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    );
    assert!(matches!(version, Err(PolicyError::Version { .. })));
    let reason = parse(r#"{"Statement":{"Effect":"Allow","Actoin":"*"}}"#).unwrap_err();
    assert!(reason.to_string().contains("Actoin"), "{reason}");
}

#[test]
fn every_bound_is_kept() {
    let large = vec![" ".repeat(POLICY_BYTES_MAX / 2 + 1); 2];
    let bytes = POLICY_BYTES_MAX + 2;
    let error = PolicySet::parse(&large).err();
    assert_eq!(error, Some(PolicyError::TooLarge { bytes }));

    let listed = |resources: &[&str]| {
        let list = serde_json::to_string(resources).unwrap();
        parse(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":{list}}}}}"#
        ))
    };
    assert!(listed(&["*"; RESOURCE_PATTERNS_MAX]).is_ok());
    let patterns = RESOURCE_PATTERNS_MAX + 1;
    let error = listed(&vec!["*"; patterns]).err();
    assert_eq!(error, Some(PolicyError::TooManyResources { patterns }));

    let wild = |bytes| format!("arn:aws:kafka:a:b:*{}*", "?".repeat(bytes));
    assert!(listed(&[&wild(WILD_PIECE_BYTES_MAX)]).is_ok());
    let bytes = WILD_PIECE_BYTES_MAX + 1;
    let error = listed(&[&wild(1), &wild(WILD_PIECE_BYTES_MAX)]).err();
    assert_eq!(error, Some(PolicyError::TooManyWildcards { bytes }));
}

#[test]
fn random_documents_are_refused_or_compiled_and_never_more() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"Statement\"",
        "\"Effect\"",
        "\"Allow\"",
        "\"Action\"",
        "\"*\"",
        "\"Resource\"",
        "\"kafka-cluster:*\"",
        "5",
        "null",
        "\"arn:aws:kafka:a:b:*?*\"",
        "\"Condition\"",
        "\\",
        "\"",
        "\"Version\"",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut document = String::from("{\"Statement\":");
        for _ in 0..24 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            document.push_str(pieces[state as usize % pieces.len()]);
        }
        let _ = parse(&document);
    }
}

#[test]
fn what_is_allowed_everywhere_is_what_no_resource_is_excepted_from() {
    use Action::{AlterTopic, ReadData, WriteData};
    let every = statement("Allow", "kafka-cluster:*Data", "*");
    let some = statement("Allow", "*", &arn("topic", "c", "*"));
    let but = statement("Deny", "kafka-cluster:WriteData", &arn("topic", "c", "x"));
    let none = r#"{"Effect":"Allow","Action":"*","NotResource":"*"}"#.to_owned();
    let but_none = r#"{"Effect":"Deny","Action":"*","NotResource":"*"}"#.to_owned();
    let everywhere = |statements: &[&String]| {
        let set = set(&statements.iter().copied().cloned().collect::<Vec<_>>());
        let is_everywhere = |action: &Action| set.allows_everywhere(*action, 100);
        let actions: Vec<Action> = Action::ALL.into_iter().filter(is_everywhere).collect();
        for action in &actions {
            assert!(!set.allows_everywhere(*action, ARN_BYTES_MAX + 1));
            for name in ["x", "y"] {
                let verdict = set.verdict(*action, &arn("topic", "c", name));
                assert_eq!(verdict, Verdict::Allowed, "{action} on {name}");
            }
        }
        actions
    };
    assert_eq!(everywhere(&[&every]), [ReadData, WriteData]);
    assert_eq!(everywhere(&[&some, &every]), [ReadData, WriteData]);
    assert_eq!(everywhere(&[&but, &every]), [ReadData]);
    assert_eq!(everywhere(&[&every, &but]), [ReadData]);
    assert_eq!(everywhere(&[&some]), []);
    assert_eq!(everywhere(&[&none]), []);
    // Nothing is denied, but nobody is asked to see that.
    assert_eq!(everywhere(&[&every, &but_none]), []);
    let set = set(&[every, but]);
    assert!(!set.allows_everywhere(AlterTopic, 100));
}
