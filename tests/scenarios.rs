//! What an application sees is the same in every language: `tests/scenarios/NAME.json` is played by
//! a runner in each of them against a fresh embedded portal, and what it prints must be
//! `tests/scenarios/NAME.trace`.
//!
//! `ROAMIO_WRITE_TRACES=1` writes the traces as the Rust runner prints them.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "capi/programs.rs"]
#[allow(dead_code)]
mod programs;
#[path = "scenarios/runners.rs"]
mod runners;

use std::path::{Path, PathBuf};
use std::{env, fs};

use roamio_portal::{Server, ServerConfig};
use runners::{Program, Runner};
use serde::Deserialize;

/// What the harness needs to know of a scenario.
#[derive(Deserialize)]
struct Scenario {
    about: String,
    /// The words of the portal's command line.
    portal: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// The files with this extension, in the order of their names.
fn files(extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
    files.sort();
    files
}

/// Play every scenario with a runner, and tell of all that differ.
fn play(runner: &Runner) {
    let Some(program) = runner.build() else { return };
    let writes = runner.writes && env::var_os("ROAMIO_WRITE_TRACES").is_some();
    let scenarios = files("json");
    let differences: Vec<String> =
        scenarios.iter().filter_map(|scenario| play_one(&program, scenario, writes)).collect();
    assert!(differences.is_empty(), "{}:\n\n{}", runner.name, differences.join("\n"));
}

/// What is wrong, for people.
fn play_one(program: &Program, scenario: &Path, writes: bool) -> Option<String> {
    let text = fs::read_to_string(scenario).unwrap();
    let Scenario { about, portal } = serde_json::from_str(&text).unwrap();
    let portal = Server::start_blocking(ServerConfig::parse(portal).unwrap()).unwrap();
    let output = program.command(scenario, &portal.url()).output().unwrap();
    let trace = String::from_utf8_lossy(&output.stdout);
    let golden = scenario.with_extension("trace");
    if writes && output.status.success() {
        fs::write(&golden, trace.as_bytes()).unwrap();
    }
    let wanted = fs::read_to_string(&golden).unwrap_or_default();
    if output.status.success() && trace == wanted {
        return None;
    }
    let name = scenario.file_stem().unwrap().display();
    let said = String::from_utf8_lossy(&output.stderr);
    Some(format!("{name}: {about}\n{}\n{said}{}", output.status, diff(&wanted, &trace)))
}

/// Both texts between their first and their last difference, `-` what is wanted and `+` what is, in
/// the lines around them.
fn diff(wanted: &str, got: &str) -> String {
    let (wanted, got): (Vec<_>, Vec<_>) = (wanted.lines().collect(), got.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let head = same(&mut wanted.iter().zip(&got));
    let tail = same(&mut wanted[head..].iter().rev().zip(got[head..].iter().rev()));
    let middle = |lines: &[&str], mark| -> Vec<String> {
        lines[head..lines.len() - tail].iter().map(|line| format!("{mark} {line}")).collect()
    };
    let around =
        |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| format!("  {line}")).collect() };
    let parts = [
        around(&wanted[..head]),
        middle(&wanted, '-'),
        middle(&got, '+'),
        around(&wanted[wanted.len() - tail..]),
    ];
    parts.concat().join("\n") + "\n"
}

#[test]
fn rust_sees_the_traces() {
    play(&runners::RUST);
}

#[test]
fn c_sees_the_traces() {
    play(&runners::C);
}

#[test]
fn cpp_sees_the_traces() {
    play(&runners::CPP);
}

#[test]
fn python_sees_the_traces() {
    play(&runners::PYTHON);
}

#[test]
fn swift_sees_the_traces() {
    play(&runners::SWIFT);
}

#[test]
fn kotlin_sees_the_traces() {
    play(&runners::KOTLIN);
}

#[test]
fn every_scenario_has_a_trace_and_every_trace_a_scenario() {
    let names =
        |extension| files(extension).iter().map(|path| path.with_extension("")).collect::<Vec<_>>();
    assert_eq!(names("json"), names("trace"));
    assert!(!names("json").is_empty());
}

#[test]
fn a_difference_is_shown_in_its_place() {
    assert_eq!(diff("a\nb\nc\n", "a\nx\ny\nc\n"), "  a\n- b\n+ x\n+ y\n  c\n");
    assert_eq!(diff("", "a\n"), "+ a\n");
}
