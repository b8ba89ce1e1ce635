"""One group member on confluent-kafka (librdkafka): reads, commits what it read, tells all of it.

usage: librdkafka_member.py READY_FILE NAME TOPIC GROUP SESSION_MS [INSTANCE_ID]
"""

import sys

from cluster import Cluster
from confluent_kafka import Consumer, KafkaException, TopicPartition
from events import Member


def main():
    ready, name, topic, group, session_ms = sys.argv[1:6]
    member = Member(name)
    settings = {
        "group.id": group,
        "client.id": name,
        "log_level": 0,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": int(session_ms),
        "heartbeat.interval.ms": 1000,
    }
    if len(sys.argv) > 6:
        settings["group.instance.id"] = sys.argv[6]
    consumer = Consumer(Cluster(ready, "scram").settings(**settings))

    def assigned(_, partitions):
        member.tell("assigned", p=[partition.partition for partition in partitions])

    def revoked(_, partitions):
        member.give_up(partition.partition for partition in partitions)

    consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
    while not member.stopping.is_set():
        messages = [m for m in consumer.consume(200, timeout=0.2) if m.error() is None]
        member.tell_read((m.partition(), m.offset()) for m in messages)
        commit(member, consumer, topic)
    consumer.close()


def commit(member, consumer, topic):
    """Commits and tells it; what a rebalance or a restart refuses is tried again while it is owned."""
    if not member.positions:
        return
    offsets = [TopicPartition(topic, partition, offset) for partition, offset in member.positions.items()]
    try:
        done = consumer.commit(offsets=offsets, asynchronous=False)
    except KafkaException as refused:
        member.tell("refused", why=str(refused))
        return
    member.tell_committed({c.partition: c.offset for c in done if c.error is None})


if __name__ == "__main__":
    main()
