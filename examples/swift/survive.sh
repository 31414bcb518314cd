#!/usr/bin/env bash
# Run the demo where Swift runs: beside the package that `make swift` has put into FOLDER.
#   FOLDER=target/swift survive.sh PORT TRACE.jsonl MARKS.jsonl
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$FOLDER/survive"
rm -rf "$FOLDER/survive/Sources"
cp -R "$here"/survive/{Package.swift,Sources} "$FOLDER/survive"
run=("$here/../../bindings/swift/toolchain" run "$FOLDER")
"${run[@]}" swift build --quiet --package-path survive
status=0
"${run[@]}" survive/.build/debug/survive "$1" trace.jsonl marks.jsonl || status=$?
mv "$FOLDER/trace.jsonl" "$2"
mv "$FOLDER/marks.jsonl" "$3"
exit "$status"
