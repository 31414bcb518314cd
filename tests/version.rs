//! The version is written in several places, and is one.

#![allow(clippy::unwrap_used)]

use roamio::capi::{
    ROAM_VERSION_MAJOR, ROAM_VERSION_MINOR, ROAM_VERSION_NUMBER, ROAM_VERSION_PATCH,
    roam_abi_version,
};

#[test]
fn the_macros_are_the_version_of_the_package() {
    let parts = [ROAM_VERSION_MAJOR, ROAM_VERSION_MINOR, ROAM_VERSION_PATCH];
    let text = parts.map(|part| part.to_string()).join(".");
    assert_eq!(text, env!("CARGO_PKG_VERSION"));
    assert_eq!(ROAM_VERSION_NUMBER, parts[0] * 10_000 + parts[1] * 100 + parts[2]);
    let header = include_str!("../include/roamio.h");
    assert!(header.contains(&format!("#define ROAM_VERSION \"{text}\"\n")));
    assert!(header.contains(&format!("#define ROAM_VERSION_NUMBER {ROAM_VERSION_NUMBER}\n")));
}

#[test]
fn the_projects_of_maven_have_the_same() {
    let version = concat!("<version>", env!("CARGO_PKG_VERSION"), "</version>");
    for project in [
        include_str!("../bindings/kotlin/pom.xml"),
        include_str!("../bindings/kotlin/roamio/pom.xml"),
        include_str!("../bindings/kotlin/roamio-android/pom.xml"),
        include_str!("../examples/kotlin/pom.xml"),
    ] {
        assert_eq!(project.matches(version).count(), 1);
    }
}

#[test]
fn the_library_says_the_same_as_its_header() {
    let header = include_str!("../include/roamio.h");
    let abi = roam_abi_version();
    assert!(header.contains(&format!("#define ROAM_ABI_VERSION {abi}\n")));
}
