//! A record in rdkafka's form.

use anyhow::{Result, bail};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::FutureRecord;
use rust_clients::records::Record;

/// The record, to be written to a partition.
pub fn to_kafka<'a>(
    topic: &'a str,
    partition: i32,
    record: &'a Record,
) -> FutureRecord<'a, [u8], [u8]> {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &record.headers {
        let value = value.as_ref();
        headers = headers.insert(Header { key, value });
    }
    FutureRecord {
        topic,
        partition: Some(partition),
        payload: record.value.as_deref(),
        key: record.key.as_deref(),
        timestamp: Some(record.timestamp_ms),
        headers: Some(headers),
    }
}

/// What was read, and from which partition and offset.
pub fn from_kafka(message: &BorrowedMessage<'_>) -> Result<(i32, i64, Record)> {
    let Timestamp::CreateTime(timestamp_ms) = message.timestamp() else {
        bail!("the time is {:?}", message.timestamp());
    };
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let headers = headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
    let record = Record {
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.collect(),
        timestamp_ms,
    };
    Ok((message.partition(), message.offset(), record))
}
