//! The Rust version that Cargo.toml states is enough for everything the project is built from.

#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap_or(0))
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_the_project_states() {
    let stated = version(env!("CARGO_PKG_RUST_VERSION"));
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "the whole graph is looked at");
    for package in packages {
        if let Some(wanted) = package["rust_version"].as_str() {
            assert!(version(wanted) <= stated, "{} asks for {wanted}", package["name"]);
        }
    }
}
