#!/usr/bin/env python3
"""Runs librdkafka's own tests against a server, one number per process, several processes at a time.

One process per number, because a failing C++ test aborts its process and leaves the rest unrun. A
number that fails is tried once more, alone, at the end: its deadlines are meant for a machine that
does nothing else, so they are doubled then; the table tells which needed it.

usage: suite.py BUILT CLIENT_CONF RESULTS.json LOGS [--scenario NAME] [--full] [--only NUMBER,...] [--parts]
  BUILT      librdkafka's folder, built: with src/, src-cpp/ and tests/test-runner
  --scenario the tests written for a server of this kind (`noautocreate`), default `default`
  --full     without -Q, which shortens tests and leaves many sub-tests out
  --parts    instead of whole numbers, what `parts/allowed.txt` names (with --full `parts/known-failures.txt`, too):
             NUMBER:TEXT are the sub-tests of a number whose names have this text
Results of an earlier call in RESULTS.json are kept. The environment is passed on to the tests.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import verdict  # noqa: E402

KAFKA_VERSION = "4.1.0"
# Most tests wait most of the time.
LANES = 3
# Above the deadline that each test sets itself; a number at the limit is killed and counts as hung.
LIMIT_QUICK_S = 150
LIMIT_FULL_S = 600
# One consumer test waits for a client that backs off for a second, ten times within ten seconds.
SECOND_TRY_PATIENCE = 2
# Numbers that take long are started first, so that none of them runs alone at the end.
SLOW = ("0102", "0103", "0113", "0089", "0081", "0056", "0091", "0093", "0118", "0045", "0030", "0129")
# Numbers of which -Q leaves nothing, and which therefore always run without it.
EMPTY_WHEN_QUICK = (
    "0018", "0019", "0026", "0045", "0050", "0061", "0082", "0089", "0102", "0122", "0127", "0132", "0137", "0142",
)  # fmt: skip
# Numbers whose full form wants transactions, which are not served yet.
QUICK_ALWAYS = ("0055",)
NEEDS_NO_BROKER = re.compile("TEST_F_LOCAL|TEST_F_MANUAL|TEST_F_SOCKEM")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ROW = re.compile(r"^\| *(\d{4}\w*) *\| *(\w+) *\| *([\d.]+)s *\| *(.*)$")


def declared(test_c, scenario):
    """The names of the tests that talk to a broker, by number, out of the table in test.c."""
    table = test_c.read_text(encoding="utf-8").split("struct test tests[] = {", 1)[1].split("\n};", 1)[0]
    table = re.sub(r"/\*.*?\*/", "", table, flags=re.S)
    numbers = {}
    for entry in re.split(r"\b_TEST\(", table)[1:]:
        name, rest = entry.split(",", 1)
        wanted = re.search(r'\.scenario = "([^"]*)"', rest)
        if NEEDS_NO_BROKER.search(rest) or name.endswith("_mock"):
            continue
        if scenario in (wanted.group(1).split(",") if wanted else ["default"]):
            numbers.setdefault(name[:4], []).append(name)
    return numbers


def reason_in(lines):
    """The sentence after the first `### Test ... failed ... ###`."""
    for at, line in enumerate(lines):
        if line.startswith("### Test ") and "failed at" in line:
            return " ".join(lines[at + 1 : at + 2]) or line
    return next((line for line in reversed(lines) if line.strip()), "")


class Suite:
    """One call of this program."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.limit_s = LIMIT_FULL_S if wanted.full else LIMIT_QUICK_S
        self.tests = wanted.built / "tests"

    def command(self, number):
        """The runner and its flags."""
        quick = number in QUICK_ALWAYS if self.wanted.full else number not in EMPTY_WHEN_QUICK
        return [str(self.tests / "test-runner"), "-L", "-E", "-p1"] + (["-Q"] if quick else [])

    def conf(self, tries):
        """How the tests reach the server, and how patient they are."""
        patience = f"test.timeout.multiplier={SECOND_TRY_PATIENCE}\n" if tries > 1 else ""
        return self.wanted.conf.read_text(encoding="utf-8") + patience

    def run(self, key, names, tries=1):
        """Runs one number, or a part of it; what became of each of its names, or of the part."""
        number, _, part = key.partition(":")
        log = self.wanted.logs / f"{key.replace(':', '.')}.{self.wanted.scenario}.{tries}.log"
        environment = os.environ | {
            "TESTS": number,
            "SUBTESTS": part,
            "TEST_KAFKA_VERSION": KAFKA_VERSION,
            "TEST_SCENARIO": self.wanted.scenario,
            "RDKAFKA_TEST_CONF": "test.conf",
            "LD_LIBRARY_PATH": f"{self.wanted.built}/src:{self.wanted.built}/src-cpp",
        }
        environment.pop("CI", None)  # it changes what the tests expect of a machine
        if not part:
            del environment["SUBTESTS"]
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, log.open("wb") as output:
            # They write files where they run, and read files of the sources beside that.
            os.symlink(self.wanted.built / "src", f"{folder}/src")
            os.mkdir(f"{folder}/tests")
            pathlib.Path(f"{folder}/tests/test.conf").write_text(self.conf(tries), encoding="utf-8")
            process = subprocess.Popen(
                self.command(number), cwd=f"{folder}/tests", env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            hung = self.wait(process)
        results = self.read(log, names, time.monotonic() - begin, hung, process.returncode, tries)
        return {key: self.of_part(log, results[names[0]])} if part else results

    def of_part(self, log, result):
        """A text that no sub-test has would pass."""
        if result["state"] == "passed" and ": PASS (" not in log.read_text(encoding="utf-8", errors="replace"):
            return result | {"state": "failed", "reason": "no sub-test has this text"}
        return result

    def wait(self, process):
        """Waits for a process and what it started; whether it had to be killed."""
        try:
            process.wait(self.limit_s)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True

    def read(self, log, names, seconds, hung, status, tries):
        """What a log says of each name; without a summary every name has failed."""
        lines = COLOURS.sub("", log.read_text(encoding="utf-8", errors="replace")).splitlines()
        rows = {m.group(1): m.groups() for m in map(ROW.match, lines) if m}
        results = {}
        for name in names:
            _, state, took, told = rows.get(name, (name, "FAILED", seconds, reason_in(lines)))
            state = {"PASSED": "passed", "SKIPPED": "skipped"}.get(state, "failed")
            if state == "passed" and status != 0 and len(names) == 1:
                state, told = "failed", f"status {status}: {reason_in(lines)}"
            if state != "passed" and hung:
                state = "hung"
            results[name] = {"state": state, "seconds": float(took), "reason": told, "tries": tries}
        return results

    def run_all(self, numbers):
        """Runs all numbers or parts, the failed ones twice."""
        order = sorted(numbers, key=lambda n: (SLOW.index(n) if n in SLOW else len(SLOW), n))
        results = {}
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            for found in lanes.map(lambda n: self.run(n, numbers[n]), order):
                results |= found
        for number in sorted(numbers):
            if any(results[name]["state"] == "failed" for name in ([number] if ":" in number else numbers[number])):
                results |= self.run(number, numbers[number], tries=2)
        return results


def chosen(wanted):
    """What is to run: the names of tests, by number or by part."""
    numbers = declared(wanted.built / "tests" / "test.c", wanted.scenario)
    lists = pathlib.Path(__file__).parent
    if wanted.parts:
        allowed, known = verdict.read_lists(lists / "parts")
        parts = [*allowed, *known] if wanted.full else allowed
        numbers = {part: numbers[part.split(":", 1)[0]] for part in parts}
    if wanted.only:
        return {key: names for key, names in numbers.items() if key.split(":", 1)[0] in wanted.only.split(",")}
    if wanted.parts or wanted.full:
        return numbers
    _, known = verdict.read_lists(lists)
    return {number: names for number, names in numbers.items() if not all(name in known for name in names)}


def main():
    """Reads the arguments, runs what is not known to fail, and keeps the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("built", type=pathlib.Path)
    parser.add_argument("conf", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("--scenario", default="default")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--parts", action="store_true")
    wanted = parser.parse_args()
    wanted.built, wanted.conf = wanted.built.resolve(), wanted.conf.resolve()
    numbers = chosen(wanted)
    wanted.logs.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    results = Suite(wanted).run_all(numbers)
    if wanted.results.exists():
        results = json.loads(wanted.results.read_text(encoding="utf-8")) | results
    wanted.results.write_text(json.dumps(results, indent=1), encoding="utf-8")
    kind = "parts" if wanted.parts else "numbers"
    seconds = time.monotonic() - begin
    print(f"{len(numbers)} {kind} of scenario {wanted.scenario} ran in {seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
