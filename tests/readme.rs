//! What the README shows is what the library has.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");

fn block(language: &str) -> &'static str {
    let start = README.find(&format!("```{language}\n")).unwrap() + language.len() + 4;
    &README[start..start + README[start..].find("```").unwrap()]
}

#[test]
fn the_c_program_of_the_readme_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.c");
    std::fs::write(&source, block("c")).unwrap();
    let compiler = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"])
        .arg(root.join("include"))
        .arg(source)
        .output()
        .unwrap();
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
}

#[test]
fn the_files_that_the_readme_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for (at, _) in README.match_indices("](") {
        let target = &README[at + 2..];
        let target = &target[..target.find(')').unwrap()];
        if !target.contains("://") {
            links += 1;
            assert!(root.join(target).exists(), "{target}");
        }
    }
    assert!(links >= 4);
}

#[test]
fn the_limits_of_the_readme_are_the_defaults() {
    let limits = roamio::config::Limits::default();
    assert_eq!(limits.inbound_message, 16 << 20);
    assert_eq!((limits.inbound_attachments, limits.outbound_attachments), (64, 10));
    assert_eq!((limits.wire_queue_events, limits.wire_queue_bytes), (1_000, 8 << 20));
    assert_eq!((limits.host_queue_events, limits.host_queue_bytes), (10_000, 16 << 20));
    assert_eq!(limits.json_depth, 128);
}
