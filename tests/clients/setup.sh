#!/usr/bin/env bash
# Makes one foreign client ready to run: Debian packages only where a command is missing (that
# needs root), everything else below target/clients, made once for each version of its sources.
#
# usage: setup.sh kcat | python | node | java | go | rust | librdkafka | kafka-python | kafka-tools
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

# Node's clients, and the Node.js that runs them, in node/, with a link to the programs.
setup_node() {
  have npm npm
  fresh node "$here"/node/package.json "$here"/node/package-lock.json && return
  rm -rf "$cache/node"
  mkdir "$cache/node"
  cp "$here"/node/package.json "$here"/node/package-lock.json "$cache/node"
  # Whatever Node.js runs npm, the programs run on the one that is installed.
  npm ci --prefix "$cache/node" --loglevel error --ignore-scripts
  ln -s "$here/node" "$cache/node/programs"
  echo "$sum" >"$stamp"
}

# The programs in java/VERSION/, for each version of the client: the round for all, the others for the newest.
setup_java() {
  have javac default-jdk-headless
  have mvn maven
  fresh java "$here"/java/pom.xml "$here"/java/tidegate/clients/*.java && return
  rm -rf "$cache/java"
  for version in 2.8 3.9 4.3; do
    built=$cache/java/$version
    mvn -q -B -f "$here/java/pom.xml" -P "$version" dependency:copy-dependencies -DoutputDirectory="$built/lib"
    programs=("$here"/java/tidegate/clients/Round.java)
    [ "$version" != 4.3 ] || programs=("$here"/java/tidegate/clients/*.java)
    javac -cp "$built/lib/*" -sourcepath "$here/java" -d "$built/classes" "${programs[@]}"
  done
  echo "$sum" >"$stamp"
}

setup_go() {
  have go golang-go
  fresh go "$here"/go/tool "$here"/go/go.* "$here"/go/round/*.go "$here"/go/cmd/*/*.go && return
  "$here/go/tool" list -m >/dev/null 2>&1 || {
    echo "setup: $(go version) is too old for these modules; install $(grep '^go ' "$here/go/go.mod") or later from the Go project" >&2
    exit 1
  }
  "$here/go/tool" build -o "$cache/go/bin/" ./cmd/...
  echo "$sum" >"$stamp"
}

# What the build of librdkafka inside rdkafka needs; cargo brings the rest, below its own target folder.
setup_rust() {
  have c++ g++
  have make make
  have pkg-config pkg-config
  have /usr/include/openssl/ssl.h libssl-dev
  have /usr/include/zlib.h zlib1g-dev
}

# librdkafka with its own tests, as the npm package carries it, in librdkafka/.
setup_librdkafka() {
  have g++ g++
  have make make
  have npm npm
  have /usr/include/openssl/ssl.h libssl-dev
  have /usr/include/zlib.h zlib1g-dev
  have /usr/include/zstd.h libzstd-dev
  have /usr/include/rapidjson/document.h rapidjson-dev
  fresh librdkafka "$here/librdkafka/package" && return
  rm -rf "$cache/librdkafka" "$cache/librdkafka.part"
  mkdir "$cache/librdkafka.part"
  cd "$cache/librdkafka.part"
  npm pack --silent "$(cat "$here/librdkafka/package")" >/dev/null
  tar xzf ./*.tgz --strip-components=3 package/deps/librdkafka
  echo "setup: building librdkafka and its tests (5 minutes)"
  { bash ./configure && make -j2 libs && make -j2 -C tests build; } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
  find . -name '*.o' -delete
  mv "$cache/librdkafka.part" "$cache/librdkafka"
  echo "$sum" >"$stamp"
}

# kafka-python's tests, which only its source distribution has, in kafka-python/; and what they need.
setup_kafka_python() {
  have python3 python3
  python3 -c 'import venv, ensurepip' 2>/dev/null || have /no/venv python3-venv
  fresh kafka-python "$here/kafka-python/requirements.txt" "$here/kafka-python/service.py" && return
  rm -rf "$cache/kafka-python"
  mkdir "$cache/kafka-python"
  python3 -m venv "$cache/kafka-python/venv"
  pip=("$cache/kafka-python/venv/bin/pip" -q --disable-pip-version-check)
  "${pip[@]}" install -r "$here/kafka-python/requirements.txt"
  "${pip[@]}" download --no-deps --no-binary :all: -d "$cache/kafka-python" "$(grep '^kafka-python==' "$here/kafka-python/requirements.txt")"
  tar xzf "$cache"/kafka-python/*.tar.gz -C "$cache/kafka-python" --strip-components=1 --wildcards '*/test/*'
  # Two files that the distribution lacks; without the first Python's own `test` is found instead.
  touch "$cache/kafka-python/test/__init__.py"
  cp "$here/kafka-python/service.py" "$cache/kafka-python/test/"
  echo "$sum" >"$stamp"
}

# Kafka's command-line tools, and the program that runs them.
setup_kafka_tools() {
  have javac default-jdk-headless
  have mvn maven
  fresh kafka-tools "$here/kafka-tools/pom.xml" "$here"/kafka-tools/tidegate/tools/*.java && return
  rm -rf "$cache/kafka-tools"
  mvn -q -B -f "$here/kafka-tools/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/kafka-tools/lib"
  javac -cp "$cache/kafka-tools/lib/*" -d "$cache/kafka-tools/classes" "$here"/kafka-tools/tidegate/tools/*.java
  echo "$sum" >"$stamp"
}

case ${1:-} in
  kcat | python | node | java | go | rust | librdkafka | kafka-python | kafka-tools) "setup_${1/-/_}" ;;
  *) echo "usage: $0 kcat | python | node | java | go | rust | librdkafka | kafka-python | kafka-tools" >&2; exit 2 ;;
esac
