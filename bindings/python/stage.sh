#!/usr/bin/env bash
# Put the package together: the sources, the generated module, the library.
#   stage.sh LIBRARY GENERATED FOLDER
set -eu
library=$1 generated=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cp -R "$here"/pyproject.toml "$here"/setup.py "$here"/README.md "$here"/src "$folder"
cp "$generated" "$folder/src/roamio/_bridge.py"
grep -rl 'uniffi::Record' "$here/../../src" |
    xargs "$here/document.py" "$folder/src/roamio/_bridge.py"
cp "$library" "$folder/src/roamio/"
sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" >"$folder/VERSION"
