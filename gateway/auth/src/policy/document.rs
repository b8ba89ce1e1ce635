//! The JSON of an IAM policy document (AWS, "Grammar of the IAM JSON policy language").
//!
//! Owns: the shape. Keys that the grammar does not have are refused, so that a misspelt
//! `Condition` cannot be overlooked.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::PolicyError;
use super::statement::{Effect, Statement};

/// Versions of the policy language; they differ in variables only, which are refused in both.
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

/// A document as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

/// A statement as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) action: Option<OneOrMany<String>>,
    pub(super) not_action: Option<OneOrMany<String>>,
    pub(super) resource: Option<OneOrMany<String>>,
    pub(super) not_resource: Option<OneOrMany<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) condition: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) principal: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) not_principal: bool,
}

/// Whether a key is there, whatever its value: even an empty condition is one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Document {
    /// Reads the `document`th policy, `json`.
    pub(super) fn parse(document: usize, json: &str) -> Result<Self, PolicyError> {
        let parsed: Self = serde_json::from_str(json).map_err(|error| PolicyError::Json {
            document,
            reason: error.to_string(),
        })?;
        match &parsed.version {
            Some(version) if !VERSIONS.contains(&version.as_str()) => Err(PolicyError::Version {
                document,
                version: version.clone(),
            }),
            _ if parsed.statement.0.is_empty() => Err(PolicyError::Empty { document }),
            _ => Ok(parsed),
        }
    }

    /// Its statements, ready to be asked.
    pub(super) fn compile(self, document: usize) -> Result<Vec<Statement>, PolicyError> {
        let numbered = (1..).zip(self.statement.0);
        let compiled = numbered.map(|(statement, raw)| {
            Statement::compile(raw).map_err(|fault| PolicyError::Statement {
                document,
                statement,
                fault,
            })
        });
        compiled.collect()
    }
}

/// A value that may stand alone or in a list.
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

/// Visits either form by hand: serde's untagged enums cannot say what is wrong.
struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of them")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let one = T::deserialize(StrDeserializer::new(text))?;
        Ok(OneOrMany(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let one = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = list.next_element()? {
            many.push(one);
        }
        Ok(OneOrMany(many))
    }
}
