//! The programs that play scenarios, one per language: how each is built.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A language.
pub(crate) struct Runner {
    pub(crate) name: &'static str,
    /// Its traces are those that the others must have.
    pub(crate) writes: bool,
    /// Builds the program, or says what is missing on this machine.
    build: fn() -> Result<Program, &'static str>,
}

/// The Rust API.
pub(crate) const RUST: Runner = Runner { name: "Rust", writes: true, build: rust };

/// What is called with a scenario and the portal's URL.
pub(crate) struct Program {
    words: Vec<PathBuf>,
}

impl Program {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

impl Runner {
    /// None: it cannot be built here, which `.ci/skip` tells loudly and counts.
    pub(crate) fn build(&self) -> Option<Program> {
        let missing = match (self.build)() {
            Ok(program) => return Some(program),
            Err(missing) => missing,
        };
        let what = format!("scenarios in {}", self.name);
        run(Command::new(root().join(".ci/skip")).arg(what).arg(missing));
        None
    }
}

fn rust() -> Result<Program, &'static str> {
    run(Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "scenario"]));
    Ok(Program { words: vec![target().join("debug/examples/scenario")] })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's folder for what it builds.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Run a program that has to succeed.
fn run(command: &mut Command) {
    let status = command.current_dir(root()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}
