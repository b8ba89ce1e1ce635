#!/usr/bin/env python3
"""Compares what Kafka's tools printed for two servers, case by case.

usage: compare.py EXPECTED ACTUAL [DIFFERENCES]

DIFFERENCES lists what is meant to differ: under the title of a case the differing lines as
`diff` shows them, those of EXPECTED with `-`, those of ACTUAL with `+`, in their order, and above them
the reason as a comment. A difference that is not listed fails, and so does one that does not occur.
"""

import difflib
import pathlib
import sys


def cases(file):
    """The lines of each case by its title."""
    found, title = {}, None
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            title = line
            found[title] = []
        elif line and not line.startswith("#"):
            found[title].append(line)
    return found


def differing(expected, actual):
    """The lines that differ, `-` or `+` before each, with the step they stand under."""
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, expected, actual, autojunk=False).get_opcodes():
        if kind != "equal":
            step = next((line for line in reversed(expected[:a]) if line.startswith("$ ")), "")
            found += [(step, "-" + line) for line in expected[a:b]] + [(step, "+" + line) for line in actual[c:d]]
    return found


def show(title, found, meant):
    """Prints what is wrong with one case."""
    print(f"FAILED: {title}")
    at = None
    for step, line in found:
        if step != at:
            at = step
            print(f"  {step}")
        print(f"    {line}" + ("    (listed)" if line in meant else ""))
    lines = [line for _, line in found]
    for line in meant:
        if line not in lines:
            print(f"    {line}    (listed, but does not occur)")


def main():
    """Prints each case whose differences are not those that are listed."""
    expected, actual = (cases(pathlib.Path(file)) for file in sys.argv[1:3])
    listed = cases(pathlib.Path(sys.argv[3])) if len(sys.argv) > 3 else {}
    wrong = 0
    for title in [*expected, *(title for title in actual if title not in expected)]:
        found = differing(expected.get(title, []), actual.get(title, []))
        meant = listed.pop(title, [])
        if [line for _, line in found] == meant:
            continue
        wrong += 1
        show(title, found, meant)
    for title in listed:
        wrong += 1
        print(f"FAILED: differences are listed for a case that there is not: {title}")
    steps = sum(line.startswith("$ ") for lines in actual.values() for line in lines)
    print(f"{len(expected)} cases, {steps} steps compared; {wrong} cases differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
