"""Fifty members of mixed libraries join, leave and crash; the server is killed in between.

Proves: every acknowledged record is read; no partition is without an owner for longer than the
session time-out; committed offsets never move back.

usage: churn.py SERVER_BINARY WORK_FOLDER SECONDS KILLS SEED
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from cluster import DEADLINE_S, Cluster, Failed, create_topic, expect, run, wait_for
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from timeline import Timeline, steps_back

TOPIC, GROUP, PARTITIONS = "churn", "churn-group", 60
SESSION_S = 10
RECORDS_PER_S = 600
HERE = os.path.dirname(os.path.abspath(__file__))
# Processes by kind; a Java process has several members.
JAVA_MEMBERS = 4
ROSTER = [("librdkafka", 22), ("kafka_python", 12), ("java", 4)]
START_DEADLINE_S = 60
END_DEADLINE_S = 90


class Server:
    """The server on one folder and one port, killed and started again."""

    def __init__(self, binary, work):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.ready = os.path.join(work, "ready.json")
        self.command = [binary, "serve", "--data", os.path.join(work, "data")]
        self.command += ["--listen", f"127.0.0.1:{port}", "--ready-file", self.ready]
        self.log = open(os.path.join(work, "server.log"), "ab")
        self.start()

    def start(self):
        """Starts it and waits until it serves."""
        if os.path.exists(self.ready):
            os.remove(self.ready)
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        wait_for(lambda: os.path.exists(self.ready), "the server is not ready")

    def kill(self):
        """Ends it without a word."""
        expect(self.process.poll() is None, "the server ended by itself")
        self.process.kill()
        self.process.wait()


def names_in_group(cluster):
    """The names of the group's members, as the server tells them; asked for again while nobody answers."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        # A new client each time: one that has lost its connection may wait long before it tries again.
        admin = cluster.admin(**{"log_level": 0})
        try:
            described = admin.describe_consumer_groups([GROUP], request_timeout=10)[GROUP].result()
            return {member.client_id for member in described.members}
        except KafkaException as refused:
            expect(time.monotonic() < deadline, f"the server does not tell who is in the group: {refused}")
        time.sleep(0.1)


class Member:
    """One process with one or several members."""

    def __init__(self, kind, name, server, timeline, static):
        self.kind, self.name, self.timeline = kind, name, timeline
        self.names = [name] if kind != "java" else [f"{name}-{i}" for i in range(JAVA_MEMBERS)]
        clients = os.path.dirname(HERE)
        arguments = [server.ready, name, TOPIC, GROUP, str(SESSION_S * 1000)]
        if kind == "java":
            command = [os.path.join(clients, "java", "run"), "Members", *arguments, str(JAVA_MEMBERS)]
        else:
            command = [sys.executable, os.path.join(HERE, f"{kind}_member.py"), *arguments]
            command += [name] if static else []
        environment = os.environ | {"SIGN_IN": "scram", "JAVA_HEAP": "-Xmx160m -Xss512k -XX:+UseSerialGC"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                self.timeline.add(json.loads(line))
            except ValueError:
                pass  # the line that a kill cut off

    def crash(self):
        """Kills the process; its members stay in the group until their sessions end."""
        os.killpg(self.process.pid, signal.SIGKILL)
        at = time.time()
        self._end()
        self._tell(self.names, "killed", at)

    def leave(self, cluster):
        """Lets the members leave. Those that are in the group still were not heard, and stay in it until
        their sessions end: static ones (KIP-345), and those that leave without a word because they do not
        know the coordinator yet, as right after a restart, or are in the middle of joining (librdkafka)."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._end()
        at = time.time()
        unheard = names_in_group(cluster).intersection(self.names)
        self._tell(unheard, "unheard", at)
        self._tell(set(self.names) - unheard, "left", at)

    def _end(self):
        self.process.wait()
        self.reader.join(10)

    def _tell(self, names, how, at):
        for name in names:
            self.timeline.add({"t": at, "m": name, "e": how})


class Load:
    """Produces at a steady rate, and keeps what was acknowledged."""

    def __init__(self, cluster):
        self.acknowledged = {}
        self.failed = []
        self.producer = Producer(cluster.settings(**{"enable.idempotence": True, "linger.ms": 20, "log_level": 0}))
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        number, begin = 0, time.monotonic()
        while not self.stopping.is_set():
            due = int((time.monotonic() - begin) * RECORDS_PER_S)
            for _ in range(due - number):
                value = f"{number}".encode().rjust(100)
                self.producer.produce(TOPIC, value, partition=number % PARTITIONS, on_delivery=self._delivered)
                number += 1
            self.producer.poll(0)
            time.sleep(0.02)

    def _delivered(self, error, message):
        if error is not None:
            self.failed.append(str(error))
            return
        self.acknowledged.setdefault(message.partition(), []).append(message.offset())

    def stop(self):
        """Stops and waits for what is under way."""
        self.stopping.set()
        self.thread.join()
        expect(self.producer.flush(60) == 0, "records are still unacknowledged after 60 s")
        expect(not self.failed, f"{len(self.failed)} records failed, e.g. {self.failed[:1]}")


class Watch:
    """Asks for the committed offsets, again and again."""

    def __init__(self, cluster):
        self.samples = []
        self.consumer = Consumer(cluster.settings(**{"group.id": GROUP, "log_level": 0}))
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def ask(self):
        """One sample: the committed offset of each partition that has one."""
        wanted = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
        found = self.consumer.committed(wanted, timeout=10)
        return {f.partition: f.offset for f in found if f.error is None and f.offset >= 0}

    def _run(self):
        while not self.stopping.wait(0.5):
            try:
                self.samples.append(self.ask())
            except KafkaException:
                pass  # the server is down

    def stop(self):
        """Stops asking."""
        self.stopping.set()
        self.thread.join()


def churn(members, spawn, chance, cluster):
    """One step of the unrest: somebody crashes or leaves, and somebody comes instead."""
    slot = chance.randrange(len(members))
    gone = members[slot]
    if chance.random() < 0.5:
        gone.crash()
    else:
        gone.leave(cluster)
    members[slot] = spawn(gone.kind)


def members_now(timeline):
    """How many members have ever told that they were assigned something or nothing."""
    return len({event["m"] for event in list(timeline.events) if event["e"] == "assigned"})


def main():
    binary, work, seconds, kills, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    chance = random.Random(seed)
    server = Server(binary, work)
    cluster = Cluster(server.ready, "scram")
    create_topic(cluster.admin(), TOPIC, PARTITIONS)
    timeline = Timeline(PARTITIONS, SESSION_S)
    count = iter(range(1_000_000))

    def spawn(kind):
        number = next(count)
        static = kind != "java" and chance.random() < 0.2
        return Member(kind, f"{kind}-{number}", server, timeline, static)

    members = [spawn(kind) for kind, processes in ROSTER for _ in range(processes)]
    load, watch = Load(cluster), Watch(cluster)
    try:
        everybody = sum(len(member.names) for member in members)
        deadline = time.monotonic() + START_DEADLINE_S
        while members_now(timeline) < everybody and time.monotonic() < deadline:
            time.sleep(0.2)
        expect(members_now(timeline) >= everybody, f"only {members_now(timeline)} of {everybody} members were assigned")
        unrest(members, spawn, (server, timeline, chance, cluster), (seconds, kills))
        load.stop()
        settle(watch, load.acknowledged)
    finally:
        timeline.keep(os.path.join(work, "events.jsonl"))
        watch.stop()
        for member in members:
            member.crash()
        server.kill()
    judge(timeline, load, watch, everybody)


def unrest(members, spawn, world, plan):
    """Joins, leaves and crashes for the time of the plan, with its kills of the server in between."""
    (server, timeline, chance, cluster), (seconds, kills) = world, plan
    begin = time.monotonic()
    kill_at = [begin + seconds * (i + 1) / (kills + 1) for i in range(kills)]
    while time.monotonic() < begin + seconds:
        if kill_at and time.monotonic() >= kill_at[0]:
            kill_at.pop(0)
            server.kill()
            server.start()
            timeline.restarts.append(time.time())
        churn(members, spawn, chance, cluster)
        time.sleep(chance.uniform(1.0, 5.0))


def settle(watch, acknowledged):
    """Waits until the group has committed all that was acknowledged."""
    ends = {partition: max(offsets) + 1 for partition, offsets in acknowledged.items()}
    deadline = time.monotonic() + END_DEADLINE_S
    behind = ends
    while behind and time.monotonic() < deadline:
        time.sleep(0.5)
        committed = watch.samples[-1] if watch.samples else {}
        behind = {p: (committed.get(p), end) for p, end in ends.items() if committed.get(p, -1) < end}
    expect(not behind, f"the group has not come to the end after {END_DEADLINE_S} s: {behind}")


def judge(timeline, load, watch, at_end):
    """Prints the figures and fails on whatever was promised and did not hold; `at_end` members were killed
    when all was over."""
    records = sum(map(len, load.acknowledged.values()))
    longest = timeline.longest()
    ownerless_s = longest.seconds if longest else 0.0
    print(
        f"{records} records acknowledged; {timeline.count('killed') - at_end} members crashed, "
        f"{timeline.count('left')} left, {timeline.count('unheard')} left unheard, "
        f"{len(timeline.restarts)} kills of the server; {timeline.count('assigned')} assignments, "
        f"{timeline.count('committed')} commits, {timeline.count('refused')} refused; longest without an owner {ownerless_s:.1f} s of {SESSION_S} s"
    )
    missing = timeline.unread(load.acknowledged)
    expect(not missing, f"{len(missing)} acknowledged records were read by nobody, e.g. {missing[:3]}")
    back = steps_back(watch.samples)
    expect(not back, f"committed offsets moved back: {back[:3]}")
    if ownerless_s > SESSION_S:
        raise Failed(f"without an owner: {timeline.around(longest)}")


if __name__ == "__main__":
    run(main)
