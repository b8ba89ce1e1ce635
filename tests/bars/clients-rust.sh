#!/usr/bin/env bash
# Proves that Rust's rskafka and rdkafka, which has librdkafka inside, do their rounds against the
# server, each signed in by OAUTHBEARER with a token of MSK's form and by SCRAM-SHA-512.
#
# rskafka comes first: what another program writes past the limit throttles it, too, and it repeats
# what is throttled.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" rust
(cd "$root" && cargo build --profile checks -p rust-clients)
programs=$target/checks
start_client_server
for program in rskafka-round rdkafka-round; do
  SIGN_IN=oauthbearer "$programs/$program" "$ready" >"$work/oauthbearer.out" 2>&1 &
  SIGN_IN=scram "$programs/$program" "$ready" >"$work/scram.out" 2>&1 || failed=scram
  wait $! || failed=oauthbearer
  cat "$work/oauthbearer.out" "$work/scram.out"
  [ -z "${failed:-}" ] || fail "$program by $failed"
done
stop_server
