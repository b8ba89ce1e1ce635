//! Messages as tables, and the code that follows from a table.
//!
//! Owns: the grammar of a table, and what is derived from it: the structure, its default, reading, writing, samples,
//! and the table itself as data ([`StructSchema`]).
//! Does not own: any message (`messages/`), nor how a type stands on the wire (`wire_type.rs`).
//!
//! ```text
//! messages! {
//!     /// What it is.
//!     pub struct ProduceRequest, versions [3..=13], flexible [9..] {     versions served; flexible [none] exists
//!         /// What it means.
//!         transactional_id: Option<String> [3..] null [3..],             in versions 3 and up, where it may be null
//!         name: String [0..=12],                                         from 0 to 12
//!         log_start_offset: i64 [5..] = -1,                              default -1
//!         current_leader: LeaderIdAndEpoch [10..] tag 0,                 tagged field 0
//!     }
//!     pub struct LeaderIdAndEpoch { ... }                                a part: it has no versions of its own
//! }
//! ```
//! Fields stand in the order of the wire, tagged ones by ascending tag. A field outside its versions has its default
//! after decoding and is not written.

use crate::decode_error::DecodeError;
use crate::reader::Reader;
use crate::versions::Versions;
use crate::wire_type::{Shape, Wire};
use crate::writer::Writer;

#[cfg(test)]
mod tests;

/// The type of a field, in Kafka's words.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One byte, 0 or not.
    Bool,
    /// 8 bits, signed.
    Int8,
    /// 16 bits, signed.
    Int16,
    /// 16 bits, unsigned.
    Uint16,
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// IEEE 754, 64 bits.
    Float64,
    /// 16 bytes.
    Uuid,
    /// UTF-8.
    String,
    /// Any bytes.
    Bytes,
    /// Record batches; as [`Kind::Bytes`] on the wire.
    Records,
    /// Any number of one type.
    Array(&'static Kind),
    /// Fields of their own.
    Struct(&'static StructSchema),
}

/// One line of a table.
#[derive(Clone, Copy, Debug)]
pub struct FieldSchema {
    /// Its name in snake case.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its tag, if it stands among the tagged fields.
    pub tag: Option<u32>,
}

impl FieldSchema {
    /// Whether the field stands among the untagged ones of `version`.
    #[must_use]
    pub const fn is_plain_at(&self, version: i16) -> bool {
        self.tag.is_none() && self.versions.contains(version)
    }

    /// Whether the field stands among the tagged ones of `version`.
    #[must_use]
    pub const fn is_tagged_at(&self, version: i16) -> bool {
        self.tag.is_some() && self.versions.contains(version)
    }

    /// How the field is encoded inside a structure of this shape.
    #[must_use]
    pub const fn shape(&self, outer: Shape) -> Shape {
        Shape {
            nullable: self.nullable.contains(outer.version),
            ..outer
        }
    }
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct StructSchema {
    /// Its name in Kafka's definitions.
    pub name: &'static str,
    /// Its lines, in the order of the wire.
    pub fields: &'static [FieldSchema],
}

/// A request or a response.
pub trait Message: Wire {
    /// The versions that the table covers.
    const VERSIONS: Versions;

    /// The versions with compact lengths and tagged fields.
    const FLEXIBLE: Versions;

    /// The table.
    const SCHEMA: StructSchema;

    /// Reads a message. Bytes after it are left alone, as Kafka leaves them: a request is not refused for them.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    ///
    /// # Panics
    /// If the version is outside [`Message::VERSIONS`]; the caller chooses the version, or checks it.
    fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        Self::read(reader, Self::shape(version))
    }

    /// Writes a message. A field that the version does not have is left out, whatever it holds.
    ///
    /// # Panics
    /// If the version is outside [`Message::VERSIONS`], or a value has no encoding in it: a null that is not
    /// allowed, a string above `i16::MAX` bytes.
    fn encode(&self, writer: &mut Writer, version: i16) {
        self.write(writer, Self::shape(version));
    }

    /// The shape of the outermost structure.
    ///
    /// # Panics
    /// If the version is outside [`Message::VERSIONS`].
    #[must_use]
    fn shape(version: i16) -> Shape {
        let name = Self::SCHEMA.name;
        assert!(
            Self::VERSIONS.contains(version),
            "{name} has no version {version}"
        );
        Shape {
            version,
            flexible: Self::FLEXIBLE.contains(version),
            nullable: false,
        }
    }
}

/// A range as a table writes it.
macro_rules! versions {
    (none) => {
        $crate::versions::Versions::NONE
    };
    ($min:literal ..) => {
        $crate::versions::Versions::new($min, i16::MAX)
    };
    ($min:literal ..= $max:literal) => {
        $crate::versions::Versions::new($min, $max)
    };
}

/// One line of a table as data.
macro_rules! field {
    ($name:ident, $ty:ty, [$($versions:tt)*], null [$($nullable:tt)*], tag [$($tag:literal)?]) => {
        $crate::schema::FieldSchema {
            name: stringify!($name),
            kind: <$ty as $crate::wire_type::Wire>::KIND,
            versions: $crate::schema::versions!($($versions)*),
            nullable: $crate::schema::field!(@nullable $($nullable)*),
            tag: $crate::schema::field!(@tag $($tag)?),
        }
    };
    (@nullable) => { $crate::versions::Versions::NONE };
    (@nullable $($nullable:tt)+) => { $crate::schema::versions!($($nullable)+) };
    (@tag) => { None };
    (@tag $tag:literal) => { Some($tag) };
}

/// A default as a table writes it, or that of the type.
macro_rules! default {
    ($ty:ty) => {
        <$ty as Default>::default()
    };
    ($ty:ty, $value:expr) => {
        $value
    };
}

/// Derives the code from tables; the grammar stands in the file's header.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident $(, versions [$($valid:tt)*], flexible [$($flexible:tt)*])? {$(
            $(#[$field_doc:meta])*
            $field:ident: $ty:ty [$($versions:tt)*] $(null [$($nullable:tt)*])? $(tag $tag:literal)? $(= $default:expr)?,
        )*}
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::schema::default!($ty $(, $default)?),)* }
            }
        }

        #[allow(unused_imports, reason = "a part is no message")]
        const _: () = {
            use $crate::decode_error::DecodeError;
            use $crate::reader::Reader;
            use $crate::schema::{FieldSchema, Kind, Message, StructSchema, default, field, versions};
            use $crate::versions::Versions;
            use $crate::wire_type::{Nullable, Shape, Wire};
            use $crate::writer::Writer;

            const TABLE: StructSchema = StructSchema {
                name: stringify!($name),
                fields: &[$(
                    field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]),
                )*],
            };

            $(impl Message for $name {
                const VERSIONS: Versions = versions!($($valid)*);
                const FLEXIBLE: Versions = versions!($($flexible)*);
                const SCHEMA: StructSchema = TABLE;
            })?

            // Which fields a version has is a constant of each field, so the compiler drops what cannot be.
            impl Wire for $name {
                const KIND: Kind = Kind::Struct(&TABLE);

                fn size_min(shape: Shape) -> usize {
                    let tag_count = usize::from(shape.flexible);
                    tag_count $(+ {
                        const FIELD: FieldSchema =
                            field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                        if FIELD.is_plain_at(shape.version) { <$ty>::size_min(FIELD.shape(shape)) } else { 0 }
                    })*
                }

                fn read(reader: &mut Reader, shape: Shape) -> Result<Self, DecodeError> {
                    let mut message = Self::default();
                    $({
                        const FIELD: FieldSchema =
                            field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                        if FIELD.is_plain_at(shape.version) {
                            reader.enter(FIELD.name);
                            message.$field = <$ty>::read(reader, FIELD.shape(shape))?;
                        }
                    })*
                    if shape.flexible {
                        reader.read_tags(|reader, tag| {
                            $({
                                const FIELD: FieldSchema =
                                    field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                                if FIELD.is_tagged_at(shape.version) && FIELD.tag == Some(tag) {
                                    reader.enter(FIELD.name);
                                    message.$field = <$ty>::read(reader, FIELD.shape(shape))?;
                                    return Ok(true);
                                }
                            })*
                            Ok(false)
                        })?;
                    }
                    Ok(message)
                }

                fn write(&self, writer: &mut Writer, shape: Shape) {
                    let mut tag_count = 0;
                    $({
                        const FIELD: FieldSchema =
                            field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                        if FIELD.is_plain_at(shape.version) {
                            self.$field.write(writer, FIELD.shape(shape));
                        } else if FIELD.is_tagged_at(shape.version) && self.$field != default!($ty $(, $default)?) {
                            tag_count += 1;
                        }
                    })*
                    if !shape.flexible {
                        return;
                    }
                    writer.put_uvarint(tag_count);
                    $({
                        const FIELD: FieldSchema =
                            field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                        if let Some(tag) = FIELD.tag
                            && FIELD.is_tagged_at(shape.version)
                            && self.$field != default!($ty $(, $default)?)
                        {
                            writer.put_tagged(tag, |writer| self.$field.write(writer, FIELD.shape(shape)));
                        }
                    })*
                }
            }

            impl Nullable for $name {
                fn size_min_nullable(_: Shape) -> usize {
                    1
                }

                fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError> {
                    let is_null = i8::read(reader, shape)? < 0;
                    if is_null { Ok(None) } else { Self::read(reader, shape.element()).map(Some) }
                }

                fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape) {
                    let mark = if value.is_some() { 1 } else { -1_i8 };
                    mark.write(writer, shape);
                    value.into_iter().for_each(|message| message.write(writer, shape.element()));
                }
            }

            impl $crate::throttled::Throttled for $name {
                #[allow(unused_variables, reason = "few structures have the field")]
                fn set_throttle_time_ms(&mut self, throttle_time_ms: i32) {
                    $($crate::throttled::set_throttle_time!(self, $field, throttle_time_ms);)*
                }
            }

            #[cfg(any(test, feature = "samples"))]
            impl $crate::sample::Sample for $name {
                fn sample(source: &mut $crate::sample::Source, shape: Shape) -> Self {
                    let mut message = Self::default();
                    $({
                        const FIELD: FieldSchema =
                            field!($field, $ty, [$($versions)*], null [$($($nullable)*)?], tag [$($tag)?]);
                        const HAS_DEFAULT: bool = $crate::schema::has_default!($($default)?);
                        if FIELD.versions.contains(shape.version) && !source.keeps_default(&FIELD, HAS_DEFAULT) {
                            message.$field = $crate::sample::Sample::sample(source, FIELD.shape(shape));
                        }
                    })*
                    message
                }
            }
        };
    )*};
}

/// Whether a table names a default.
#[cfg(any(test, feature = "samples"))]
macro_rules! has_default {
    () => {
        false
    };
    ($default:expr) => {
        true
    };
}

pub(crate) use {default, field, messages, versions};

#[cfg(any(test, feature = "samples"))]
pub(crate) use has_default;
