"""The round of confluent-kafka (librdkafka). SIGN_IN: `oauthbearer` or `scram`."""

import contextlib
import importlib.metadata

from confluent_kafka import TIMESTAMP_CREATE_TIME, Consumer, KafkaError, KafkaException
from confluent_kafka import Producer, TopicPartition

import cluster
import steps
from library import FETCH_WAIT_MS, PARTITIONS, Library, Record
from ready import DEADLINE_S, expect, wait_for


class ConfluentKafka(Library):
    """confluent-kafka as the round needs it."""

    name = f"confluent-kafka {importlib.metadata.version('confluent-kafka')}"
    mechanisms = {"oauthbearer": "OAUTHBEARER", "scram": "SCRAM-SHA-512"}
    throttle = "seen"

    def __init__(self, ready, sign_in):
        super().__init__(ready, sign_in)
        self.server = cluster.Cluster(ready.path, sign_in)
        self.admin = self.server.admin()

    def create(self, topic):
        cluster.create_topic(self.admin, topic, len(PARTITIONS))

    def members(self, group):
        described = self.admin.describe_consumer_groups([group])[group].result(DEADLINE_S)
        return len(described.members)

    def delete(self, topic, group):
        self.admin.delete_consumer_groups([group])[group].result(DEADLINE_S)
        cluster.delete_topic(self.admin, topic)

    @contextlib.contextmanager
    def producer(self, codec="none", idempotent=False, user=None):
        sender = Sender(self.server, user, codec, idempotent)
        with contextlib.closing(sender.producer):
            yield sender

    @contextlib.contextmanager
    def consumer(self, group=None, user=None):
        receiver = Receiver(self.server, user, group)
        with contextlib.closing(receiver.consumer):
            yield receiver

    def is_unauthorized(self, error):
        return code(error) == KafkaError.TOPIC_AUTHORIZATION_FAILED

    def refuses(self, user):
        told = []
        producer = Producer(self.server.settings(user, error_cb=told.append, log_level=2))
        with contextlib.closing(producer):
            wait_for(lambda: producer.poll(0.1) or told, "no error was told", pause_s=0)
            with contextlib.suppress(KafkaException):
                producer.list_topics(timeout=2)
                return False
        return told[0].code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)

    def leftover_errors(self):
        return self.server.errors


class Sender:
    """A producer and what it was told of throttling."""

    def __init__(self, server, user, codec, idempotent):
        self.throttles = []
        self.producer = Producer(server.settings(user, **{
            "compression.type": codec, "enable.idempotence": idempotent, "linger.ms": 20,
            "throttle_cb": self.throttles.append,
            # Warnings, not its notice of a topic that it leaves behind.
            "log_level": 4,
        }))
        # Lets it ask for its first token.
        self.producer.poll(0)

    def throttled_ms(self):
        self.producer.poll(0)
        return max((event.throttle_time for event in self.throttles), default=0)

    def send_all(self, topic, partition, records):
        reports = []
        for record in records:
            self.producer.produce(
                topic, record.value, record.key, partition,
                timestamp=record.timestamp_ms, headers=record.headers,
                on_delivery=lambda error, message: reports.append((error, message)),
            )
        left = self.producer.flush(DEADLINE_S)
        expect(left == 0, f"{left} records were never acknowledged")
        for error, _ in reports:
            if error:
                raise KafkaException(error)
        return [message.offset() for _, message in reports]


class Receiver:
    """A consumer in the terms of the round."""

    def __init__(self, server, user, group):
        self.consumer = Consumer(server.settings(user, **{
            # The library insists on a group's name; who only assigns partitions does not join.
            "group.id": group or "none", "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }))

    def assign(self, topic, partition, offset):
        self.consumer.assign([TopicPartition(topic, partition, offset)])

    def subscribe(self, topic):
        self.consumer.subscribe([topic])

    def assignment(self):
        return [at.partition for at in self.consumer.assignment()]

    def poll(self, seconds):
        first = self.consumer.poll(seconds)
        # A message with an empty value counts as false.
        messages = ([] if first is None else [first]) + self.consumer.consume(1000, 0)
        return [self._read(message) for message in messages]

    def _read(self, message):
        if message.error():
            raise KafkaException(message.error())
        kind, timestamp_ms = message.timestamp()
        expect(kind == TIMESTAMP_CREATE_TIME, f"the timestamp is of kind {kind}")
        headers = message.headers() or []
        read = Record(timestamp_ms, message.key(), message.value(), headers)
        return message.partition(), message.offset(), read

    def span(self, topic, partition):
        return self.consumer.get_watermark_offsets(TopicPartition(topic, partition), DEADLINE_S)

    def offset_at(self, topic, partition, timestamp_ms):
        query = [TopicPartition(topic, partition, timestamp_ms)]
        found = self.consumer.offsets_for_times(query, DEADLINE_S)[0]
        if found.error:
            raise KafkaException(found.error)
        return None if found.offset == -1 else found.offset

    def commit(self, topic, offsets, metadata):
        committed = [TopicPartition(topic, *at, metadata) for at in offsets.items()]
        for at in self.consumer.commit(offsets=committed, asynchronous=False):
            if at.error:
                raise KafkaException(at.error)

    def committed(self, topic, partition):
        found = self.consumer.committed([TopicPartition(topic, partition)], DEADLINE_S)[0]
        return found.offset, found.metadata


def code(error):
    """The code of the library's error; None for another one."""
    return error.args[0].code() if isinstance(error, KafkaException) else None


if __name__ == "__main__":
    steps.run(ConfluentKafka)
