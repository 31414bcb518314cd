//! The shared library exports what `include/symbols.txt` lists, with the feature `bridge` also what
//! uniffi needs, and nothing else; and it needs no more libraries than it must.

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

/// Whether this is a function or a description by which the languages of the bridge reach it.
fn of_bridge(symbol: &str) -> bool {
    let uniffi = ["uniffi_roamio_", "ffi_roamio_", "UNIFFI_META_"];
    uniffi.iter().any(|prefix| symbol.starts_with(prefix))
}

#[test]
fn exactly_the_listed_symbols_are_exported() {
    let symbols = output("nm", &["-D", "--defined-only"]);
    let exported = symbols.lines().map(|line| line.split_whitespace().last().unwrap().to_owned());
    let (bridge, interface): (BTreeSet<_>, BTreeSet<_>) =
        exported.partition(|symbol| cfg!(feature = "bridge") && of_bridge(symbol));
    assert_eq!(interface, listed());
    assert!(interface.iter().all(|symbol| symbol.starts_with("roam_")), "{interface:?}");
    assert_eq!(bridge.is_empty(), !cfg!(feature = "bridge"));
}

#[test]
fn only_libraries_of_every_system_are_needed_and_openssl_where_it_does_the_tls() {
    let dynamic = output("readelf", &["-d"]);
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let others: BTreeSet<&str> = needed
        .filter_map(|line| line.split(['[', ']']).nth(1)?.split(".so").next())
        .filter(|name| !["libc", "libm", "libgcc_s"].contains(name) && !name.starts_with("ld-"))
        .collect();
    let openssl = if cfg!(feature = "tls-rustls") { &[][..] } else { &["libcrypto", "libssl"] };
    assert_eq!(others, openssl.iter().copied().collect());
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
