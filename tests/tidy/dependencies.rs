//! Who may depend on whom. Dependencies point down only: shells, then cores and boundaries, then
//! the model. No shell uses another; the root package composes them.

use std::collections::BTreeMap;

use toml::Table;

use super::sources::{Source, root, sources};

/// Kinds of crates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Pure state: no runtime, no clock, no chance, no I/O.
    Core,
    /// The messages and the seam between two shells, or between a shell and a disk or a
    /// socket.
    Boundary,
    /// An async shell.
    Shell,
    /// Composes, or tests, everything.
    Whole,
}

/// Each crate of ours, its kind, and the crates of ours that it may use.
const TABLE: &[(&str, Kind, &[&str])] = &[
    ("model", Kind::Core, &[]),
    ("wire", Kind::Core, &[]),
    ("quota", Kind::Core, &["model"]),
    ("auth", Kind::Core, &["model"]),
    ("records", Kind::Core, &["model"]),
    ("catalog", Kind::Core, &["model", "quota"]),
    ("partition-log", Kind::Core, &["model"]),
    ("coordinator", Kind::Core, &["model"]),
    (
        "wal",
        Kind::Boundary,
        &["model", "partition-log", "quota", "records"],
    ),
    (
        "node-api",
        Kind::Boundary,
        &["coordinator", "model", "records"],
    ),
    ("control-api", Kind::Boundary, &["model", "quota"]),
    ("gateway-tls", Kind::Boundary, &[]),
    (
        "nodes",
        Kind::Shell,
        &[
            "control-api",
            "coordinator",
            "model",
            "node-api",
            "partition-log",
            "quota",
            "records",
            "wal",
        ],
    ),
    (
        "gateway",
        Kind::Shell,
        &[
            "auth",
            "control-api",
            "gateway-tls",
            "model",
            "node-api",
            "quota",
            "records",
            "wire",
        ],
    ),
    (
        "balancer",
        Kind::Shell,
        &["catalog", "control-api", "model", "quota"],
    ),
    (
        "tidegate",
        Kind::Whole,
        &[
            "auth",
            "balancer",
            "control-api",
            "coordinator",
            "gateway",
            "model",
            "node-api",
            "nodes",
            "quota",
        ],
    ),
    (
        "tests",
        Kind::Whole,
        &[
            "auth",
            "balancer",
            "control-api",
            "gateway",
            "model",
            "node-api",
            "nodes",
            "partition-log",
            "quota",
            "records",
            "signer",
            "wal",
            "wire",
        ],
    ),
    // Clients of the wire alone: nothing of the server is in them.
    ("signer", Kind::Whole, &[]),
    ("loadtest", Kind::Whole, &["signer"]),
    ("rust-clients", Kind::Whole, &[]),
];

/// What no core may use: runtimes, clocks and chance.
const NOT_IN_A_CORE: &[&str] = &[
    "tokio",
    "hyper",
    "rand",
    "quinn",
    "object_store",
    "metrics",
    "tracing",
    "async-trait",
];

/// What may only be a dev-dependency: it never reaches what is shipped.
const ONLY_TO_TEST: &[&str] = &["criterion", "proptest"];

fn manifests() -> Vec<(Source, Table)> {
    let manifests = sources("Cargo.toml")
        .into_iter()
        .filter(|s| !s.path.contains("/fuzz/"));
    manifests
        .map(|source| {
            let table = source.text.parse().expect("cargo has read it");
            (source, table)
        })
        .collect()
}

fn name(manifest: &Table) -> String {
    let name = manifest["package"]["name"].as_str();
    name.expect("a package has a name").to_owned()
}

fn dependencies(manifest: &Table, section: &str) -> Vec<String> {
    let section = manifest.get(section).and_then(|section| section.as_table());
    section
        .map(|section| section.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn the_table_is_kept() {
    let ours: BTreeMap<&str, _> = TABLE
        .iter()
        .map(|(name, kind, may)| (*name, (kind, may)))
        .collect();
    for (source, manifest) in manifests() {
        let name = name(&manifest);
        let (_, may) = ours.get(name.as_str()).unwrap_or_else(|| {
            panic!(
                "{}: {name} is not in the table of tests/tidy/dependencies.rs",
                source.path
            )
        });
        for used in dependencies(&manifest, "dependencies") {
            let is_ours = ours.contains_key(used.as_str());
            assert!(
                !is_ours || may.contains(&used.as_str()),
                "{name} may not use {used}"
            );
        }
    }
}

#[test]
fn no_shell_uses_another() {
    let shells: Vec<&str> = TABLE
        .iter()
        .filter(|(_, kind, _)| *kind == Kind::Shell)
        .map(|(name, _, _)| *name)
        .collect();
    for (name, kind, may) in TABLE {
        let uses = may.iter().any(|used| shells.contains(used));
        assert!(*kind == Kind::Whole || !uses, "{name} uses a shell");
    }
}

#[test]
fn cores_are_pure() {
    for (source, manifest) in manifests() {
        let name = name(&manifest);
        let is_core = TABLE
            .iter()
            .any(|(core, kind, _)| *core == name && *kind == Kind::Core);
        if !is_core {
            continue;
        }
        for used in dependencies(&manifest, "dependencies") {
            assert!(
                !NOT_IN_A_CORE.contains(&used.as_str()),
                "{name} is a core and uses {used}"
            );
        }
        let folder = root().join(&source.path);
        let lints = folder
            .parent()
            .expect("a manifest lies in a folder")
            .join("clippy.toml");
        let lints = std::fs::read_to_string(&lints).unwrap_or_default();
        assert!(
            lints.contains("std::time::Instant::now"),
            "{name} lacks the cores' clippy.toml"
        );
    }
}

#[test]
fn what_tests_and_benchmarks_use_is_not_shipped() {
    for (source, manifest) in manifests() {
        for used in dependencies(&manifest, "dependencies") {
            let is_only_to_test = ONLY_TO_TEST.contains(&used.as_str());
            assert!(
                !is_only_to_test,
                "{}: {used} may only be a dev-dependency",
                source.path
            );
        }
    }
}

#[test]
fn versions_stand_in_the_root_alone() {
    for (source, manifest) in manifests() {
        let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
        for section in sections {
            let Some(section) = manifest.get(section).and_then(|s| s.as_table()) else {
                continue;
            };
            for (used, how) in section {
                let inherits = how.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherits, "{}: {used} names its own version", source.path);
            }
        }
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert!(
            lints.is_some(),
            "{}: lacks `[lints] workspace = true`",
            source.path
        );
    }
}
