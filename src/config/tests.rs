use super::{Config, Flags};

fn load(toml: &str) -> anyhow::Result<Config> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tidegate.toml");
    std::fs::write(&file, toml)?;
    Config::load(&Flags {
        config: Some(file),
        ..Flags::default()
    })
}

fn refusal(toml: &str) -> String {
    format!("{:#}", load(toml).expect_err("is wrong"))
}

#[test]
fn the_file_goes_over_the_defaults_and_flags_over_the_file() {
    let config = load("listen = \"127.0.0.1:1\"\n[clusters.demo]\nplan = \"provisioned\"\n");
    let config = config.expect("is right");
    assert_eq!(config.listen.port(), 1);
    let demo = &config.clusters["demo"];
    assert!(
        demo.effective_limits()
            .expect("is right")
            .ingress_bytes_per_s
            .is_unlimited()
    );
    assert_eq!(
        demo.default_partitions, 3,
        "what is not named keeps its default"
    );
    let flags = Flags {
        listen: "127.0.0.1:2".parse().ok(),
        ..Flags::default()
    };
    assert_eq!(Config::load(&flags).expect("is right").listen.port(), 2);
}

#[test]
fn a_wrong_value_is_refused_with_its_name() {
    for (toml, name) in [
        ("segment_bytes = 5", "segment_bytes"),
        ("segment_bytes = \"big\"", "segment_bytes"),
        ("threads = 0", "threads: 0 is not 1 to 1024"),
        (
            "segment_bytes = 8388608",
            "clusters.demo.limits.message_bytes_max",
        ),
        ("segment_bytes = 67108865", "segment_bytes"),
        ("[clusters.system]", "clusters.system"),
        ("no_such_key = 1", "no_such_key"),
        ("admin_listen = \"0.0.0.0:1\"", "admin_listen"),
        (
            "[clusters.demo.users.\"a.b\"]",
            "clusters.demo.users.a.b: a name has",
        ),
        (
            "[clusters.demo.users.demo]",
            "clusters.demo.users.demo: this name",
        ),
        (
            "[[clusters.demo.users.reader.policies]]\nVersion = \"2012\"",
            "clusters.demo.users.reader: policies",
        ),
        (
            "[clusters.demo]\ndefault_partitions = 0",
            "clusters.demo.default_partitions",
        ),
        (
            "[clusters.demo]\nvirtual_brokers = \"x\"",
            "clusters.demo.virtual_brokers",
        ),
        (
            "[clusters.demo]\nplaintext_listen = \"0.0.0.0:9\"",
            "clusters.demo.plaintext_listen",
        ),
        ("[clusters.demo.limits]\nno_such_limit = 1", "no_such_limit"),
        (
            "[clusters.demo.limits]\nconnections_max = -1",
            "clusters.demo.limits",
        ),
        ("[clusters.UPPER]", "clusters.UPPER"),
    ] {
        let refusal = refusal(toml);
        assert!(refusal.contains(name), "{toml}: {refusal}");
    }
}

#[test]
fn one_limit_can_be_changed_alone() {
    let config = load("[clusters.demo.limits]\npartition_ingress_bytes_per_s = 1000\n");
    let limits = config.expect("is right").clusters["demo"]
        .effective_limits()
        .expect("is right");
    assert_eq!(limits.partition_ingress_bytes_per_s.0, 1000);
    assert_eq!(limits.partition_egress_bytes_per_s.0, 10_000_000);
}
