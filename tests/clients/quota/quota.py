"""Offers one hot partition and one sibling on the same connection, and writes down what got through.

`ingress`: one producer offers 20 MB/s to the hot partition and 2 MB/s to the sibling, in batches of
at most 256 KiB; bytes count when they are acknowledged. `egress`: the hot partition is filled first,
then one consumer reads it as fast as it may, and beside it the sibling, into which another producer
writes 2 MB/s; bytes count when they are delivered. What the client could not hold any more of the
hot offer is left out, as a real source would have to; the sibling's offer is never left out.

usage: quota.py READY_FILE ingress|egress SECONDS RESULT.json
"""

import json
import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition, libversion

import cluster

RECORD_BYTES = 15_000
BATCH_BYTES_MAX = 256 * 1024
HOT_BYTES_PER_S = 20_000_000
SIBLING_BYTES_PER_S = 2_000_000
HOT_WAITING_BYTES_MAX = 32_000_000
EGRESS_HOT_BYTES_PER_S = 14_000_000


class Flow:
    """What was offered to one partition and what got through, by time since the start."""

    def __init__(self, start, partition):
        self.start = start
        self.partition = partition
        self.offered = 0
        self.waiting = 0
        self.through = []
        self.waits_ms = []

    def due(self, bytes_per_s):
        """Whether the next record's time has come."""
        return self.offered < bytes_per_s * (time.monotonic() - self.start)

    def done(self, sent):
        """One record that was offered at `sent` got through now."""
        now = time.monotonic()
        self.waiting -= RECORD_BYTES
        self.through.append((now - self.start, RECORD_BYTES))
        self.waits_ms.append((now - sent) * 1000)

    def report(self, with_offer):
        """This flow as the judge reads it: a list of [second, bytes], and the waits."""
        by_slice = {}
        for at, size in self.through:
            by_slice[int(at * 10)] = by_slice.get(int(at * 10), 0) + size
        waits = sorted(self.waits_ms)
        report = {
            "partition": self.partition,
            "through": [[slice_ / 10, size] for slice_, size in sorted(by_slice.items())],
            "wait_ms": {
                str(p): round(waits[min(len(waits) - 1, int(len(waits) * p / 100))], 1)
                for p in (50, 95, 99, 100)
            } if waits else {},
        }
        return report | ({"offered_bytes_per_s": SIBLING_BYTES_PER_S} if with_offer else {})


class Offer:
    """A producer that offers records to flows at a given rate."""

    def __init__(self, server, topic, errors):
        self.topic = topic
        self.errors = errors
        self.value = bytes(RECORD_BYTES)
        self.throttle_ms = 0
        self.producer = Producer(server.settings(**{
            # Five requests in flight, as Java has them. Without idempotence librdkafka has no bound on
            # them: then the server stops reading at one second of debt, and of what the socket still
            # takes librdkafka gives nearly every turn to the partition with the longer queue.
            "enable.idempotence": True,
            "batch.size": BATCH_BYTES_MAX, "linger.ms": 5, "queue.buffering.max.kbytes": 1_000_000,
            "statistics.interval.ms": 1000, "stats_cb": self._statistics,
        }))

    def _statistics(self, text):
        brokers = json.loads(text)["brokers"].values()
        self.throttle_ms = max([self.throttle_ms] + [b["throttle"]["max"] for b in brokers])

    def send(self, flow):
        """One record; a failure is kept in `errors`."""
        sent = time.monotonic()

        def reported(error, _message):
            if error:
                self.errors.append(str(error))
            else:
                flow.done(sent)

        flow.offered += RECORD_BYTES
        flow.waiting += RECORD_BYTES
        self.producer.produce(
            self.topic, self.value, partition=flow.partition, on_delivery=reported
        )

    def close(self):
        """Gives up what is still waiting: the measurement is over."""
        self.errors = []
        self.producer.purge()
        self.producer.flush(cluster.DEADLINE_S)


def ingress(server, topic, partitions, seconds):
    """Offers both flows from one producer, and counts acknowledgements."""
    errors = []
    offer = Offer(server, topic, errors)
    offer.producer.list_topics(topic, timeout=cluster.DEADLINE_S)
    start = time.monotonic()
    hot, sibling = (Flow(start, p) for p in partitions)
    while time.monotonic() - start < seconds:
        while sibling.due(SIBLING_BYTES_PER_S):
            offer.send(sibling)
        while hot.due(HOT_BYTES_PER_S):
            if hot.waiting < HOT_WAITING_BYTES_MAX:
                offer.send(hot)
            else:
                hot.offered += RECORD_BYTES
        offer.producer.poll(0.002)
    found = hot.report(False), sibling.report(True), list(errors), offer.throttle_ms
    offer.close()
    return found


def fill(server, topic, partition, size):
    """Fills the hot partition before the reading starts."""
    errors = []
    producer = Producer(server.settings(**{"batch.size": BATCH_BYTES_MAX, "linger.ms": 20}))
    value = bytes(RECORD_BYTES)
    for _ in range(size // RECORD_BYTES):
        while True:
            try:
                producer.produce(topic, value, partition=partition,
                                 on_delivery=lambda e, _: e and errors.append(str(e)))
                break
            except BufferError:
                producer.poll(0.1)
    left = producer.flush(300)
    cluster.expect(not errors and left == 0, f"filling: {left} left, {errors[:1]}")


def egress(server, topic, partitions, seconds):
    """Reads both partitions by one consumer, and counts what is delivered to the application."""
    fill(server, topic, partitions[0], (seconds + 2) * EGRESS_HOT_BYTES_PER_S)
    errors = []
    offer = Offer(server, topic, errors)
    offer.producer.list_topics(topic, timeout=cluster.DEADLINE_S)
    consumer = Consumer(server.settings(**{
        "group.id": topic, "enable.auto.commit": False, "fetch.message.max.bytes": BATCH_BYTES_MAX,
        "statistics.interval.ms": 1000, "stats_cb": offer._statistics,
    }))
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    start = time.monotonic()
    hot, sibling = (Flow(start, p) for p in partitions)
    written = Flow(start, partitions[1])
    wall_ahead_ms = time.time() * 1000 - start * 1000
    while time.monotonic() - start < seconds:
        while written.due(SIBLING_BYTES_PER_S):
            offer.send(written)
        offer.producer.poll(0)
        for message in consumer.consume(100, 0.002):
            if message.error():
                errors.append(str(message.error()))
                continue
            flow = hot if message.partition() == hot.partition else sibling
            flow.done((message.timestamp()[1] - wall_ahead_ms) / 1000)
    found = hot.report(False), sibling.report(True), list(errors), offer.throttle_ms
    consumer.close()
    offer.close()
    del found[0]["wait_ms"]
    return found


def main():
    ready_file, mode, seconds, result = sys.argv[1:]
    server = cluster.Cluster(ready_file)
    topic = f"quota-{uuid.uuid4().hex[:12]}"
    admin = server.admin()
    cluster.create_topic(admin, topic, 2)
    partitions = cluster.partitions_of_one_leader(admin, topic, 2)
    measure = {"ingress": ingress, "egress": egress}[mode]
    hot, sibling, errors, throttle_ms = measure(server, topic, partitions, int(seconds))
    cluster.delete_topic(admin, topic)
    with open(result, "w", encoding="utf-8") as file:
        json.dump({
            "client": f"librdkafka {libversion()[0]}", "mode": mode, "seconds": int(seconds),
            "hot": hot, "sibling": sibling, "throttle_ms_max": throttle_ms,
            "errors": errors + [str(e) for e in server.errors],
        }, file)


cluster.run(main)
