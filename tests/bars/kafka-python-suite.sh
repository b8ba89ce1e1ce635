#!/usr/bin/env bash
# Proves that kafka-python's own integration tests pass against the server over TLS with SCRAM: those
# named in tests/clients/kafka-python/allowed.txt. The short form leaves out what is known to fail.
#
# The tests' output is kept in target/bars/kafka-python.log.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" kafka-python
# shellcheck source=tests/clients/suite-cluster.sh
source "$clients/suite-cluster.sh"
log=$root/target/bars/kafka-python.log
mkdir -p "$root/target/bars"
if ! long; then export LEAVE_OUT=$clients/kafka-python/known-failures.txt; fi
start_server
"$clients/kafka-python/run" "$ready" "$work/results.json" >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "the tests did not run"; }
stop_server
"$clients/verdict.py" "$clients/kafka-python" "$work/results.json"
