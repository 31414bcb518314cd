#!/usr/bin/env bash
# Build a program of this folder where Swift runs: beside the package that `make swift` has put into FOLDER.
#   FOLDER=target/swift build.sh NAME
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$FOLDER/$1"
rm -rf "$FOLDER/$1/Sources"
cp -R "$here/$1"/{Package.swift,Sources} "$FOLDER/$1"
"$here/../../bindings/swift/toolchain" run "$FOLDER" swift build --quiet --package-path "$1"
