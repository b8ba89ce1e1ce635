//! An answer as a flat list of fields: where each stands, and its value as text.
//!
//! Owns: the walk over a frame along the table of its message, record batches included. Does not own: the tables
//! (`wire`), nor what is made of the fields (`compare`).
//!
//! Invariant: every byte of the frame ends up in a field, so nothing is left out of a comparison.

use std::collections::BTreeMap;

use bytes::Bytes;
use records::{BATCH_HEADER_BYTES, BatchHeader};
use wire::schema::{FieldSchema, Kind, Message, StructSchema};
use wire::wire_type::Shape;
use wire::{ApiKey, DecodeError, Reader};

/// Where a field stands, e.g. `topics[0].name`, and its value.
pub type Field = (String, String);

/// The fields that tell the elements of a list apart. An element is called by the first that it has, so that two orders
/// compare: clients look elements up, and neither server promises an order.
const TELLING: [&str; 10] = [
    "name",
    "topic",
    "topic_id",
    "api_key",
    "partition_index",
    "index",
    "node_id",
    "partition",
    "resource_name",
    "broker_id",
];

/// What the ids of topics are called, which no two servers share.
pub type IdNames = BTreeMap<[u8; 16], String>;

/// An id that is not named yet.
const NEW_ID: &str = "a new id";

/// The fields of a frame without its length.
///
/// # Errors
/// Any [`DecodeError`].
pub fn fields<M: Message>(
    key: ApiKey,
    version: i16,
    frame: Bytes,
    ids: &IdNames,
) -> Result<Vec<Field>, DecodeError> {
    let mut walk = Walk {
        reader: Reader::new(frame),
        fields: Vec::new(),
        ids,
    };
    walk.reader.i32()?;
    // The one answer that is read before both sides know what the other understands has an old header.
    if key.is_flexible(version) && key != ApiKey::ApiVersions {
        walk.tags(&[], M::shape(version), "header")?;
    }
    walk.structure(&M::SCHEMA, M::shape(version), "")?;
    if walk.reader.remaining() > 0 {
        let left = walk.reader.remaining().to_string();
        walk.fields.push(("bytes after the end".to_owned(), left));
    }
    Ok(walk.fields)
}

struct Walk<'a> {
    reader: Reader,
    fields: Vec<Field>,
    ids: &'a IdNames,
}

impl Walk<'_> {
    fn structure(
        &mut self,
        schema: &StructSchema,
        shape: Shape,
        path: &str,
    ) -> Result<(), DecodeError> {
        for field in schema.fields {
            if field.is_plain_at(shape.version) {
                self.value(&field.kind, field.shape(shape), &join(path, field.name))?;
            }
        }
        if shape.flexible {
            self.tags(schema.fields, shape, path)?;
        }
        Ok(())
    }

    fn tags(
        &mut self,
        fields: &[FieldSchema],
        shape: Shape,
        path: &str,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.reader.uvarint()? {
            let tag = self.reader.uvarint()?;
            let size = self.reader.uvarint()? as usize;
            let known =
                |field: &&FieldSchema| field.is_tagged_at(shape.version) && field.tag == Some(tag);
            match fields.iter().find(known) {
                Some(field) => {
                    self.value(&field.kind, field.shape(shape), &join(path, field.name))?;
                }
                None => {
                    let bytes = self.reader.slice(size)?;
                    self.put(&join(path, &format!("tag {tag}")), hex::encode(bytes));
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, kind: &Kind, shape: Shape, path: &str) -> Result<(), DecodeError> {
        let text = match kind {
            Kind::Bool => (self.reader.u8()? != 0).to_string(),
            Kind::Int8 => self.reader.u8()?.cast_signed().to_string(),
            Kind::Int16 => self.reader.i16()?.to_string(),
            Kind::Uint16 => self.reader.i16()?.cast_unsigned().to_string(),
            Kind::Int32 => self.reader.i32()?.to_string(),
            Kind::Int64 => i64::from_be_bytes(self.reader.array()?).to_string(),
            Kind::Float64 => f64::from_be_bytes(self.reader.array()?).to_string(),
            Kind::Uuid => {
                let id = self.reader.array()?;
                self.ids.get(&id).map_or(NEW_ID, String::as_str).to_owned()
            }
            Kind::String => match self.reader.string_length(shape)? {
                Some(length) => format!("{:?}", self.reader.string(length)?),
                None => "null".to_owned(),
            },
            Kind::Bytes => match self.reader.length(shape)? {
                Some(length) => hex::encode(self.reader.slice(length)?),
                None => "null".to_owned(),
            },
            Kind::Records => return self.records(shape, path),
            Kind::Array(element) => return self.array(element, shape, path),
            Kind::Struct(_) if shape.nullable && self.reader.u8()? == u8::MAX => "null".to_owned(),
            Kind::Struct(schema) => return self.structure(schema, shape.element(), path),
        };
        self.put(path, text);
        Ok(())
    }

    fn array(&mut self, element: &Kind, shape: Shape, path: &str) -> Result<(), DecodeError> {
        let Some(count) = self.reader.length(shape)? else {
            self.put(path, "null".to_owned());
            return Ok(());
        };
        self.put(&format!("{path}.count"), count.to_string());
        for index in 0..count {
            let first = self.fields.len();
            self.value(element, shape.element(), &format!("{path}[{index}]"))?;
            self.name_element(first, path, index);
        }
        Ok(())
    }

    /// Lets an element of a list be called by its name.
    fn name_element(&mut self, first: usize, path: &str, index: usize) {
        let by_index = format!("{path}[{index}]");
        let own = |by: &&str| {
            let key = format!("{by_index}.{by}");
            let fields = self.fields[first..].iter();
            let mut named = fields.filter(|(path, name)| *path == key && name != "null");
            named.next().map(|(_, name)| name.clone())
        };
        let Some(name) = TELLING.iter().find_map(own) else {
            return;
        };
        // Two elements of one name stay apart.
        let mut by_name = format!("{path}[{name}]");
        let taken = |name: &str| {
            self.fields[..first]
                .iter()
                .any(|(path, _)| path.starts_with(name))
        };
        while taken(&by_name) {
            by_name.insert(by_name.len() - 1, '+');
        }
        for (path, _) in &mut self.fields[first..] {
            *path = path.replacen(&by_index, &by_name, 1);
        }
    }

    fn records(&mut self, shape: Shape, path: &str) -> Result<(), DecodeError> {
        let Some(length) = self.reader.length(shape)? else {
            self.put(path, "null".to_owned());
            return Ok(());
        };
        let mut left = self.reader.slice(length)?;
        let mut count = 0;
        while let Ok(header) = BatchHeader::parse(&left)
            && header.batch_bytes() <= left.len() as u64
        {
            let batch = left.split_to(header.batch_bytes() as usize);
            self.batch(&header, &batch, &format!("{path}[{count}]"));
            count += 1;
        }
        self.put(&format!("{path}.count"), count.to_string());
        if !left.is_empty() {
            self.put(&format!("{path}.rest"), hex::encode(left));
        }
        Ok(())
    }

    fn batch(&mut self, header: &BatchHeader, batch: &[u8], path: &str) {
        for (name, value) in [
            ("base_offset", header.base_offset.to_string()),
            ("batch_length", header.batch_length.to_string()),
            (
                "partition_leader_epoch",
                header.partition_leader_epoch.to_string(),
            ),
            ("magic", header.magic.to_string()),
            ("crc", format!("{:08x}", header.crc)),
            ("attributes", header.attributes.0.to_string()),
            ("last_offset_delta", header.last_offset_delta.to_string()),
            ("base_timestamp", header.base_timestamp.to_string()),
            ("max_timestamp", header.max_timestamp.to_string()),
            ("producer_id", header.producer_id.to_string()),
            ("producer_epoch", header.producer_epoch.to_string()),
            ("base_sequence", header.base_sequence.to_string()),
            ("record_count", header.record_count.to_string()),
            ("records", hex::encode(&batch[BATCH_HEADER_BYTES..])),
        ] {
            self.put(&join(path, name), value);
        }
    }

    fn put(&mut self, path: &str, value: String) {
        self.fields.push((path.to_owned(), value));
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
