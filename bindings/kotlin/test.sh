#!/usr/bin/env bash
# Test the Kotlin package with the portal, and with a Socket.IO server where the Python tests have
# installed one. What is compiled for it also serves the scenarios.
#   test.sh PROJECT PORTAL [PYTHON] [ARGUMENT-OF-MAVEN...]
set -eu
project=$(realpath "$1") portal=$(realpath "$2") python=${3:-}
shift $(($# < 3 ? $# : 3))
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../servers.sh"

reason=$("$here/maven" check) || {
    skip "Kotlin tests" "$reason"
    exit 0
}

start_servers "$portal" "$python" Kotlin

"$here/maven" run "$project" test "$@" || {
    [ $? = 75 ] || exit 1
    skip "Kotlin tests" "Maven cannot fetch what they need"
}
