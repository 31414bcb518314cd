#!/usr/bin/env bash
# Run the demo.
#   PROJECT=target/kotlin/roamio survive.sh PORT TRACE.jsonl MARKS.jsonl
exec "$(dirname "$0")/run.sh" survive "$@"
