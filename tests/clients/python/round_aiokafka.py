"""The round of aiokafka. SIGN_IN: `oauthbearer` or `scram`."""

import asyncio
import contextlib
import importlib.metadata
import logging
import ssl
import threading

import aiokafka.errors
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import steps
from library import FETCH_WAIT_MS, PARTITIONS, Library, Record
from ready import DEADLINE_S, expect, wait_for


class TokenProvider(AbstractTokenProvider):
    """The token of AWS's published signer."""

    def __init__(self, user):
        self.user = user

    async def token(self):
        return self.user.token()[0]


class Aiokafka(Library):
    """aiokafka as the round needs it, with its event loop in a thread of its own."""

    name = f"aiokafka {importlib.metadata.version('aiokafka')}"
    mechanisms = {"oauthbearer": "OAUTHBEARER", "scram": "SCRAM-SHA-512"}
    # It has no KIP-368, tells nobody of a throttle, and does not give back the metadata of a commit.
    renewal = "reconnects"
    throttle = "felt"
    commit_metadata = ""

    def __init__(self, ready, sign_in):
        super().__init__(ready, sign_in)
        # It takes the answer that a token is invalid (RFC 7628, 3.2.2) for a success, and then only has
        # a closed connection.
        self.tells_wrong_secret = sign_in != "oauthbearer"
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def wait(self, coroutine):
        """Runs a coroutine on the library's loop and gives its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE_S)

    def settings(self, user=None):
        """Settings of a client of `user`."""
        user = user or self.ready.user()
        settings = {
            "bootstrap_servers": self.ready["bootstrap"],
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=self.ready["ca_file"]),
            "sasl_mechanism": self.mechanisms[self.sign_in],
        }
        if self.sign_in == "scram":
            return settings | {
                "sasl_plain_username": user.scram_username,
                "sasl_plain_password": user.scram_password,
            }
        return settings | {"sasl_oauth_token_provider": TokenProvider(user)}

    @contextlib.contextmanager
    def started(self, make, stop="stop", **settings):
        """A client made on the loop, started, and stopped in the end."""

        async def start():
            client = make(**settings)
            try:
                await client.start()
            except Exception:
                await getattr(client, stop)()
                raise
            return client

        client = self.wait(start())
        try:
            yield client
        finally:
            self.wait(getattr(client, stop)())

    def admin(self, user=None):
        return self.started(AIOKafkaAdminClient, "close", **self.settings(user))

    def create(self, topic):
        with self.admin() as admin:
            created = self.wait(admin.create_topics([NewTopic(topic, len(PARTITIONS), 3)]))
            expect(created.topic_errors[0][1] == 0, f"creating the topic got {created}")

            def leaders():
                described = self.wait(admin.describe_topics([topic]))[0]
                return [p["leader"] for p in described["partitions"] if p["leader"] >= 0]

            wait_for(lambda: len(leaders()) == len(PARTITIONS), "the topic has no leaders")

    def members(self, group):
        with self.admin() as admin:
            described = self.wait(admin.describe_consumer_groups([group]))[0]
            return len(described.groups[0][5])

    def delete(self, topic, group):
        # Its admin client cannot delete a group: the group is left to expire.
        with self.admin() as admin:
            deleted = self.wait(admin.delete_topics([topic]))
            expect(deleted.topic_error_codes[0][1] == 0, f"deleting the topic got {deleted}")

    @contextlib.contextmanager
    def producer(self, codec="none", idempotent=False, user=None):
        with self.started(
            AIOKafkaProducer, **self.settings(user), acks="all", enable_idempotence=idempotent,
            linger_ms=20, compression_type=None if codec == "none" else codec,
        ) as producer:
            yield Sender(self, producer)

    @contextlib.contextmanager
    def consumer(self, group=None, user=None):
        with self.started(
            AIOKafkaConsumer, **self.settings(user), group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_WAIT_MS,
        ) as consumer:
            yield Receiver(self, consumer)

    def is_unauthorized(self, error):
        return isinstance(error, aiokafka.errors.TopicAuthorizationFailedError)

    def refuses(self, user):
        # It tells the error to its log; to the program it only says that it found no way in.
        with (
            errors_logged() as errors,
            contextlib.suppress(aiokafka.errors.KafkaConnectionError),
            self.admin(user),
        ):
            return False
        return any(isinstance(e, aiokafka.errors.SaslAuthenticationFailed) for e in errors)


@contextlib.contextmanager
def errors_logged():
    """The errors that the library logs, as a list that fills."""
    errors = []
    handler = logging.Handler()
    handler.emit = lambda entry: errors.extend(a for a in entry.args if isinstance(a, Exception))
    logging.getLogger("aiokafka").addHandler(handler)
    try:
        yield errors
    finally:
        logging.getLogger("aiokafka").removeHandler(handler)


class Sender:
    """A producer in the terms of the round."""

    def __init__(self, library, producer):
        self.library = library
        self.producer = producer

    def send_all(self, topic, partition, records):
        async def send():
            sent = [
                await self.producer.send(
                    topic, record.value, record.key, partition, record.timestamp_ms, record.headers
                )
                for record in records
            ]
            return [acknowledged.offset for acknowledged in await asyncio.gather(*sent)]

        return self.library.wait(send())


class Receiver:
    """A consumer in the terms of the round."""

    def __init__(self, library, consumer):
        self.wait = library.wait
        self.consumer = consumer

    def assign(self, topic, partition, offset):
        async def assign():
            at = TopicPartition(topic, partition)
            self.consumer.assign([at])
            self.consumer.seek(at, offset)

        self.wait(assign())

    def subscribe(self, topic):
        async def subscribe():
            self.consumer.subscribe([topic])

        self.wait(subscribe())

    def assignment(self):
        return [at.partition for at in self.consumer.assignment()]

    def poll(self, seconds):
        polled = self.wait(self.consumer.getmany(timeout_ms=int(seconds * 1000)))
        return [
            (r.partition, r.offset, Record(r.timestamp, r.key, r.value, list(r.headers)))
            for records in polled.values()
            for r in records
        ]

    def span(self, topic, partition):
        at = TopicPartition(topic, partition)
        low = self.wait(self.consumer.beginning_offsets([at]))[at]
        return low, self.wait(self.consumer.end_offsets([at]))[at]

    def offset_at(self, topic, partition, timestamp_ms):
        at = TopicPartition(topic, partition)
        found = self.wait(self.consumer.offsets_for_times({at: timestamp_ms}))[at]
        return found and found.offset

    def commit(self, topic, offsets, metadata):
        committed = {TopicPartition(topic, at): (end, metadata) for at, end in offsets.items()}
        self.wait(self.consumer.commit(committed))

    def committed(self, topic, partition):
        return self.wait(self.consumer.committed(TopicPartition(topic, partition))), ""


if __name__ == "__main__":
    steps.run(Aiokafka)
