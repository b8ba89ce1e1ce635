//! Makes the debug texts of our messages and of kafka-protocol's comparable: both name the fields as Kafka does, in
//! the order of the tables.

use std::fmt::Debug;

/// A field of DescribeLogDirs 5, which came after Kafka 4.1: we have it, they do not.
const NEWER: &str = ", is_cordoned: false";

/// The text of one of our messages: UUIDs as they are usually written.
pub fn ours(message: &impl Debug) -> String {
    let text = format!("{message:?}").replace(NEWER, "");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('[') {
        let end = start + rest[start..].find(']').unwrap_or(0);
        let Some(id) = uuid(&rest[start + 1..end.max(start + 1)]) else {
            out.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
            continue;
        };
        out.push_str(&rest[..start]);
        out.push_str(&id);
        rest = &rest[end + 1..];
    }
    out + rest
}

/// Fields of InitProducerId 6, which is not stable yet: they have them, we do not.
const UNSTABLE: [&str; 4] = [
    ", enable_2_pc: false",
    ", keep_prepared_txn: false",
    ", ongoing_txn_producer_id: -1",
    ", ongoing_txn_producer_epoch: -1",
];

/// The text of one of theirs: without the unknown tagged fields that each structure keeps.
pub fn theirs(message: &impl Debug) -> String {
    let text = format!("{message:?}").replace(", unknown_tagged_fields: {}", "");
    UNSTABLE
        .iter()
        .fold(text, |text, field| text.replace(field, ""))
}

/// The UUID of a list of 16 bytes.
fn uuid(list: &str) -> Option<String> {
    let bytes: Vec<u8> = list
        .split(", ")
        .map(|byte| byte.parse().ok())
        .collect::<Option<_>>()?;
    let hex = hex::encode(<[u8; 16]>::try_from(bytes).ok()?);
    Some(
        [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-"),
    )
}

#[test]
fn only_lists_of_sixteen_bytes_are_ids() {
    let id: [u8; 16] = *b"0123456789abcdef";
    assert_eq!(
        ours(&(vec![1, 2], id)),
        "([1, 2], 30313233-3435-3637-3839-616263646566)"
    );
}
