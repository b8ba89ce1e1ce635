//! What follows from a table, on a message that has everything a table can say.

use bytes::Bytes;

use super::*;
use crate::sample::{Sample, Source};

messages! {
    /// Everything.
    pub struct Everything, versions [1..=4], flexible [3..] {
        /// In all versions.
        number: u16 [0..] = 9,
        /// In the first ones.
        text: Option<String> [0..=2] null [2..],
        /// A structure that may be null from 2 on.
        part: Option<Part> [1..] null [2..],
        /// Parts, or null.
        parts: Option<Vec<Part>> [4..] null [4..],
        /// Tagged, with a default.
        ratio: f64 [3..] tag 0 = 0.5,
        /// Tagged, nullable.
        tagged_part: Option<Part> [4..] null [4..] tag 1,
        /// Tagged in the last version only.
        payload: Bytes [4..] tag 2,
    }

    /// A part.
    pub struct Part {
        /// A flag.
        flag: bool [0..],
        /// Tagged.
        small: i8 [4..] tag 0,
    }
}

fn encoded(message: &Everything, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.encode(&mut writer, version);
    writer.finish().to_bytes()
}

fn decoded(bytes: &[u8], version: i16) -> Result<Everything, DecodeError> {
    Everything::decode(&mut Reader::new(Bytes::copy_from_slice(bytes)), version)
}

fn everything() -> Everything {
    Everything {
        number: 0x0102,
        text: Some("ab".to_owned()),
        part: Some(Part {
            flag: true,
            small: 5,
        }),
        ..Everything::default()
    }
}

#[test]
fn a_version_has_its_fields_and_no_others() {
    assert_eq!(encoded(&everything(), 1)[..], *b"\x01\x02\0\x02ab\x01");
    assert_eq!(encoded(&everything(), 2)[..], *b"\x01\x02\0\x02ab\x01\x01");
    assert_eq!(encoded(&everything(), 3)[..], *b"\x01\x02\x01\x01\0\0");
    assert_eq!(
        encoded(&everything(), 4)[..],
        *b"\x01\x02\x01\x01\x01\0\x01\x05\0\0"
    );
}

#[test]
fn what_a_version_does_not_have_is_its_default_afterwards() {
    let part = Some(Part {
        flag: true,
        small: 0,
    });
    let expected = Everything {
        text: None,
        part,
        ..everything()
    };
    let message = decoded(&encoded(&everything(), 3), 3).unwrap();
    assert_eq!(message, expected);
    assert_eq!((message.ratio, Everything::default().number), (0.5, 9));
}

#[test]
fn null_structures_and_arrays() {
    let nothing = Everything {
        number: 1,
        ..Everything::default()
    };
    assert_eq!(encoded(&nothing, 2)[..], *b"\0\x01\xff\xff\xff");
    assert_eq!(encoded(&nothing, 4)[..], *b"\0\x01\xff\0\0");
    assert_eq!(decoded(b"\0\x01\xff\0\0", 4), Ok(nothing));
}

#[test]
fn tagged_fields_stand_at_the_end_with_their_sizes() {
    let message = Everything {
        ratio: 1.0,
        tagged_part: Some(Part {
            flag: true,
            small: 0,
        }),
        payload: Bytes::from_static(b"xyz"),
        ..Everything::default()
    };
    let expected = b"\0\x09\xff\0\x03\0\x08\x3f\xf0\0\0\0\0\0\0\x01\x03\x01\x01\0\x02\x04\x04xyz";
    assert_eq!(encoded(&message, 4)[..], *expected);
    assert_eq!(decoded(expected, 4), Ok(message));
}

#[test]
fn a_tag_of_a_later_version_is_skipped_and_a_repeated_one_counts_again() {
    let message = decoded(b"\0\x09\xff\0\x01\x02\x04\x04xyz".as_slice(), 4).unwrap();
    assert_eq!(message.payload, "xyz");
    let message = decoded(b"\0\x09\xff\x01\x02\x04\x04xyz".as_slice(), 3).unwrap();
    assert_eq!(message, Everything::default());
    let message = decoded(b"\0\x09\xff\0\x02\x02\x02\x02a\x02\x02\x02b".as_slice(), 4).unwrap();
    assert_eq!(message.payload, "b");
}

#[test]
fn errors_name_the_field() {
    let error = decoded(b"\0\x09\xff\0\x01\x02\x04\x05xyz", 4).unwrap_err();
    let expected = DecodeError::Short {
        field: "payload",
        offset: 8,
        needed: 4,
        left: 3,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "payload at byte 8: 4 bytes are needed, 3 are left"
    );
}

#[test]
fn the_shortest_encoding_is_as_long_as_the_table_says() {
    for version in 1..=4 {
        let shape = Everything::shape(version);
        let mut message = Everything::sample(&mut Source::wild(Vec::new()), shape);
        (message.ratio, message.tagged_part, message.payload) = (0.5, None, Bytes::new());
        assert_eq!(
            encoded(&message, version).len(),
            Everything::size_min(shape),
            "{version}"
        );
    }
}

#[test]
#[should_panic(expected = "null in version 1, where the field cannot be null")]
fn a_null_that_the_version_does_not_have_is_a_bug() {
    let _ = encoded(
        &Everything {
            part: None,
            ..everything()
        },
        1,
    );
}

#[test]
#[should_panic(expected = "Everything has no version 5")]
fn a_version_that_is_not_served_is_a_bug() {
    let _ = encoded(&everything(), 5);
}
