#!/usr/bin/env bash
# Start the portal on a free port, run the demo against it, draw the run.
#   demo.sh PORTAL SURVIVE TIMELINE FOLDER
set -eu

portal=$1 survive=$2 timeline=$3 folder=$4

exec 3< <(exec "$portal" --port 0)
pid=$!
trap 'kill "$pid" 2>/dev/null' EXIT
if ! read -rt 10 line <&3; then
    echo "the portal did not start" >&2
    exit 1
fi

status=0
"$survive" "${line##*:}" "$folder/trace.jsonl" "$folder/marks.jsonl" || status=$?
"$timeline" "$folder/trace.jsonl" "$folder/marks.jsonl" >"$folder/timeline.svg"
echo "timeline: $folder/timeline.svg"
exit "$status"
