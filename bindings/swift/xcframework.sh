#!/usr/bin/env bash
# On a Mac: build Roamio for iPhones, simulators and Macs, as a package with an XCFramework inside, which
# an app or a repository of its own can depend on. Needs Xcode 16 and the Rust targets of `targets`.
# Not run where this project is tested, which has no Mac.
#   xcframework.sh FOLDER    after `make bindings`
set -eu
targets=(aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
built=${CARGO_TARGET_DIR:-$root/target}
folder=$1

[ "$(uname -s)" = Darwin ] || { echo "xcframework.sh needs a Mac with Xcode" >&2; exit 1; }

for target in "${targets[@]}"; do
    (cd "$root" && cargo rustc --release --target-dir "$built/bridge" --target "$target" \
        --lib --crate-type staticlib --features bridge)
done

"$here/stage.sh" "$built/bridge/aarch64-apple-darwin/release/libroamio.a" "$built/bindings/swift" "$folder"
headers=$folder/headers
mkdir -p "$headers"
mv "$folder"/Sources/RoamioFFI/* "$headers"
# The library is in the framework, so the module links nothing by its name.
sed -i '' '/link "roamio"/d' "$headers/module.modulemap"
rm -rf "$folder/Sources/RoamioFFI" "$folder/lib" "$folder/Tests"

library() { # library NAME TARGET...: one library for all processors of a platform
    local name=$1 parts=()
    shift
    for target in "$@"; do parts+=("$built/bridge/$target/release/libroamio.a"); done
    mkdir -p "$built/apple/$name"
    lipo -create "${parts[@]}" -output "$built/apple/$name/libroamio.a"
}

library ios aarch64-apple-ios
library simulator aarch64-apple-ios-sim x86_64-apple-ios
library macos aarch64-apple-darwin x86_64-apple-darwin

rm -rf "$folder/RoamioFFI.xcframework"
xcodebuild -create-xcframework -output "$folder/RoamioFFI.xcframework" \
    -library "$built/apple/ios/libroamio.a" -headers "$headers" \
    -library "$built/apple/simulator/libroamio.a" -headers "$headers" \
    -library "$built/apple/macos/libroamio.a" -headers "$headers"
rm -rf "$headers"

cat >"$folder/Package.swift" <<'PACKAGE'
// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "Roamio",
    platforms: [.iOS(.v13), .macOS(.v10_15)],
    products: [.library(name: "Roamio", targets: ["Roamio"])],
    targets: [
        .binaryTarget(name: "RoamioFFI", path: "RoamioFFI.xcframework"),
        .target(
            name: "Roamio",
            dependencies: ["RoamioFFI"],
            linkerSettings: [.linkedFramework("Security"), .linkedFramework("CoreFoundation")]
        ),
    ]
)
PACKAGE
