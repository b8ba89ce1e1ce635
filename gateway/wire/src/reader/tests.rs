//! What a reader accepts and refuses, value by value.

use super::*;
use crate::wire_type::Wire;

const PLAIN: Shape = Shape {
    version: 0,
    flexible: false,
    nullable: false,
};
const COMPACT: Shape = Shape {
    version: 0,
    flexible: true,
    nullable: false,
};

fn reader(bytes: &'static [u8]) -> Reader {
    let mut reader = Reader::new(Bytes::from_static(bytes));
    reader.enter("f");
    reader
}

fn read<T: Wire>(bytes: &'static [u8], shape: Shape) -> Result<T, DecodeError> {
    T::read(&mut reader(bytes), shape)
}

#[test]
fn variable_length_integers_end_at_32_bits() {
    for (bytes, value) in [
        (&b"\x00"[..], 0),
        (b"\x7f", 0x7f),
        (b"\x80\x01", 0x80),
        (b"\xff\xff\xff\xff\x0f", u32::MAX),
        (b"\x81\x00", 1),
    ] {
        assert_eq!(reader(bytes).uvarint(), Ok(value));
    }
    for bytes in [&b"\xff\xff\xff\xff\x10"[..], b"\x80\x80\x80\x80\x80\x00"] {
        let error = Err(DecodeError::Varint {
            field: "f",
            offset: 0,
        });
        assert_eq!(reader(bytes).uvarint(), error);
    }
    let short = Err(DecodeError::Short {
        field: "f",
        offset: 1,
        needed: 1,
        left: 0,
    });
    assert_eq!(reader(b"\x80").uvarint(), short);
}

#[test]
fn null_is_refused_where_a_version_does_not_allow_it() {
    let null = |offset| DecodeError::Null { field: "f", offset };
    assert_eq!(read::<String>(b"\xff\xff", PLAIN), Err(null(2)));
    assert_eq!(read::<Option<String>>(b"\0", COMPACT), Err(null(1)));
    assert_eq!(read::<Vec<i32>>(b"\xff\xff\xff\xff", PLAIN), Err(null(4)));
    assert_eq!(read::<Bytes>(b"\0", COMPACT), Err(null(1)));
    let nullable = Shape {
        nullable: true,
        ..COMPACT
    };
    assert_eq!(read::<Option<Bytes>>(b"\0", nullable), Ok(None));
}

#[test]
fn any_negative_length_is_null_as_in_kafka() {
    let nullable = Shape {
        nullable: true,
        ..PLAIN
    };
    assert_eq!(read::<Option<String>>(b"\x80\x00", nullable), Ok(None));
    assert_eq!(read::<Option<Vec<i8>>>(b"\x80\0\0\0", nullable), Ok(None));
}

#[test]
fn strings_are_utf8_and_not_too_long() {
    assert_eq!(read::<String>(b"\0\x02\xc3\xbc", PLAIN), Ok("ü".to_owned()));
    let error = DecodeError::NotUtf8 {
        field: "f",
        offset: 2,
    };
    assert_eq!(read::<String>(b"\0\x02\xc3\x28", PLAIN), Err(error));
    let error = DecodeError::StringLength {
        field: "f",
        offset: 3,
        length: 0x8000,
    };
    assert_eq!(read::<String>(b"\x81\x80\x02", COMPACT), Err(error));
    let error = DecodeError::Short {
        field: "f",
        offset: 2,
        needed: 3,
        left: 1,
    };
    assert_eq!(read::<String>(b"\0\x03a", PLAIN), Err(error));
}

#[test]
fn an_array_that_cannot_fit_is_refused_before_it_is_allocated() {
    let error = DecodeError::Count {
        field: "f",
        offset: 4,
        count: 3,
        left: 8,
    };
    assert_eq!(
        read::<Vec<i32>>(b"\0\0\0\x03\0\0\0\x01\0\0\0\x02", PLAIN),
        Err(error)
    );
    let error = DecodeError::Count {
        field: "f",
        offset: 4,
        count: i32::MAX as usize,
        left: 0,
    };
    assert_eq!(read::<Vec<String>>(b"\x7f\xff\xff\xff", PLAIN), Err(error));
}

#[test]
fn values_above_the_grant_are_refused() {
    // Empty strings take one byte on the wire and 24 in memory: above the factor, once the floor is used up.
    let count = 20_000_u32;
    let mut bytes = count.to_be_bytes().to_vec();
    bytes.resize(bytes.len() + 2 * count as usize, 0);
    assert_eq!(
        <Vec<String>>::read(&mut Reader::new(bytes.into()), PLAIN).map(|v| v.len()),
        Ok(20_000)
    );

    let mut bytes = vec![0xa1, 0x9c, 0x01];
    bytes.resize(bytes.len() + count as usize, 1);
    let error = <Vec<String>>::read(&mut Reader::new(bytes.into()), COMPACT).unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::Memory {
                wanted: 480_000,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn bytes_are_slices_of_the_input() {
    let input = Bytes::from(vec![0, 0, 0, 2, 7, 8, 9]);
    let mut reader = Reader::new(input.clone());
    let read = Bytes::read(&mut reader, PLAIN).unwrap();
    assert_eq!(
        (read.as_ptr(), &read[..]),
        (input[4..].as_ptr(), &[7, 8][..])
    );
    assert_eq!(reader.into_rest()[..], [9]);
}

#[test]
fn unknown_tags_are_skipped_and_known_ones_keep_to_their_size() {
    let read_seven = |bytes| {
        let (mut reader, mut value) = (reader(bytes), 0);
        reader.read_tags(|reader, tag| {
            if tag == 7 {
                value = reader.i16()?;
            }
            Ok(tag == 7)
        })?;
        Ok((value, reader.remaining()))
    };
    assert_eq!(read_seven(b"\x02\x05\x03abc\x07\x02\0\x09rest"), Ok((9, 4)));
    let error = DecodeError::TagSize {
        field: "tagged fields",
        offset: 5,
        tag: 7,
        size: 3,
        used: 2,
    };
    assert_eq!(read_seven(b"\x01\x07\x03\0\x09\x01"), Err(error));
    let error = DecodeError::Short {
        field: "tagged fields",
        offset: 3,
        needed: 2,
        left: 1,
    };
    assert_eq!(read_seven(b"\x01\x07\x01\0\x09\x01"), Err(error));
    let error = DecodeError::Short {
        field: "tagged fields",
        offset: 3,
        needed: 9,
        left: 1,
    };
    assert_eq!(read_seven(b"\x01\x05\x09a"), Err(error));
    let error = DecodeError::Count {
        field: "tagged fields",
        offset: 1,
        count: 2,
        left: 3,
    };
    assert_eq!(read_seven(b"\x02\x05\x01a"), Err(error));
}

#[test]
fn the_largest_frame_is_not_granted_sixteen_times_its_length() {
    assert_eq!(memory_grant(0), MEMORY_FLOOR);
    assert_eq!(memory_grant(1000), MEMORY_FLOOR + 16_000);
    let largest = crate::frame::REQUEST_BYTES_MAX;
    assert!(memory_grant(largest) < 5 * largest);
    assert_eq!(memory_grant(usize::MAX), usize::MAX);
}

#[test]
fn a_string_is_charged() {
    let mut reader = reader(b"abc");
    assert_eq!(reader.string(3).as_deref(), Ok("abc"));
    assert_eq!(reader.charge(memory_grant(3) - 3), Ok(()));
    let error = DecodeError::Memory {
        field: "f",
        offset: 3,
        wanted: 1,
        left: 0,
    };
    assert_eq!(reader.charge(1), Err(error));
}
