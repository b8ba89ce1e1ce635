#!/usr/bin/env bash
# Proves that bombs and mutated frames of every key and version, before and after sign-in, leave the
# server alive, within its memory, and at its usual work; and that every connection ends in time.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bars=$(tool bars)
frames=5000
if long; then frames=100000; fi
"$bars" mutate --binary "$server_bin" --frames "$frames"
