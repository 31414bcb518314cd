#!/usr/bin/env bash
# Start the portal on a free port, run the demo against it, draw the run.
#   demo.sh PORTAL SURVIVE TIMELINE FOLDER
set -eu

portal=$1 survive=$2 timeline=$3 folder=$4

"$portal" --port 0 >"$folder/portal.out" &
trap 'kill %1 2>/dev/null; wait 2>/dev/null' EXIT
until grep -q '^listening' "$folder/portal.out"; do
    kill -0 %1 2>/dev/null || { echo "the portal did not start" >&2; exit 1; }
    read -rt 0.05 <> <(:) || true
done
port=$(sed -n 's/^listening on http:.*:\([0-9]*\)$/\1/p' "$folder/portal.out")

status=0
"$survive" "$port" "$folder/run.jsonl" || status=$?
"$timeline" "$folder/run.jsonl" >"$folder/run.svg"
echo "timeline: $folder/run.svg"
exit "$status"
