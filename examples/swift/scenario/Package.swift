// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "scenario",
    platforms: [.macOS(.v13)],
    // Where `make swift` puts it, and `build.sh` this beside.
    dependencies: [.package(name: "Roamio", path: "../roamio")],
    targets: [.executableTarget(name: "scenario", dependencies: ["Roamio"])]
)
