#!/usr/bin/env bash
# Put the Maven project together: the sources, the generated ones, the library, the examples, and the
# samples of the pages, which are compiled with the tests.
#   stage.sh LIBRARY GENERATED FOLDER
set -eu
library=$1 generated=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")

# What the compiler made of them stays.
rm -rf "$folder"/{roamio,roamio-android,examples}/src
mkdir -p "$folder/examples"
cp -R "$here"/{pom.xml,README.md,aar.sh,roamio,roamio-android} "$folder"
cp -R "$root"/examples/kotlin/{pom.xml,src} "$folder/examples"

# An error's message is the line for developers, and not all that is known of it.
bridge=$folder/roamio/src/main/kotlin/io/roamio/Bridge.kt
sed 's/get() = "failure=${ `failure` }"/get() = `failure`.`message`/' "$generated" >"$bridge"
grep -q 'get() = `failure`.`message`' "$bridge" || { echo "stage.sh does not know this uniffi" >&2; exit 1; }

# Where JNA looks for it in a jar.
platform=$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m | sed 's/x86_64/x86-64/; s/arm64/aarch64/')
mkdir -p "$folder/roamio/src/main/resources/$platform"
cp "$library" "$folder/roamio/src/main/resources/$platform"

# Each in a package of its own; those for Android where its classes are.
awk -v folder="$folder" '
    function save() {
        if (!sample) return
        file = folder (sample ~ /import android/ ? "/roamio-android" : "/roamio") \
            "/src/test/kotlin/Sample" ++number ".kt"
        print "package samples.sample" number "\n\n" sample > file
        close(file)
        sample = ""
    }
    /^```/ { inside = /^```kotlin$/; save(); next }
    inside { sample = sample $0 "\n" }
' "$root/README.md" "$root"/docs/*.md
