//! A record in rskafka's form.

use rskafka::chrono::{DateTime, Utc};
use rskafka::record::Record as KafkaRecord;
use rust_clients::records::Record;

/// The record without null headers, which rskafka does not have.
pub fn possible(mut record: Record) -> Record {
    record.headers.retain(|(_, value)| value.is_some());
    record
}

/// The record, to be written.
pub fn to_kafka(record: &Record) -> KafkaRecord {
    let headers = record.headers.iter();
    let headers = headers.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    KafkaRecord {
        key: record.key.clone(),
        value: record.value.clone(),
        headers: headers.collect(),
        timestamp: DateTime::<Utc>::from_timestamp_millis(record.timestamp_ms).unwrap_or_default(),
    }
}

/// What was read.
pub fn from_kafka(record: KafkaRecord) -> Record {
    let headers = record.headers.into_iter();
    Record {
        key: record.key,
        value: record.value,
        headers: headers.map(|(key, value)| (key, Some(value))).collect(),
        timestamp_ms: record.timestamp.timestamp_millis(),
    }
}
