#!/usr/bin/env bash
# Run the demo where Swift runs: beside the package that `make swift` has put into FOLDER.
#   FOLDER=target/swift survive.sh PORT TRACE.jsonl MARKS.jsonl
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/build.sh" survive
status=0
"$here/../../bindings/swift/toolchain" run "$FOLDER" \
    survive/.build/debug/survive "$1" trace.jsonl marks.jsonl || status=$?
mv "$FOLDER/trace.jsonl" "$2"
mv "$FOLDER/marks.jsonl" "$3"
exit "$status"
