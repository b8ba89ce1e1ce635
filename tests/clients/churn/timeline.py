"""Judges a run by what its members told: who owned what and when, what was read, what was committed.

A partition is without an owner from the moment its owner gave it up, or was killed, to the moment
somebody was assigned it. The coordinator notices that a member was killed when its session ends, and
until then a rebalance waits for it, so that time is not counted; each restart of the server begins the
sessions anew.
"""

import json


class Timeline:
    """Events of all members, in the order of their times."""

    def __init__(self, partitions, session_s):
        self.partitions = partitions
        self.session_s = session_s
        self.events = []
        self.restarts = []

    def add(self, event):
        """Takes one event of a member, or of the orchestrator: `killed`, `left`, `restarted`."""
        self.events.append(event)

    def keep(self, path):
        """Writes all events to a file, for who looks for the reason of a failure."""
        with open(path, "w", encoding="utf-8") as file:
            for event in sorted(self.events, key=lambda event: event["t"]):
                file.write(json.dumps(event) + "\n")

    def ownerless(self):
        """Longest time that a partition was without an owner, beyond the session of a killed one."""
        return max((end - begin for begin, end, _ in self.gaps()), default=0.0)

    def gaps(self):
        """Every (begin, end, partition) without an owner, after all had one for the first time."""
        owners = {partition: set() for partition in range(self.partitions)}
        killed = [(e["t"], self._session_end(e["t"])) for e in self.events if e["e"] == "killed"]
        gaps, begun, all_owned = [], {}, False
        for event in sorted(self.events, key=lambda event: event["t"]):
            self._apply(event, owners)
            all_owned = all_owned or all(owners.values())
            for partition, held in owners.items():
                if all_owned and not held:
                    begun.setdefault(partition, event["t"])
                elif partition in begun:
                    end = event["t"]
                    noticed = [min(session_end, end) for killed_at, session_end in killed if killed_at < end]
                    begin = max([begun.pop(partition), *noticed])
                    gaps.append((begin, end, partition))
        end = max((event["t"] for event in self.events), default=0)
        gaps += [(begin, end, partition) for partition, begin in begun.items()]
        return gaps

    def around_longest(self):
        """The longest time without an owner, and what happened to members and the server around it."""
        begin, end, partition = max(self.gaps(), key=lambda gap: gap[1] - gap[0])
        near = [e for e in self.events if begin - 2 * self.session_s <= e["t"] <= end]
        told = [f"{e['t'] - begin:+.1f} {e['e']} {e['m']}" for e in sorted(near, key=lambda event: event["t"])
                if e["e"] in ("killed", "left") or e["e"] in ("assigned", "revoked") and partition in e["p"]]
        told += [f"{at - begin:+.1f} restarted" for at in self.restarts if begin - 2 * self.session_s <= at <= end]
        return f"partition {partition} for {end - begin:.1f} s: " + ", ".join(told)

    @staticmethod
    def _apply(event, owners):
        kind, member = event["e"], event["m"]
        if kind == "assigned":
            for partition in event["p"]:
                owners[partition].add(member)
        elif kind == "revoked":
            for partition in event["p"]:
                owners[partition].discard(member)
        elif kind in ("left", "killed"):
            for held in owners.values():
                held.discard(member)

    def _session_end(self, killed_at):
        end = killed_at + self.session_s
        for restarted_at in sorted(self.restarts):
            if killed_at < restarted_at < end:
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
