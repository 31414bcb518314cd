//! The shared library exports what `include/symbols.txt` lists, and nothing else.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

// Makes the library be built before this test.
use roamio as _;

/// The shared library that was built with this test.
fn library() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().join("libroamio.so")
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).arg(library()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn listed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/symbols.txt");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let [symbol, since, _deprecated] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("symbol, since, deprecated: {line}");
            };
            assert!(since.split('.').count() == 3, "{line}");
            symbol.to_owned()
        })
        .collect()
}

#[test]
fn exactly_the_listed_symbols_are_exported() {
    let symbols = output("nm", &["-D", "--defined-only"]);
    let exported: BTreeSet<String> =
        symbols.lines().map(|line| line.split_whitespace().last().unwrap().to_owned()).collect();
    assert!(exported.iter().all(|symbol| symbol.starts_with("roam_")), "{exported:?}");
    assert_eq!(exported, listed());
}

#[test]
fn every_listed_symbol_is_declared_in_the_header() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/roamio.h");
    let header = fs::read_to_string(path).unwrap();
    for symbol in listed() {
        assert!(header.contains(&format!("{symbol}(")), "{symbol}");
    }
}

#[test]
fn the_library_has_its_name_and_is_never_unloaded() {
    let dynamic = output("readelf", &["-d"]);
    assert!(dynamic.contains("[libroamio.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
