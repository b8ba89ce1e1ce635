#!/usr/bin/env bash
# Proves that a consumer group of 50 members on three libraries loses nothing while they join, leave and
# crash, and the server is killed in between: every record is delivered, no partition is without an owner
# for longer than the session time-out, committed offsets never move back.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" java
"$clients/setup.sh" python
# The judge first: a run of it is short.
"$clients/python/run" "$clients/churn/timeline_test.py"
seconds=40 kills=1
if long; then seconds=180 kills=3; fi
export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
"$clients/python/run" "$clients/churn/churn.py" "$server_bin" "$work" "$seconds" "$kills" "${SEED:-$RANDOM}"
