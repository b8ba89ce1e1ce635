"""One group member on kafka-python: reads, commits what it read, tells all of it.

usage: kafka_python_member.py READY_FILE NAME TOPIC GROUP SESSION_MS [INSTANCE_ID]
"""

import json
import sys

from events import Member
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata


class Listener(ConsumerRebalanceListener):
    """Tells what the member owns."""

    def __init__(self, member):
        self.member = member

    def on_partitions_revoked(self, revoked):
        self.member.give_up(partition.partition for partition in revoked)

    def on_partitions_assigned(self, assigned):
        self.member.tell("assigned", p=[partition.partition for partition in assigned])


def main():
    ready_file, name, topic, group, session_ms = sys.argv[1:6]
    with open(ready_file, encoding="utf-8") as file:
        ready = json.load(file)
    member = Member(name)
    consumer = KafkaConsumer(
        bootstrap_servers=ready["bootstrap"],
        security_protocol="SASL_SSL",
        ssl_cafile=ready["ca_file"],
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=ready["scram_username"],
        sasl_plain_password=ready["scram_password"],
        group_id=group,
        client_id=name,
        group_instance_id=sys.argv[6] if len(sys.argv) > 6 else None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=int(session_ms),
        heartbeat_interval_ms=1000,
    )
    consumer.subscribe([topic], listener=Listener(member))
    while not member.stopping.is_set():
        polled = consumer.poll(timeout_ms=200, max_records=200)
        records = [(r.partition, r.offset) for batch in polled.values() for r in batch]
        member.tell_read(records)
        commit(member, consumer, topic)
    consumer.close(autocommit=False)


def commit(member, consumer, topic):
    """Commits and tells it; what a rebalance or a restart refuses is tried again while it is owned."""
    positions = dict(member.positions)
    if not positions:
        return
    offsets = {
        TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)
        for partition, offset in positions.items()
    }
    try:
        consumer.commit(offsets, timeout_ms=1000)
    except KafkaError as refused:
        member.tell("refused", why=str(refused))
        return
    member.tell_committed(positions)


if __name__ == "__main__":
    main()
