// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "survive",
    platforms: [.macOS(.v13)],
    // Where `make swift` puts it, and `survive.sh` this beside.
    dependencies: [.package(name: "Roamio", path: "../roamio")],
    targets: [.executableTarget(name: "survive", dependencies: ["Roamio"])]
)
