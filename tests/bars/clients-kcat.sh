#!/usr/bin/env bash
# Proves that Debian's kcat works against the server over TLS with SCRAM: list, produce with every
# compression, consume; in the long form by SCRAM-SHA-256 as well.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" kcat
"$clients/setup.sh" python
start_server
"$clients/kcat.sh" "$ready"
if long; then SASL_MECHANISM=SCRAM-SHA-256 "$clients/kcat.sh" "$ready"; fi
stop_server
