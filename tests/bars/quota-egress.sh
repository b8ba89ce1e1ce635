#!/usr/bin/env bash
# Proves that one partition read as fast as it goes delivers 97-101 % of its 10 MB/s in every 10 s
# window, while a sibling read by the same consumer keeps its 2 MB/s and no client sees an error:
# librdkafka and Java. Ingress of a partition is lifted, so that filling it does not take minutes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
"$clients/setup.sh" java
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_BURST_S=0
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_INGRESS_BYTES_PER_S=200000000
seconds=25
if long; then seconds=65; fi
start_server
status=0
"$clients/python/run" "$clients/quota/quota.py" "$ready" egress "$seconds" "$work/python.json"
"$clients/quota/judge.py" 10000000 "$work/python.json" || status=1
"$clients/java/run" Quota "$ready" egress "$seconds" "$work/java.json"
"$clients/quota/judge.py" 10000000 "$work/java.json" || status=1
stop_server
exit "$status"
