//! The C++ headers: everything of the C interface is in them, every C++ takes them, and programs
//! work with and without exceptions, under AddressSanitizer and under valgrind.
//!
//! Proves fault-matrix rows M11 (exceptions) and M27 (C++).

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "capi/echo.rs"]
mod echo;
#[path = "capi/programs.rs"]
#[allow(dead_code)]
mod programs;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use programs::{Program, Watch, root, run};
use roamio_portal::model::{Audience, TextBurst};
use roamio_portal::{Server, ServerConfig};

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
        "roam_socket_hook",
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

#[test]
fn every_standard_takes_the_headers_without_a_warning() {
    let folder = programs::folder();
    let mut compilers = 0;
    for compiler in ["g++", "clang++"] {
        if Command::new(compiler).arg("--version").output().is_err() {
            eprintln!("{compiler} is not installed: skipped");
            continue;
        }
        compilers += 1;
        for options in [
            ["-std=c++17", "-fexceptions"],
            ["-std=c++17", "-fno-exceptions"],
            ["-std=c++20", "-DROAMIO_EXCEPTIONS=0"],
        ] {
            let header = if options[0] == "-std=c++20" { "roamio_coro.hpp" } else { "roamio.hpp" };
            let source = folder.join(format!("header-{compiler}{}.cpp", options.concat()));
            // Twice, and after the C header.
            let unit =
                format!("#include \"roamio.h\"\n#include \"{header}\"\n#include \"{header}\"\n");
            fs::write(&source, unit).unwrap();
            let mut command = Command::new(compiler);
            command.args(options).args(["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic"]);
            command.args(["-Wshadow", "-Werror", "-I"]).arg(root().join("include")).arg(&source);
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{compiler} {options:?}:\n{said}");
        }
    }
    assert!(compilers > 0, "there is no C++ compiler");
}

const CPP17: [&str; 1] = ["-std=c++17"];
const CPP17_WITHOUT_EXCEPTIONS: [&str; 2] = ["-std=c++17", "-fno-exceptions"];
const CPP20: [&str; 1] = ["-std=c++20"];

fn cpp<'a>(source: &'a str, options: &'a [&'a str]) -> Program<'a> {
    Program { source, extension: "cpp", compiler: "c++", options }
}

fn sockets(options: &[&str], watch: Watch) {
    let port = echo::start().port().to_string();
    run(cpp("tests/cpp/sockets", options), watch, &[port]);
}

/// A portal where somebody speaks all the time.
fn portal() -> Server {
    let server = Server::start_blocking(ServerConfig::default()).unwrap();
    let to = Audience::Room("room".into());
    let texts = TextBurst { to, prefix: "text ".into(), first: 0, count: 100_000, gap: 5 };
    server.send_texts(texts);
    server
}

fn conference(options: &[&str], watch: Watch) {
    programs::prepare(watch);
    let server = portal();
    let tokens = ["a", "b", "c", "d"].map(|user| server.mint_token("room", user, "presenter"));
    run(cpp("tests/cpp/conference", options), watch, &tokens);
}

fn coroutines(watch: Watch) {
    programs::prepare(watch);
    let server = portal();
    let token = server.mint_token("room", "user", "presenter");
    let port = echo::start().port().to_string();
    run(cpp("tests/cpp/coroutines", &CPP20), watch, &[port, token]);
}

#[test]
fn sockets_work() {
    sockets(&CPP17, Watch::None);
}

#[test]
fn sockets_work_without_exceptions() {
    sockets(&CPP17_WITHOUT_EXCEPTIONS, Watch::None);
}

#[test]
fn sockets_work_under_address_sanitizer() {
    sockets(&CPP17, Watch::Sanitizer);
}

#[test]
fn sockets_work_under_valgrind() {
    sockets(&CPP20, Watch::Valgrind);
}

#[test]
fn conferences_work() {
    conference(&CPP17, Watch::None);
}

#[test]
fn conferences_work_without_exceptions() {
    conference(&CPP17_WITHOUT_EXCEPTIONS, Watch::None);
}

#[test]
fn conferences_work_under_address_sanitizer() {
    conference(&CPP17, Watch::Sanitizer);
}

#[test]
fn conferences_work_under_valgrind() {
    conference(&CPP20, Watch::Valgrind);
}

#[test]
fn coroutines_await_outcomes_and_events() {
    coroutines(Watch::None);
}

#[test]
fn coroutines_await_outcomes_and_events_under_address_sanitizer() {
    coroutines(Watch::Sanitizer);
}

#[test]
fn coroutines_await_outcomes_and_events_under_valgrind() {
    coroutines(Watch::Valgrind);
}
