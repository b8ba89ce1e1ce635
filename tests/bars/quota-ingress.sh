#!/usr/bin/env bash
# Proves that one partition offered 20 MB/s gets 97-101 % of its 5 MB/s in every 10 s window, while a
# sibling on the same connection keeps its 2 MB/s and no client sees an error: librdkafka and Java.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
"$clients/setup.sh" java
# One broker, so that both partitions of the topic share one connection.
export TIDEGATE_CLUSTERS__DEMO__VIRTUAL_BROKERS=1
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_BURST_S=0
seconds=25
if long; then seconds=65; fi
start_server
status=0
"$clients/python/run" "$clients/quota/quota.py" "$ready" ingress "$seconds" "$work/python.json"
"$clients/quota/judge.py" 5000000 "$work/python.json" || status=1
"$clients/java/run" Quota "$ready" ingress "$seconds" "$work/java.json"
"$clients/quota/judge.py" 5000000 "$work/java.json" || status=1
stop_server
exit "$status"
