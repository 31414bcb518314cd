#!/usr/bin/env bash
# Put the package together: the sources, the generated ones, the library.
#   stage.sh LIBRARY GENERATED FOLDER
set -eu
library=$1 generated=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder/lib"
# What the compiler made of them stays.
rm -rf "$folder/Sources" "$folder/Tests"
cp -R "$here"/{Package.swift,README.md,Sources,Tests} "$folder"
cp "$generated/RoamioFFI.h" "$folder/Sources/RoamioFFI/"
cp "$generated/Roamio.swift" "$folder/Sources/Roamio/Bridge.swift"
"$here/cancel.pl" "$folder/Sources/Roamio/Bridge.swift"
cp "$library" "$folder/lib/"
# What programs look for.
ln -sf libroamio.so "$folder/lib/libroamio.so.0"
