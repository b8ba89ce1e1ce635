"""Proves that confluent-kafka, unmodified, does its whole round against the server.

It creates a topic, produces with every compression with and without idempotence, consumes by
assignment and compares everything, asks for offsets by timestamp, reads from within a batch, reads
as a group of two members that commit, deletes group and topic, and is refused with an authentication
error when its secret is wrong.

usage: roundtrip.py READY_FILE   (SIGN_IN=scram for SCRAM-SHA-512 instead of OAUTHBEARER)
"""

import sys
import time
import uuid

from confluent_kafka import TIMESTAMP_CREATE_TIME, Consumer, KafkaError, KafkaException
from confluent_kafka import Producer, TopicPartition, libversion

import cluster
from cluster import DEADLINE_S, expect

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
BATCH_RECORDS = 40
STEP_MS = 10
PARTITION = 1


class Record:
    """What was written, in the form in which it must be read back."""

    def __init__(self, offset, codec, idempotent, first_ms):
        self.offset = offset
        self.timestamp_ms = first_ms + offset * STEP_MS
        self.key = None if offset % 4 == 0 else f"key-{offset}".encode()
        self.value = None if offset % 7 == 3 else f"{codec} {idempotent} {offset} ".encode() * 20
        self.headers = [("codec", codec.encode()), ("empty", b""), ("null", None)]

    def check(self, message):
        """Compares a consumed message with this record, field by field."""
        at = f"offset {self.offset}"
        expect(message.error() is None, f"{at}: {message.error()}")
        expect(message.offset() == self.offset, f"{at}: read offset {message.offset()}")
        expect(message.key() == self.key, f"{at}: key {message.key()!r}, not {self.key!r}")
        expect(message.value() == self.value, f"{at}: value {message.value()!r} differs")
        expect(message.headers() == self.headers, f"{at}: headers {message.headers()!r}")
        stamp = (TIMESTAMP_CREATE_TIME, self.timestamp_ms)
        expect(message.timestamp() == stamp, f"{at}: timestamp {message.timestamp()}, not {stamp}")


def produce_all(server, topic):
    """One batch for each compression and idempotence; every acknowledged offset is checked."""
    first_ms = int(time.time() * 1000) - 3_600_000
    records = []
    for codec in CODECS:
        for idempotent in (False, True):
            base = len(records)
            batch = [
                Record(base + i, codec, idempotent, first_ms) for i in range(BATCH_RECORDS)
            ]
            produce_batch(server, topic, codec, idempotent, batch)
            records += batch
    return records


def produce_batch(server, topic, codec, idempotent, batch):
    """Sends one batch, and expects its records at their offsets."""
    reports = []
    producer = Producer(
        server.settings(**{
            "compression.type": codec, "enable.idempotence": idempotent, "linger.ms": 200,
        })
    )
    for record in batch:
        producer.produce(
            topic, value=record.value, key=record.key, partition=PARTITION,
            timestamp=record.timestamp_ms, headers=record.headers,
            on_delivery=lambda error, message: reports.append((error, message)),
        )
    left = producer.flush(DEADLINE_S)
    what = f"{codec}, idempotence {idempotent}"
    expect(left == 0, f"{what}: {left} records were never acknowledged")
    failed = [error for error, _ in reports if error]
    expect(not failed, f"{what}: {failed[:1]}")
    offsets = [message.offset() for _, message in reports]
    wanted = [record.offset for record in batch]
    expect(offsets == wanted, f"{what}: acknowledged offsets {offsets}, not {wanted}")


def read_from(consumer, topic, records, offset):
    """Assigns the partition at `offset` and compares everything up to its end."""
    consumer.assign([TopicPartition(topic, PARTITION, offset)])
    for record in records[offset:]:
        message = consumer.poll(DEADLINE_S)
        expect(message is not None, f"offset {record.offset} did not come in {DEADLINE_S} s")
        record.check(message)
    extra = consumer.poll(0.5)
    expect(extra is None, "a record came after the end of the partition")


def check_timestamps(consumer, topic, records):
    """ListOffsets by timestamp: exact, between two records, and behind the last one."""
    middle = records[BATCH_RECORDS * 3 + BATCH_RECORDS // 2]
    for timestamp_ms, wanted in [
        (0, 0),
        (middle.timestamp_ms, middle.offset),
        (middle.timestamp_ms + 1, middle.offset + 1),
        (records[-1].timestamp_ms, records[-1].offset),
        (records[-1].timestamp_ms + 1, -1),
    ]:
        query = [TopicPartition(topic, PARTITION, timestamp_ms)]
        found = consumer.offsets_for_times(query, timeout=DEADLINE_S)[0]
        expect(found.error is None, f"offset for {timestamp_ms}: {found.error}")
        expect(found.offset == wanted, f"offset for {timestamp_ms}: {found.offset}, not {wanted}")


def member_of(server, group, topic):
    """A member of a group that reads the topic from its beginning."""
    member = Consumer(server.settings(**{
        "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
    }))
    member.subscribe([topic])
    return member


def read_as_group(members, records):
    """Polls until each member has partitions and everything was read; gives back who read the end."""
    reader = None
    deadline = time.monotonic() + DEADLINE_S
    while reader is None or not all(member.assignment() for member in members):
        expect(time.monotonic() < deadline, f"two members did not read the topic in {DEADLINE_S} s")
        for member in members:
            for message in member.consume(BATCH_RECORDS, 0.02):
                expect(message.error() is None, f"a member got {message.error()}")
                records[message.offset()].check(message)
            if any(at.offset == len(records) for at in member.position(member.assignment())):
                reader = member
    return reader


def check_group(server, admin, topic, records):
    """Two members share the topic and commit; one that comes later finds what they committed."""
    group = f"{topic}-group"
    members = [member_of(server, group, topic) for _ in range(2)]
    reader = read_as_group(members, records)
    shared = sorted(at.partition for member in members for at in member.assignment())
    expect(shared == [0, 1, 2], f"two members share the partitions {shared}")
    end = TopicPartition(topic, PARTITION, len(records), "all of it")
    reader.commit(offsets=[end], asynchronous=False)
    described = admin.describe_consumer_groups([group])[group].result(DEADLINE_S)
    expect(len(described.members) == 2, f"the group has {len(described.members)} members, not 2")
    for member in members:
        member.close()
    later = member_of(server, group, topic)
    found = later.committed([TopicPartition(topic, PARTITION)], timeout=DEADLINE_S)[0]
    told = (found.offset, found.metadata)
    expect(told == (len(records), "all of it"), f"committed is {told}")
    later.close()
    admin.delete_consumer_groups([group])[group].result(DEADLINE_S)


def check_refusal(server):
    """A wrong secret ends in an authentication error well before the deadline."""
    refused = []
    quiet = {"error_cb": refused.append, "log_level": 2}
    producer = Producer(server.settings(wrong_secret=True, **quiet))
    codes = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)
    deadline = time.monotonic() + DEADLINE_S
    while not any(error.code() in codes for error in refused):
        expect(time.monotonic() < deadline, f"a wrong secret was not refused, only {refused}")
        producer.poll(0.1)
    try:
        producer.list_topics(timeout=2)
    except KafkaException:
        return
    expect(False, "metadata was answered in spite of a wrong secret")


def main():
    server = cluster.Cluster(sys.argv[1])
    topic = f"python-{uuid.uuid4().hex[:12]}"
    admin = server.admin()
    cluster.create_topic(admin, topic, 3)
    records = produce_all(server, topic)
    consumer = Consumer(server.settings(**{
        "group.id": topic, "enable.auto.commit": False, "auto.offset.reset": "error",
    }))
    consumer.poll(0)
    read_from(consumer, topic, records, 0)
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, PARTITION), timeout=DEADLINE_S)
    expect((low, high) == (0, len(records)), f"the partition spans {low}..{high}")
    check_timestamps(consumer, topic, records)
    read_from(consumer, topic, records, BATCH_RECORDS * 5 + BATCH_RECORDS // 2)
    consumer.close()
    check_group(server, admin, topic, records)
    cluster.delete_topic(admin, topic)
    expect(not server.errors, f"the client reported {server.errors}")
    check_refusal(server)
    print(f"librdkafka {libversion()[0]}, {server.sign_in}: {len(records)} records compared")


cluster.run(main)
