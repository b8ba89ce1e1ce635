#!/usr/bin/env bash
# Proves that Python's confluent-kafka does its whole round against the server, signed in by
# OAUTHBEARER with the token of the published AWS MSK signer, and by SCRAM-SHA-512.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
start_server
"$clients/python/run" "$clients/python/roundtrip.py" "$ready"
SIGN_IN=scram "$clients/python/run" "$clients/python/roundtrip.py" "$ready"
stop_server
