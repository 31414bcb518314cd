#!/usr/bin/env bash
# Test the Swift package with the portal, and with a Socket.IO server where the Python tests have
# installed one.
#   test.sh PACKAGE PORTAL [PYTHON] [ARGUMENT-OF-SWIFT-TEST...]
set -eu
package=$(realpath "$1") portal=$(realpath "$2") python=${3:-}
shift $(($# < 3 ? $# : 3))
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")

skip() {
    (cd "$root" && .ci/skip "$1" "$2")
}

reason=$("$here/toolchain" install 2>&1) || {
    skip "Swift tests" "${reason##*$'\n'}"
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
    skip "Swift tests of sockets" "the Python tests have not installed their server"
fi

# The samples of the pages compile. Those for Apple's frameworks begin without an import.
samples=$package/../samples
rm -rf "$samples"
mkdir "$samples"
awk -v folder="$samples" '
    /^```/ { file = "" }
    file { print > file }
    /^```swift$/ { file = folder "/" ++number ".swift" }
' "$root/README.md" "$root"/docs/*.md
grep -L "^import Roamio" "$samples"/*.swift | xargs -r rm

"$here/toolchain" run "$(dirname "$package")" sh -ec '
    package=$1
    shift
    swift test --package-path "$package" "$@"
    for sample in samples/*.swift; do
        swiftc -typecheck -parse-as-library -swift-version 6 "$sample" \
            -I "$package/.build/debug/Modules" -I "$package/Sources/RoamioFFI"
    done' sh "$(basename "$package")" "$@"
