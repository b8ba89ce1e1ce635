"""The tenant that must not notice: one small record every 20 ms, and how long each took.

Runs until its standard input ends, then prints when each was sent (on the clock that all processes of
a machine share) and how many milliseconds its acknowledgement took, as JSON.

usage: beside.py READY_FILE TOPIC
"""

import json
import sys
import threading
import time

from confluent_kafka import Producer

import cluster

EVERY_S = 0.02


def main():
    server = cluster.Cluster(sys.argv[1], "scram")
    producer = Producer(server.settings(**{"linger.ms": 0, "acks": "all"}))
    producer.list_topics(sys.argv[2], timeout=cluster.DEADLINE_S)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    waits, errors = [], []

    def send():
        sent = time.monotonic()

        def reported(error, _message):
            if error:
                errors.append(str(error))
            else:
                waits.append((sent, (time.monotonic() - sent) * 1000))

        producer.produce(sys.argv[2], bytes(1000), on_delivery=reported)

    next_at = time.monotonic()
    while not over.is_set():
        send()
        next_at += EVERY_S
        while (left := next_at - time.monotonic()) > 0:
            producer.poll(left)
    producer.flush(cluster.DEADLINE_S)
    # The first second has what a connection costs once.
    print(json.dumps({"waits": waits[50:], "errors": errors}))


main()
