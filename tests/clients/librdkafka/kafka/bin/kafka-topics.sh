#!/usr/bin/env bash
# Kafka's own tool for topics, as librdkafka's tests call it: they look for it in $KAFKA_PATH/bin and
# cannot give it the sign-in, which is added here.
set -euo pipefail
exec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.io.tmpdir="$KAFKA_TMP" -cp "$KAFKA_LIB/*" \
  org.apache.kafka.tools.TopicCommand --command-config "$KAFKA_COMMAND_CONFIG" "$@"
