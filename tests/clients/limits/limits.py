"""Drives past every limit of a virtual cluster by librdkafka, and asserts what a client sees of it and
what the server counts, as docs/limits.md says. Meanwhile another tenant produces at a low rate.

usage: limits.py READY_FILE DATA_FOLDER ROUNDS      LONG=1 judges the other tenant's waits, too
"""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

import cluster
from cluster import expect

MB = 1_000_000
QUIET_S = 16
AROUND_S = 30 if os.environ.get("LONG") == "1" else 0
RATIO_MAX = 1.5
# What is let through at once after a pause (docs/limits.md), and a little for late timers.
SLACK = 1.06


class Tenant(cluster.Cluster):
    """A virtual cluster of the server, reached by its own SCRAM user."""

    def __init__(self, ready_file, data, name):
        super().__init__(ready_file, "scram")
        self.name = name
        with open(f"{data}/secrets/{name}.json", encoding="utf-8") as file:
            self.ready |= json.load(file)
        # By an address the credential tells the virtual cluster; `localhost` is the first one's.
        self.ready["bootstrap"] = "127.0.0.1:" + self.ready["bootstrap"].rsplit(":", 1)[1]
        self.ready_file = f"{data}/{name}.ready.json"
        with open(self.ready_file, "w", encoding="utf-8") as file:
            json.dump(self.ready, file)
        self.throttle_ms = 0

    def settings(self, user=None, **more):
        """Settings of a client whose throttle times are kept."""
        return super().settings(user, **{
            "statistics.interval.ms": 200, "stats_cb": self._statistics,
        } | more)

    def _statistics(self, text):
        brokers = json.loads(text)["brokers"].values()
        self.throttle_ms = max([self.throttle_ms] + [b["throttle"]["max"] for b in brokers])

    def metric(self, name, limit):
        """One series of this virtual cluster."""
        with urllib.request.urlopen(self.ready["admin_url"] + "/metrics", timeout=10) as page:
            text = page.read().decode()
        label = f'{name}{{cluster="{self.name}",limit="{limit}"}} '
        found = re.search(re.escape(label) + r"(\S+)", text)
        expect(found, f"/metrics has no {label}")
        return float(found[1])

    def throttled_s(self, limit):
        """For how long a limit has held this tenant back."""
        return self.metric("tidegate_throttle_seconds_total", limit)

    def expect_refused(self, limit, times=1):
        """Waits until the server has counted refusals for a limit."""
        cluster.wait_for(
            lambda: self.metric("tidegate_limit_refused_total", limit) >= times,
            f"fewer than {times} refusals for {limit} of {self.name}",
        )

    def topic(self, partitions=1, **config):
        """A new topic."""
        name = f"limits-{uuid.uuid4().hex[:12]}"
        cluster.create_topic(self.admin(), name, partitions, **config)
        return name


def say(limit, seen):
    """One line for each limit that held."""
    print(f"{limit:32} {seen}", flush=True)


def expect_rate(done, since, until, ceiling, what):
    """What was done between two moments is the ceiling and no more."""
    rate = sum(size for at, size in done if since <= at < until) / (until - since)
    percent = 100 * rate / ceiling
    expect(percent <= 100 * SLACK, f"{what}: {percent:.1f} % of the limit")
    expect(percent >= 85, f"{what}: only {percent:.1f} % of the limit")
    return f"{percent:.1f} % of {ceiling}"


def flood(tenant, topic, seconds, record_bytes, offer=None, **settings):
    """Produces as fast as it is let, or `offer` bytes per second: what was acknowledged when."""
    done, errors, value = [], [], bytes(record_bytes)
    producer = Producer(tenant.settings(**settings))
    producer.list_topics(topic, timeout=cluster.DEADLINE_S)

    def reported(error, _message):
        if error:
            errors.append(str(error))
        else:
            done.append((time.monotonic(), record_bytes))

    tenant.throttle_ms = 0
    end = time.monotonic() + seconds
    number = 0
    while (now := time.monotonic()) < end:
        if offer and number * record_bytes > offer * (now - end + seconds):
            producer.poll(0.002)
            continue
        try:
            producer.produce(topic, value, partition=number % 4, on_delivery=reported)
            number += 1
        except BufferError:
            producer.poll(0.01)
        producer.poll(0)
    found = list(errors)
    left = producer.flush(cluster.DEADLINE_S)
    expect(left == 0, f"{left} records were not acknowledged")
    expect(not found and not errors, f"a throttle is no error: {(found + errors)[:1]}")
    return done


def expect_throttle(tenant, limit, before):
    """A client has seen throttle times of at most a second, and the server has counted them."""
    told = tenant.throttle_ms
    expect(0 < told <= 1000, f"{limit}: the client saw a throttle of {told} ms")
    held = tenant.throttled_s(limit) - before
    expect(held > 0.5, f"{limit}: held for {held:.3f} s only")
    return f"throttle up to {told} ms, held {held:.1f} s"


LARGE_BATCHES = {
    "batch.size": 500_000, "linger.ms": 20, "queue.buffering.max.kbytes": 32_000,
    "max.in.flight.requests.per.connection": 5,
}


def within(tenant, topic):
    """The control: nearly as many bytes in, but within the rate. Nothing is throttled."""
    before = tenant.throttled_s("ingress_bytes_per_s")
    flood(tenant, topic, 8, 15_000, 18 * MB, **LARGE_BATCHES)
    held = tenant.throttled_s("ingress_bytes_per_s") - before
    say("(within the rate)", f"18 of 20 MB/s offered, held {held:.1f} s")


def ingress(tenant, topic):
    """Bytes in: slowed with throttle_time_ms."""
    before = tenant.throttled_s("ingress_bytes_per_s")
    start = time.monotonic()
    done = flood(tenant, topic, 8, 15_000, **LARGE_BATCHES)
    rate = expect_rate(done, start + 2, start + 8, 20 * MB, "bytes in")
    say("ingress_bytes_per_s", f"{rate}, " + expect_throttle(tenant, "ingress_bytes_per_s", before))


def egress(tenant, topic):
    """Bytes out: slowed with throttle_time_ms."""
    before = tenant.throttled_s("egress_bytes_per_s")
    tenant.throttle_ms = 0
    # The records are zeros, but not compressed: what is read is what was written.
    consumer = Consumer(tenant.settings(**{
        "group.id": topic, "enable.auto.commit": False, "queued.max.messages.kbytes": 4_000,
        "fetch.message.max.bytes": 1_000_000,
    }))
    consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
    start, done = time.monotonic(), []
    while (now := time.monotonic()) < start + 8:
        for message in consumer.consume(500, 0.01):
            expect(not message.error(), f"a throttle is no error: {message.error()}")
            done.append((now, len(message.value())))
    consumer.close()
    rate = expect_rate(done, start + 1, start + 8, 30 * MB, "bytes out")
    say("egress_bytes_per_s", f"{rate}, " + expect_throttle(tenant, "egress_bytes_per_s", before))


def requests(tenant, topic):
    """Requests: slowed with throttle_time_ms."""
    before = tenant.throttled_s("requests_per_s")
    start = time.monotonic()
    done = flood(tenant, topic, 6, 1, **{
        "batch.num.messages": 1, "linger.ms": 0, "max.in.flight.requests.per.connection": 50,
        "queue.buffering.max.messages": 500,
    })
    rate = expect_rate(done, start + 2, start + 6, 300, "requests")
    say("requests_per_s", f"{rate}, " + expect_throttle(tenant, "requests_per_s", before))


def topic_requests(tenant):
    """Topic requests: slowed."""
    before = tenant.throttled_s("topic_requests_per_s")
    admin = tenant.admin()
    start = time.monotonic()
    for _ in range(8):
        new = NewTopic(f"limits-{uuid.uuid4().hex[:12]}", num_partitions=1, replication_factor=-1)
        admin.create_topics([new])[new.topic].result(cluster.DEADLINE_S)
    took = time.monotonic() - start
    expect(2 <= took < 15, f"8 topic requests took {took:.1f} s")
    held = tenant.throttled_s("topic_requests_per_s") - before
    expect(held > 1, f"topic_requests_per_s: held for {held:.3f} s only")
    say("topic_requests_per_s", f"8 in {took:.1f} s, held {held:.1f} s")


def expect_code(call, codes, what):
    """The call fails with one of Kafka's error codes."""
    try:
        call()
    except KafkaException as failure:
        code = failure.args[0].code()
        expect(code in codes, f"{what}: error {code}, {failure.args[0].str()}")
        return f"error {code}: {failure.args[0].str()}"
    raise cluster.Failed(f"{what}: no error")


def partition_changes(tenant):
    """Partitions created and deleted in five minutes: refused."""
    admin = tenant.admin()

    def create():
        new = NewTopic(f"limits-{uuid.uuid4().hex[:12]}", num_partitions=60, replication_factor=-1)
        admin.create_topics([new])[new.topic].result(cluster.DEADLINE_S)

    # 89 from the version on that has it, 44 before: as the library's newest version is.
    say("partition_changes_per_5_min", expect_code(create, (44, 89), "60 partitions"))
    tenant.expect_refused("partition_changes_per_5_min")


def partitions(tenant):
    """Partitions at one time: refused."""
    admin = tenant.admin()

    def create():
        new = NewTopic("too-many", num_partitions=5, replication_factor=-1)
        admin.create_topics([new])["too-many"].result(cluster.DEADLINE_S)

    say("partitions_max", expect_code(create, (42,), "5 partitions of 4"))
    tenant.expect_refused("partitions_max")


def send_one(tenant, topic, size, key=None, **settings):
    """Produces one record; raises what it is refused with."""
    producer = Producer(tenant.settings(**{"message.max.bytes": 8 * MB} | settings))
    failures = []
    producer.produce(topic, bytes(size), key=key, partition=0,
                     on_delivery=lambda error, _: error and failures.append(error))
    expect(producer.flush(cluster.DEADLINE_S) == 0, "a record was not answered")
    if failures:
        raise KafkaException(failures[0])


def message_size(tenant, topic):
    """A batch above the cluster's limit is error 42, above the topic's own error 10."""
    told = expect_code(lambda: send_one(tenant, topic, 1_200_000), (42,), "a batch of 1.2 MB")
    say("message_bytes_max", told)
    tenant.expect_refused("message_bytes_max")
    small = tenant.topic(**{"max.message.bytes": "100000"})
    too_large = (KafkaError.MSG_SIZE_TOO_LARGE,)
    say("max.message.bytes", expect_code(lambda: send_one(tenant, small, 200_000), too_large, "200 kB"))


def fetch_size(tenant, topic):
    """A fetch above the limit is refused where the tenant wants it so, and nothing is delivered."""
    send_one(tenant, topic, 100)

    def read(fetch_bytes_max):
        consumer = Consumer(tenant.settings(**{
            "group.id": topic, "enable.auto.commit": False, "message.max.bytes": 100_000,
            "fetch.max.bytes": fetch_bytes_max, "fetch.message.max.bytes": 100_000,
        }))
        consumer.assign([TopicPartition(topic, 0, 0)])
        end = time.monotonic() + 4
        got = []
        while time.monotonic() < end and not got:
            got = [m for m in consumer.consume(10, 0.1) if not m.error()]
        consumer.close()
        return len(got)

    expect(read(5 * MB) == 0, "a fetch of 5 MB of 4 MB was served")
    tenant.expect_refused("fetch_bytes_max")
    expect(read(4 * MB) == 1, "a fetch of 4 MB was not served")
    say("fetch_bytes_max", "refused above, served at the limit")


def compacted_size(tenant):
    """An append to a compacted partition that is as large as it may be is refused."""
    topic = tenant.topic(**{"cleanup.policy": "compact"})

    def fill():
        for _ in range(4):
            send_one(tenant, topic, 900_000, key=b"k")

    say("compacted_partition_bytes_max", expect_code(fill, (89,), "a full partition"))
    tenant.expect_refused("compacted_partition_bytes_max")


class Door:
    """Raw TLS connections to one virtual cluster, by its name."""

    def __init__(self, tenant):
        host, port = tenant.ready["bootstrap"].rsplit(":", 1)
        self.address = (host, int(port))
        self.context = ssl.create_default_context(cafile=tenant.ready["ca_file"])
        self.name = f"boot-{tenant.name}.c1.kafka-serverless.{tenant.ready['region']}.localhost"

    def connect(self):
        """A connection through TLS."""
        plain = socket.create_connection(self.address, timeout=10)
        return self.context.wrap_socket(plain, server_hostname=self.name)


def is_closed(stream, seconds):
    """Whether the server closes the connection within this time."""
    stream.settimeout(seconds)
    try:
        return stream.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def connections(tenant):
    """Connections: one too many is closed, and served when there is a place again."""
    door = Door(tenant)
    time.sleep(3)
    used = int(tenant.metric("tidegate_limit_use", "connections_max"))
    held = []
    for _ in range(10 - used):
        held.append(door.connect())
        time.sleep(0.15)
    cluster.wait_for(lambda: tenant.metric("tidegate_limit_use", "connections_max") == 10,
                     "there are not 10 connections")
    expect(is_closed(door.connect(), 5), "the 11th connection was not closed")
    tenant.expect_refused("connections_max")
    admin = tenant.admin(**{"socket.timeout.ms": 3000})
    try:
        admin.list_topics(timeout=3)
        raise cluster.Failed("a client was served without a place")
    except KafkaException as failure:
        seen = failure.args[0].str()
    for stream in held:
        stream.close()
    admin.list_topics(timeout=cluster.DEADLINE_S)
    say("connections_max", f"10 held, the next closed; librdkafka: {seen}")


def attempts(tenant):
    """Connection attempts: too many in a second are closed."""
    door = Door(tenant)
    time.sleep(2)
    before = tenant.metric("tidegate_limit_refused_total", "connection_attempts_per_s")
    outcomes, streams = [], []

    def attempt():
        try:
            stream = door.connect()
        except OSError:
            outcomes.append(True)
            return
        streams.append(stream)
        outcomes.append(is_closed(stream, 4))

    threads = [threading.Thread(target=attempt) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    closed = sum(outcomes)
    tenant.expect_refused("connection_attempts_per_s", before + 10)
    expect(closed >= 40, f"only {closed} of 60 attempts were closed")
    for stream in streams:
        stream.close()
    say("connection_attempts_per_s", f"{closed} of 60 at once were closed")


class Beside:
    """The other tenant, in a process of its own."""

    def __init__(self, tenant, topic):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "beside.py")
        self.process = subprocess.Popen(
            [sys.executable, program, tenant.ready_file, topic],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def end(self):
        """When it sent each record, and how many milliseconds that took; an error of its is a failure."""
        output, _ = self.process.communicate(timeout=120)
        found = json.loads(output)
        expect(not found["errors"], f"the other tenant saw {found['errors'][:1]}")
        return found["waits"]


def between(waits, since, until):
    """What was sent between two moments."""
    return [wait for wait in waits if since <= wait[0] < until]


def p99(waits):
    """The 99th percentile, in milliseconds."""
    waits = sorted(wait for _, wait in waits)
    return waits[int(len(waits) * 0.99)]


def standing_back(drive, *arguments):
    """Drives, and leaves the cores at once to whoever else wants them: load should come from another
    machine, so what it takes of this one's cores is not to be measured."""
    failures = []

    def work():
        # Of this thread, and so of those that librdkafka starts from it.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            drive(*arguments)
        except Exception as failure:  # pylint: disable=broad-except # raised again
            failures.append(failure)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure


def round_of_rates(driven, quiet, topic, quiet_topic):
    """The other tenant's waits in quiet, and beside a tenant that drives past every rate, by phase."""
    beside = Beside(quiet, quiet_topic)
    time.sleep(QUIET_S)
    waits = {"quiet": beside.end()}
    beside = Beside(quiet, quiet_topic)
    time.sleep(2)
    spans = {}
    for drive in (within, ingress, egress, requests):
        since = time.monotonic()
        standing_back(drive, driven, topic)
        spans[drive.__name__] = (since, time.monotonic())
    found = beside.end()
    waits |= {name: between(found, *span) for name, span in spans.items()}
    each = ", ".join(f"{name} {p99(found):.1f}" for name, found in waits.items())
    print(f"the other tenant's p99 in ms: {each}", flush=True)
    return waits


def judge(rounds):
    """The other tenant's p99 over all rounds, phase by phase: a calm one would hide another. A round
    need not have every phase."""
    phases = dict.fromkeys(name for waits in rounds for name in waits)
    together = {name: [wait for waits in rounds for wait in waits.get(name, [])] for name in phases}
    quiet, worst = p99(together.pop("quiet")), 0
    for name, waits in together.items():
        ratio = p99(waits) / quiet
        print(f"the other tenant's p99 over {len(waits)} records, {name}: {p99(waits):.1f} ms, "
              f"{ratio:.2f} of {quiet:.1f} ms in quiet (bar: {RATIO_MAX})")
        worst = max(worst, ratio)
    if os.environ.get("LONG") == "1":
        expect(worst <= RATIO_MAX, f"the other tenant's p99 rose by {worst:.2f}")


def numbers_and_sizes(driven, strict):
    """Past every limit on a number or a size, once; each tenant comes with a topic of its own."""
    (driven, topic), (strict, small) = driven, strict
    topic_requests(driven)
    message_size(driven, topic)
    partition_changes(driven)
    fetch_size(strict, small)
    compacted_size(strict)
    partitions(strict)
    connections(strict)
    attempts(strict)


def main():
    ready_file, data, rounds = sys.argv[1:]
    driven, strict, quiet = (Tenant(ready_file, data, name) for name in ("demo", "strict", "quiet"))
    topic, quiet_topic, small = driven.topic(4), quiet.topic(), strict.topic()
    found = [round_of_rates(driven, quiet, topic, quiet_topic) for _ in range(int(rounds))]
    beside = Beside(quiet, quiet_topic)
    # What is compared lies around, on the same connection: the machine is not the same at all times.
    time.sleep(2 + AROUND_S)
    numbers = time.monotonic()
    standing_back(numbers_and_sizes, (driven, topic), (strict, small))
    over = time.monotonic()
    time.sleep(AROUND_S)
    waits = beside.end()
    found.append({
        "numbers": between(waits, numbers, over),
        "quiet": between(waits, 0, numbers) + between(waits, over, float("inf")),
    })
    judge(found)


cluster.run(main)
