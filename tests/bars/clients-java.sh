#!/usr/bin/env bash
# Proves that Java's kafka-clients, of versions 2.8, 3.9 and 4.3, make the round of docs/clients.md,
# signed in with aws-msk-iam-auth by AWS_MSK_IAM and by OAUTHBEARER, and the newest by SCRAM-SHA-512. The
# oldest, which MSK Serverless names, signs in by AWS_MSK_IAM by a name like Amazon's, from which it takes
# the region. All rounds are made side by side.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" java
name=boot-bars.c1.kafka-serverless.us-east-1.amazonaws.com
start_client_server --name "$name"
export JAVA_HEAP="-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
declare -A rounds

# round NAME VARIABLE=VALUE...: starts a round, which says what it checked in $work/NAME.out.
round() {
  env "${@:2}" "$clients/java/run" Round "$ready" >"$work/$1.out" 2>"$work/$1.err" </dev/null &
  rounds[$1]=$!
}

echo "127.0.0.1 $name" >"$work/hosts"
round 2.8-iam KAFKA_CLIENTS=2.8 HOSTS="$work/hosts" BOOTSTRAP="$name:$(field "$ready" bootstrap | sed 's/.*://')"
round 3.9-iam KAFKA_CLIENTS=3.9
round 4.3-iam
for version in 2.8 3.9 4.3; do round "$version-oauthbearer" KAFKA_CLIENTS="$version" SIGN_IN=oauthbearer; done
round 4.3-scram SIGN_IN=scram

failed=()
for round in "${!rounds[@]}"; do
  wait "${rounds[$round]}" && continue
  failed+=("$round")
  tail -n 20 "$work/$round.err" >&2
done
cat "$work"/*.out
[ "${#failed[@]}" = 0 ] || fail "the rounds ${failed[*]} of kafka-clients"
stop_server
