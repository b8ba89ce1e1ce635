#!/usr/bin/env python3
"""Runs the same measurements against several servers in turn and prints medians and ratios.

Every round visits each server once, so that what the machine does meanwhile hits all of them; a
single run means nothing. A round before the first one warms up whatever compiles as it runs, and is
not counted. Ratios are those of the first server to each other one.

usage: figures.py ROUNDS GAME_SECONDS BULK_MEGABYTES NAME=READY_FILE...
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WARM_UP = [["game", 5], ["bulk", 50, 1_000, 200]]
PROGRAM = os.path.join(HERE, "../../../target/clients/figures")


class Server:
    """One server, with the client settings that reach it and what was measured."""

    def __init__(self, argument, folder):
        self.name, ready_file = argument.split("=", 1)
        with open(ready_file, encoding="utf-8") as file:
            self.pid = str(json.load(file)["pid"])
        self.conf = os.path.join(folder, self.name)
        with open(self.conf, "w", encoding="utf-8") as file:
            subprocess.run([os.path.join(HERE, "../properties"), ready_file], stdout=file, check=True)
        self.found = {}

    def measure(self, shape, arguments):
        """One run of the program; its figures are added to the earlier ones."""
        for figure, value in self.run(shape, arguments).items():
            self.found.setdefault((shape, figure), []).append(value)

    def run(self, shape, arguments):
        """One run of the program; its figures."""
        run = subprocess.run(
            [PROGRAM, self.conf, self.pid, *map(str, arguments)], stdout=subprocess.PIPE, check=False
        )
        if run.returncode:
            sys.exit(f"FAILED: {shape} against {self.name}")
        return json.loads(run.stdout)

    def median(self, key):
        return statistics.median(self.found[key])


def table(servers):
    """One line for each figure: medians, and how the first server compares with the others."""
    first, others = servers[0], servers[1:]
    rows = [[f"median of {len(next(iter(first.found.values())))}"] + [server.name for server in servers]
            + [f"{first.name}/{other.name}" for other in others]]
    for key in first.found:
        ratios = [first.median(key) / max(other.median(key), 1e-9) for other in others]
        numbers = [server.median(key) for server in servers] + ratios
        rows.append([" ".join(key)] + [f"{number:.2f}" for number in numbers])
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]))


def main():
    rounds, game_seconds, megabytes = map(int, sys.argv[1:4])
    shapes = {
        "game 15 kB x 50": ["game", game_seconds],
        "bulk 15 kB x 5": ["bulk", 5, 15_000, megabytes],
        "bulk 15 kB x 50": ["bulk", 50, 15_000, megabytes],
        "bulk 1 kB x 50": ["bulk", 50, 1_000, megabytes],
    }
    with tempfile.TemporaryDirectory() as folder:
        servers = [Server(argument, folder) for argument in sys.argv[4:]]
        for server in servers:
            for arguments in WARM_UP:
                server.run("warm-up", arguments)
        for round_ in range(rounds):
            for shape, arguments in shapes.items():
                for server in servers if round_ % 2 == 0 else reversed(servers):
                    server.measure(shape, arguments)
        table(servers)
    print("ok")


main()
