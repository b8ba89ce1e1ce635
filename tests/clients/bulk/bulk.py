"""Proves that librdkafka can drain a lot at full speed: no stall, and every offset in its turn.

It fills a topic (the server's quotas must be lifted), then consumes all of it with one client from
the beginning. Both one partition of more than 1 GB and 50 partitions at once have brought a serious
peer to a halt. Printed: the rate and the longest gap between two deliveries.

usage: bulk.py READY_FILE PARTITIONS MEGABYTES
"""

import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

import cluster
from cluster import expect

RECORD_BYTES = 15_000
STALL_S = 5


def fill(server, topic, partitions, per_partition):
    """Writes numbered records, `per_partition` into each."""
    failed = []
    producer = Producer(server.settings(**{"linger.ms": 20, "queue.buffering.max.kbytes": 200_000}))
    padding = bytes(RECORD_BYTES - 8)
    for number in range(per_partition):
        for partition in range(partitions):
            while True:
                try:
                    producer.produce(topic, number.to_bytes(8, "big") + padding, partition=partition,
                                     on_delivery=lambda e, _: e and failed.append(e))
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(300)
    expect(left == 0 and not failed, f"filling: {left} records left, {failed[:1]}")


def drain(server, topic, partitions, per_partition):
    """Consumes everything; the longest gap between two deliveries and the time it took, in seconds."""
    consumer = Consumer(server.settings(**{
        "group.id": topic, "enable.auto.commit": False, "auto.offset.reset": "error",
    }))
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    next_offset = [0] * partitions
    left = partitions * per_partition
    start = last = time.monotonic()
    longest = 0.0
    while left:
        messages = consumer.consume(500, 0.1)
        now = time.monotonic()
        expect(now - last < STALL_S, f"stalled for {STALL_S} s with {left} records to come")
        for message in messages:
            check(message, next_offset)
        if messages:
            longest, last = max(longest, now - last), now
        left -= len(messages)
    consumer.close()
    return longest, last - start


def check(message, next_offset):
    """A delivered record is the next of its partition and holds the number it was written with."""
    expect(message.error() is None, str(message.error()))
    partition, offset = message.partition(), message.offset()
    expect(offset == next_offset[partition],
           f"partition {partition}: offset {offset} came after {next_offset[partition] - 1}")
    expect(int.from_bytes(message.value()[:8], "big") == offset,
           f"partition {partition}: another record's value at offset {offset}")
    next_offset[partition] += 1


def main():
    partitions, megabytes = int(sys.argv[2]), int(sys.argv[3])
    server = cluster.Cluster(sys.argv[1])
    topic = f"bulk-{uuid.uuid4().hex[:12]}"
    admin = server.admin()
    cluster.create_topic(admin, topic, partitions)
    per_partition = megabytes * 1_000_000 // RECORD_BYTES // partitions + 1
    fill(server, topic, partitions, per_partition)
    longest, seconds = drain(server, topic, partitions, per_partition)
    cluster.delete_topic(admin, topic)
    expect(not server.errors, f"the client reported {server.errors}")
    print(f"{partitions} partitions, {megabytes} MB in {seconds:.1f} s ({megabytes / seconds:.0f} MB/s), "
          f"longest gap between deliveries {longest * 1000:.0f} ms")


cluster.run(main)
