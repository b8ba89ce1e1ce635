"""Judges a run by what its members told: who owned what and when, what was read, what was committed.

A partition is without an owner from the moment its owner gave it up, or was gone, to the moment
somebody was assigned it. The coordinator notices that a member was killed, or left unheard, when its
session ends, and until then a rebalance waits for it, so that time is not counted; each restart of the
server begins the sessions anew.
"""

import json
from typing import NamedTuple

# Ends of members that the coordinator is not told of.
UNTOLD = ("killed", "unheard")
GONE = ("left", *UNTOLD)


class Gap(NamedTuple):
    """A time in which a partition had no owner."""

    begin: float
    end: float
    partition: int

    @property
    def seconds(self):
        """How long it was."""
        return self.end - self.begin


class Timeline:
    """Events of all members, in the order of their times."""

    def __init__(self, partitions, session_s):
        self.partitions = partitions
        self.session_s = session_s
        self.events = []
        self.restarts = []

    def add(self, event):
        """Takes one event of a member, or of the orchestrator: `killed`, `left`, or `unheard` for a member
        that stopped gracefully and was in the group still."""
        self.events.append(event)

    def keep(self, path):
        """Writes all events to a file, for who looks for the reason of a failure."""
        with open(path, "w", encoding="utf-8") as file:
            for event in sorted(self.events, key=lambda event: event["t"]):
                file.write(json.dumps(event) + "\n")

    def longest(self):
        """The longest gap, if there is one."""
        return max(self.gaps(), key=lambda gap: gap.seconds, default=None)

    def gaps(self):
        """Every gap, after all partitions had an owner for the first time; what of it is in the session of a
        member whose end was untold does not count."""
        owners = {partition: set() for partition in range(self.partitions)}
        untold = [(e["t"], self._session_end(e["t"])) for e in self.events if e["e"] in UNTOLD]
        gaps, begun, all_owned = [], {}, False
        for event in sorted(self.events, key=lambda event: event["t"]):
            self._apply(event, owners)
            all_owned = all_owned or all(owners.values())
            for partition, held in owners.items():
                if all_owned and not held:
                    begun.setdefault(partition, event["t"])
                elif partition in begun:
                    end = event["t"]
                    noticed = [min(session_end, end) for gone_at, session_end in untold if gone_at < end]
                    begin = max([begun.pop(partition), *noticed])
                    gaps.append(Gap(begin, end, partition))
        end = max((event["t"] for event in self.events), default=0)
        gaps += [Gap(begin, end, partition) for partition, begin in begun.items()]
        return gaps

    def around(self, gap):
        """A gap, and what happened to members and the server around it."""
        begin, end, partition = gap
        near = [e for e in self.events if begin - 2 * self.session_s <= e["t"] <= end]
        told = [f"{e['t'] - begin:+.1f} {e['e']} {e['m']}" for e in sorted(near, key=lambda event: event["t"])
                if e["e"] in GONE or e["e"] in ("assigned", "revoked") and partition in e["p"]]
        told += [f"{at - begin:+.1f} restarted" for at in self.restarts if begin - 2 * self.session_s <= at <= end]
        return f"partition {partition} for {gap.seconds:.1f} s: " + ", ".join(told)

    @staticmethod
    def _apply(event, owners):
        kind, member = event["e"], event["m"]
        if kind == "assigned":
            for partition in event["p"]:
                owners[partition].add(member)
        elif kind == "revoked":
            for partition in event["p"]:
                owners[partition].discard(member)
        elif kind in GONE:
            for held in owners.values():
                held.discard(member)

    def _session_end(self, gone_at):
        end = gone_at + self.session_s
        for restarted_at in sorted(self.restarts):
            if gone_at < restarted_at < end:
                end = restarted_at + self.session_s
        return end

    def unread(self, acknowledged):
        """The acknowledged (partition, offset) that no member has read."""
        spans = {}
        for event in self.events:
            if event["e"] == "read":
                spans.setdefault(event["p"], []).append((event["first"], event["last"]))
        missing = []
        for partition, offsets in acknowledged.items():
            read = set()
            for first, last in spans.get(partition, []):
                read.update(range(first, last + 1))
            missing += [(partition, offset) for offset in offsets if offset not in read]
        return missing

    def count(self, kind):
        """How many events of a kind there were."""
        return sum(event["e"] == kind for event in self.events)


def steps_back(samples):
    """Every (partition, before, after) where a committed offset moved back; `samples` in order."""
    last, found = {}, []
    for sample in samples:
        for partition, offset in sample.items():
            if offset < last.get(partition, 0):
                found.append((partition, last[partition], offset))
            last[partition] = max(offset, last.get(partition, 0))
    return found
