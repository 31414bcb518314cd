//! The programs that the pages show compile. Those in Rust are compiled by rustdoc, those in Swift and
//! Kotlin with the tests of their packages; those in Python run with theirs.

use std::path::Path;
use std::process::Command;

use crate::pages::{Page, Sample, all, guide, page, root};

/// The pages whose programs rustdoc compiles.
const DOCTESTS: &str = include_str!("../../src/lib.rs");

/// Programs that somebody compiles, and texts that nobody could.
const KINDS: [&str; 10] =
    ["c", "cpp", "rust", "python", "swift", "kotlin", "cmake", "sh", "jsonl", "text"];

/// Write a program to a file of its own.
pub fn write(page: &Page, sample: &Sample<'_>, extension: &str) -> std::path::PathBuf {
    let name = format!("{}-{}.{extension}", page.path.replace('/', "-"), sample.line);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, sample.text).unwrap();
    path
}

/// A compiler that finds the headers and forgives nothing.
pub fn compiler(name: &str, standard: &str) -> Command {
    let mut command = Command::new(name);
    command.args([standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]);
    command.arg(root().join("include"));
    command
}

pub fn succeed(mut command: Command) -> String {
    let output = command.output().expect("the compiler is installed, see .ci/prepare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Compile every program in a language; `standard` chooses its standard.
fn compile(language: &str, compiler_name: &str, standard: impl Fn(&str) -> &'static str) -> usize {
    let mut programs = 0;
    for page in all() {
        for sample in page.programs(language) {
            let mut command = compiler(compiler_name, standard(sample.text));
            command.arg("-fsyntax-only").arg(write(&page, &sample, language));
            succeed(command);
            programs += 1;
        }
    }
    programs
}

#[test]
fn the_c_programs_of_the_pages_compile() {
    assert!(compile("c", "cc", |_| "-std=c11") >= 5);
}

#[test]
fn the_cpp_programs_of_the_pages_compile() {
    let standard = |program: &str| {
        if program.contains("roamio_coro.hpp") { "-std=c++20" } else { "-std=c++17" }
    };
    assert!(compile("cpp", "c++", standard) >= 2);
}

#[test]
fn the_rust_programs_of_the_pages_are_doctests() {
    for page in guide().into_iter().chain([page("README.md")]) {
        let is_tested = DOCTESTS.contains(&format!("\"../{}\"", page.path));
        assert_eq!(!page.programs("rust").is_empty(), is_tested, "{}", page.path);
    }
}

/// A misspelt language would not be compiled.
#[test]
fn every_program_has_a_language_that_is_known() {
    for page in all() {
        for Sample { kind, line, .. } in page.samples() {
            let language = kind.split(',').next().unwrap_or_default();
            assert!(KINDS.contains(&language), "{}:{line}: {kind:?}", page.path);
        }
    }
}

#[test]
fn the_goals_of_make_that_the_pages_name_exist() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let mut goals = 0;
    for page in all() {
        let inside = page.text.split('`').skip(1).step_by(2).flat_map(str::lines);
        let calls = inside.filter_map(|line| line.trim().strip_prefix("make "));
        for goal in calls.flat_map(|call| call.split([' ', '#', ';']).next()) {
            assert!(makefile.contains(&format!("\n{goal}:")), "{}: make {goal}", page.path);
            goals += 1;
        }
    }
    assert!(goals >= 5);
}
