//! How each Rust type of a message stands on the wire.
//!
//! Owns: the encodings of Kafka's primitive types, arrays, and null.
//! Does not own: structures; their code comes from the tables (`schema.rs`).
//!
//! | Kafka | Rust | before the first flexible version | from it on |
//! |---|---|---|---|
//! | bool, int8..int64, uint16, float64 | the same | big-endian | the same |
//! | uuid | `[u8; 16]` | 16 bytes | the same |
//! | string | `String` | int16 length | uvarint length + 1 |
//! | bytes, records | `Bytes`, `Records` | int32 length | uvarint length + 1 |
//! | array | `Vec<T>` | int32 count | uvarint count + 1 |
//! | nullable | `Option<T>` | length or count -1 | 0 |
//! | nullable structure | `Option<T>` | int8: -1 null, 1 follows | the same |

use bytes::Bytes;

use crate::decode_error::DecodeError;
use crate::reader::Reader;
use crate::records::Records;
use crate::schema::Kind;
use crate::writer::Writer;

/// What an encoding depends on, beside the type.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The version of the message.
    pub version: i16,
    /// Whether lengths are compact and structures end in tagged fields.
    pub flexible: bool,
    /// Whether the field may be null in this version.
    pub nullable: bool,
}

impl Shape {
    /// The shape of an element of an array: never null.
    #[must_use]
    pub const fn element(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }
}

/// A type that stands on the wire.
pub trait Wire: Sized {
    /// The type in Kafka's words.
    const KIND: Kind;

    /// The fewest bytes that a value takes.
    fn size_min(shape: Shape) -> usize;

    /// Reads one value.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    fn read(reader: &mut Reader, shape: Shape) -> Result<Self, DecodeError>;

    /// Writes this value.
    ///
    /// # Panics
    /// If the version has no encoding for it: null where that is not allowed, or too long.
    fn write(&self, writer: &mut Writer, shape: Shape);
}

/// A type that has an encoding for null.
pub trait Nullable: Wire {
    /// The fewest bytes that a value or null takes.
    fn size_min_nullable(shape: Shape) -> usize {
        Self::size_min(shape)
    }

    /// Reads a value or null.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError>;

    /// Writes a value or null.
    fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape);
}

impl<T: Nullable> Wire for Option<T> {
    const KIND: Kind = T::KIND;

    fn size_min(shape: Shape) -> usize {
        if shape.nullable {
            T::size_min_nullable(shape)
        } else {
            T::size_min(shape)
        }
    }

    fn read(reader: &mut Reader, shape: Shape) -> Result<Self, DecodeError> {
        if shape.nullable {
            T::read_nullable(reader, shape)
        } else {
            T::read(reader, shape).map(Some)
        }
    }

    fn write(&self, writer: &mut Writer, shape: Shape) {
        if shape.nullable {
            return T::write_nullable(self.as_ref(), writer, shape);
        }
        let Some(value) = self else {
            panic!(
                "null in version {}, where the field cannot be null",
                shape.version
            )
        };
        value.write(writer, shape);
    }
}

macro_rules! fixed_size {
    ($($rust:ty, $kind:ident;)*) => {$(
        impl Wire for $rust {
            const KIND: Kind = Kind::$kind;

            fn size_min(_: Shape) -> usize {
                size_of::<Self>()
            }

            fn read(reader: &mut Reader, _: Shape) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }

            fn write(&self, writer: &mut Writer, _: Shape) {
                writer.put(&self.to_be_bytes());
            }
        }
    )*};
}

fixed_size! {
    i8, Int8;
    i16, Int16;
    u16, Uint16;
    i32, Int32;
    i64, Int64;
    f64, Float64;
}

impl Wire for bool {
    const KIND: Kind = Kind::Bool;

    fn size_min(_: Shape) -> usize {
        1
    }

    fn read(reader: &mut Reader, _: Shape) -> Result<Self, DecodeError> {
        reader.u8().map(|byte| byte != 0)
    }

    fn write(&self, writer: &mut Writer, _: Shape) {
        writer.put(&[u8::from(*self)]);
    }
}

impl Wire for [u8; 16] {
    const KIND: Kind = Kind::Uuid;

    fn size_min(_: Shape) -> usize {
        16
    }

    fn read(reader: &mut Reader, _: Shape) -> Result<Self, DecodeError> {
        reader.array()
    }

    fn write(&self, writer: &mut Writer, _: Shape) {
        writer.put(self);
    }
}

/// Types whose length says whether they are null: not-null is the nullable encoding without that one case.
macro_rules! not_null {
    () => {
        fn read(reader: &mut Reader, shape: Shape) -> Result<Self, DecodeError> {
            Self::read_nullable(reader, shape)?.ok_or_else(|| reader.null())
        }

        fn write(&self, writer: &mut Writer, shape: Shape) {
            Self::write_nullable(Some(self), writer, shape);
        }
    };
}

const fn length_size_min(shape: Shape) -> usize {
    if shape.flexible { 1 } else { 4 }
}

impl Wire for String {
    const KIND: Kind = Kind::String;

    fn size_min(shape: Shape) -> usize {
        if shape.flexible { 1 } else { 2 }
    }

    not_null!();
}

impl Nullable for String {
    fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError> {
        reader
            .string_length(shape)?
            .map(|length| reader.string(length))
            .transpose()
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape) {
        writer.put_string_length(value.map(String::len), shape);
        value
            .into_iter()
            .for_each(|text| writer.put(text.as_bytes()));
    }
}

impl Wire for Bytes {
    const KIND: Kind = Kind::Bytes;

    fn size_min(shape: Shape) -> usize {
        length_size_min(shape)
    }

    not_null!();
}

impl Nullable for Bytes {
    fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError> {
        reader
            .length(shape)?
            .map(|length| reader.slice(length))
            .transpose()
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape) {
        writer.put_length(value.map(Bytes::len), shape);
        value
            .into_iter()
            .for_each(|payload| writer.put_payload(payload));
    }
}

impl Wire for Records {
    const KIND: Kind = Kind::Records;

    fn size_min(shape: Shape) -> usize {
        length_size_min(shape)
    }

    not_null!();
}

impl Nullable for Records {
    fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError> {
        let Some(batches) = Bytes::read_nullable(reader, shape)? else {
            return Ok(None);
        };
        reader.charge(size_of::<Bytes>())?;
        Ok(Some(Self::from(batches)))
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape) {
        writer.put_length(value.map(Records::len), shape);
        let batches = value.into_iter().flat_map(Records::batches);
        batches.for_each(|batch| writer.put_payload(batch));
    }
}

impl<T: Wire> Wire for Vec<T> {
    const KIND: Kind = Kind::Array(&T::KIND);

    fn size_min(shape: Shape) -> usize {
        length_size_min(shape)
    }

    not_null!();
}

impl<T: Wire> Nullable for Vec<T> {
    fn read_nullable(reader: &mut Reader, shape: Shape) -> Result<Option<Self>, DecodeError> {
        let Some(count) = reader.length(shape)? else {
            return Ok(None);
        };
        let mut elements = reader.room_for(count, T::size_min(shape.element()))?;
        for _ in 0..count {
            elements.push(T::read(reader, shape.element())?);
        }
        Ok(Some(elements))
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, shape: Shape) {
        writer.put_length(value.map(Vec::len), shape);
        let elements = value.into_iter().flatten();
        elements.for_each(|element| element.write(writer, shape.element()));
    }
}
