#!/usr/bin/env bash
# Makes one foreign client ready to run: Debian packages only where a command is missing (that
# needs root), everything else below target/clients, made once for each version of its sources.
#
# usage: setup.sh kcat | python | java | figures
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$here/../../target/clients
mkdir -p "$cache"

# have FILE_OR_COMMAND PACKAGE: installs the package if the file or command is not there.
have() {
  if command -v "$1" >/dev/null || [ -e "$1" ]; then return; fi
  [ "$(id -u)" = 0 ] || { echo "setup: $1 is missing; install the Debian package $2" >&2; exit 1; }
  echo "setup: installing $2"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

# fresh NAME SOURCE...: whether what NAME was made from, and where, has not changed since.
fresh() {
  sum=$({ echo "$cache"; cat "${@:2}"; } | sha256sum)
  stamp=$cache/$1.stamp
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]
}

setup_kcat() { have kcat kcat; }

setup_python() {
  have python3 python3
  python3 -c 'import venv, ensurepip' 2>/dev/null || have /no/venv python3-venv
  fresh python "$here/python/requirements.txt" && return
  rm -rf "$cache/venv"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install -q --disable-pip-version-check -r "$here/python/requirements.txt"
  echo "$sum" >"$stamp"
}

setup_java() {
  have javac default-jdk-headless
  have mvn maven
  fresh java "$here"/java/pom.xml "$here"/java/tidegate/clients/*.java && return
  rm -rf "$cache/java"
  mvn -q -B -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/java/lib"
  javac -cp "$cache/java/lib/*" -d "$cache/java/classes" "$here"/java/tidegate/clients/*.java
  echo "$sum" >"$stamp"
}

setup_figures() {
  have cc gcc
  have /usr/include/librdkafka/rdkafka.h librdkafka-dev
  setup_python
  fresh figures "$here/figures/figures.c" "$here/python/requirements.txt" && return
  # The library inside the Python package: Debian's 2.0.2 cannot sign in to Apache Kafka 4 by SCRAM.
  lib=$(echo "$cache"/venv/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*)
  lib=$(realpath "$lib")
  cc -std=c11 -O2 -Wall -Wextra -o "$cache/figures" "$here/figures/figures.c" \
    -L"$(dirname "$lib")" -l:"$(basename "$lib")" -Wl,-rpath,"$(dirname "$lib")" -lpthread
  echo "$sum" >"$stamp"
}

case ${1:-} in
  kcat | python | java | figures) "setup_$1" ;;
  *) echo "usage: $0 kcat | python | java | figures" >&2; exit 2 ;;
esac
