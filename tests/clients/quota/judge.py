#!/usr/bin/env python3
"""Judges what quota.py or Quota.java wrote down, for both clients by the same rules.

In every 10 s window after the first 5 s the hot partition gets 97-101 % of its limit, and the
sibling 95 % of its offer; no client error; no throttle time, which would stop a Java client's whole
connection. The sibling's waits are printed, not judged.

usage: judge.py LIMIT_BYTES_PER_S RESULT.json
"""

import json
import sys

SKIP_S = 5
WINDOW_S = 10
HOT_PERCENT = (97.0, 101.0)
SIBLING_PERCENT_MIN = 95.0


def windows(flow, seconds):
    """Bytes per second in each whole window."""
    rates = []
    for start in range(SKIP_S, seconds - WINDOW_S + 1, WINDOW_S):
        inside = (size for at, size in flow["through"] if start <= at < start + WINDOW_S)
        rates.append(sum(inside) / WINDOW_S)
    return rates


def percents(rates, whole):
    """Each rate as a percentage of `whole`."""
    return [round(100 * rate / whole, 2) for rate in rates]


def main():
    limit = int(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        result = json.load(file)
    hot = percents(windows(result["hot"], result["seconds"]), limit)
    offered = result["sibling"]["offered_bytes_per_s"]
    sibling = percents(windows(result["sibling"], result["seconds"]), offered)
    waits = result["sibling"]["wait_ms"]
    print(f"{result['client']} {result['mode']}: hot % of {limit} B/s {hot}, sibling % of {offered} B/s "
          f"{sibling}, sibling waits ms {waits}, throttle {result['throttle_ms_max']} ms, "
          f"{len(result['errors'])} errors")
    wrong = []
    if not hot:
        wrong.append("no whole window was measured")
    if any(not HOT_PERCENT[0] <= percent <= HOT_PERCENT[1] for percent in hot):
        wrong.append(f"the hot partition left {HOT_PERCENT[0]}-{HOT_PERCENT[1]} % of its limit")
    if any(percent < SIBLING_PERCENT_MIN for percent in sibling):
        wrong.append(f"the sibling fell below {SIBLING_PERCENT_MIN} % of its offer")
    if result["errors"]:
        wrong.append(f"client errors, the first: {result['errors'][0]}")
    if result["throttle_ms_max"]:
        wrong.append(f"a throttle time of {result['throttle_ms_max']} ms stopped the connection")
    if wrong:
        sys.exit("FAILED: " + "; ".join(wrong))
    print("ok")


main()
