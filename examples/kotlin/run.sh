#!/usr/bin/env bash
# Run a program of these examples, which Maven has compiled in PROJECT (target/kotlin/roamio).
#   PROJECT=... run.sh survive|scenario ARGUMENT...
set -eu
program=$1
shift
# Before any other library of this name that the loader would find.
library=$(dirname "$PROJECT"/roamio/target/classes/*/libroamio.*)
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djna.library.path="$library" \
    -cp "$PROJECT/examples/target/classes:$(cat "$PROJECT/examples/target/classpath")" \
    "${program}.MainKt" "$@"
