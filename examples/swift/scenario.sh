#!/usr/bin/env bash
# Play a scenario where Swift runs: with the program that `build.sh scenario` has put into FOLDER.
#   FOLDER=target/swift scenario.sh SCENARIO.json PORTAL_URL
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Swift may have a root of its own, where there is no such file.
exec "$here/../../bindings/swift/toolchain" run "$FOLDER" \
    scenario/.build/debug/scenario /dev/stdin "$2" <"$1"
