//! The tables themselves: rules that each keeps. That they are Kafka's is checked by `examples/check_tables.rs`.

use crate::api_key::ApiKey;
use crate::messages;
use crate::schema::{Kind, Message, StructSchema};
use crate::versions::Versions;
use crate::writer::Writer;

/// A request's or response's table with its versions.
struct Table {
    key: ApiKey,
    schema: StructSchema,
    versions: Versions,
    flexible: Versions,
    encode_default: fn(&mut Writer, i16),
}

impl Table {
    fn of<M: Message + Default>(key: ApiKey) -> Self {
        Self {
            key,
            schema: M::SCHEMA,
            versions: M::VERSIONS,
            flexible: M::FLEXIBLE,
            encode_default: |writer, version| M::default().encode(writer, version),
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

/// A handler that fills in nothing but an error must not meet a null that its version cannot encode.
#[test]
fn a_default_has_an_encoding_in_every_version() {
    for table in tables() {
        for version in table.versions.min..=table.versions.max {
            (table.encode_default)(&mut Writer::new(), version);
        }
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
