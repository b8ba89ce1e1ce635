#!/usr/bin/env bash
# Proves that Go's franz-go, sarama and kafka-go do the whole round of docs/clients.md, side by side:
# signed in by the AWS_MSK_IAM of franz-go, which takes the region from a name like Amazon's, and of
# kafka-go, and by AWS's token in sarama. The long form signs in by SCRAM-SHA-512, too. The
# programs' sources are formatted, and `go vet` finds nothing in them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" go
unformatted=$(gofmt -l "$clients/go")
[ -z "$unformatted" ] || fail "gofmt would change $unformatted"
"$clients/go/tool" vet ./...
name=boot-bars.c1.kafka-serverless.us-east-1.amazonaws.com
start_client_server --name "$name"
by_name=$name:$(field "$ready" bootstrap | sed 's/.*://')

# program NAME [VARIABLE=VALUE]...: starts one; it ends by itself, in time.
program() { shared_round "$1" env "${@:2}" "$root/target/clients/go/bin/$1"; }

program franz BOOTSTRAP="$by_name"
program sarama
program segmentio
await_rounds
if long; then
  program franz SIGN_IN=scram
  program sarama SIGN_IN=scram
  program segmentio SIGN_IN=scram
  await_rounds
fi
stop_server
