//! What a writer puts where.

use super::*;

fn payload(length: usize) -> Bytes {
    Bytes::from(vec![7; length])
}

#[test]
fn a_large_payload_is_a_piece_of_its_own_and_a_small_one_is_not() {
    let (large, small) = (payload(SEGMENT_BYTES_MIN), payload(SEGMENT_BYTES_MIN - 1));
    let mut writer = Writer::framed();
    writer.put(b"ab");
    writer.put_payload(&large);
    writer.put(b"c");
    writer.put_payload(&small);
    let segments = writer.finish();
    assert_eq!(segments.parts()[1].as_ptr(), large.as_ptr());
    assert_eq!(segments.parts().len(), 3);
    let length = 3 + large.len() + small.len();
    assert_eq!(segments.len(), PREFIX_BYTES + length);
    let expected = [
        &(length as u32).to_be_bytes()[..],
        b"ab",
        &large,
        b"c",
        &small,
    ]
    .concat();
    assert_eq!(segments.to_bytes(), expected);
}

#[test]
fn a_tagged_field_is_preceded_by_its_size_whatever_its_length() {
    for length in [0, 1, 127, 128, 255, 256, 20_000] {
        let mut writer = Writer::new();
        writer.put(b"<");
        writer.put_tagged(5, |writer| {
            writer.put(b"[");
            writer.put_payload(&payload(length));
            writer.put(b"]");
        });
        writer.put(b">");
        let bytes = writer.finish().to_bytes();
        let mut size = Writer::new();
        size.put_uvarint(length as u32 + 2);
        let expected = [
            b"<\x05",
            &size.finish().to_bytes()[..],
            b"[",
            &payload(length),
            b"]>",
        ]
        .concat();
        assert_eq!(bytes, expected, "{length} bytes");
    }
}

#[test]
#[should_panic(expected = "a string of 32768 bytes has no encoding")]
fn a_string_above_kafkas_limit_is_a_bug() {
    let shape = Shape {
        version: 0,
        flexible: true,
        nullable: false,
    };
    Writer::new().put_string_length(Some(32_768), shape);
}
