// swift-tools-version:5.9
import PackageDescription

// Linked to the library in `lib`, where `make swift` puts it. The package for Apple's platforms has an
// XCFramework in its place (`xcframework.sh`).
let library = "\(Context.packageDirectory)/lib"

let package = Package(
    name: "Roamio",
    platforms: [.iOS(.v13), .macOS(.v10_15)],
    products: [.library(name: "Roamio", targets: ["Roamio"])],
    targets: [
        .systemLibrary(name: "RoamioFFI"),
        .target(
            name: "Roamio",
            dependencies: ["RoamioFFI"],
            linkerSettings: [
                .unsafeFlags(["-L\(library)", "-Xlinker", "-rpath", "-Xlinker", library])
            ]
        ),
        .testTarget(name: "RoamioTests", dependencies: ["Roamio"]),
    ]
)
