"""The round of kafka-python. SIGN_IN: `oauthbearer`, or `iam` for the AWS_MSK_IAM that it has built in."""

import contextlib
import importlib.metadata

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.net.sasl.oauth import AbstractTokenProvider
from kafka.structs import OffsetAndMetadata

import steps
from library import FETCH_WAIT_MS, PARTITIONS, Library, Record
from ready import DEADLINE_S, expect


class TokenProvider(AbstractTokenProvider):
    """The token of AWS's published signer."""

    def __init__(self, user):
        super().__init__()
        self.user = user

    def token(self):
        return self.user.token()[0]


class KafkaPython(Library):
    """kafka-python as the round needs it."""

    name = f"kafka-python {importlib.metadata.version('kafka-python')}"
    mechanisms = {"oauthbearer": "OAUTHBEARER", "iam": "AWS_MSK_IAM"}
    throttle = "seen"
    # It reads a header that is null, but does not write one.
    null_headers = False
    # It drops an answer that comes together with the end of the connection, as that to a wrong secret
    # does here and with Apache Kafka, and then only says that it found no way in.
    tells_wrong_secret = False
    # A poll that ends while the member joins may lose what it is then assigned.
    member_poll_s = 5

    def settings(self, user=None):
        """Settings of a client of `user`."""
        user = user or self.ready.user()
        settings = {
            "bootstrap_servers": self.ready["bootstrap"],
            "security_protocol": "SASL_SSL",
            "ssl_cafile": self.ready["ca_file"],
            "sasl_mechanism": self.mechanisms[self.sign_in],
        }
        if self.sign_in == "iam":
            # All clients of the process sign in as the one who came last: no two users have one at a time.
            user.enter_environment()
            return settings
        return settings | {"sasl_oauth_token_provider": TokenProvider(user)}

    def admin(self):
        return contextlib.closing(KafkaAdminClient(**self.settings()))

    def create(self, topic):
        with self.admin() as admin:
            admin.create_topics([NewTopic(topic, len(PARTITIONS), -1)])
            admin.wait_for_topics([topic])

    def members(self, group):
        with self.admin() as admin:
            return len(admin.describe_groups([group])[group]["members"])

    def delete(self, topic, group):
        with self.admin() as admin:
            deleted = admin.delete_groups([group])
            expect(deleted == {group: "OK"}, f"deleting the group got {deleted}")
            admin.delete_topics([topic])

    @contextlib.contextmanager
    def producer(self, codec="none", idempotent=False, user=None):
        producer = KafkaProducer(
            **self.settings(user), acks="all", enable_idempotence=idempotent, linger_ms=20,
            compression_type=None if codec == "none" else codec,
        )
        with contextlib.closing(producer):
            yield Sender(producer)

    @contextlib.contextmanager
    def consumer(self, group=None, user=None):
        consumer = KafkaConsumer(
            **self.settings(user), group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        with contextlib.closing(consumer):
            yield Receiver(consumer)

    def is_unauthorized(self, error):
        return isinstance(error, kafka.errors.TopicAuthorizationFailedError)


class Sender:
    """A producer in the terms of the round."""

    def __init__(self, producer):
        self.producer = producer

    def throttled_ms(self):
        return self.producer.metrics()["producer-metrics"]["throttle-time-max"]

    def send_all(self, topic, partition, records):
        sent = [
            self.producer.send(
                topic, record.value, record.key, record.headers, partition, record.timestamp_ms
            )
            for record in records
        ]
        return [acknowledged.get(DEADLINE_S).offset for acknowledged in sent]


class Receiver:
    """A consumer in the terms of the round."""

    def __init__(self, consumer):
        self.consumer = consumer

    def assign(self, topic, partition, offset):
        at = TopicPartition(topic, partition)
        self.consumer.assign([at])
        self.consumer.seek(at, offset)

    def subscribe(self, topic):
        self.consumer.subscribe([topic])

    def assignment(self):
        return [at.partition for at in self.consumer.assignment()]

    def poll(self, seconds):
        polled = self.consumer.poll(int(seconds * 1000))
        return [
            (r.partition, r.offset, Record(r.timestamp, r.key, r.value, list(r.headers)))
            for records in polled.values()
            for r in records
        ]

    def span(self, topic, partition):
        at = TopicPartition(topic, partition)
        return self.consumer.beginning_offsets([at])[at], self.consumer.end_offsets([at])[at]

    def offset_at(self, topic, partition, timestamp_ms):
        at = TopicPartition(topic, partition)
        found = self.consumer.offsets_for_times({at: timestamp_ms})[at]
        return found and found.offset

    def commit(self, topic, offsets, metadata):
        self.consumer.commit({
            TopicPartition(topic, partition): OffsetAndMetadata(offset, metadata, -1)
            for partition, offset in offsets.items()
        })

    def committed(self, topic, partition):
        found = self.consumer.committed(TopicPartition(topic, partition), metadata=True)
        return found.offset, found.metadata


if __name__ == "__main__":
    steps.run(KafkaPython)
