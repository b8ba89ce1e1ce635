//! The tables themselves: rules that each keeps, and equality with Kafka's definitions.

use std::path::Path;

use serde_json::Value;

use crate::api_key::ApiKey;
use crate::messages;
use crate::schema::{FieldSchema, Kind, Message, StructSchema};
use crate::versions::Versions;

/// A request's or response's table with its versions.
struct Table {
    key: ApiKey,
    schema: StructSchema,
    versions: Versions,
    flexible: Versions,
}

impl Table {
    fn of<M: Message>(key: ApiKey) -> Self {
        Self {
            key,
            schema: M::SCHEMA,
            versions: M::VERSIONS,
            flexible: M::FLEXIBLE,
        }
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* ($name:ident, $code:literal, $module:ident, $request:ident, $response:ident))*) => {
        fn tables() -> Vec<Table> {
            vec![$(
                Table::of::<messages::$module::$request>(ApiKey::$name),
                Table::of::<messages::$module::$response>(ApiKey::$name),
            )*]
        }
    };
}

messages::for_each_api!(tables);

/// All structures of a table, itself first.
fn structs(schema: &StructSchema) -> Vec<StructSchema> {
    fn part(kind: Kind) -> Option<&'static StructSchema> {
        match kind {
            Kind::Struct(schema) => Some(schema),
            Kind::Array(element) => part(*element),
            _ => None,
        }
    }
    let parts = schema.fields.iter().filter_map(|field| part(field.kind));
    std::iter::once(*schema)
        .chain(parts.flat_map(structs))
        .collect()
}

#[test]
fn a_request_and_its_response_have_the_same_versions() {
    for pair in tables().chunks(2) {
        assert_eq!(pair[0].versions, pair[1].versions, "{:?}", pair[0].key);
        assert_eq!(pair[0].flexible, pair[1].flexible, "{:?}", pair[0].key);
        assert_eq!(pair[0].versions, pair[0].key.versions());
    }
}

#[test]
fn tags_ascend_from_zero_and_exist_in_flexible_versions_only() {
    for table in tables() {
        for schema in structs(&table.schema) {
            let tagged: Vec<_> = schema
                .fields
                .iter()
                .filter(|field| field.tag.is_some())
                .collect();
            let tags: Vec<_> = tagged.iter().filter_map(|field| field.tag).collect();
            assert_eq!(
                tags,
                (0..tags.len() as u32).collect::<Vec<_>>(),
                "{}",
                schema.name
            );
            assert!(
                tagged
                    .iter()
                    .all(|field| field.versions.min >= table.flexible.min),
                "{}",
                schema.name
            );
        }
    }
}

#[test]
fn keys_ascend() {
    assert!(ApiKey::ALL.is_sorted());
    assert_eq!(
        ApiKey::ALL
            .iter()
            .copied()
            .find(|key| ApiKey::from_code(key.code()) != Some(*key)),
        None
    );
}

/// Compares each table with Kafka's definition of the message: the files `common/message/*.json` of the kafka-clients
/// 4.3 jar, unpacked into the folder that `KAFKA_MESSAGES` names.
#[test]
#[ignore = "needs the definitions: KAFKA_MESSAGES=<folder of *.json>"]
fn tables_are_kafkas_definitions() {
    let folder = std::env::var_os("KAFKA_MESSAGES").expect("KAFKA_MESSAGES names the folder");
    for table in tables() {
        let definition = definition(Path::new(&folder), table.schema.name);
        assert_eq!(
            definition["apiKey"],
            table.key.code(),
            "{}",
            table.schema.name
        );
        let mut valid = range(&definition["validVersions"]);
        let request = table.schema.name.replace("Response", "Request");
        if self::definition(Path::new(&folder), &request)["latestVersionUnstable"] == true {
            valid.max -= 1;
        }
        assert_eq!(table.versions, valid, "{}", table.schema.name);
        assert_eq!(
            table.flexible,
            range(&definition["flexibleVersions"]),
            "{}",
            table.schema.name
        );
        compare(
            &table.schema,
            &definition["fields"],
            &definition["commonStructs"],
            valid,
        );
    }
}

fn definition(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).expect(name)
}

/// `3-13`, `9+`, `4`, `none`, or nothing.
fn range(text: &Value) -> Versions {
    let number = |text: &str| text.parse().expect("a version");
    match text.as_str().unwrap_or("none") {
        "none" => Versions::NONE,
        text if text.ends_with('+') => Versions::new(number(text.trim_end_matches('+')), i16::MAX),
        text => {
            let (min, max) = text.split_once('-').unwrap_or((text, text));
            Versions::new(number(min), number(max))
        }
    }
}

fn compare(schema: &StructSchema, fields: &Value, common: &Value, valid: Versions) {
    let fields = fields.as_array().expect("a list of fields");
    let is_served = |field: &&Value| {
        let versions = range(&field["versions"]);
        versions.min <= valid.max && versions.max >= valid.min
    };
    let fields: Vec<_> = fields.iter().filter(is_served).collect();
    let names: Vec<_> = fields
        .iter()
        .map(|field| snake_case(text(&field["name"])))
        .collect();
    assert_eq!(
        schema
            .fields
            .iter()
            .map(|field| field.name)
            .collect::<Vec<_>>(),
        names,
        "{}",
        schema.name
    );
    for (ours, theirs) in schema.fields.iter().zip(fields) {
        compare_field(schema.name, ours, theirs);
        if let Kind::Struct(part) | Kind::Array(Kind::Struct(part)) = &ours.kind {
            let common_part = || {
                let parts = common.as_array().into_iter().flatten();
                parts
                    .into_iter()
                    .find(|common| common["name"] == part.name)
                    .map(|common| &common["fields"])
            };
            let inner = theirs
                .get("fields")
                .or_else(common_part)
                .expect("a part has fields");
            compare(part, inner, common, valid);
        }
    }
}

fn compare_field(owner: &str, ours: &FieldSchema, theirs: &Value) {
    let place = format!("{owner}.{}", ours.name);
    assert_eq!(
        kind(ours.kind),
        text(&theirs["type"]).replace("records", "bytes"),
        "{place}"
    );
    assert_eq!(ours.versions, range(&theirs["versions"]), "{place}");
    assert_eq!(ours.nullable, range(&theirs["nullableVersions"]), "{place}");
    assert_eq!(ours.tag.map(u64::from), theirs["tag"].as_u64(), "{place}");
    let tagged = if ours.tag.is_some() {
        ours.versions
    } else {
        Versions::NONE
    };
    assert_eq!(tagged, range(&theirs["taggedVersions"]), "{place}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Kafka's word for a type; `records` are `bytes`, because a request's are a slice.
fn kind(kind: Kind) -> String {
    match kind {
        Kind::Array(element) => format!("[]{}", self::kind(*element)),
        Kind::Struct(schema) => schema.name.to_owned(),
        Kind::Records => "bytes".to_owned(),
        simple => format!("{simple:?}").to_lowercase(),
    }
}

/// `ThrottleTimeMs` is `throttle_time_ms`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
