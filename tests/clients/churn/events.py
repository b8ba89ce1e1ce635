"""What a member of the group tells its orchestrator: one JSON object a line on standard output.

Every event has the time `t` (seconds since 1970), the member's name `m` and its kind `e`:
`assigned` and `revoked` with partitions `p`; `read` with partition `p`, first and last offset;
`committed` with `{partition: offset}`. A member stops gracefully at SIGTERM.
"""

import json
import signal
import sys
import threading
import time


class Member:
    """One member's voice; lines of several threads do not mix."""

    _write = threading.Lock()

    def __init__(self, name):
        self.name = name
        self.stopping = threading.Event()
        self.positions = {}  # what was read and is not committed yet, by partition
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())

    def tell(self, kind, **more):
        """Tells one event, now."""
        line = json.dumps({"t": time.time(), "m": self.name, "e": kind} | more)
        with self._write:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def tell_read(self, records):
        """Tells what one poll gave: `records` are (partition, offset), ascending by partition."""
        spans = {}
        for partition, offset in records:
            first, last = spans.setdefault(partition, (offset, offset))
            spans[partition] = (min(first, offset), max(last, offset))
        for partition, (first, last) in spans.items():
            self.tell("read", p=partition, first=first, last=last)
            self.positions[partition] = last + 1

    def give_up(self, partitions):
        """Tells that partitions are another's now; what was not committed of them is read again there."""
        partitions = list(partitions)
        for partition in partitions:
            self.positions.pop(partition, None)
        self.tell("revoked", p=partitions)

    def tell_committed(self, offsets):
        """Tells what a commit has made known."""
        for partition, offset in offsets.items():
            if self.positions.get(partition) == offset:
                del self.positions[partition]
        self.tell("committed", p=offsets)
