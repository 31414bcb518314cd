#!/usr/bin/env bash
# Test the Swift package with the portal, and with a Socket.IO server where the Python tests have
# installed one.
#   test.sh PACKAGE PORTAL [PYTHON] [ARGUMENT-OF-SWIFT-TEST...]
set -eu
package=$(realpath "$1") portal=$(realpath "$2") python=${3:-}
shift $(($# < 3 ? $# : 3))
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../servers.sh"

reason=$("$here/toolchain" install 2>&1) || {
    skip "Swift tests" "${reason##*$'\n'}"
    exit 0
}

start_servers "$portal" "$python" Swift

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
