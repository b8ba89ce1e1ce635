"""Proves that a fetch is answered as soon as fetch.min.bytes is there, and not before.

A consumer waits for 200 kB or 8 s. Half of it alone must not be delivered; with the second half
written, everything must be there at once, not when the 8 s are over.

usage: min_bytes.py READY_FILE
"""

import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

import cluster
from cluster import expect

MIN_BYTES = 200_000
MAX_WAIT_MS = 8000
HELD_S = 2.0
AT_ONCE_S = 1.0
RECORD_BYTES = 11_000
HALF_RECORDS = 10


def write_half(producer, topic):
    """Writes a little more than half of fetch.min.bytes and waits for the acknowledgement."""
    for _ in range(HALF_RECORDS):
        producer.produce(topic, bytes(RECORD_BYTES), partition=0)
    expect(producer.flush(cluster.DEADLINE_S) == 0, "the records were not acknowledged")


def main():
    server = cluster.Cluster(sys.argv[1])
    topic = f"min-bytes-{uuid.uuid4().hex[:12]}"
    admin = server.admin()
    cluster.create_topic(admin, topic, 1)
    producer = Producer(server.settings(**{"linger.ms": 50}))
    consumer = Consumer(server.settings(**{
        "group.id": topic, "enable.auto.commit": False, "auto.offset.reset": "error",
        "fetch.min.bytes": MIN_BYTES, "fetch.wait.max.ms": MAX_WAIT_MS, "socket.timeout.ms": 30_000,
    }))
    # The first record makes sure that the long poll below has begun: it is answered at max wait.
    producer.produce(topic, b"first", partition=0)
    expect(producer.flush(cluster.DEADLINE_S) == 0, "the first record was not acknowledged")
    consumer.assign([TopicPartition(topic, 0, 0)])
    first = consumer.poll(cluster.DEADLINE_S)
    expect(first is not None and first.value() == b"first", "the first record did not come")
    write_half(producer, topic)
    early = consumer.poll(HELD_S)
    expect(early is None, "a fetch was answered with less than fetch.min.bytes")
    write_half(producer, topic)
    start = time.monotonic()
    got = []
    while len(got) < 2 * HALF_RECORDS:
        message = consumer.poll(cluster.DEADLINE_S)
        expect(message is not None and message.error() is None, f"the records did not come: {message}")
        got.append(message)
    seconds = time.monotonic() - start
    expect(seconds < AT_ONCE_S, f"fetch.min.bytes were there, but the fetch took {seconds:.2f} s")
    cluster.delete_topic(admin, topic)
    print(f"fetch.min.bytes {MIN_BYTES}: held for {HELD_S} s, then answered in {seconds * 1000:.0f} ms")


cluster.run(main)
