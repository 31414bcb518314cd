#!/usr/bin/env bash
# Lay out an Android library of what Maven has compiled, with a library of roamio for each ABI.
#   aar.sh PROJECT FILE.aar ABI=LIBRARY...
# For example arm64-v8a=target/aarch64-linux-android/release/libroamio.so. Apps also need JNA's own
# Android library (net.java.dev.jna:jna, type aar) and kotlinx-coroutines.
set -eu
[ $# -ge 3 ] || { sed -n '3s/^# *//p' "$0" >&2; exit 2; }
project=$(realpath "$1") file=$(realpath -m "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The package without the library for this machine, and what is for Android only.
mkdir -p "$work/classes" "$work/aar/jni"
cp -R "$project"/roamio/target/classes/io "$project"/roamio-android/target/classes/io "$work/classes"
cp -R "$project"/roamio/target/classes/META-INF "$work/classes"
cp -R "$project"/roamio-android/target/classes/META-INF "$work/classes"
jar --create --file "$work/aar/classes.jar" --no-manifest -C "$work/classes" .

cp "$project/roamio-android/src/main/AndroidManifest.xml" "$work/aar"
cp "$project/roamio-android/src/main/proguard.txt" "$work/aar"
: >"$work/aar/R.txt"
for library in "$@"; do
    mkdir -p "$work/aar/jni/${library%%=*}"
    cp "${library#*=}" "$work/aar/jni/${library%%=*}/libroamio.so"
done
mkdir -p "$(dirname "$file")"
jar --create --file "$file" --no-manifest -C "$work/aar" .
