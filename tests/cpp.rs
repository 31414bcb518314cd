//! The C++ headers: everything of the C interface is in them.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All words of the C++ headers.
fn words_of_cpp() -> BTreeSet<String> {
    let include = root().join("include");
    let parts = fs::read_dir(include.join("roamio")).unwrap().map(|entry| entry.unwrap().path());
    let texts = parts.chain([include.join("roamio.hpp")]).map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        code.join("\n")
    });
    let split = |sign: char| !sign.is_ascii_alphanumeric() && sign != '_';
    texts.flat_map(|text| text.split(split).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What C programs have: functions, constants, and the members of structs.
fn names_of_c() -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/roamio.h")).unwrap();
    let mut names = BTreeSet::new();
    for line in header.lines().map(str::trim).filter(|line| !line.starts_with('*')) {
        if let Some(define) = line.strip_prefix("#define ROAM_") {
            names.insert(format!("ROAM_{}", define.split([' ', '(']).next().unwrap()));
        } else if let Some((_, function)) = line.split_once("(*") {
            names.insert(function.split(')').next().unwrap().to_owned());
        } else if let Some((before, _)) = line.split_once('(') {
            names.extend(before.rsplit([' ', '*']).next().map(str::to_owned));
        } else if let Some(member) =
            line.strip_suffix(';').filter(|line| !line.contains([')', '}', '=']))
        {
            names.extend(member.rsplit([' ', '*']).next().map(str::to_owned));
        }
    }
    names
}

#[test]
fn everything_of_the_c_header_is_in_the_cpp_headers() {
    // What C++ says in its own way, or what the text of the header consists of.
    let elsewhere = [
        "ROAM_STR",
        "ROAM_VERSION",
        "ROAM_VERSION_MAJOR",
        "ROAM_VERSION_MINOR",
        "ROAM_VERSION_PATCH",
        "ROAM_VERSION_NUMBER",
        "roam_log",
        "roam_post",
        "roam_trace",
        "roam_wake",
        "roam_handler",
        "roam_text",
        "strlen",
    ];
    let (cpp, c) = (words_of_cpp(), names_of_c());
    assert!(c.len() > 300 && c.contains("roam_socket_emit") && c.contains("on_host_slow"));
    assert!(c.contains("wait_ms") && c.contains("ROAM_E_DNS"));
    let missing: Vec<&String> = c
        .iter()
        .filter(|name| !cpp.contains(*name) && !elsewhere.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in roamio.hpp: {missing:#?}");
}
