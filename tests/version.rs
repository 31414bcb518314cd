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
fn the_library_says_the_same_as_its_header() {
    let header = include_str!("../include/roamio.h");
    let abi = roam_abi_version();
    assert!(header.contains(&format!("#define ROAM_ABI_VERSION {abi}\n")));
}
