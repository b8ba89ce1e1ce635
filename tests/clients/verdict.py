#!/usr/bin/env python3
"""Judges the results of a foreign test suite by two lists that stand beside its runner.

`allowed.txt` names the tests that must pass, one a line; it may only grow. `known-failures.txt`
names those that do not pass, each with the reason; what is listed there and passes is told, so that
it can be moved. A test that stands in neither list, or in both, fails the suite: somebody has to
decide. `#` starts a comment.

usage: verdict.py LISTS_FOLDER RESULTS.json [PASSED_MIN | some]

RESULTS.json: {"name": {"state": "passed" | "failed" | "skipped" | "hung", "seconds": 1.5,
"reason": "...", "tries": 1}, ...}. With PASSED_MIN at least so many groups of tests must have passed: a
group is the part of a name before the first `_`; it passed if a test of it passed and none failed.
With `some` the tests that did not run are not missed.
"""

import json
import pathlib
import sys

REASON_CHARACTERS_MAX = 150


def lines_of(file):
    """The lines of a list without comments, each split into its name and the rest."""
    lines = (line.split("#", 1)[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = [tuple((line.split(None, 1) + [""])[:2]) for line in lines if line]
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        sys.exit(f"FAILED: {file.name} names a test twice: {sorted(n for n in set(names) if names.count(n) > 1)}")
    return dict(pairs)


def read_lists(folder):
    """The allowed names, and the known failures with their reasons."""
    allowed = lines_of(folder / "allowed.txt")
    known = lines_of(folder / "known-failures.txt")
    both = sorted(set(allowed) & set(known))
    if both:
        sys.exit(f"FAILED: in both lists: {' '.join(both)}")
    bare = sorted(name for name, reason in known.items() if not reason)
    if bare:
        sys.exit(f"FAILED: known failures without a reason: {' '.join(bare)}")
    return allowed, known


def print_table(results, allowed):
    """One line for each test that ran."""
    width = max(map(len, results), default=0)
    for name, result in sorted(results.items()):
        told = " ".join(result.get("reason", "").split())[:REASON_CHARACTERS_MAX]
        tries = "" if result.get("tries", 1) == 1 else f"(try {result['tries']}) "
        listed = "must pass" if name in allowed else ""
        print(f"{name:{width}}  {result['state']:7}  {result['seconds']:6.1f} s  {listed:9}  {tries}{told}".rstrip())


def passed_groups(results):
    """The groups of tests that passed."""
    states = {}
    for name, result in results.items():
        states.setdefault(name.split("_", 1)[0], set()).add(result["state"])
    return sorted(group for group, found in states.items() if "passed" in found and not found & {"failed", "hung"})


def complaints(results, allowed, known, passed_min):
    """What is wrong, one sentence each."""
    for name in sorted(allowed):
        state = results.get(name, {"state": "did not run"})["state"]
        if state != "passed":
            yield f"{name} must pass: {state}"
    for name in sorted(set(results) - set(allowed) - set(known)):
        yield f"{name} stands in neither list ({results[name]['state']})"
    passed = len(passed_groups(results))
    if passed < passed_min:
        yield f"{passed} groups of tests passed, fewer than {passed_min}"


def main():
    """Prints the table and the verdict."""
    folder, results_file = map(pathlib.Path, sys.argv[1:3])
    wanted = sys.argv[3] if len(sys.argv) > 3 else "0"
    passed_min = 0 if wanted == "some" else int(wanted)
    allowed, known = read_lists(folder)
    results = json.loads(results_file.read_text(encoding="utf-8"))
    if wanted == "some":
        allowed = {name: rest for name, rest in allowed.items() if name in results}
    print_table(results, allowed)
    for name in sorted(set(known) & set(results)):
        if results[name]["state"] == "passed":
            print(f"note: {name} passes; it stands in known-failures.txt: {known[name]}")
    states = [result["state"] for result in results.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("passed", "failed", "hung", "skipped"))
    groups = f"; {len(passed_groups(results))} groups passed, {passed_min} must" if passed_min else ""
    print(f"{len(results)} tests ran: {counts}; {len(allowed)} must pass{groups}")
    wrong = list(complaints(results, allowed, known, passed_min))
    for sentence in wrong:
        print(f"FAILED: {sentence}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
