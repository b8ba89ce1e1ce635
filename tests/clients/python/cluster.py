"""How librdkafka reaches the server under test: the ready file turned into client settings.

SIGN_IN chooses the mechanism: `oauthbearer` (default; the token of the published AWS MSK signer) or
`scram` (SCRAM-SHA-512).
"""

import os

from confluent_kafka.admin import AdminClient, NewTopic

import ready
from ready import DEADLINE_S, Failed, Ready, expect, wait_for


class Cluster:
    """One server under test, and the settings of a client that signs in to it."""

    def __init__(self, ready_file, sign_in=None):
        self.ready = Ready(ready_file)
        self.sign_in = sign_in or os.environ.get("SIGN_IN", "oauthbearer")
        self.errors = []

    def settings(self, user=None, **more):
        """Settings of a client of `user`; every client-level error is kept in `self.errors`."""
        user = user or self.ready.user()
        settings = {
            "bootstrap.servers": self.ready["bootstrap"],
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": self.ready["ca_file"],
            "error_cb": self.errors.append,
        }
        if self.sign_in == "scram":
            settings |= {
                "sasl.mechanisms": "SCRAM-SHA-512",
                "sasl.username": user.scram_username,
                "sasl.password": user.scram_password,
            }
        else:
            settings |= {"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": lambda _: _token(user)}
        return settings | more

    def admin(self, **more):
        """An admin client whose first token, if it needs one, is there."""
        admin = AdminClient(self.settings(**more))
        admin.poll(0)
        return admin


def create_topic(admin, topic, partitions, **config):
    """Creates a topic and waits until every partition of it has a leader."""
    new = NewTopic(topic, num_partitions=partitions, replication_factor=-1, config=config)
    admin.create_topics([new], operation_timeout=DEADLINE_S)[topic].result(DEADLINE_S)
    wait_for(
        lambda: sum(p.leader >= 0 for p in _partitions(admin, topic)) == partitions,
        f"topic {topic} has no {partitions} partitions with a leader",
    )


def delete_topic(admin, topic):
    """Deletes a topic and waits until the server no longer knows it."""
    admin.delete_topics([topic], operation_timeout=DEADLINE_S)[topic].result(DEADLINE_S)
    wait_for(
        lambda: topic not in admin.list_topics(timeout=DEADLINE_S).topics,
        f"topic {topic} is still listed after its deletion",
    )


def _partitions(admin, topic):
    found = admin.list_topics(topic, timeout=DEADLINE_S).topics[topic]
    return [] if found.error else list(found.partitions.values())


def partitions_of_one_leader(admin, topic, count):
    """The first `count` partitions that share a leader, and so a client's connection."""
    by_leader = {}
    for partition in sorted(_partitions(admin, topic), key=lambda p: p.id):
        found = by_leader.setdefault(partition.leader, [])
        found.append(partition.id)
        if len(found) == count:
            return found
    raise Failed(f"no {count} partitions of {topic} have the same leader")


def _token(user):
    token, expires_ms = user.token()
    return token, expires_ms / 1000


def run(main):
    """Runs a program's `main`, and says `ok` or what failed."""
    ready.run(main)
    print("ok")
