"""The round that every Python library makes against the server; its steps are those of docs/clients.md.

A library's program defines a `library.Library` and calls `steps.run` with it.
usage: PROGRAM.py READY_FILE   (SIGN_IN: the mechanism)
"""

import faulthandler
import itertools
import logging
import os
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import ready
from library import PARTITIONS, Record
from ready import DEADLINE_S, Ready, expect, wait_for

RUN_DEADLINE_S = 120
BATCH_RECORDS = 40
# At 4 MB/s, less the quarter of a second that is let through at once and the last batch, which is
# answered before its own bytes are paid.
THROTTLE_RECORDS, THROTTLE_RECORD_BYTES = 120, 100_000
THROTTLE_S = 2.5
SESSIONS_S = 25


class Round:
    """One library's way through the steps."""

    def __init__(self, library):
        self.library = library
        self.topic = f"python-{uuid.uuid4().hex[:12]}"
        self.group = f"{self.topic}-group"
        self.written = {partition: [] for partition in PARTITIONS}

    def run(self):
        """Makes all steps, and gives their words."""
        self.library.create(self.topic)
        yield "create"
        yield f"produce({' '.join(self.produce())})"
        self.read()
        yield "read"
        with self.library.consumer(self.group) as one, self.library.consumer(self.group) as other:
            self.read_as_group([one, other])
            yield "group"
            self.commit([one, other])
        self.read_commits()
        yield "commit"
        self.be_throttled()
        yield f"throttle({self.library.throttle})"
        self.be_refused()
        yield "refused"
        if self.library.tells_wrong_secret:
            self.sign_in_wrongly()
            yield "wrong-secret"
        self.outlive_sessions()
        yield f"re-authenticated({self.library.renewal})"
        self.library.delete(self.topic, self.group)
        errors = self.library.leftover_errors()
        expect(not errors, f"the client reported {errors}")

    def produce(self):
        """A batch of each codec, once with and once without idempotence, to one partition after the other."""
        first_ms = int(time.time() * 1000) - 3_600_000
        kinds = itertools.product((False, True), self.library.codecs)
        for n, (idempotent, codec) in enumerate(kinds):
            written = self.written[n % len(PARTITIONS)]
            base = len(written)
            batch = [self.library.nth_record(base + i, codec, first_ms) for i in range(BATCH_RECORDS)]
            with self.library.producer(codec, idempotent) as producer:
                offsets = producer.send_all(self.topic, n % len(PARTITIONS), batch)
            wanted = list(range(base, base + BATCH_RECORDS))
            expect(offsets == wanted, f"{codec}: acknowledged offsets {offsets}, not {wanted}")
            written += batch
        return [*self.library.codecs, "idempotent"]

    def read(self):
        """All of each partition; from within a batch; its ends; offsets by timestamp."""
        with self.library.consumer() as consumer:
            for partition, written in self.written.items():
                self.read_from(consumer, partition, 0)
                self.read_from(consumer, partition, BATCH_RECORDS * 3 // 2)
                span = consumer.span(self.topic, partition)
                expect(span == (0, len(written)), f"partition {partition} spans {span}")
                self.check_timestamps(consumer, partition)

    def read_from(self, consumer, partition, offset):
        """Assigns the partition at `offset` and compares everything up to its end."""
        written = self.written[partition]
        consumer.assign(self.topic, partition, offset)
        deadline = time.monotonic() + DEADLINE_S
        while offset < len(written):
            expect(time.monotonic() < deadline, f"offset {offset} did not come in {DEADLINE_S} s")
            for read in consumer.poll(1):
                expect(read[:2] == (partition, offset), f"{read[:2]} came, not {offset} of {partition}")
                self.check(*read)
                offset += 1
        extra = consumer.poll(0.3)
        expect(not extra, f"a record came after the end of the partition: {extra}")

    def check(self, partition, offset, read):
        """Compares a record that was read with what was written there."""
        written = self.written[partition]
        expect(offset < len(written), f"offset {offset} of partition {partition} was never written")
        wanted = written[offset]
        expect(read == wanted, f"offset {offset} of partition {partition}: {read}, not {wanted}")

    def check_timestamps(self, consumer, partition):
        """ListOffsets by timestamp: before all, exact, between two records, and behind the last one."""
        written = self.written[partition]
        middle = BATCH_RECORDS + BATCH_RECORDS // 2
        for timestamp_ms, wanted in [
            (0, 0),
            (written[middle].timestamp_ms, middle),
            (written[middle].timestamp_ms + 1, middle + 1),
            (written[-1].timestamp_ms, len(written) - 1),
            (written[-1].timestamp_ms + 1, None),
        ]:
            found = consumer.offset_at(self.topic, partition, timestamp_ms)
            expect(found == wanted, f"offset for {timestamp_ms}: {found}, not {wanted}")

    def read_as_group(self, members):
        """Two members, each polled by a thread of its own, share the partitions and read everything."""
        seen, shares = set(), [[], []]

        def read_on(n):
            for read in members[n].poll(self.library.member_poll_s):
                self.check(*read)
                seen.add(read[:2])
            shares[n] = members[n].assignment()
            return all(shares) and sorted(sum(shares, [])) == PARTITIONS and len(seen) == self.count()

        def be_member(n):
            members[n].subscribe(self.topic)
            wait_for(lambda: read_on(n), "two members did not share and read the topic", pause_s=0)

        with ThreadPoolExecutor() as threads:
            list(threads.map(be_member, range(2)))
        found = self.library.members(self.group)
        expect(found == 2, f"the group has {found} members, not 2")

    def count(self):
        """How many records the round wrote and compares."""
        return sum(map(len, self.written.values()))

    def commit(self, members):
        """Each member commits the ends of its partitions."""
        for member in members:
            ends = {partition: len(self.written[partition]) for partition in member.assignment()}
            member.commit(self.topic, ends, self.library.commit_metadata)

    def read_commits(self):
        """One that comes later finds what was committed."""
        with self.library.consumer(self.group) as later:
            for partition, written in self.written.items():
                found = later.committed(self.topic, partition)
                wanted = (len(written), self.library.commit_metadata)
                expect(found == wanted, f"committed for {partition} is {found}, not {wanted}")

    def be_throttled(self):
        """12 MB at once into 4 MB/s."""
        now_ms = int(time.time() * 1000)
        batch = [Record(now_ms, None, bytes(THROTTLE_RECORD_BYTES), [])] * THROTTLE_RECORDS
        with self.library.producer() as producer:
            began = time.monotonic()
            offsets = producer.send_all(self.topic, 0, batch)
            took = time.monotonic() - began
            base = len(self.written[0])
            expect(offsets == list(range(base, base + len(batch))), f"acknowledged: {offsets}")
            expect(took >= THROTTLE_S, f"12 MB at 4 MB/s took {took:.1f} s")
            if self.library.throttle == "seen":
                wait_for(producer.throttled_ms, "the client told of no throttle")

    def be_refused(self):
        """Who may only read reads, and is refused a produce."""
        reader = self.library.ready.user("reader")
        with self.library.consumer(user=reader) as consumer:
            self.read_from(consumer, 1, 0)
        with self.library.producer(user=reader) as producer:
            error = failure_of(producer.send_all, self.topic, 1, self.written[1][:1])
        expect(self.library.is_unauthorized(error), f"a produce of who may only read got {error!r}")

    def sign_in_wrongly(self):
        """A wrong secret ends in an authentication error, well before the deadline."""
        stranger = self.library.ready.user().with_wrong_secret()
        expect(self.library.refuses(stranger), "a wrong secret was no authentication error")

    def outlive_sessions(self):
        """Producer, consumer and coordinator are used for longer than two sessions last."""
        renewed = self.library.ready.sign_ins_renewed()
        partition, written = 2, self.written[2]
        with self.library.producer() as producer, self.library.consumer(self.group) as consumer:
            self.read_from(consumer, partition, 0)
            until = time.monotonic() + SESSIONS_S
            while time.monotonic() < until:
                written.append(self.library.nth_record(len(written), "none", int(time.time() * 1000)))
                producer.send_all(self.topic, partition, written[-1:])
                self.read_to_end(consumer, partition)
                consumer.commit(self.topic, {partition: len(written)}, "")
        live = self.library.ready.sign_ins_renewed() > renewed
        found = "live" if live else "reconnects"
        expect(found == self.library.renewal, f"at the end of a session the client {found}")

    def read_to_end(self, consumer, partition):
        """Waits for the newest record, which is the only one that was not read yet."""
        newest = []
        wait_for(lambda: newest or newest.extend(consumer.poll(1)), "the newest record did not come", pause_s=0)
        expect(len(newest) == 1, f"{len(newest)} records came, not 1")
        self.check(*newest[0])


def failure_of(call, *arguments):
    """What a call raised that has to fail; None if it succeeded."""
    try:
        call(*arguments)
    except Exception as error:  # pylint: disable=broad-exception-caught # the caller judges it
        return error
    return None


def run(library_class):
    """Makes the round of one library and prints its line."""
    # What matters reaches the program as an exception or by its callbacks.
    logging.getLogger().addHandler(logging.NullHandler())
    faulthandler.dump_traceback_later(RUN_DEADLINE_S, exit=True)

    def main():
        library = library_class(Ready(sys.argv[1]), os.environ.get("SIGN_IN", "oauthbearer"))
        words = " ".join(Round(library).run())
        print(f"checked: {library.name}, {library.mechanisms[library.sign_in]}: {words}")

    ready.run(main)
