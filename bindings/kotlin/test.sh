#!/usr/bin/env bash
# Test the Kotlin package with the portal, and with a Socket.IO server where the Python tests have
# installed one. What is compiled for it also serves the scenarios.
#   test.sh PROJECT PORTAL [PYTHON] [ARGUMENT-OF-MAVEN...]
set -eu
project=$(realpath "$1") portal=$(realpath "$2") python=${3:-}
shift $(($# < 3 ? $# : 3))
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")

skip() {
    (cd "$root" && .ci/skip "$1" "$2")
}

reason=$("$here/maven" check) || {
    skip "Kotlin tests" "$reason"
    exit 0
}

exec 3< <(exec "$portal" --port 0)
programs=$!
trap 'kill $programs 2>/dev/null' EXIT
read -rt 10 line <&3 || { echo "the portal did not start" >&2; exit 1; }
export ROAMIO_PORTAL_URL=${line#listening on }

if [ -x "$python" ]; then
    # It ends with its input, and so with the portal.
    exec 4< <(exec "$python" "$root/tests/conformance/servers/python/server.py" aiohttp <&3)
    programs="$programs $!"
    read -rt 10 line <&4 || { echo "the server did not start" >&2; exit 1; }
    export ROAMIO_SERVER_URL=http://127.0.0.1:$(sed 's/.*"port": *\([0-9]*\).*/\1/' <<<"$line")
else
    skip "Kotlin tests of sockets" "the Python tests have not installed their server"
fi

"$here/maven" run "$project" test "$@" || {
    [ $? = 75 ] || exit 1
    skip "Kotlin tests" "Maven cannot fetch what they need"
}
